package dialog

import "math"

// evidence is what speaks for and against the class with the best score; see [lexical.evidence].
const kindsOfEvidence = 7

type evidence [kindsOfEvidence]float64

// judge turns evidence into a probability by logistic regression.
type judge struct {
	weights [kindsOfEvidence + 1]float64 // the last is the bias
}

// What bots with hundreds of examples taught: mean and spread of each kind of evidence, and the weights that a bot with
// few examples begins with.
var (
	usualMean    = evidence{0.34, 0.24, 0.63, 0.37, 0.40, 0.47, 2}
	usualSpread  = evidence{0.25, 0.24, 0.25, 0.21, 0.18, 0.34, 1.5}
	usualWeights = [kindsOfEvidence + 1]float64{1.9, -0.5, 0.1, 0.35, -0.05, -0.65, 0.5, -1.3}
)

// trust is by how many examples' worth a bot's own evidence has to speak against the usual weights to move them.
const trust = 5

// learn fits the weights by Newton's steps, drawn to the usual ones.
func (j *judge) learn(seen []evidence, right []bool) {
	const size = kindsOfEvidence + 1
	j.weights = usualWeights
	for range 25 {
		gradient, curve := make([]float64, size), make([][]float64, size)
		for i := range curve {
			curve[i] = make([]float64, size)
			curve[i][i] = trust
			gradient[i] = trust * (usualWeights[i] - j.weights[i])
		}
		for i, e := range seen {
			x := e.standard()
			p := sigmoid(dot(x, j.weights[:]))
			target := 0.0
			if right[i] {
				target = 1
			}
			for a := range x {
				gradient[a] += (target - p) * x[a]
				for b := range x {
					curve[a][b] += p * (1 - p) * x[a] * x[b]
				}
			}
		}
		for i, step := range solve(curve, gradient) {
			j.weights[i] += step
		}
	}
}

func (e evidence) standard() []float64 {
	x := make([]float64, len(e)+1)
	for i, v := range e {
		x[i] = (v - usualMean[i]) / usualSpread[i]
	}
	x[len(e)] = 1
	return x
}

func (j *judge) probability(e evidence) float64 { return sigmoid(dot(e.standard(), j.weights[:])) }

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// solve finds x in a x = b by elimination; a is positive definite and is overwritten.
func solve(a [][]float64, b []float64) []float64 {
	n := len(b)
	for i := range n {
		for j := i + 1; j < n; j++ {
			factor := a[j][i] / a[i][i]
			for k := i; k < n; k++ {
				a[j][k] -= factor * a[i][k]
			}
			b[j] -= factor * b[i]
		}
	}
	x := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		x[i] = b[i]
		for k := i + 1; k < n; k++ {
			x[i] -= a[i][k] * x[k]
		}
		x[i] /= a[i][i]
	}
	return x
}
