package dialog

import (
	"slices"
	"strings"
)

// answer to a yes-no question.
type answer int

const (
	unclear answer = iota
	yes
	no
)

var (
	yesPhrases = []string{"yes", "yeah", "yep", "yup", "yah", "ya", "yea", "aye", "correct", "that is right", "right", "sure", "ok", "okay", "fine",
		"please do", "go ahead", "absolutely", "of course", "exactly", "it is", "definitely", "certainly", "perfect", "great", "good", "lovely",
		"spot on", "uh huh", "mm hm", "mhm", "mm hmm", "indeed", "affirmative", "please", "do it", "sounds good", "that works",
		"that is it", "you got it", "true", "by all means", "why not", "no problem", "yes please", "brilliant", "i do", "i would", "it does",
		"that would be great", "bang on", "go for it", "that is fine", "right you are", "that is the one"}
	noPhrases = []string{"no", "nope", "nah", "not", "wrong", "incorrect", "never", "negative", "do not", "no way", "not really", "no thanks",
		"no thank you", "that is not right", "not correct", "not right", "not quite", "it is not", "is not", "not that", "false", "i do not",
		"no it is not", "nay", "neither", "absolutely not", "definitely not", "certainly not", "of course not", "not at all", "rather not",
		"none"} // what a recogniser writes for a short "no"
	// filler says nothing either way.
	filler = map[string]bool{"um": true, "uh": true, "er": true, "erm": true, "well": true, "oh": true, "so": true, "please": true, "thanks": true,
		"thank": true, "you": true, "i": true, "think": true, "that": true, "is": true, "it": true, "the": true, "a": true, "just": true,
		"actually": true, "love": true, "mate": true, "sir": true, "madam": true, "quite": true, "would": true, "be": true, "to": true, "do": true,
		"want": true, "very": true, "much": true, "for": true, "me": true, "this": true, "and": true, "like": true, "thing": true, "sorry": true,
		"all": true, "now": true, "then": true, "really": true, "one": true, "my": true, "said": true, "mean": true, "but": true}
)

// heardYesNo reads a yes or a no at the head of an utterance, and what was said beside it: of "no, Thursday" the rest
// is "thursday". A long sentence with neither at its head is unclear.
func heardYesNo(utterance string) (a answer, rest string) {
	words := tokens(utterance)
	if len(words) > 0 && words[0] == "know" { // nobody begins an answer with it
		words[0] = "no"
	}
	for len(words) > 0 && filler[words[0]] && !startsWithAny(words, yesPhrases, noPhrases) {
		words = words[1:]
	}
	said := strings.Join(words, " ")
	longestNo, longestYes := longestHead(said, noPhrases), longestHead(said, yesPhrases)
	switch {
	case longestNo == "" && longestYes == "":
		return buriedAnswer(words)
	case len(longestYes) > len(longestNo):
		a, rest = yes, strings.TrimSpace(said[len(longestYes):])
	default:
		a, rest = no, strings.TrimSpace(said[len(longestNo):])
	}
	if rest == "" {
		return a, ""
	}
	switch again, more := heardYesNo(rest); {
	case more != "":
	case again == no && longestYes != "no problem": // "right, no"
		return no, ""
	case again == a: // "sure, go ahead"
		return a, ""
	}
	return a, meaningful(rest)
}

// buriedAnswer looks for a yes or no further on in a short utterance: "I think that would be fine".
func buriedAnswer(words []string) (answer, string) {
	if len(words) > 7 {
		return unclear, strings.Join(words, " ")
	}
	said := strings.Join(words, " ")
	for _, phrase := range noPhrases {
		if hasPhrase(said, phrase) {
			return no, meaningful(without(said, phrase))
		}
	}
	for _, phrase := range yesPhrases {
		if phrase != "please" && phrase != "good" && phrase != "right" && hasPhrase(said, phrase) && meaningful(without(said, phrase)) == "" {
			return yes, ""
		}
	}
	return unclear, said
}

func startsWithAny(words []string, lists ...[]string) bool {
	said := strings.Join(words, " ")
	return slices.ContainsFunc(lists, func(list []string) bool { return longestHead(said, list) != "" })
}

func longestHead(said string, phrases []string) string {
	best := ""
	for _, phrase := range phrases {
		if len(phrase) > len(best) && strings.HasPrefix(said+" ", phrase+" ") {
			best = phrase
		}
	}
	return best
}

// meaningful is rest unless it holds only filler and further yes or no words.
func meaningful(rest string) string {
	for _, word := range strings.Fields(rest) {
		if !filler[word] && !slices.Contains(yesPhrases, word) && !slices.Contains(noPhrases, word) {
			return rest
		}
	}
	return ""
}
