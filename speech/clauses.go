package speech

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// abbreviations end in a full stop and end no sentence.
var abbreviations = wordSet("mr. mrs. ms. dr. st. no. e.g. i.e. etc. vs. ltd. co. approx. tel. dept.")

// sentences cuts text after each sentence.
func sentences(text string) (list []string) {
	text = strings.TrimSpace(text)
	start := 0
	for i, r := range text {
		if !strings.ContainsRune(".?!", r) {
			continue
		}
		end := i + utf8.RuneLen(r)
		if sentenceEnds(text[start:end], text[end:]) {
			list = append(list, strings.TrimSpace(text[start:end]))
			start = end
		}
	}
	if rest := strings.TrimSpace(text[start:]); rest != "" {
		list = append(list, rest)
	}
	return list
}

// sentenceEnds reports that before is whole: a space and something that can begin a sentence follows.
func sentenceEnds(before, after string) bool {
	next, _ := utf8.DecodeRuneInString(strings.TrimLeft(after, " \n\t"))
	if after == "" || !unicode.IsSpace(rune(after[0])) || next == utf8.RuneError || unicode.IsLower(next) {
		return false
	}
	last := before[strings.LastIndexFunc(before, unicode.IsSpace)+1:]
	return !abbreviations[strings.ToLower(last)] && strings.ContainsFunc(before, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// How a first clause is chosen, in bytes: long enough to sound like one, short enough to be spoken soon.
const (
	clauseLeast = 18
	clauseLong  = 60 // a shorter sentence is not cut
)

// firstClause cuts a long sentence at the first comma that leaves a clause of some length on both sides.
func firstClause(sentence string) (clause, rest string) {
	if len(sentence) <= clauseLong {
		return sentence, ""
	}
	for i, r := range sentence {
		if strings.ContainsRune(",;:", r) && i+1 >= clauseLeast && len(sentence)-i > clauseLeast && sentence[i+1] == ' ' {
			return sentence[:i+1], strings.TrimSpace(sentence[i+1:])
		}
	}
	return sentence, ""
}
