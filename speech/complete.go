package speech

import (
	"strings"
	"unicode"
)

// Completeness is how finished a sentence looks.
type Completeness int

const (
	Unknown  Completeness = iota // no words yet
	Open                         // goes on: a trailing "and", "um", comma
	Neutral                      // could go either way
	Complete                     // a full sentence, or all that was asked for
	Settled                      // nothing is missing for the talk to go on
)

// trailing words are never the last of a sentence that is finished: who stops there is thinking.
var trailing = wordSet(`and or but so because if then when while that which who whose the a an my your his her our their its
	this these those to for from with without of in on at by about into onto as is am are was were be been i'm i'll i'd i've it's
	there's that's um uh er erm eh hmm like well very not can could would will should may might must do does did have has had
	parcel's is's i he she we they between than until since before after whether`)

// completeAlone are single words that are a whole answer although they look like the end of something longer.
var completeAlone = wordSet(`yes no yeah nope yep ok okay sure correct right wrong help hello agent operator thanks`)

// answers are what a yes-or-no question is answered with.
var answers = wordSet(`yes no yeah nope yep yup nah ok okay sure correct right wrong exactly absolutely please thanks`)

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// CompletenessOf judges what a recogniser made of an utterance so far. It writes punctuation as it hears it, also an optimistic
// full stop; words and the question asked weigh more.
func CompletenessOf(text string, expect Expect) Completeness {
	text = strings.TrimSpace(text)
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",.?!;:", r)
	})
	if len(words) == 0 {
		return Unknown
	}
	last, ending := words[len(words)-1], text[len(text)-1]
	switch expect {
	case ExpectDigits:
		return digitsCompleteness(text, last)
	case ExpectYesNo:
		if len(words) <= 3 && (answers[words[0]] || answers[last]) && ending != ',' {
			return Complete
		}
	}
	switch {
	case len(words) == 1 && completeAlone[last] && ending != ',':
		return Complete
	case strings.HasSuffix(text, "...") || strings.ContainsRune(",-:;", rune(ending)) || trailing[last] && ending != '?':
		return Open
	case ending == '?' || ending == '!' || ending == '.' && len(words) >= 2:
		return Complete
	}
	return Neutral
}

// enoughDigits is the least that identifiers have.
const enoughDigits = 4

// digitsCompleteness: a dictated number is spoken in groups with pauses as long as those between sentences. It is never taken
// for complete, only for long enough to wait less.
func digitsCompleteness(text, last string) Completeness {
	digits := 0
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	switch {
	case digits >= enoughDigits:
		return Neutral
	case digits == 0 && !trailing[last] && !numberWord[last]:
		return Complete // not a number: "I don't have it"
	}
	return Open
}

var numberWord = wordSet(`zero oh one two three four five six seven eight nine ten double triple`)
