package transfer

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	small = [...]string{
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
		"thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	tens     = [...]string{2: "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
	ordinals = [...]string{
		"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
		"twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
		"twentieth",
	}
)

// number in words, from 0 to 99.
func number(n int) string {
	switch {
	case n < len(small):
		return small[n]
	case n%10 == 0:
		return tens[n/10]
	}
	return tens[n/10] + " " + small[n%10]
}

// ordinal in words, from 1 to 31.
func ordinal(n int) string {
	switch {
	case n < len(ordinals):
		return ordinals[n]
	case n == 30:
		return "thirtieth"
	}
	return tens[n/10] + " " + ordinals[n%10]
}

func notDigit(r rune) bool { return r < '0' || r > '9' }

// longNumber is the number of digits from which only the last four are spoken.
const longNumber = 9

// digitByDigit speaks a number as people dictate it; of a long one, a telephone number, its end.
func digitByDigit(digits string) string {
	words := []string{}
	if len(digits) >= longNumber {
		words, digits = append(words, "ending"), digits[len(digits)-4:]
	}
	for _, d := range digits {
		words = append(words, small[d-'0'])
	}
	return strings.Join(words, " ")
}

// spokenValue is what the caller gave us: a number digit by digit, a date as a day, all else as words.
func spokenValue(v string) string {
	if day, err := time.Parse(time.DateOnly, v); err == nil {
		return "the " + ordinal(day.Day()) + " of " + day.Month().String()
	}
	if strings.Trim(v, "0123456789 -+") == "" && strings.ContainsAny(v, "0123456789") {
		return digitByDigit(strings.Join(strings.FieldsFunc(v, notDigit), ""))
	}
	return speakable(v)
}

// speakable is text without what a voice would spell, stumble over or fall silent at: numbers up to 99 become words, longer
// ones digits, and of all else only letters and the marks of a sentence stay.
func speakable(text string) string {
	var b strings.Builder
	for text != "" {
		if n := len(text) - len(strings.TrimLeft(text, "0123456789")); n > 0 {
			b.WriteString(" " + spokenNumber(text[:n]) + " ")
			text = text[n:]
			continue
		}
		r, n := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError || !unicode.IsLetter(r) && !unicode.IsMark(r) && !strings.ContainsRune("',.?!", r) {
			r = ' '
		}
		b.WriteRune(r)
		text = text[n:]
	}
	return strings.NewReplacer(" ,", ",", " .", ".").Replace(strings.Join(strings.Fields(b.String()), " "))
}

func spokenNumber(digits string) string {
	if len(digits) > 2 || digits[0] == '0' {
		return digitByDigit(digits)
	}
	n := 0
	for _, d := range digits {
		n = 10*n + int(d-'0')
	}
	return number(n)
}
