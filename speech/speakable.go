package speech

import (
	"regexp"
	"strings"
	"unicode"
)

// symbolWords are symbols that have a name in speech; what is neither here nor a letter, digit or punctuation is dropped.
var symbolWords = map[rune]string{'&': " and ", '+': " plus ", '@': " at ", '%': " percent ", '=': " equals ", '°': " degrees "}

var (
	money = regexp.MustCompile(`([£$€])\s?(\d+)(?:\.(\d\d))?\b`)
	coin  = map[string][2]string{"£": {"pounds", "pound"}, "$": {"dollars", "dollar"}, "€": {"euros", "euro"}}
	// code is an identifier of letters and digits, or of more digits than a year has: it is read sign by sign.
	code   = regexp.MustCompile(`\b(?:[A-Z]+\d[A-Z0-9]*|\d+[A-Z][A-Z0-9]*|\d{5,})\b`)
	spaces = regexp.MustCompile(`\s+`)
	unsaid = regexp.MustCompile(`\s+([,.!?;:])`)
)

// Speakable is text as a voice can read it: money in words, identifiers sign by sign, symbols named or dropped. Prompts are
// written out by those who compose them; this only keeps what slipped through from being read as gibberish.
func Speakable(text string) string {
	text = money.ReplaceAllStringFunc(text, moneyWords)
	var b strings.Builder
	for _, r := range text {
		switch word, named := symbolWords[r]; {
		case named:
			b.WriteString(word)
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r) || strings.ContainsRune(".,!?;:'’-", r):
			b.WriteRune(r)
		default:
			b.WriteByte(' ')
		}
	}
	text = code.ReplaceAllStringFunc(b.String(), func(id string) string { return strings.Join(strings.Split(id, ""), " ") })
	text = strings.TrimSpace(unsaid.ReplaceAllString(spaces.ReplaceAllString(text, " "), "$1"))
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) {
		return ""
	}
	return text
}

func moneyWords(amount string) string {
	m := money.FindStringSubmatch(amount)
	name := coin[m[1]][0]
	if m[2] == "1" {
		name = coin[m[1]][1]
	}
	words := m[2] + " " + name
	if cents := strings.TrimLeft(m[3], "0"); cents != "" {
		words += " " + cents
	}
	return words
}
