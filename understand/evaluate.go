package understand

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// Evaluate learns from the training examples and judges the test. Without a test, each example is judged by what the others taught, in
// five folds; the threshold is then the mean of theirs.
func (e *Engine) Evaluate(ctx context.Context, training, test []Example, progress Progress) (Figures, error) {
	if test != nil {
		judged, threshold, err := e.try(ctx, training, test, progress)
		return Measure(judged, threshold), err
	}
	var all []Judged
	sum := 0.0
	const parts = 5
	part := divided(training, parts)
	for k := range parts {
		var taught, tried []Example
		for i, example := range training {
			if part[i] == k {
				tried = append(tried, example)
			} else {
				taught = append(taught, example)
			}
		}
		judged, threshold, err := e.try(ctx, taught, tried, func(done, total int) {
			if progress != nil {
				progress(k*total+done, parts*total)
			}
		})
		if err != nil {
			return Figures{}, err
		}
		for i := range judged {
			judged[i].Score -= threshold // scores of different folds are compared by how far they are from theirs
		}
		all, sum = append(all, judged...), sum+threshold
	}
	for i := range all {
		all[i].Score += sum / parts
	}
	return Measure(all, sum/parts), nil
}

func (e *Engine) try(ctx context.Context, training, test []Example, progress Progress) (judged []Judged, threshold float64, err error) {
	c, err := e.Learn(ctx, training, progress)
	if err != nil {
		return nil, 0, err
	}
	for _, example := range test {
		started := time.Now()
		candidates, err := c.Classify(ctx, example.Text)
		if err != nil {
			return nil, 0, err
		}
		judged = append(judged, Judged{Example: example, Best: candidates[0].Intent, Score: candidates[0].Score, Took: time.Since(started)})
	}
	threshold, _ = c.Thresholds()
	return judged, threshold, nil
}

// divided says in which part each example is; each intent is in all parts, as far as its examples suffice.
func divided(examples []Example, parts int) []int {
	part, turn := make([]int, len(examples)), map[string]int{}
	for _, i := range rand.New(rand.NewPCG(5, 5)).Perm(len(examples)) {
		intent := examples[i].Intent
		part[i] = turn[intent] % parts
		turn[intent]++
	}
	return slices.Clip(part)
}
