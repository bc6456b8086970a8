package records

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a number, in digits or words, or a word that is none.
type token struct {
	digits     string // "" a word
	start, end int    // in the text
}

// tokens splits text; separators, and words that people say between digits, are left out.
func tokens(text string) (all []token) {
	s := &scanner{text: text}
	for s.next() {
		at, w := s.start, s.word
		switch {
		case fillers[w]:
		case isDigits(w):
			all = append(all, token{w, at, s.end})
		case repeats[w] > 0:
			all = append(all, s.repeated(at, repeats[w]))
		case units[w] != "":
			all = append(all, token{units[w], at, s.end})
		case decades[w] != "":
			all = append(all, s.decade(at, decades[w]))
		case powers[w] != "" && len(all) > 0 && all[len(all)-1].digits != "":
			all = append(all, token{powers[w], at, s.end})
		default:
			all = append(all, token{"", at, s.end})
		}
	}
	return all
}

var (
	units = map[string]string{
		"zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "nil": "0", "one": "1", "two": "2", "three": "3",
		"four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11",
		"twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15", "sixteen": "16", "seventeen": "17",
		"eighteen": "18", "nineteen": "19",
		"won": "1", "to": "2", "too": "2", "for": "4", "ate": "8", // as recognisers write them
	}
	decades = map[string]string{
		"twenty": "2", "thirty": "3", "forty": "4", "fourty": "4", "fifty": "5", "sixty": "6", "seventy": "7", "eighty": "8",
		"ninety": "9",
	}
	powers  = map[string]string{"hundred": "00", "thousand": "000"} // after a number
	repeats = map[string]int{"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
	fillers = map[string]bool{
		"um": true, "uh": true, "er": true, "erm": true, "and": true, "then": true, "dash": true, "hyphen": true, "space": true,
		"keys": true,
	}
)

func isDigits(w string) bool { return w != "" && strings.Trim(w, "0123456789") == "" }

// scanner walks over the words and numbers of a text.
type scanner struct {
	text       string
	start, end int    // of word
	word       string // lower case
}

func (s *scanner) next() bool {
	s.start = s.end
	for s.start < len(s.text) {
		r, n := utf8.DecodeRuneInString(s.text[s.start:])
		if class(r) != separator {
			break
		}
		s.start += n
	}
	s.end = s.start
	if s.start == len(s.text) {
		return false
	}
	first, _ := utf8.DecodeRuneInString(s.text[s.start:])
	for s.end < len(s.text) {
		r, n := utf8.DecodeRuneInString(s.text[s.end:])
		if class(r) != class(first) {
			break
		}
		s.end += n
	}
	s.word = strings.ToLower(s.text[s.start:s.end])
	return true
}

const (
	separator = iota
	letter
	numeral
)

func class(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return numeral
	case unicode.IsLetter(r) || r == '\'':
		return letter
	}
	return separator
}

// repeated reads what comes after "double"; it is a word when that is no single digit.
func (s *scanner) repeated(at, times int) token {
	ahead := *s
	if ahead.next() {
		d := ahead.word
		if u := units[d]; u != "" {
			d = u
		}
		if len(d) == 1 && isDigits(d) {
			*s = ahead
			return token{strings.Repeat(d, times), at, s.end}
		}
	}
	return token{"", at, s.end}
}

// decade reads "forty" or "forty one".
func (s *scanner) decade(at int, tens string) token {
	ahead := *s
	if ahead.next() {
		if u := units[ahead.word]; len(u) == 1 && u != "0" {
			*s = ahead
			return token{tens + u, at, s.end}
		}
	}
	return token{tens + "0", at, s.end}
}
