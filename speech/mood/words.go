package mood

import (
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/words.tsv
var wordsText string

// shippedWords is the embedded regression on words, read once. A mistake in it is ours, found by any test.
var shippedWords = sync.OnceValue(func() *Words {
	w, err := ParseWords(wordsText)
	if err != nil {
		panic("mood: data/words.tsv: " + err.Error())
	}
	return w
})

// Words is a regression on the words of an utterance, one to three in a row, and on pieces of words, which forgive what a
// recogniser mishears.
type Words struct {
	Bias    float64
	Weights map[string]float64 // by gram; a piece of a word begins with #
}

// score is the log-odds that words are angry rather than neutral or glad.
func (w *Words) score(text string) float64 {
	found := grams(text)
	sum := 0.0
	for _, g := range found {
		sum += w.Weights[g]
	}
	return w.Bias + sum/math.Sqrt(float64(max(len(found), 1)))
}

// grams are the features of a text, each once, in order.
func grams(text string) []string {
	words := spokenWords(text)
	var all []string
	for i, word := range words {
		all = append(all, word)
		for n := 1; n <= 2 && i >= n; n++ {
			all = append(all, strings.Join(words[i-n:i+1], " "))
		}
		if len(word) < 4 {
			continue
		}
		letters := []rune("^" + word + "$")
		for n := 3; n <= 5; n++ {
			for at := 0; at+n <= len(letters); at++ {
				all = append(all, "#"+string(letters[at:at+n]))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ParseWords reads lines of a weight, a tab and a gram; the line "bias" has none. # at the beginning of a line is a comment.
func ParseWords(text string) (*Words, error) {
	w := &Words{Weights: map[string]float64{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		weight, gram, ok := strings.Cut(line, "\t")
		v, err := strconv.ParseFloat(weight, 64)
		switch {
		case err != nil || !ok || math.IsNaN(v) || math.IsInf(v, 0):
			return nil, fmt.Errorf("line %d: want a weight, a tab and a word", number)
		case gram == "bias":
			w.Bias = v
		default:
			w.Weights[gram] = v
		}
	}
	return w, nil
}

// String is what [ParseWords] reads, the heaviest first.
func (w *Words) String() string {
	order := make([]string, 0, len(w.Weights))
	for g := range w.Weights {
		order = append(order, g)
	}
	slices.SortFunc(order, func(a, b string) int {
		if x, y := w.Weights[a], w.Weights[b]; x != y {
			return int(math.Copysign(1, y-x))
		}
		return strings.Compare(a, b)
	})
	var b strings.Builder
	fmt.Fprintf(&b, "%.3f\tbias\n", w.Bias)
	for _, g := range order {
		fmt.Fprintf(&b, "%.3f\t%s\n", w.Weights[g], g)
	}
	return b.String()
}

// Text is one labelled sentence.
type Text struct {
	Text  string
	Anger float64 // 1 angry, 0 calm, between: how much it tends to anger
}

// How the words are learnt: a few passes of AdaGrad, and only what weighs is kept.
const (
	wordPasses   = 2
	wordStep     = 0.5
	wordPenalty  = 1e-5
	wordLeast    = 3     // times that a gram must have been seen
	wordsKept    = 10000 // grams
	angryWeighs  = 4.0   // anger is rare in talk
	tendingWeigh = 1.5
)

// TrainWords fits the regression on words. The same texts in the same order give the same weights.
func TrainWords(texts []Text) *Words {
	index, rows := wordRows(texts)
	weights, squares := make([]float64, len(index)), make([]float64, len(index))
	bias := 0.0
	order := rand.New(rand.NewPCG(1, 2))
	for range wordPasses {
		for _, i := range order.Perm(len(texts)) {
			row, target := rows[i], texts[i].Anger
			z := bias
			for _, at := range row.at {
				z += weights[at] * row.value
			}
			off := weighs(target) * (sigmoid(z) - target)
			for _, at := range row.at {
				g := off*row.value + wordPenalty*weights[at]
				squares[at] += g * g
				weights[at] -= wordStep * g / (math.Sqrt(squares[at]) + 1)
			}
			bias -= 0.01 * off
		}
	}
	return heaviest(index, weights, bias)
}

func weighs(anger float64) float64 {
	switch {
	case anger >= 1:
		return angryWeighs
	case anger > 0:
		return tendingWeigh
	}
	return 1
}

// wordRow is one text by the numbers of its grams; each has the same value.
type wordRow struct {
	at    []int
	value float64
}

func wordRows(texts []Text) (index map[string]int, rows []wordRow) {
	seen := map[string]int{}
	all := make([][]string, len(texts))
	for i, t := range texts {
		all[i] = grams(t.Text)
		for _, g := range all[i] {
			seen[g]++
		}
	}
	index, rows = map[string]int{}, make([]wordRow, len(texts))
	for i, found := range all {
		rows[i].value = 1 / math.Sqrt(float64(max(len(found), 1)))
		for _, g := range found {
			if seen[g] < wordLeast {
				continue
			}
			at, ok := index[g]
			if !ok {
				at = len(index)
				index[g] = at
			}
			rows[i].at = append(rows[i].at, at)
		}
	}
	return index, rows
}

func heaviest(index map[string]int, weights []float64, bias float64) *Words {
	limit := 0.0
	if len(weights) > wordsKept {
		sizes := make([]float64, len(weights))
		for i, w := range weights {
			sizes[i] = math.Abs(w)
		}
		slices.Sort(sizes)
		limit = sizes[len(sizes)-wordsKept]
	}
	kept := &Words{Bias: math.Round(bias*1000) / 1000, Weights: map[string]float64{}}
	for g, at := range index {
		if w := math.Round(weights[at]*1000) / 1000; math.Abs(weights[at]) >= limit && w != 0 {
			kept.Weights[g] = w
		}
	}
	return kept
}
