package testaudio

import "math"

// Quality of the resampler: its filter spans lobes zero crossings each side under a Kaiser window, which keeps what folds back
// more than 80 dB down.
const (
	resampleLobes = 24
	resampleBeta  = 9.0
	passBand      = 0.94 // share of the lower Nyquist frequency that passes untouched
)

// Resample converts between sample rates, in Hz, without delay: sample i of the result lies where i*from/to did.
func Resample(pcm []int16, from, to int) []int16 {
	if from == to || len(pcm) == 0 {
		return pcm
	}
	g := gcd(from, to)
	phases, step := to/g, from/g // output i stands at i*step/phases input samples
	cutoff := passBand * min(1, float64(to)/float64(from))
	reach := int(math.Ceil(resampleLobes / cutoff))
	filters := make([][]float64, phases) // made when first met: a rate without common factors has thousands
	out := make([]int16, (len(pcm)*phases+step-1)/step)
	for i := range out {
		centre, phase := i*step/phases, i*step%phases
		if filters[phase] == nil {
			filters[phase] = lowPass(float64(phase)/float64(phases), cutoff, reach)
		}
		sum := 0.0
		for k, h := range filters[phase] {
			if at := centre + k - reach + 1; at >= 0 && at < len(pcm) {
				sum += h * float64(pcm[at])
			}
		}
		out[i] = clip(sum)
	}
	return out
}

// lowPass is a windowed sinc around a point that lies offset after the middle tap; its sum is 1.
func lowPass(offset, cutoff float64, reach int) []float64 {
	taps := make([]float64, 2*reach)
	sum := 0.0
	for k := range taps {
		t := float64(k-reach+1) - offset
		w := t / float64(reach)
		if w*w < 1 {
			taps[k] = cutoff * sinc(cutoff*t) * bessel0(resampleBeta*math.Sqrt(1-w*w))
		}
		sum += taps[k]
	}
	for k := range taps {
		taps[k] /= sum
	}
	return taps
}

func sinc(x float64) float64 {
	if math.Abs(x) < 1e-9 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel0 is the modified Bessel function of order zero, by its series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
