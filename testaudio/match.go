package testaudio

import (
	"math"
	"math/bits"
	"time"
)

// Match says how well and where something that was sent is found in what was heard.
type Match struct {
	At          time.Duration // when it begins in what was heard
	Correlation float64       // 1 the same, 0 not there, negative upside down
	Gain        float64       // dB by which it came louder
	SNR         float64       // dB between what is of it and what is not: noise, companding, gaps
}

// Find looks for sent in what was heard, wherever it fits best. The zero Match means that there is nothing to look for or in.
func (h Heard) Find(sent []int16) Match {
	if len(sent) == 0 || len(h) == 0 || rms(sent) == 0 || rms(h) == 0 {
		return Match{}
	}
	at := bestLag(h, sent)
	from, to := max(0, at), min(len(h), at+len(sent))
	a, b := sent[from-at:to-at], h[from:to]
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return Match{}
	}
	gain := ab / aa
	rest := max(bb-ab*ab/aa, bb*1e-12)
	return Match{
		At: durationOf(at), Correlation: ab / math.Sqrt(aa*bb),
		Gain: 20 * math.Log10(math.Abs(gain)), SNR: 10 * math.Log10(ab*ab/aa/rest),
	}
}

// bestLag is the index in h at which sent correlates best.
func bestLag(h, sent []int16) int {
	n := 1 << bits.Len(uint(len(h)+len(sent)))
	a, b := make([]complex128, n), make([]complex128, n)
	for i, s := range h {
		a[i] = complex(float64(s), 0)
	}
	for i, s := range sent {
		b[i] = complex(float64(s), 0)
	}
	fourier(a, false)
	fourier(b, false)
	for i := range a {
		a[i] *= complex(real(b[i]), -imag(b[i]))
	}
	fourier(a, true)
	best, lag := math.Inf(-1), 0
	for i, v := range a {
		if real(v) > best {
			best, lag = real(v), i
		}
	}
	if lag >= len(h) { // negative lags stand at the end
		lag -= n
	}
	return lag
}

// fourier is the discrete Fourier transform in place, not scaled; the length is a power of two.
func fourier(x []complex128, inverse bool) {
	n, sign := len(x), -1.0
	if inverse {
		sign = 1
	}
	shift := 64 - bits.Len(uint(n)) + 1
	for i := range x {
		if j := int(bits.Reverse64(uint64(i)) >> shift); i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		half, angle := size/2, sign*2*math.Pi/float64(size)
		turns := make([]complex128, half)
		for k := range turns {
			sin, cos := math.Sincos(angle * float64(k))
			turns[k] = complex(cos, sin)
		}
		for start := 0; start < n; start += size {
			for k, turn := range turns {
				even, odd := x[start+k], turn*x[start+k+half]
				x[start+k], x[start+k+half] = even+odd, even-odd
			}
		}
	}
}
