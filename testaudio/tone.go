package testaudio

import (
	"fmt"
	"math"
	"strings"
	"time"

	"ivr/media"
)

// samplesOf is how many samples d lasts.
func samplesOf(d time.Duration) int {
	return int(d * media.SampleRate / time.Second)
}

// durationOf is how long samples last.
func durationOf(samples int) time.Duration {
	return time.Duration(samples) * time.Second / media.SampleRate
}

// Silence is d of zeros.
func Silence(d time.Duration) []int16 { return make([]int16, samplesOf(d)) }

// Join puts one after the other.
func Join(parts ...[]int16) []int16 {
	var out []int16
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// toneLevel is the peak of each frequency of a tone: two of them stay below full scale.
const toneLevel = 0.3

// Tone is d of frequencies sounding together, with soft ends that do not click.
func Tone(d time.Duration, hz ...float64) []int16 {
	const ramp = media.SampleRate / 200 // 5 ms
	out := make([]int16, samplesOf(d))
	for i := range out {
		v := 0.0
		for _, f := range hz {
			v += math.Sin(2 * math.Pi * f * float64(i) / media.SampleRate)
		}
		edge := min(1, float64(min(i, len(out)-1-i))/ramp)
		out[i] = clip(v * edge * toneLevel * math.MaxInt16)
	}
	return out
}

// The frequencies of the keys (ITU-T Q.23): a row and a column each.
const dtmfKeys = "123A456B789C*0#D"

var (
	dtmfRows    = [4]float64{697, 770, 852, 941}
	dtmfColumns = [4]float64{1209, 1336, 1477, 1633}
)

// How long a key sounds and rests: well above what a receiver must take, 40 ms each (ITU-T Q.24).
const (
	keyOn  = 100 * time.Millisecond
	keyOff = 80 * time.Millisecond
)

// DTMF is keys as tones in the voice band, as old telephones send them.
func DTMF(keys string) ([]int16, error) {
	var out []int16
	for _, key := range strings.ToUpper(keys) {
		i := strings.IndexRune(dtmfKeys, key)
		if i < 0 {
			return nil, fmt.Errorf("testaudio: %q is not a telephone key: use 0-9 * # A-D", key)
		}
		out = append(out, Tone(keyOn, dtmfRows[i/4], dtmfColumns[i%4])...)
		out = append(out, Silence(keyOff)...)
	}
	return out, nil
}

// Hum is what a bad earth adds: the mains frequency, in Hz, and its odd harmonics.
func Hum(d time.Duration, mains float64) []int16 {
	return Tone(d, mains, 3*mains, 5*mains)
}
