package testaudio

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Says reports whether a fragment was said in what a recogniser heard. Case and punctuation do not matter; numbers are the
// same in digits and in words, and must be exact; of the words a fifth may be misheard.
func Says(heard, fragment string) bool {
	said, want := wordsOf(heard), wordsOf(fragment)
	if len(want) == 0 {
		return true
	}
	weight := 0.0
	for _, w := range want {
		weight += w.weight()
	}
	return distance(said, want) <= tolerance*max(weight, 1)
}

// tolerance is the share of a fragment's words that may be wrong.
const tolerance = 0.2

// word is one token to compare. A number is a word a digit, so that "4512" and "four five one two" are the same.
type word struct {
	text  string
	digit bool
	glued bool // goes on with the number before
}

// weight is what leaving it out costs: little words are what recognisers lose.
func (w word) weight() float64 {
	switch w.text {
	case "a", "an", "the", "of", "and", "to", "is", "th", "i", "it", "in", "on", "at":
		return 0.3
	}
	return 1
}

// impossible is more than any fragment may cost.
const impossible = 1e6

// distance is what it costs at least to turn some part of said into want: words misheard, left out, put in.
func distance(said, want []word) float64 {
	row := make([]float64, len(said)+1) // row[j]: cost of want[:i] ending at said[:j]
	for j, w := range said {
		if w.glued { // no part of said begins inside a number
			row[j] = impossible
		}
	}
	for _, w := range want {
		next := make([]float64, len(row))
		next[0] = row[0] + leftOut(w)
		for j, s := range said {
			next[j+1] = min(row[j]+misheard(s, w), row[j+1]+leftOut(w), next[j]+putIn(s))
		}
		row = next
	}
	best := float64(impossible)
	for j, cost := range row {
		if j == len(said) || !said[j].glued { // nor ends there
			best = min(best, cost)
		}
	}
	return best
}

func leftOut(w word) float64 {
	if w.digit {
		return impossible
	}
	return w.weight()
}

func putIn(w word) float64 {
	if w.digit {
		return impossible
	}
	return 0.5 * w.weight()
}

func misheard(said, want word) float64 {
	switch {
	case said.text == want.text:
		return 0
	case said.digit || want.digit:
		return impossible
	}
	longer := max(len(said.text), len(want.text))
	share := float64(edits(said.text, want.text)) / float64(longer)
	if share > 0.5 {
		return 1
	}
	return share * want.weight()
}

// edits is the number of letters to change, add or remove.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

var (
	money     = regexp.MustCompile(`[£$€](\d+)(?:\.(\d\d))?`)
	grouped   = regexp.MustCompile(`(\d),(\d{3})\b`)
	fullHour  = regexp.MustCompile(`\b(\d\d?):00\b|\bo'?clock\b`)
	ordinal   = regexp.MustCompile(`(\d)(?:st|nd|rd|th)\b`)
	decimal   = regexp.MustCompile(`(\d)\.(\d)`)
	apart     = regexp.MustCompile(`(\d)([a-z])|([a-z])(\d)`)
	farewell  = regexp.MustCompile(`\bgood[ -]?bye?\b`)
	notLetter = regexp.MustCompile(`[^\p{L}\p{N}]+`)
)

// wordsOf brings what a person writes and what a recogniser writes to the same form.
func wordsOf(text string) []word {
	s := farewell.ReplaceAllString(strings.ToLower(text), "goodbye")
	s = grouped.ReplaceAllString(s, "$1$2")
	s = money.ReplaceAllString(s, " $1 pounds $2 ")
	s = fullHour.ReplaceAllString(s, "$1 ")
	s = ordinal.ReplaceAllString(s, "$1 th ")
	s = decimal.ReplaceAllString(s, "$1 point $2")
	s = apart.ReplaceAllString(s, "$1$3 $2$4")
	s = strings.NewReplacer("'", "", "’", "", "p.m", "pm", "a.m", "am", "%", " percent ").Replace(s)
	tokens := strings.Fields(notLetter.ReplaceAllString(s, " "))
	var out []word
	for len(tokens) > 0 {
		n, number, isOrdinal := readNumber(tokens, len(out) > 0 && out[len(out)-1].digit)
		if n == 0 {
			out = append(out, word{text: tokens[0]})
			tokens = tokens[1:]
			continue
		}
		for i, d := range number {
			out = append(out, word{text: string(d), digit: true, glued: i > 0})
		}
		if isOrdinal {
			out = append(out, word{text: "th"})
		}
		tokens = tokens[n:]
	}
	return out
}

