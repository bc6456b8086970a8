package testaudio

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"time"
)

// noiseLevel is the root mean square of noise as made, of full scale: [Mix] sets the level that is wanted.
const noiseLevel = 0.1

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x6976722d74657374)) }

// White is noise with the same power at every frequency.
func White(d time.Duration, seed uint64) []int16 {
	r, out := random(seed), make([]int16, samplesOf(d))
	for i := range out {
		out[i] = clip(r.NormFloat64() * noiseLevel * math.MaxInt16)
	}
	return out
}

// Pink is noise whose power falls by 3 dB an octave: rooms, streets and fans are nearer to it than to white.
func Pink(d time.Duration, seed uint64) []int16 {
	// Sources that change every sample, every second, every fourth and so on, added up (Voss): each octave gets one more.
	var sources [14]float64
	r, out := random(seed), make([]int16, samplesOf(d))
	for i := range sources {
		sources[i] = r.NormFloat64()
	}
	for i := range out {
		sources[bits.TrailingZeros(uint(i)|1<<(len(sources)-1))] = r.NormFloat64()
		v := r.NormFloat64()
		for _, s := range sources {
			v += s
		}
		out[i] = clip(v / math.Sqrt(float64(1+len(sources))) * noiseLevel * math.MaxInt16)
	}
	return out
}

// Babble is a room of people: voices speaking again and again, each from a place of its own, none of them understood.
// Six or more make a crowd; none makes silence.
func Babble(d time.Duration, seed uint64, voices ...[]int16) []int16 {
	r, sum := random(seed), make([]float64, samplesOf(d))
	for _, v := range voices {
		if len(v) == 0 {
			continue
		}
		at, scale := r.IntN(len(v)), 1/max(speechRMS(v), 1)
		for i := range sum {
			sum[i] += scale * float64(v[(at+i)%len(v)])
		}
	}
	out := make([]int16, len(sum))
	for i, v := range sum {
		out[i] = clip(v / math.Sqrt(float64(max(1, len(voices)))) * noiseLevel * math.MaxInt16)
	}
	return out
}

// Mix adds noise, repeated as often as it takes, so that speech stands snr decibels above it. The level of speech is that of
// its voiced parts: pauses do not count.
func Mix(pcm, noise []int16, snr float64) []int16 {
	out := append([]int16(nil), pcm...)
	level := rms(noise)
	if level == 0 {
		return out
	}
	gain := speechRMS(pcm) / level * math.Pow(10, -snr/20)
	for i := range out {
		out[i] = clip(float64(out[i]) + gain*float64(noise[i%len(noise)]))
	}
	return out
}

// Gain makes pcm louder by decibels; what does not fit is clipped, as on a real line.
func Gain(pcm []int16, decibels float64) []int16 {
	out, g := make([]int16, len(pcm)), math.Pow(10, decibels/20)
	for i, s := range pcm {
		out[i] = clip(g * float64(s))
	}
	return out
}

// rms is the root mean square, 0 for no samples.
func rms(pcm []int16) float64 {
	if len(pcm) == 0 {
		return 0
	}
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(len(pcm)))
}

// speechRMS is that of the voiced frames.
func speechRMS(pcm []int16) float64 {
	var voiced []int16
	for _, s := range Heard(pcm).Segments() {
		voiced = append(voiced, pcm[samplesOf(s.From):min(len(pcm), samplesOf(s.To))]...)
	}
	if len(voiced) == 0 {
		return rms(pcm)
	}
	return rms(voiced)
}
