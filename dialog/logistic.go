package dialog

import "math"

// logistic turns evidence into a probability.
type logistic struct {
	mean, scale []float64
	weights     []float64 // the last is the bias
}

// learn fits the weights by Newton's steps, which a little ridge keeps finite.
func (l *logistic) learn(seen [][]float64, right []bool) {
	if len(seen) == 0 {
		return
	}
	l.standardise(seen)
	size := len(seen[0]) + 1
	l.weights = make([]float64, size)
	for range 25 {
		gradient, curve := make([]float64, size), make([][]float64, size)
		for i := range curve {
			curve[i] = make([]float64, size)
			curve[i][i] = 1
			gradient[i] = -l.weights[i]
		}
		for i, evidence := range seen {
			x := l.standard(evidence)
			p := sigmoid(dot(x, l.weights))
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
			l.weights[i] += step
		}
	}
}

func (l *logistic) standardise(seen [][]float64) {
	size, n := len(seen[0]), float64(len(seen))
	l.mean, l.scale = make([]float64, size), make([]float64, size)
	for _, evidence := range seen {
		for i, v := range evidence {
			l.mean[i] += v / n
		}
	}
	for _, evidence := range seen {
		for i, v := range evidence {
			l.scale[i] += (v - l.mean[i]) * (v - l.mean[i]) / n
		}
	}
	for i := range l.scale {
		l.scale[i] = math.Sqrt(l.scale[i]) + 1e-9
	}
}

func (l *logistic) standard(evidence []float64) []float64 {
	x := make([]float64, len(evidence)+1)
	for i, v := range evidence {
		x[i] = (v - l.mean[i]) / l.scale[i]
	}
	x[len(evidence)] = 1
	return x
}

func (l *logistic) probability(evidence []float64) float64 {
	if l.weights == nil {
		return 0
	}
	return sigmoid(dot(l.standard(evidence), l.weights))
}

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
