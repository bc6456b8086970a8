package mood

import (
	"math"
	"slices"
)

// prosodySize is how many numbers [prosody] makes of an utterance.
const prosodySize = 13

// Frames of the prosody: 40 ms of the telephone band every 20 ms.
const (
	frameHop    = 160 // samples at 8 kHz
	frameLength = 320
	pitchWindow = 200 // samples compared with those a period later
	shortPeriod = 18  // 444 Hz
	longPeriod  = 114 // 70 Hz
	voicedFrom  = 0.6 // correlation of one period with the next
	quieterBy   = 25  // dB below the loud frames: not speech
)

// prosody describes the voice of an utterance at 16 kHz without its loudness: pitch (semitones above 100 Hz: median, highest,
// range, lowest), sharpness (energy of the differences by energy, dB: median, upper, mean), spread of the level in dB, how voiced
// it is, and how much of the time is speech. nil if there is too little of it.
func prosody(pcm []int16) []float64 {
	x := make([]float64, len(pcm)/2)
	for i := range x {
		x[i] = (float64(pcm[2*i]) + float64(pcm[2*i+1])) / 2
	}
	levels := frameLevels(x)
	if len(levels) < 10 {
		return nil
	}
	floor := quantile(levels, 0.95) - quieterBy
	var loud, pitches, sharp, periodic []float64
	for n, level := range levels {
		if level < floor {
			continue
		}
		frame := x[n*frameHop : n*frameHop+frameLength]
		correlation, period := pitch(frame)
		loud, sharp, periodic = append(loud, level), append(sharp, sharpness(frame)), append(periodic, correlation)
		if correlation > voicedFrom {
			pitches = append(pitches, 12*math.Log2(8000/float64(period)/100))
		}
	}
	low, high := quantile(pitches, 0.1), quantile(pitches, 0.9)
	return []float64{
		quantile(pitches, 0.5), high, high - low, low,
		quantile(sharp, 0.5), quantile(sharp, 0.8), mean(sharp),
		quantile(loud, 0.9) - quantile(loud, 0.5), quantile(loud, 0.9) - quantile(loud, 0.1), quantile(loud, 0.75) - quantile(loud, 0.25),
		mean(periodic), float64(len(pitches)) / float64(len(loud)), float64(len(loud)) / float64(len(levels)),
	}
}

// frameLevels are the levels of all frames, in dB.
func frameLevels(x []float64) (levels []float64) {
	for at := 0; at+frameLength <= len(x); at += frameHop {
		var energy float64
		for _, v := range x[at : at+frameLength] {
			energy += v * v
		}
		levels = append(levels, 10*math.Log10(energy/frameLength+1))
	}
	return levels
}

// sharpness is how much of the energy lies high, in dB: a tense voice has more.
func sharpness(frame []float64) float64 {
	var differences, energy float64
	for i := 1; i < len(frame); i++ {
		d := frame[i] - frame[i-1]
		differences += d * d
		energy += frame[i] * frame[i]
	}
	return 10 * math.Log10((differences+1)/(energy+1))
}

// pitch is the period, in samples, at which a frame resembles itself most, and how much it does, 0 to 1. A longer period must be
// clearly better: every multiple of the true one is about as good.
func pitch(frame []float64) (best float64, period int) {
	const clearly = 0.02
	var first, later float64
	for i := range pitchWindow {
		first += frame[i] * frame[i]
		later += frame[i+shortPeriod] * frame[i+shortPeriod]
	}
	for p := shortPeriod; p <= longPeriod; p++ {
		if c := product(frame[:pitchWindow], frame[p:p+pitchWindow]) / math.Sqrt(first*later+1); c > best+clearly {
			best, period = c, p
		}
		if p+pitchWindow < len(frame) {
			later += frame[p+pitchWindow]*frame[p+pitchWindow] - frame[p]*frame[p]
		}
	}
	return best, period
}

// product is the inner product, in four sums that do not wait for each other: most of the time of [prosody] goes into it.
func product(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for i := 0; i+3 < len(a); i += 4 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
		s2 += a[i+2] * b[i+2]
		s3 += a[i+3] * b[i+3]
	}
	return s0 + s1 + s2 + s3
}

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}