// readNumber reads one number from the beginning of tokens and returns how many tokens it took, 0 for none, and its digits.
func readNumber(tokens []string, afterDigit bool) (taken int, digits string, isOrdinal bool) {
	first, next := tokens[0], ""
	if len(tokens) > 1 {
		next = tokens[1]
	}
	nextDigit, nextIsUnit := unit(next)
	switch {
	case strings.Trim(first, "0123456789") == "" && !isScale(next):
		return 1, first, false // as it stands, with its leading zeros
	case first == "double" && nextIsUnit:
		return 2, strings.Repeat(nextDigit, 2), false
	case first == "triple" && nextIsUnit:
		return 2, strings.Repeat(nextDigit, 3), false
	case (first == "oh" || first == "o") && afterDigit, first == "oh" && nextIsUnit:
		return 1, "0", false
	}
	value, taken, isOrdinal := upToThousands(tokens)
	if taken == 0 {
		return 0, "", false
	}
	return taken, strconv.Itoa(value), isOrdinal
}

// upToThousands reads "four thousand five hundred and twelve".
func upToThousands(tokens []string) (value, taken int, isOrdinal bool) {
	value, taken, isOrdinal = upToHundreds(tokens)
	if taken == 0 || isOrdinal || taken == len(tokens) || tokens[taken] != "thousand" {
		return value, taken, isOrdinal
	}
	value, taken = 1000*value, taken+1
	rest, n, isOrdinal := upToHundreds(skipAnd(tokens[taken:]))
	if n == 0 {
		return value, taken, false
	}
	return value + rest, len(tokens) - len(skipAnd(tokens[taken:])) + n, isOrdinal
}

// upToHundreds reads "five hundred and twelve".
func upToHundreds(tokens []string) (value, taken int, isOrdinal bool) {
	value, taken, isOrdinal = upToTens(tokens)
	if taken == 0 && len(tokens) > 1 && tokens[0] == "a" && isScale(tokens[1]) {
		value, taken = 1, 1
	}
	if taken == 0 || isOrdinal || taken == len(tokens) || tokens[taken] != "hundred" {
		return value, taken, isOrdinal
	}
	value, taken = 100*value, taken+1
	rest, n, isOrdinal := upToTens(skipAnd(tokens[taken:]))
	if n == 0 {
		return value, taken, false
	}
	return value + rest, len(tokens) - len(skipAnd(tokens[taken:])) + n, isOrdinal
}

// upToTens reads "twelve" and "twenty five".
func upToTens(tokens []string) (value, taken int, isOrdinal bool) {
	if len(tokens) == 0 {
		return 0, 0, false
	}
	value, isOrdinal, ok := small(tokens[0])
	if !ok {
		return 0, 0, false
	}
	if value >= 20 && value < 100 && value%10 == 0 && !isOrdinal && len(tokens) > 1 {
		if units, ordinal, ok := small(tokens[1]); ok && units > 0 && units < 10 {
			return value + units, 2, ordinal
		}
	}
	return value, 1, isOrdinal
}

func skipAnd(tokens []string) []string {
	if len(tokens) > 1 && tokens[0] == "and" {
		return tokens[1:]
	}
	return tokens
}

func isScale(t string) bool { return t == "hundred" || t == "thousand" }

var (
	unitWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
		"thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"}
	tenWords     = []string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
	ordinalWords = []string{"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
		"twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth"}
)

// small is a number below 1,000 that one token says.
func small(t string) (value int, isOrdinal, ok bool) {
	if i := slices.Index(unitWords, t); i >= 0 {
		return i, false, true
	}
	if i := slices.Index(tenWords[2:], t); i >= 0 {
		return 10 * (i + 2), false, true
	}
	if i := slices.Index(ordinalWords[1:], t); i >= 0 {
		return i + 1, true, true
	}
	if t == "thirtieth" {
		return 30, true, true
	}
	if n, err := strconv.Atoi(t); err == nil && n >= 0 && n < 1000 {
		return n, false, true
	}
	return 0, false, false
}

// unit is one digit, in digits or in words.
func unit(t string) (digit string, ok bool) {
	n, ord, ok := small(t)
	if !ok || ord || n > 9 {
		return "", false
	}
	return strconv.Itoa(n), true
}
