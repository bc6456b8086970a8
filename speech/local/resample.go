package local

import "math"

// A resampler changes the rate of whole clips by a fraction of small whole numbers, with a windowed-sinc filter in polyphase
// form: about 80 dB of stop band, flat to 92 % of the lower Nyquist frequency. Immutable; safe for concurrent use.
type resampler struct {
	up, down int         // out rate / in rate, reduced
	taps     [][]float32 // for each phase, the weights of the 2*half input samples around the output sample
	half     int
}

// lobes is how many zero crossings of the sinc the filter keeps on each side.
const lobes = 32

func newResampler(from, to int) *resampler {
	divisor := gcd(from, to)
	r := &resampler{up: to / divisor, down: from / divisor}
	cutoff := 0.955 * math.Min(1, float64(to)/float64(from)) // of the input's Nyquist frequency
	r.half = int(math.Ceil(lobes / cutoff))
	r.taps = make([][]float32, r.up)
	for phase := range r.taps {
		offset := float64(phase) / float64(r.up)
		row := make([]float32, 2*r.half)
		var sum float64
		for i := range row {
			x := float64(i-r.half+1) - offset // distance of this input sample from the output sample
			w := cutoff * sinc(cutoff*x) * kaiser(x/float64(r.half))
			row[i] = float32(w)
			sum += w
		}
		for i := range row {
			row[i] /= float32(sum) // exactly the same loudness in every phase
		}
		r.taps[phase] = row
	}
	return r
}

func (r *resampler) resample(in []float32) []float32 {
	out := make([]float32, len(in)*r.up/r.down)
	for n := range out {
		at := n * r.down
		first, row := at/r.up-r.half+1, r.taps[at%r.up]
		lo, hi := max(0, -first), min(len(row), len(in)-first)
		var sum float32
		for i := lo; i < hi; i++ {
			sum += row[i] * in[first+i]
		}
		out[n] = sum
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the Kaiser window of beta 8 at x in [-1, 1].
func kaiser(x float64) float64 {
	const beta = 8
	if x < -1 || x > 1 {
		return 0
	}
	return bessel0(beta*math.Sqrt(1-x*x)) / bessel0(beta)
}

// bessel0 is the modified Bessel function of the first kind and order 0.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1; term > 1e-12*sum; k++ {
		term *= (x / 2 / float64(k)) * (x / 2 / float64(k))
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
