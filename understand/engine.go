package understand

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"ivr/speech/models"
)

// Engine is the sentence encoder, loaded once and shared by all classifiers, what trains them, and the folder where they are kept. It
// is safe for concurrent use. It starts no goroutines but while it learns.
type Engine struct {
	encoder *encoder
	trainer *trainer
	kept    shelf
}

// Open loads the encoder. What is learnt is kept in the folder, "" for ivr/understand in the user's cache.
func Open(set *models.Set, folder string) (*Engine, error) {
	encoder, err := openEncoder(set)
	if err != nil {
		return nil, err
	}
	trainer, err := openTrainer()
	if err != nil {
		return nil, errors.Join(err, encoder.close())
	}
	return &Engine{encoder: encoder, trainer: trainer, kept: openShelf(folder)}, nil
}

// Close frees the encoder. No classifier of the engine may be used after it.
func (e *Engine) Close() error { return errors.Join(e.encoder.close(), e.trainer.close()) }

// Progress hears how much of something long is done. It is called by one goroutine at a time.
type Progress func(done, total int)

// Learn makes a classifier of examples; those of [OutOfScope] teach what asks for none of the intents, and may be missing. What was
// learnt of the same examples before is taken from the cache. Training uses all cores; progress may be nil.
func (e *Engine) Learn(ctx context.Context, examples []Example, progress Progress) (*Classifier, error) {
	examples = slices.Clone(examples)
	slices.SortFunc(examples, byIntent)
	key := keyOf(examples, e.encoder.hash)
	m := e.kept.load(key)
	if m == nil {
		var err error
		if m, err = e.train(ctx, examples, progress); err != nil {
			return nil, err
		}
		e.kept.store(key, m)
	}
	return &Classifier{model: m, encoder: e.encoder, last: map[string][]Candidate{}}, nil
}

// Candidate is an intent that a sentence may ask for.
type Candidate struct {
	Intent string
	Score  float64 // probability, 0 to 1, that it is this one and not another or none
}

// Classifier judges what sentences ask for. It is safe for concurrent use and starts no goroutines.
type Classifier struct {
	model   *model
	encoder *encoder

	mu   sync.Mutex
	last map[string][]Candidate // a turn asks for the same sentence several times
}

// mostRemembered is how many sentences a classifier remembers.
const mostRemembered = 256

// Thresholds are the score below which a sentence is out of scope, and that from which it is safe to act without asking.
func (c *Classifier) Thresholds() (ask, act float64) { return c.model.Ask, c.model.Act }

// Classify returns what a sentence may ask for, likeliest first. The caller must not change the list.
func (c *Classifier) Classify(ctx context.Context, sentence string) ([]Candidate, error) {
	c.mu.Lock()
	known, ok := c.last[sentence]
	c.mu.Unlock()
	if ok {
		return known, nil
	}
	vectors, err := c.encoder.encode(ctx, []string{sentence}, nil)
	if err != nil {
		return nil, err
	}
	candidates := c.model.candidates(sentence, vectors[0])
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.last) >= mostRemembered {
		clear(c.last)
	}
	c.last[sentence] = candidates
	return candidates, nil
}

func (m *model) candidates(sentence string, vector []float32) []Candidate {
	x := make([]float32, inputs)
	dense(x, vector)
	scores := make([]float32, m.Columns)
	addDense(scores, m.Dense, x)
	addGrams(scores, m.Sparse, m.Space.vector(sentence))
	out := 0.0
	if m.Columns > len(m.Intents) {
		out = float64(scores[len(m.Intents)])
	}
	scores = scores[:len(m.Intents)]
	best := slices.Max(scores)
	top := m.Judge.probability(float64(best), out)
	candidates := make([]Candidate, len(scores))
	for i, s := range scores {
		candidates[i] = Candidate{m.Intents[i], top * math.Exp(float64(s-best))}
	}
	slices.SortStableFunc(candidates, func(a, b Candidate) int { return cmp.Compare(b.Score, a.Score) })
	return candidates
}
