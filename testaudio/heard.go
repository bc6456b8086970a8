package testaudio

import (
	"math"
	"math/cmplx"
	"strings"
	"time"

	"ivr/media"
)

// Heard is audio that a test listens to.
type Heard []int16

// Segment is a stretch of sound.
type Segment struct{ From, To time.Duration }

// What counts as sound, and as one segment.
const (
	window      = 10 * time.Millisecond
	quiet       = -50.0                  // dBFS; a telephone line idles below
	quieter     = 35.0                   // dB below the loudest 10 ms: the noise between words of a clean recording
	joinWithin  = 250 * time.Millisecond // pauses inside a sentence
	shortestOne = 30 * time.Millisecond  // less is a click
)

// Duration of it all.
func (h Heard) Duration() time.Duration { return durationOf(len(h)) }

// Between is the part from one time to another; what lies outside is left out.
func (h Heard) Between(from, to time.Duration) Heard {
	a, b := max(0, samplesOf(from)), min(len(h), samplesOf(to))
	if a >= b {
		return nil
	}
	return h[a:b]
}

// Level is the root mean square in dBFS, -inf for silence.
func (h Heard) Level() float64 { return 20 * math.Log10(rms(h)/math.MaxInt16) }

// Envelope is the level of each 10 ms, in dBFS.
func (h Heard) Envelope() []float64 {
	n := samplesOf(window)
	out := make([]float64, 0, len(h)/n)
	for len(h) >= n {
		out = append(out, h[:n].Level())
		h = h[n:]
	}
	return out
}

// Segments are the stretches of sound, in order; short pauses do not part them.
func (h Heard) Segments() (out []Segment) {
	levels := h.Envelope()
	threshold := quiet
	for _, l := range levels {
		threshold = max(threshold, l-quieter)
	}
	for i, l := range levels {
		if l < threshold {
			continue
		}
		from := time.Duration(i) * window
		if n := len(out); n > 0 && from-out[n-1].To < joinWithin {
			out[n-1].To = from + window
		} else {
			out = append(out, Segment{from, from + window})
		}
	}
	kept := out[:0]
	for _, s := range out {
		if s.To-s.From >= shortestOne {
			kept = append(kept, s)
		}
	}
	return kept
}

// Onset is when the first sound begins; ok is false if there is none.
func (h Heard) Onset() (at time.Duration, ok bool) {
	s := h.Segments()
	if len(s) == 0 {
		return 0, false
	}
	return s[0].From, true
}

// Tone is the share of the energy that lies at a frequency in Hz, 0 to 1 (Goertzel): a pure tone gives nearly 1. The longer
// the audio, the narrower the frequency.
func (h Heard) Tone(hz float64) float64 {
	w := 2 * math.Pi * hz / media.SampleRate
	var s1, s2, energy float64
	for _, x := range h {
		s1, s2 = float64(x)+2*math.Cos(w)*s1-s2, s1
		energy += float64(x) * float64(x)
	}
	if energy == 0 {
		return 0
	}
	power := cmplx.Abs(complex(s1, 0) - complex(s2, 0)*cmplx.Exp(complex(0, -w)))
	return min(1, 2*power*power/(energy*float64(len(h))))
}

// Keys are the DTMF tones in it, in order.
func (h Heard) Keys() string {
	const step = 20 * time.Millisecond
	var keys strings.Builder
	last, run := -1, 0
	for at := time.Duration(0); at+step <= h.Duration(); at += step {
		key := h.Between(at, at+step).key()
		if key != last {
			last, run = key, 0
		}
		if run++; key >= 0 && run == 2 { // 40 ms: ITU-T Q.24
			keys.WriteByte(dtmfKeys[key])
		}
	}
	return keys.String()
}

// key is which of the 16 sounds throughout, -1 none.
func (h Heard) key() int {
	best := func(of [4]float64) (index int, share float64) {
		for i, f := range of {
			if s := h.Tone(f); s > share {
				index, share = i, s
			}
		}
		return index, share
	}
	row, low := best(dtmfRows)
	column, high := best(dtmfColumns)
	if h.Level() < quiet || low+high < 0.8 || min(low, high) < 0.1 {
		return -1
	}
	return 4*row + column
}
