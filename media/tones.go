package media

import "math"

// Keys as tones in the audio (ITU-T Q.23), for far ends that know neither RFC 4733 nor SIP INFO. What ITU-T Q.24 wants of a receiver
// is the lower bound; the upper one is that speech and music must not press keys.
const (
	toneBlock    = 102  // samples at 8 kHz, 12.75 ms: frequencies 78 Hz apart are told from each other
	toneHits     = 3    // blocks with the same key: a press
	toneMisses   = 2    // blocks without it: released
	toneLeast    = 55   // amplitude of each tone below which it is none, about -36 dBm0
	twistMost    = 6.3  // the higher tone may be 8 dB louder,
	twistReverse = 2.5  // the lower one 4 dB
	toneAbove    = 6.3  // of both above their neighbours, 8 dB
	tonePure     = 0.76 // share of the energy that is the two tones'
	toneKeys     = "123A" + "456B" + "789C" + "*0#D"
)

// toneHertz are the rows and columns of the keypad; never changed.
var toneHertz = [8]float64{697, 770, 852, 941, 1209, 1336, 1477, 1633}

// toneEar listens for keys in audio (Goertzel's algorithm). The zero value at a rate of 8 or 16 kHz is ready.
type toneEar struct {
	rate    int
	turn    [8]float32 // 2 cos of the angle of a sample
	s1, s2  [8]float32
	energy  float32
	samples int

	last   int // key of the last block, -1: none
	hits   int // blocks of it
	misses int // blocks since the pressed key was there
	held   int // key that is pressed, -1: none
}

// listen takes audio of a rate and returns the key that was found to be pressed in it, 0 when there is none.
func (e *toneEar) listen(pcm []int16, rate int) (key rune) {
	if e.rate != rate {
		*e = toneEar{rate: rate, last: -1, held: -1}
		for i, hz := range toneHertz {
			e.turn[i] = float32(2 * math.Cos(2*math.Pi*hz/float64(rate)))
		}
	}
	for _, x := range pcm {
		v := float32(x)
		e.energy += v * v
		for i, turn := range &e.turn {
			e.s2[i], e.s1[i] = e.s1[i], v+turn*e.s1[i]-e.s2[i]
		}
		if e.samples++; e.samples == toneBlock*rate/narrowRate {
			if k := e.press(e.judge()); k >= 0 {
				key = rune(toneKeys[k])
			}
			e.s1, e.s2, e.energy, e.samples = [8]float32{}, [8]float32{}, 0, 0
		}
	}
	return key
}

// judge says which key the block holds, -1 for none.
func (e *toneEar) judge() int {
	var power [8]float32 // amplitude of the tone, squared, times (samples/2)²
	for i, turn := range e.turn {
		power[i] = e.s1[i]*e.s1[i] + e.s2[i]*e.s2[i] - turn*e.s1[i]*e.s2[i]
	}
	row, column := loudest(power[:4]), loudest(power[4:])
	low, high := power[row], power[4+column]
	n := float32(e.samples)
	if least := toneLeast * n / 2; low < least*least || high < least*least {
		return -1
	}
	if high > low*twistMost || low > high*twistReverse {
		return -1
	}
	for i := range 4 {
		if i != row && power[i]*toneAbove > low || i != column && power[4+i]*toneAbove > high {
			return -1
		}
	}
	// A tone of amplitude a has the energy n a²/2, and the power (n a/2)².
	if 2*(low+high)/n < tonePure*e.energy {
		return -1
	}
	return 4*row + column
}

func loudest(power []float32) (at int) {
	for i, p := range power {
		if p > power[at] {
			at = i
		}
	}
	return at
}

// press takes what a block holds and returns the key when that makes it pressed, else -1.
func (e *toneEar) press(key int) int {
	if key != e.last {
		e.last, e.hits = key, 0
	}
	e.hits++
	if key == e.held {
		e.misses = 0
		return -1
	}
	if e.misses++; e.misses >= toneMisses {
		e.held = -1
	}
	if key < 0 || e.hits < toneHits {
		return -1
	}
	e.held, e.misses = key, 0
	return key
}
