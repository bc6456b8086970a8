package local

import (
	"slices"
	"strings"
	"unicode"
)

// Limits of what a person says. On what is not speech the recogniser makes up text that breaks them.
const (
	mostWordsPerSecond = 6.5 // fast talkers reach 5
	mostRepeats        = 4   // of a phrase of two to six words, one right after the other
	mostWordRepeats    = 6   // of one word: "no, no, no, no"
	longestPhrase      = 6
)

// madeUp reports that text cannot be what was said in the time: no words at all, too many, or a loop.
func madeUp(text string, seconds float64) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\''
	})
	return len(words) == 0 || float64(len(words)) > 2+mostWordsPerSecond*seconds || loops(words)
}

func loops(words []string) bool {
	for n := 1; n <= longestPhrase; n++ {
		most := mostRepeats
		if n == 1 {
			most = mostWordRepeats
		}
		repeats := 1
		for i := n; i+n <= len(words); {
			if slices.Equal(words[i-n:i], words[i:i+n]) {
				repeats++
				i += n
			} else {
				repeats = 1
				i++
			}
			if repeats > most {
				return true
			}
		}
	}
	return false
}
