package understand

import (
	"context"
	"math"
	"math/rand/v2"
)

// gramScale is what sparse vectors are multiplied with: it sets how fast the regression learns from them.
const gramScale = 2

const sparseBatch = 256

// sparseRegression fits a softmax regression over sparse vectors to their classes, without a bias, and returns its weights,
// [size][classes]. Only the rows of a batch's grams are touched.
func sparseRegression(ctx context.Context, x [][]gram, of []int, classes, size int, random *rand.Rand, progress func(examples int)) ([]float32, error) {
	l := &sparseLearner{
		classes: classes, weights: make([]float32, size*classes), squares: make([]float32, size*classes),
		slope: make([]float32, classes), first: make([]int32, size),
	}
	for i := range l.squares {
		l.squares[i] = firstSquare
	}
	for i := range l.first {
		l.first[i] = -1
	}
	batch := min(sparseBatch, len(x))
	l.off = make([]float32, batch*classes)
	epochs := min(max(100000/len(x), 8), 40)
	for epoch := range epochs {
		order := random.Perm(len(x))
		for ; len(order) >= batch; order = order[batch:] {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			l.step(x, of, order[:batch], rateAt(epoch, epochs))
		}
		progress(len(x) / epochs)
	}
	return l.weights, nil
}

type sparseLearner struct {
	classes          int
	weights, squares []float32 // [gram][class]
	off              []float32 // [row of the batch][class]: what was said less what is right
	slope            []float32 // of one gram
	first            []int32   // by gram: the first of its uses in the batch, -1 for none
	uses             []use
	touched          []int32
}

// use is a gram in a sentence of the batch.
type use struct {
	row, next int32
	value     float32
}

// step learns from one batch.
func (l *sparseLearner) step(x [][]gram, of, batch []int, rate float32) {
	l.uses, l.touched = l.uses[:0], l.touched[:0]
	for row, i := range batch {
		said := l.off[row*l.classes : (row+1)*l.classes]
		clear(said)
		addGrams(said, l.weights, x[i])
		softmax(said)
		for c := range said {
			said[c] -= smoothing / float32(l.classes)
		}
		said[of[i]] -= 1 - smoothing
		for _, g := range x[i] {
			if l.first[g.At] < 0 {
				l.touched = append(l.touched, g.At)
			}
			l.uses = append(l.uses, use{int32(row), l.first[g.At], g.Value * gramScale / float32(len(batch))})
			l.first[g.At] = int32(len(l.uses) - 1)
		}
	}
	for _, at := range l.touched {
		weights := l.weights[int(at)*l.classes:][:l.classes]
		squares := l.squares[int(at)*l.classes:][:len(weights)]
		slope := l.slope[:len(weights)]
		for c, w := range weights {
			slope[c] = w * decay
		}
		for u := l.first[at]; u >= 0; u = l.uses[u].next {
			off := l.off[int(l.uses[u].row)*l.classes:][:len(slope)]
			for c, v := range off {
				slope[c] += v * l.uses[u].value
			}
		}
		for c, v := range slope {
			squares[c] += v * v
			weights[c] -= rate * v / float32(math.Sqrt(float64(squares[c])))
		}
		l.first[at] = -1
	}
}

// addGrams adds to scores what sparse weights say of x.
func addGrams(scores, weights []float32, x []gram) {
	for _, g := range x {
		row := weights[int(g.At)*len(scores):][:len(scores)]
		value := g.Value * gramScale
		for c, w := range row {
			scores[c] += w * value
		}
	}
}

// addDense adds to scores what dense weights say of x.
func addDense(scores, weights, x []float32) {
	for i, v := range x {
		row := weights[i*len(scores):][:len(scores)]
		for c, w := range row {
			scores[c] += w * v
		}
	}
}

// softmax turns scores into shares of 1.
func softmax(scores []float32) {
	most := float32(math.Inf(-1))
	for _, s := range scores {
		most = max(most, s)
	}
	sum := float32(0)
	for c, s := range scores {
		scores[c] = float32(math.Exp(float64(s - most)))
		sum += scores[c]
	}
	for c := range scores {
		scores[c] /= sum
	}
}
