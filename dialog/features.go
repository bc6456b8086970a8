package dialog

import (
	"cmp"
	_ "embed"
	"math"
	"slices"
	"strings"
)

// feature is one entry of a sparse vector.
type feature struct {
	at    int
	value float64
}

// vector is a sparse vector by rising index.
type vector []feature

func (v vector) dot(u vector) (sum float64) {
	for i, j := 0, 0; i < len(v) && j < len(u); {
		switch {
		case v[i].at < u[j].at:
			i++
		case v[i].at > u[j].at:
			j++
		default:
			sum += v[i].value * u[j].value
			i++
			j++
		}
	}
	return sum
}

// space turns sentences into vectors of length 1: words, pairs of neighbours and pieces of words, the rare weighing most.
type space struct {
	index   map[string]int
	weight  []float64 // by index: log of how rare
	unknown float64   // weight of a word never seen
}

// thesaurus has words of like meaning on a line: what callers of any company say in many ways.
//
//go:embed thesaurus.txt
var thesaurus string

// meanings maps a word, or words joined by spaces, to the lines of the thesaurus it stands on.
var meanings = readMeanings()

func readMeanings() map[string][]string {
	lines := map[string][]string{}
	for line := range strings.Lines(thesaurus) {
		head, _, _ := strings.Cut(line, ",")
		for phrase := range strings.SplitSeq(line, ",") {
			phrase = plain(phrase)
			lines[phrase] = append(lines[phrase], head)
		}
	}
	return lines
}

// groupShare is the share that each group of features has of a sentence's length: words, pairs of words, pieces of words,
// and meanings.
var groupShare = map[byte]float64{'w': 0.3, 'p': 0.1, 'c': 0.2, 'm': 0.4}

func newSpace(sentences []string) space {
	s := space{index: map[string]int{}}
	var seen []int
	for _, sentence := range sentences {
		for _, name := range sortedKeys(count(sentence)) {
			at, ok := s.index[name]
			if !ok {
				at = len(seen)
				s.index[name] = at
				seen = append(seen, 0)
			}
			seen[at]++
		}
	}
	n := float64(len(sentences))
	s.unknown = math.Log(1 + n)
	s.weight = make([]float64, len(seen))
	for at, times := range seen {
		s.weight[at] = math.Log(1 + n/float64(times))
	}
	return s
}

// count finds the features of a sentence: w:word, p:pair of words, c:piece, m:meaning.
func count(sentence string) map[string]float64 {
	found := map[string]float64{}
	last := ""
	for _, word := range strings.Fields(sentence) {
		found["w:"+stem(word)]++
		if last != "" {
			found["p:"+last+" "+stem(word)]++
		}
		last = stem(word)
		framed := "_" + word + "_"
		for size := 3; size <= 5; size++ {
			for i := 0; i+size <= len(framed); i++ {
				found["c:"+framed[i:i+size]]++
			}
		}
	}
	words := strings.Fields(sentence)
	for i := range words {
		for size := 1; size <= 4 && i+size <= len(words); size++ {
			for _, meaning := range meanings[strings.Join(words[i:i+size], " ")] {
				found["m:"+meaning] = 1
			}
		}
	}
	return found
}

// stem cuts endings off that change little: "deliveries" and "delivered" meet at "deliver".
func stem(word string) string {
	for _, ending := range []string{"ies", "ing", "ed", "es", "ly", "s", "y", "e"} {
		if cut, ok := strings.CutSuffix(word, ending); ok && len(cut) >= 3 && !(ending == "s" && strings.HasSuffix(cut, "s")) {
			return cut
		}
	}
	return word
}

// vector is the sentence in the space. What the examples never had makes it shorter, and so less like any of them.
func (s *space) vector(sentence string) vector {
	squares := map[byte]float64{}
	features := count(sentence)
	names := sortedKeys(features)
	for _, name := range names {
		value := s.weigh(name, features[name])
		squares[name[0]] += value * value
	}
	v := make(vector, 0, len(names))
	for _, name := range names {
		if at, ok := s.index[name]; ok {
			value := s.weigh(name, features[name]) * math.Sqrt(groupShare[name[0]]/squares[name[0]])
			v = append(v, feature{at, value})
		}
	}
	slices.SortFunc(v, func(a, b feature) int { return cmp.Compare(a.at, b.at) })
	return v
}

func (s *space) weigh(name string, times float64) float64 {
	if at, ok := s.index[name]; ok {
		return s.weight[at] * math.Sqrt(times)
	}
	return s.unknown * math.Sqrt(times)
}

// rarity is the weight of a word alone.
func (s *space) rarity(word string) float64 { return s.weigh("w:"+stem(word), 1) }
