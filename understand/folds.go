package understand

import (
	"context"
	"math/rand/v2"
)

// folds is into how many parts the examples are divided; each is judged by what the others taught.
const folds = 4

// strangers is how many parts of the intents there are of which a fold leaves one out altogether: their sentences are out of scope for
// it. With few intents, a fold leaves out one of them, and with very few, none.
const (
	strangers       = 6
	fewForStrangers = 4
)

// heldOut is a sentence as judged by a training that had not seen it.
type heldOut struct {
	class  int  // outside if its intent was not there
	given  bool // as an example of what is out of scope
	scores [sources][]float32
	out    [2]float32
}

// fold trains on the other folds and judges this one.
func (t *trainer) fold(ctx context.Context, c *corpus, fold int, progress func(int)) ([]heldOut, error) {
	random := rand.New(rand.NewPCG(7, 7)) // the same division for every fold
	part := make([]int, len(c.sentences))
	turn := map[int]int{}
	for _, i := range random.Perm(len(part)) {
		part[i] = turn[c.of[i]] % folds
		turn[c.of[i]]++
	}
	unknown := strangeIntents(len(c.intents), fold, random)
	var rows []int
	for i := range part {
		if part[i] != fold && !(c.of[i] != outside && unknown[c.of[i]]) {
			rows = append(rows, i)
		}
	}
	h, err := t.fit(ctx, c, rows, uint64(fold+1), progress)
	if err != nil {
		return nil, err
	}
	var held []heldOut
	for i := range part {
		if part[i] != fold {
			continue
		}
		one := heldOut{class: outside, given: c.of[i] == outside}
		if class, ok := h.local[c.of[i]]; ok {
			one.class = class
		}
		one.scores, one.out = h.scores(c.vectors[i], h.space.vector(c.sentences[i]))
		held = append(held, one)
	}
	return held, nil
}

// strangeIntents says which intents a fold leaves out.
func strangeIntents(intents, fold int, random *rand.Rand) []bool {
	unknown := make([]bool, intents)
	order := random.Perm(intents)
	switch {
	case intents < fewForStrangers:
	case intents < 2*strangers:
		unknown[order[fold]] = true
	default:
		for place, intent := range order {
			unknown[intent] = place%strangers == fold
		}
	}
	return unknown
}
