package understand

import "strings"

// spoken are numbers and letters that a recogniser writes in short, as the words it might have written.
var spoken = map[string]string{"0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven",
	"8": "eight", "9": "nine", "10": "ten", "u": "you", "r": "are", "y": "why"}

// soundRules rewrite a spelling towards its sound, the first that fits at each place. "^" stands before the word and "$" after it.
var soundRules = []struct{ spelt, heard string }{
	{"^kn", "n"}, {"^gn", "n"}, {"^pn", "n"}, {"^wr", "r"}, {"^ps", "s"}, {"^whol", "hl"}, {"^wh", "w"}, {"^x", "s"}, {"mb$", "m"}, {"ough", ""}, {"augh", ""},
	{"eigh", ""}, {"igh", ""}, {"gh", "g"}, {"tch", "C"}, {"sch", "sk"}, {"ch", "C"}, {"sh", "S"}, {"tion", "Sn"}, {"sion", "Sn"}, {"cian", "Sn"},
	{"cia", "S"}, {"tia", "S"}, {"th", "T"}, {"ph", "f"}, {"ck", "k"}, {"cq", "k"}, {"dge", "j"}, {"dg", "j"}, {"sce", "s"}, {"sci", "s"},
	{"ce", "s"}, {"ci", "s"}, {"cy", "s"}, {"ge", "j"}, {"gi", "j"}, {"gy", "j"}, {"c", "k"}, {"q", "k"}, {"x", "ks"}, {"z", "s"}, {"v", "f"},
}

// sound is what is left of a word when what a recogniser mixes up is taken from it: how a sound is spelt, vowels, doubled letters.
// "for" and "four", "their" and "there", "wait" and "weight" are the same. A word of vowels alone is its first letter.
func sound(word string) string {
	if full, ok := spoken[word]; ok {
		word = full
	}
	framed := "^" + word + "$"
	var b strings.Builder
	last := byte(0)
	for at := 0; at < len(framed); {
		heard, used := framed[at:at+1], 1
		for _, rule := range soundRules {
			if strings.HasPrefix(framed[at:], rule.spelt) {
				heard, used = rule.heard, len(rule.spelt)
				break
			}
		}
		first := at <= 1 && b.Len() == 0
		at += used
		for _, c := range []byte(heard) {
			switch {
			case c == '^' || c == '$' || c == '\'':
				continue
			case strings.IndexByte("aeiouy", c) >= 0:
				if c = 'a'; !first {
					last = c
					continue
				}
			case (c == 'h' || c == 'w') && !first:
				last = c
				continue
			}
			if c != last {
				b.WriteByte(c)
			}
			last = c
		}
	}
	return b.String()
}
