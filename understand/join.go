package understand

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// judge turns a sentence's best score, and how much it sounds out of scope, into the probability that it asks for that intent:
// logistic regression.
type judge struct{ Best, Outside, Bias float64 }

func (j judge) probability(best, outside float64) float64 {
	return 1 / (1 + math.Exp(-(j.Best*best + j.Outside*outside + j.Bias)))
}

// trust is how much each source weighs.
type trust [sources]float64

// join makes the model of the boundaries that all examples taught and of what folds say of sentences that they had not seen.
func (c *corpus) join(all *boundaries, held []heldOut) *model {
	w := weigh(held)
	m := &model{Intents: make([]string, len(all.local)), Space: all.space, Dense: all.dense, Sparse: all.sparse, Columns: all.columns}
	for intent, class := range all.local {
		m.Intents[class] = c.intents[intent]
	}
	m.calibrate(held, w)
	classes := len(all.local)
	constant := 0.0 // what all classes' scores lack for their means
	for s := range w {
		w[s] /= all.spread[s]
		constant -= w[s] * all.centre[s]
	}
	for i := range m.Sparse {
		m.Sparse[i] *= float32(w[1])
	}
	for i := range m.Dense {
		m.Dense[i] *= float32(w[0])
	}
	for i := range inputs {
		for k := range classes {
			m.Dense[i*all.columns+k] += float32(w[2]) * all.distance[i*classes+k]
		}
	}
	last := m.Dense[(inputs-1)*all.columns:]
	for k := range last {
		last[k] += float32(constant)
		if k >= classes { // what is out of scope has no distance
			last[k] += float32(w[2] * all.centre[2])
		}
	}
	return m
}

// combined are the scores of the classes, and of what is out of scope.
func (h *heldOut) combined(w trust) (scores []float64, out float64) {
	scores = make([]float64, len(h.scores[0]))
	for s, of := range h.scores {
		for class, v := range of {
			scores[class] += w[s] * float64(v)
		}
	}
	return scores, w[0]*float64(h.out[0]) + w[1]*float64(h.out[1])
}

// weigh finds how much each source is to be trusted: the weights under which the held out sentences are likeliest, by Newton's steps.
// Each bot has its own: with few examples the distance tells most, with many the boundary.
func weigh(held []heldOut) trust {
	var w trust
	for s := range w {
		w[s] = 1
	}
	const steps, steadier = 12, 1.0 // steadier keeps weights from running away when all is right
	for range steps {
		slope, curve := mat.NewVecDense(sources, nil), mat.NewSymDense(sources, nil)
		for s := range sources {
			slope.SetVec(s, steadier*(1-w[s]))
			curve.SetSym(s, s, steadier)
		}
		for i := range held {
			if held[i].class != outside {
				held[i].likelihood(w, slope, curve)
			}
		}
		var step mat.VecDense
		if step.SolveVec(curve, slope) != nil {
			break
		}
		for s := range w {
			w[s] = max(w[s]+step.AtVec(s), 0)
		}
	}
	return w
}

// likelihood adds the slope and the curvature of the log of the share that the right class has.
func (h *heldOut) likelihood(w trust, slope *mat.VecDense, curve *mat.SymDense) {
	shares, _ := h.combined(w)
	normalise(shares)
	var mean trust
	var square [sources][sources]float64
	for class, share := range shares {
		for a := range sources {
			va := float64(h.scores[a][class])
			mean[a] += share * va
			for b := range a + 1 {
				square[a][b] += share * va * float64(h.scores[b][class])
			}
		}
	}
	for a := range sources {
		slope.SetVec(a, slope.AtVec(a)+float64(h.scores[a][h.class])-mean[a])
		for b := range a + 1 {
			curve.SetSym(a, b, curve.At(a, b)+square[a][b]-mean[a]*mean[b])
		}
	}
}

func normalise(scores []float64) {
	most, sum := slices.Max(scores), 0.0
	for i, s := range scores {
		scores[i] = math.Exp(s - most)
		sum += scores[i]
	}
	for i := range scores {
		scores[i] /= sum
	}
}

// verdict is what is known of a held out sentence once the sources are weighed.
type verdict struct {
	best, out, score float64
	right, inScope   bool
	given            bool // as an example of what is out of scope
}

// calibrate teaches the judge which best scores are right, and sets the thresholds.
func (m *model) calibrate(held []heldOut, w trust) {
	verdicts := make([]verdict, 0, len(held))
	for i := range held {
		scores, out := held[i].combined(w)
		best := slices.Max(scores)
		verdicts = append(verdicts, verdict{best: best, out: out, inScope: held[i].class != outside,
			given: held[i].given, right: held[i].class != outside && scores[held[i].class] == best})
	}
	m.Judge = newJudge(verdicts)
	for i := range verdicts {
		verdicts[i].score = m.Judge.probability(verdicts[i].best, verdicts[i].out)
	}
	m.Ask = askFrom(verdicts)
	m.Act = actFrom(verdicts, m.Ask)
}

