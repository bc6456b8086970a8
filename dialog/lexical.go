package dialog

import (
	"cmp"
	_ "embed"
	"math"
	"slices"
	"strings"
)

// everyday holds sentences that no bot of a company has to understand, one a line: what out of scope looks like.
//
//go:embed everyday.txt
var everyday string

// lexical is the built-in [Classifier]: ridge regression on words, pairs of words and pieces of words, which forgive what
// a recogniser mishears. It is trained in closed form, and the same closed form says how each example would have been
// judged had it been left out: from that the scores become probabilities and the thresholds are set.
type lexical struct {
	space   space
	classes []string
	weights [][]float64    // by class, then feature
	rows    []vector       // the examples
	of      []int          // their classes; the number of classes for everyday sentences
	known   map[string]int // how many examples have a word
	strange map[string]int // how many everyday sentences have it
	judge   judge
	ask     float64
	act     float64
}

// ridge is how much the regression prefers small weights.
const ridge = 0.35

// trainLexical is the [Trainer] of the built-in classifier.
func trainLexical(examples map[string][]string) Classifier {
	l := &lexical{known: map[string]int{}, strange: map[string]int{}}
	var sentences []string
	for _, class := range sortedKeys(examples) {
		if class == OutOfScope {
			continue
		}
		for _, sentence := range examples[class] {
			sentences = append(sentences, sentence)
			l.of = append(l.of, len(l.classes))
		}
		l.classes = append(l.classes, class)
	}
	inScope := len(sentences)
	for _, sentence := range examples[OutOfScope] {
		sentences = append(sentences, sentence)
		l.of = append(l.of, len(l.classes))
	}
	l.space = newSpace(sentences)
	for i, sentence := range sentences {
		l.rows = append(l.rows, l.space.vector(sentence))
		words := l.known
		if i >= inScope {
			words = l.strange
		}
		for _, word := range slices.Compact(slices.Sorted(slices.Values(strings.Fields(sentence)))) {
			words[word]++
		}
	}
	l.calibrate(sentences, l.fit())
	return l
}

// Classify implements [Classifier].
func (l *lexical) Classify(sentence string) []Candidate {
	row := l.space.vector(sentence)
	scores := make([]float64, len(l.weights))
	for class, weights := range l.weights {
		for _, f := range row {
			scores[class] += weights[f.at] * f.value
		}
	}
	seen, best := l.evidence(sentence, row, scores, -1)
	if best < 0 {
		return nil
	}
	top := l.judge.probability(seen)
	candidates := make([]Candidate, len(l.classes))
	for class, score := range scores[:len(l.classes)] {
		candidates[class] = Candidate{l.classes[class], top * max(0, min(1, score/max(scores[best], 1e-9)))}
	}
	slices.SortStableFunc(candidates, func(a, b Candidate) int { return cmp.Compare(b.Score, a.Score) })
	return candidates
}

// Thresholds implements [Classifier].
func (l *lexical) Thresholds() (ask, act float64) { return l.ask, l.act }

// fit solves the regression and returns what it would say of each example without having seen it.
func (l *lexical) fit() (leftOut [][]float64) {
	n := len(l.rows)
	inverse := l.inverseKernel()
	l.weights = make([][]float64, len(l.classes)+1) // and one for everyday sentences
	leftOut = make([][]float64, n)
	for i := range leftOut {
		leftOut[i] = make([]float64, len(l.weights))
	}
	for class := range l.weights {
		weights := make([]float64, len(l.space.index))
		for i := range n {
			alpha, target := 0.0, 0.0
			for j, of := range l.of {
				if of == class {
					alpha += inverse[i][j]
				}
			}
			if l.of[i] == class {
				target = 1
			}
			leftOut[i][class] = target - alpha/inverse[i][i]
			for _, f := range l.rows[i] {
				weights[f.at] += alpha * f.value
			}
		}
		l.weights[class] = weights
	}
	return leftOut
}

