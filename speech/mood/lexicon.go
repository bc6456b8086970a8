package mood

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

//go:embed data/anger.txt
var angerText string

// angerWords is the embedded lexicon, read once. A mistake in it is ours, found by any test.
var angerWords = sync.OnceValue(func() lexicon {
	l, err := parseLexicon(angerText)
	if err != nil {
		panic("mood: data/anger.txt: " + err.Error())
	}
	return l
})

// lexicon is weighted phrases.
type lexicon []phrase

type phrase struct {
	weight float64
	words  [][]string // the choices for each word
}

// parseLexicon reads lines of a weight and a phrase; # begins a comment.
func parseLexicon(text string) (lexicon, error) {
	var l lexicon
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		weight, err := strconv.ParseFloat(fields[0], 64)
		if err != nil || weight < 0 || weight >= 1 || len(fields) < 2 {
			return nil, fmt.Errorf("line %d: want a weight from 0 to 1 and a phrase", number)
		}
		p := phrase{weight: weight}
		for _, word := range fields[1:] {
			p.words = append(p.words, strings.Split(word, "|"))
		}
		l = append(l, p)
	}
	return l, nil
}

// finding is a phrase found in an utterance.
type finding struct {
	weight float64
	said   string
}

// find returns the phrases of an utterance that count: the longest at each place, none twice, none that is negated.
func (l lexicon) find(text string) (found []finding) {
	words := spokenWords(text)
	seen := map[string]bool{}
	for i := 0; i < len(words); {
		best := l.longestAt(words[i:])
		if best == nil {
			i++
			continue
		}
		said := strings.Join(words[i:i+len(best.words)], " ")
		if best.weight > 0 && !seen[said] && (negators[words[i]] || !negated(words[:i])) {
			found = append(found, finding{weight: best.weight, said: said})
			seen[said] = true
		}
		i += len(best.words)
	}
	return found
}

func (l lexicon) longestAt(words []string) (best *phrase) {
	for i := range l {
		p := &l[i]
		longer := best == nil || len(p.words) > len(best.words) || len(p.words) == len(best.words) && p.weight > best.weight
		if longer && p.begins(words) {
			best = p
		}
	}
	return best
}

func (p *phrase) begins(words []string) bool {
	if len(p.words) > len(words) {
		return false
	}
	for i, choices := range p.words {
		if !fits(choices, words[i]) {
			return false
		}
	}
	return true
}

func fits(choices []string, word string) bool {
	for _, c := range choices {
		stem, open := strings.CutSuffix(c, "*")
		if c == "_" || c == word || open && strings.HasPrefix(word, stem) {
			return true
		}
	}
	return false
}

var negators = map[string]bool{"not": true, "never": true, "no": true, "without": true, "nothing": true, "hardly": true}

// reach is how many words behind a "not" are negated: "not very angry", "no reason to complain".
const reach = 3

func negated(before []string) bool {
	for _, word := range before[max(0, len(before)-reach):] {
		if negators[word] {
			return true
		}
	}
	return false
}

// contractions are written out, so that "isn't" negates like "is not".
var contractions = strings.NewReplacer("won't", "will not", "can't", "can not", "cannot", "can not", "n't", " not", "'m", " am",
	"'re", " are", "'ve", " have", "'ll", " will")

// spokenWords are the words of an utterance in small letters, without punctuation.
func spokenWords(text string) []string {
	text = contractions.Replace(strings.ReplaceAll(strings.ToLower(text), "’", "'"))
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' })
}
