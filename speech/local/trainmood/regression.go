package main

import (
	"math"
	"slices"
)

// How the regression is fitted. Features are many and samples few: the penalty matters more than the steps.
const (
	penalty  = 0.02
	stepSize = 0.1
	steps    = 1500
)

// fit returns the weights of a logistic regression on raw features: the scaling that the fit works with is folded in.
// Both classes weigh the same, whatever their numbers.
func fit(samples []sample) (weights []float64, bias float64) {
	n := len(samples[0].features)
	mean, scale := moments(samples)
	angry := 0
	for i := range samples {
		if samples[i].angry() {
			angry++
		}
	}
	weights = make([]float64, n)
	gradient := make([]float64, n)
	x := make([][]float64, len(samples))
	for i := range samples {
		x[i] = make([]float64, n)
		for j, f := range samples[i].features {
			x[i][j] = (f - mean[j]) / scale[j]
		}
	}
	for range steps {
		clear(gradient)
		var biasGradient float64
		for i := range samples {
			target, share := 0.0, 0.5/float64(len(samples)-angry)
			if samples[i].angry() {
				target, share = 1, 0.5/float64(angry)
			}
			off := share * (sigmoid(dot(weights, x[i])+bias) - target)
			for j, v := range x[i] {
				gradient[j] += off * v
			}
			biasGradient += off
		}
		for j := range weights {
			weights[j] -= stepSize * (gradient[j] + penalty*weights[j])
		}
		bias -= stepSize * biasGradient
	}
	for j := range weights {
		weights[j] /= scale[j]
		bias -= weights[j] * mean[j]
	}
	return weights, bias
}

func moments(samples []sample) (mean, scale []float64) {
	n := len(samples[0].features)
	mean, scale = make([]float64, n), make([]float64, n)
	for _, s := range samples {
		for j, f := range s.features {
			mean[j] += f / float64(len(samples))
		}
	}
	for _, s := range samples {
		for j, f := range s.features {
			scale[j] += (f - mean[j]) * (f - mean[j]) / float64(len(samples))
		}
	}
	for j := range scale {
		scale[j] = math.Sqrt(scale[j]) + 1e-6
	}
	return mean, scale
}

// leaveOneSpeakerOut scores each sample by a fit that never heard its speaker.
func leaveOneSpeakerOut(samples []sample) []float64 {
	scores := make([]float64, len(samples))
	done := map[string]bool{}
	for _, s := range samples {
		if done[s.speaker] {
			continue
		}
		done[s.speaker] = true
		others := slices.DeleteFunc(slices.Clone(samples), func(o sample) bool { return o.speaker == s.speaker })
		weights, bias := fit(others)
		for i := range samples {
			if samples[i].speaker == s.speaker {
				scores[i] = dot(weights, samples[i].features) + bias
			}
		}
	}
	return scores
}

// areaUnderCurve is the chance that an angry sample scores higher than another.
func areaUnderCurve(samples []sample, scores []float64) float64 {
	var won, pairs float64
	for i := range samples {
		for j := range samples {
			if !samples[i].angry() || samples[j].angry() {
				continue
			}
			pairs++
			switch {
			case scores[i] > scores[j]:
				won++
			case scores[i] == scores[j]:
				won += 0.5
			}
		}
	}
	return won / pairs
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
