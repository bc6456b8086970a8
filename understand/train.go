package understand

import (
	"cmp"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"

	"golang.org/x/sync/errgroup"
)

// modelVersion changes with the way of learning: what was kept of another is learnt anew.
const modelVersion = 6

// model is what was learnt, as it is kept: one linear boundary over a sentence's vector, one over its grams. Both have a column more
// than there are intents if examples out of scope were learnt.
type model struct {
	Intents []string
	Space   *space
	Dense   []float32 // [inputs][columns]
	Sparse  []float32 // [grams][columns]
	Columns int
	Judge   judge
	Ask     float64 // below it, a sentence is out of scope
	Act     float64 // from it, it is safe to act
}

func byIntent(a, b Example) int {
	return cmp.Or(cmp.Compare(a.Intent, b.Intent), cmp.Compare(a.Text, b.Text))
}

// corpus is what is learnt from.
type corpus struct {
	intents   []string
	sentences []string
	of        []int // the intent of each sentence, outside for none
	vectors   [][]float32
}

// outside is the class of sentences out of scope.
const outside = -1

func newCorpus(examples []Example) *corpus {
	c := &corpus{}
	for _, e := range examples {
		c.sentences = append(c.sentences, e.Text)
		switch n := len(c.intents); {
		case e.Intent == OutOfScope:
			c.of = append(c.of, outside)
			continue
		case n == 0 || c.intents[n-1] != e.Intent:
			c.intents = append(c.intents, e.Intent)
		}
		c.of = append(c.of, len(c.intents)-1)
	}
	return c
}

// errFewIntents: with one intent there is no boundary to learn.
var errFewIntents = errors.New("understand: there must be examples of at least two intents")

// train learns from examples, which are in order of their intents: the boundary from all of them, how far to trust it by folds.
func (e *Engine) train(ctx context.Context, examples []Example, progress Progress) (*model, error) {
	c := newCorpus(examples)
	if len(c.intents) < 2 {
		return nil, errFewIntents
	}
	count := newCounter(progress, len(c.sentences)*(1+2*(1+folds)))
	var err error
	if c.vectors, err = e.encoder.encode(ctx, c.sentences, count.add); err != nil {
		return nil, err
	}
	giveBack()
	var held []heldOut
	for fold := range folds { // one after the other: each takes much memory
		one, err := e.trainer.fold(ctx, c, fold, count.add)
		if err != nil {
			return nil, err
		}
		held = append(held, one...)
	}
	all, err := e.trainer.fit(ctx, c, c.every(), 0, count.add)
	if err != nil {
		return nil, err
	}
	return c.join(all, held), nil
}

// counter adds up progress of several goroutines.
type counter struct {
	mu          sync.Mutex
	done, total int
	progress    Progress
}

func newCounter(progress Progress, total int) *counter {
	return &counter{progress: progress, total: total}
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = min(c.done+n, c.total)
	if c.progress != nil {
		c.progress(c.done, c.total)
	}
}

// every lists all sentences.
func (c *corpus) every() []int {
	rows := make([]int, len(c.sentences))
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// boundaries are the three boundaries of one training, over the classes that it had.
type boundaries struct {
	local    map[int]int // from intent to class
	columns  int         // of regressions: classes, and one more if there were sentences out of scope
	space    *space
	dense    []float32 // softmax regression on vectors
	sparse   []float32 // softmax regression on grams
	distance []float32 // discriminant on vectors, one column a class
	centre   [sources]float64
	spread   [sources]float64
}

// fit trains on rows of the corpus.
func (t *trainer) fit(ctx context.Context, c *corpus, rows []int, seed uint64, progress func(int)) (*boundaries, error) {
	h := &boundaries{local: map[int]int{}}
	var sentences []string
	for _, i := range rows {
		if _, ok := h.local[c.of[i]]; !ok && c.of[i] != outside {
			h.local[c.of[i]] = len(h.local)
		}
		sentences = append(sentences, c.sentences[i])
	}
	classes := len(h.local)
	h.columns = classes
	var of, inside []int
	var vectors, insideVectors [][]float32
	for _, i := range rows {
		class, ok := h.local[c.of[i]]
		if ok {
			inside, insideVectors = append(inside, class), append(insideVectors, c.vectors[i])
		} else {
			class, h.columns = classes, classes+1
		}
		of, vectors = append(of, class), append(vectors, c.vectors[i])
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		h.space = newSpace(sentences)
		grams := make([][]gram, len(sentences))
		for i, s := range sentences {
			grams[i] = h.space.vector(s)
		}
		h.sparse, err = sparseRegression(ctx, grams, of, h.columns, len(h.space.Weight), rand.New(rand.NewPCG(seed, 1)), progress)
		return err
	})
	group.Go(func() (err error) {
		if h.distance, err = t.discriminant(insideVectors, inside, classes); err != nil {
			return err
		}
		h.dense, err = t.regression(ctx, vectors, of, h.columns, rand.New(rand.NewPCG(seed, 2)), progress)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	h.level(c, rows, rand.New(rand.NewPCG(seed, 3)))
	return h, nil
}

// level finds the mean and the spread of what each source says of classes that are not a sentence's own. Measured from them, scores of
// trainings with different numbers of examples mean the same.
func (h *boundaries) level(c *corpus, rows []int, random *rand.Rand) {
	for s := range sources {
		h.spread[s] = 1
	}
	const sample = 512
	var n, sum, square [sources]float64
	for _, place := range random.Perm(len(rows))[:min(sample, len(rows))] {
		i := rows[place]
		of, _ := h.scores(c.vectors[i], h.space.vector(c.sentences[i]))
		own, inside := h.local[c.of[i]]
		for s, scores := range of {
			for class, v := range scores {
				if inside && class != own {
					n[s], sum[s], square[s] = n[s]+1, sum[s]+float64(v), square[s]+float64(v)*float64(v)
				}
			}
		}
	}
	for s := range sources {
		if n[s] > 1 {
			h.centre[s] = sum[s] / n[s]
			h.spread[s] = math.Sqrt(max(square[s]/n[s]-h.centre[s]*h.centre[s], 1e-12))
		}
	}
}

// sources of evidence, whose scores are weighed against each other.
const sources = 3

// scores of the classes by each source, and of what is out of scope by the two that know of it.
func (h *boundaries) scores(vector []float32, grams []gram) (of [sources][]float32, out [2]float32) {
	classes := len(h.local)
	x := make([]float32, inputs)
	dense(x, vector)
	for i, weights := range [2][]float32{h.dense, h.sparse} {
		of[i] = make([]float32, h.columns)
		if i == 0 {
			addDense(of[i], weights, x)
		} else {
			addGrams(of[i], weights, grams)
		}
		if h.columns > classes {
			of[i], out[i] = of[i][:classes], of[i][classes]
		}
	}
	of[2] = make([]float32, classes)
	addDense(of[2], h.distance, x)
	for s := range of {
		for class, v := range of[s] {
			of[s][class] = float32((float64(v) - h.centre[s]) / h.spread[s])
		}
		if s < len(out) && h.columns > classes {
			out[s] = float32((float64(out[s]) - h.centre[s]) / h.spread[s])
		}
	}
	return of, out
}
