package dialog

import (
	"regexp"
	"strings"
)

// contractions are written out so that "what's" and "what is" are the same words.
var contractions = strings.NewReplacer(
	"’", "'", "‘", "'", "won't", "will not", "can't", "can not", "cannot", "can not", "shan't", "shall not", "n't ", " not ",
	"let's", "let us", "'re ", " are ", "'ve ", " have ", "'ll ", " will ", "i'd ", "i would ", "i'm ", "i am ",
	"what's ", "what is ", "where's ", "where is ", "that's ", "that is ", "it's ", "it is ", "there's ", "there is ", "who's ", "who is ",
	"how's ", "how is ", "when's ", "when is ", "gonna ", "going to ", "wanna ", "want to ", "gotta ", "got to ", "lemme ", "let me ",
	"dunno ", "do not know ",
)

var (
	groupedNumber = regexp.MustCompile(`\b(\d{1,3}),(\d{3})\b`)
	notWord       = regexp.MustCompile(`[^\p{L}\p{N}']+`)
	apostrophes   = regexp.MustCompile(`(^|\s)'+|'+(\s|$)`)
)

// tokens returns the words of an utterance: lower case, without punctuation, contractions written out, "4,512" as "4512".
func tokens(utterance string) []string {
	s := contractions.Replace(strings.ToLower(utterance) + " ")
	s = groupedNumber.ReplaceAllString(s, "$1$2")
	s = notWord.ReplaceAllString(s, " ")
	s = contractions.Replace(s)
	s = apostrophes.ReplaceAllString(s, " ")
	return strings.Fields(s)
}

// plain is the utterance as its tokens joined by single spaces.
func plain(utterance string) string { return strings.Join(tokens(utterance), " ") }

// hasPhrase says whether the words of phrase follow each other in said, both as from [plain].
func hasPhrase(said, phrase string) bool {
	return phrase != "" && strings.Contains(" "+said+" ", " "+phrase+" ")
}

// without takes one phrase out of said.
func without(said, phrase string) string {
	return strings.Join(strings.Fields(strings.Replace(" "+said+" ", " "+phrase+" ", " ", 1)), " ")
}