// newJudge fits the judge by Newton's steps, on scores brought to mean 0 and spread 1; it begins with a judge that follows the best score
// alone and leaves it only as far as the sentences are many.
func newJudge(verdicts []verdict) judge {
	var mean, spread [2]float64
	n := float64(len(verdicts))
	for _, v := range verdicts {
		for k, x := range [2]float64{v.best, v.out} {
			mean[k] += x / n
			spread[k] += x * x / n
		}
	}
	for k := range spread {
		spread[k] = math.Sqrt(max(spread[k]-mean[k]*mean[k], 1e-12))
	}
	usual := [3]float64{1.5, -0.5, 1}
	at := usual
	const steps, steadier = 25, 2
	for range steps {
		slope, curve := mat.NewVecDense(3, nil), mat.NewSymDense(3, nil)
		for k := range 3 {
			slope.SetVec(k, steadier*(usual[k]-at[k]))
			curve.SetSym(k, k, steadier)
		}
		for _, v := range verdicts {
			x := [3]float64{(v.best - mean[0]) / spread[0], (v.out - mean[1]) / spread[1], 1}
			p := 1 / (1 + math.Exp(-(x[0]*at[0] + x[1]*at[1] + x[2]*at[2])))
			off := -p
			if v.right {
				off = 1 - p
			}
			for a := range 3 {
				slope.SetVec(a, slope.AtVec(a)+off*x[a])
				for b := range a + 1 {
					curve.SetSym(a, b, curve.At(a, b)+p*(1-p)*x[a]*x[b])
				}
			}
		}
		var step mat.VecDense
		if step.SolveVec(curve, slope) != nil {
			break
		}
		for k := range at {
			at[k] += step.AtVec(k)
		}
	}
	j := judge{Best: at[0] / spread[0], Outside: at[1] / spread[1]}
	j.Bias = at[2] - j.Best*mean[0] - j.Outside*mean[1]
	return j
}

// What a threshold trades: a caller who is turned away although understood costs as much as this many sentences of left out intents that
// are answered, which are nearer than most strangers are, and it turns away so many of the callers at least and at most. Of the examples
// of what is out of scope it lets so many pass, unless it would turn away more than so many callers for them.
const (
	costOfTurningAway = 16
	leastTurnedAway   = 0.01
	mostTurnedAway    = 0.02
	mostTurnedForThem = 0.05
	mostGivenPass     = 0.05
)

// askFrom is the threshold of scope.
func askFrom(verdicts []verdict) float64 {
	var right, strange, given []float64
	inScope := 0
	for _, v := range verdicts {
		switch {
		case v.right:
			right = append(right, v.score)
		case v.given:
			given = append(given, v.score)
		case !v.inScope:
			strange = append(strange, v.score)
		}
		if v.inScope {
			inScope++
		}
	}
	if len(right) == 0 {
		return 0.5
	}
	slices.Sort(right)
	slices.Sort(strange)
	most := min(int(mostTurnedAway*float64(inScope)), len(right)-1)
	best, least := right[0], math.Inf(1)
	for lost := int(leastTurnedAway * float64(inScope)); lost <= most; lost++ {
		refused, _ := slices.BinarySearch(strange, right[lost])
		cost := costOfTurningAway*float64(lost)/float64(inScope) - float64(refused)/float64(max(len(strange), 1))
		if cost < least {
			best, least = right[lost], cost
		}
	}
	most = min(int(mostTurnedForThem*float64(inScope)), len(right)-1)
	return max(best, min(passing(given, mostGivenPass*float64(len(given))), right[most]))
}

// actFrom is the threshold from which to act without asking: of the sentences in scope at most 5 in 100, and of the strangers at most 2 in
// 100, would be answered wrongly.
func actFrom(verdicts []verdict, ask float64) float64 {
	var wrong, strange []float64
	for _, v := range verdicts {
		switch {
		case !v.inScope:
			strange = append(strange, v.score)
		case !v.right:
			wrong = append(wrong, v.score)
		}
	}
	act := max(passing(wrong, 0.05*float64(len(verdicts)-len(strange))), passing(strange, 0.02*float64(len(strange))))
	return max(min(act, 0.6), ask)
}

// passing is the score that only so many of the scores pass.
func passing(scores []float64, so float64) float64 {
	slices.Sort(scores)
	if at := len(scores) - 1 - int(so); at >= 0 {
		return scores[at] + 1e-6
	}
	return 0
}
