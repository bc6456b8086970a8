package media

import "math"

// Narrowband audio, what G.711 carries, is 8 kHz: half of ours. One half-band filter serves both ways: it passes the telephone
// band (to 3.4 kHz within 0.01 dB), is 6 dB down at 4 kHz and more than 70 dB down from 4.6 kHz on, so that neither an image nor
// an alias is heard. Every second tap of such a filter is zero, and the rest are symmetrical.
const (
	narrowSamples = FrameSamples / 2 // of a frame at 8 kHz
	halfTaps      = 15               // on one side
	lookback      = 2 * halfTaps     // narrowband samples that one output depends on
)

// narrowFrame is 20 ms at 8 kHz.
type narrowFrame [narrowSamples]int16

// halfBand holds the odd taps of one side, scaled for doubling the rate; never changed.
var halfBand = designHalfBand()

// designHalfBand is the ideal filter under a Kaiser window for 70 dB.
func designHalfBand() (taps [halfTaps]float32) {
	const beta = 6.76
	var h [halfTaps]float64
	sum := 0.0
	for j := range h {
		n := float64(2*j + 1)
		edge := n / lookback
		h[j] = math.Sin(math.Pi*n/2) / (math.Pi * n / 2) * bessel(beta*math.Sqrt(1-edge*edge)) / bessel(beta)
		sum += 2 * h[j]
	}
	for j := range h {
		taps[j] = float32(h[j] / sum) // gain 1 at 0 Hz
	}
	return taps
}

// bessel is the modified Bessel function of the first kind and order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x / 2 / k * x / 2 / k
		sum += term
	}
	return sum
}

// upsampler doubles the rate of a stream of narrowband frames. Its state goes on across frames, so their borders are not
// heard. It delays by halfTaps narrowband samples (1.9 ms).
type upsampler struct {
	past [lookback]float32
}

func (u *upsampler) frame(wide *Frame, narrow *narrowFrame) { u.span(wide[:], narrow[:]) }

// span doubles the rate of audio of any length; there is room for it in wide.
func (u *upsampler) span(wide, narrow []int16) {
	for len(narrow) > narrowSamples {
		u.span(wide[:FrameSamples], narrow[:narrowSamples])
		wide, narrow = wide[FrameSamples:], narrow[narrowSamples:]
	}
	var in [lookback + narrowSamples]float32
	copy(in[:], u.past[:])
	for i, x := range narrow {
		in[lookback+i] = float32(x)
	}
	copy(u.past[:], in[len(narrow):])
	wide = wide[:2*len(narrow)]
	for m := range narrow {
		w := (*[lookback]float32)(in[m+1:])
		var between float32
		for j, tap := range halfBand {
			between += tap * (w[halfTaps-1-j] + w[halfTaps+j])
		}
		wide[2*m] = int16(w[halfTaps-1])
		wide[2*m+1] = toSample(between)
	}
}

// downsampler halves the rate of a stream of frames, with the same filter and the same delay.
type downsampler struct {
	past [2 * lookback]float32
}

func (d *downsampler) frame(narrow []int16, wide []int16) {
	const centre = lookback
	var in [2*lookback + FrameSamples]float32
	copy(in[:], d.past[:])
	for i, x := range wide[:FrameSamples] {
		in[2*lookback+i] = float32(x)
	}
	copy(d.past[:], in[FrameSamples:])
	for m := range narrow[:narrowSamples] {
		at := 2*m + centre
		sum := in[at]
		for j, tap := range halfBand {
			sum += tap * (in[at-2*j-1] + in[at+2*j+1])
		}
		narrow[m] = toSample(sum / 2)
	}
}

// narrowed halves the rate of a whole piece of audio, without delay.
func narrowed(wide []int16) []int16 {
	at := func(i int) float32 {
		if i < 0 || i >= len(wide) {
			return 0
		}
		return float32(wide[i])
	}
	narrow := make([]int16, (len(wide)+1)/2)
	for m := range narrow {
		sum := at(2 * m)
		for j, tap := range halfBand {
			sum += tap * (at(2*m-2*j-1) + at(2*m+2*j+1))
		}
		narrow[m] = toSample(sum / 2)
	}
	return narrow
}

// toSample rounds and limits.
func toSample(x float32) int16 {
	switch {
	case x >= math.MaxInt16:
		return math.MaxInt16
	case x <= math.MinInt16:
		return math.MinInt16
	case x < 0:
		return int16(x - 0.5)
	}
	return int16(x + 0.5)
}