// inverseKernel is (K + ridge I)^-1 of the examples' similarities K, by Cholesky's decomposition.
func (l *lexical) inverseKernel() [][]float64 {
	n := len(l.rows)
	inScope := 0
	for _, of := range l.of {
		if of < len(l.classes) {
			inScope++
		}
	}
	importance := min(max(float64(n-inScope)/float64(max(inScope, 1)), 1), 8) // few examples among many everyday sentences
	a := make([][]float64, n)
	for i := range a {
		a[i] = make([]float64, n)
		for j := range i + 1 {
			a[i][j] = l.rows[i].dot(l.rows[j])
		}
		a[i][i] += ridge
		if l.of[i] < len(l.classes) {
			a[i][i] = a[i][i] - ridge + ridge/importance
		}
	}
	for i := range n { // a becomes its lower triangular root
		for j := range i + 1 {
			sum := a[i][j] - dot(a[i][:j], a[j][:j])
			if i == j {
				a[i][i] = math.Sqrt(sum)
			} else {
				a[i][j] = sum / a[j][j]
			}
		}
	}
	root := make([][]float64, n) // columns of the root's inverse, as rows
	for c := range n {
		col := make([]float64, n)
		col[c] = 1 / a[c][c]
		for i := c + 1; i < n; i++ {
			col[i] = -dot(a[i][c:i], col[c:i]) / a[i][i]
		}
		root[c] = col
	}
	inverse := make([][]float64, n)
	for i := range n {
		inverse[i] = make([]float64, n)
		for j := range i + 1 {
			inverse[i][j] = dot(root[i][i:], root[j][i:])
			inverse[j][i] = inverse[i][j]
		}
	}
	return inverse
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// evidence is what the judge looks at for the class with the best score: that score, its lead over the second, how much
// of the sentence consists of words of the examples, the nearest example of the class, the nearest everyday sentence, and
// the score of everyday sentences. without is an example left out, -1 for none.
func (l *lexical) evidence(sentence string, row vector, scores []float64, without int) (e evidence, best int) {
	strange := len(l.classes)
	best, second := -1, 0.0
	for class, score := range scores[:strange] {
		switch {
		case best < 0:
			best = class
		case score > scores[best]:
			best, second = class, max(second, scores[best])
		default:
			second = max(second, score)
		}
	}
	if best < 0 {
		return e, best
	}
	near, nearStrange := 0.0, 0.0
	for i, of := range l.of {
		switch {
		case i == without:
		case of == best:
			near = max(near, row.dot(l.rows[i]))
		case of == strange:
			nearStrange = max(nearStrange, row.dot(l.rows[i]))
		}
	}
	own := without >= 0 && l.of[without] < strange // its own words do not count
	return evidence{scores[best], scores[best] - second, l.covered(sentence, own), near, nearStrange, scores[strange], l.anchored(sentence, without)}, best
}

// anchored is how much the most telling word of a sentence is one of the bot's own rather than of everyday talk.
func (l *lexical) anchored(sentence string, without int) (most float64) {
	for _, word := range strings.Fields(sentence) {
		own, strange := float64(l.known[word]), float64(l.strange[word])
		if without >= 0 {
			if l.of[without] < len(l.classes) {
				own--
			} else {
				strange--
			}
		}
		most = max(most, math.Log((1+own)/(1+strange)))
	}
	return most
}

// covered is the share of a sentence that consists of words of the examples, the rare weighing most. own says that the
// sentence is an example itself.
func (l *lexical) covered(sentence string, own bool) float64 {
	all, covered := 0.0, 0.0
	for _, word := range strings.Fields(sentence) {
		weight := l.space.rarity(word)
		all += weight
		if l.known[word] > b2i(own) {
			covered += weight
		}
	}
	return covered / max(all, 1e-9)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// calibrate teaches the judge from the examples as if each had been left out, and sets the thresholds so that of those
// at most 5 in 100 would be answered wrongly, and of the everyday sentences 2 in 100 answered and 15 in 100 asked about.
func (l *lexical) calibrate(sentences []string, leftOut [][]float64) {
	var seen []evidence
	var right []bool
	for i, scores := range leftOut {
		if e, best := l.evidence(sentences[i], l.rows[i], scores, i); best >= 0 {
			seen = append(seen, e)
			right = append(right, best == l.of[i])
		}
	}
	l.judge.learn(seen, right)
	var wrong, strange []float64 // scores of what should not be acted on
	for i, e := range seen {
		switch score := l.judge.probability(e); {
		case l.of[i] == len(l.classes):
			strange = append(strange, score)
		case !right[i]:
			wrong = append(wrong, score)
		}
	}
	inScope := len(seen) - len(strange)
	act := max(highest(wrong, 0.05*float64(inScope)), highest(strange, 0.02*float64(len(strange))))
	l.act = min(max(act, 0.4), 0.6)
	l.ask = min(max(highest(strange, 0.15*float64(len(strange))), 0.3), l.act)
}

// highest is the score that only so many of the scores pass.
func highest(scores []float64, pass float64) float64 {
	slices.Sort(scores)
	at := len(scores) - 1 - int(pass)
	if at < 0 {
		return 0
	}
	return scores[at] + 1e-6
}
