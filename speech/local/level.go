package local

import (
	"math"
	"time"
)

// How a spoken clip is finished.
const (
	silenceBelow = 0.003                 // of full scale: what is quieter at the ends is silence; an "f" is hardly louder
	leadKept     = 20 * time.Millisecond // before the first sound
	tailKept     = 60 * time.Millisecond // after the last: endings fade
	targetLevel  = 0.11                  // root mean square of the voiced part: -19 dBFS, a usual level of telephone prompts
	peakLevel    = 0.9                   // no sample beyond
	mostGain     = 2.5
)

// finish trims the silence at both ends, brings the level near the target without clipping, and rounds to 16 bit.
func finish(samples []float32) []int16 {
	samples = trim(samples)
	gain := gainFor(samples)
	pcm := make([]int16, len(samples))
	for i, s := range samples {
		pcm[i] = int16(math.Round(float64(s) * gain * 32767))
	}
	return pcm
}

func trim(samples []float32) []float32 {
	first, last := 0, len(samples)-1
	for first < len(samples) && abs(samples[first]) < silenceBelow {
		first++
	}
	for last > first && abs(samples[last]) < silenceBelow {
		last--
	}
	if first == len(samples) {
		return nil
	}
	return samples[max(0, first-samplesOf(leadKept)):min(len(samples), last+1+samplesOf(tailKept))]
}

// gainFor is what brings the voiced part of samples to the target level.
func gainFor(samples []float32) float64 {
	var squares, peak float64
	voiced := 0
	for _, s := range samples {
		a := float64(abs(s))
		peak = max(peak, a)
		if a >= silenceBelow {
			squares += a * a
			voiced++
		}
	}
	if voiced == 0 {
		return 1
	}
	return min(targetLevel/math.Sqrt(squares/float64(voiced)), peakLevel/peak, mostGain)
}

func abs(s float32) float32 { return max(s, -s) }

func samplesOf(d time.Duration) int { return int(d * sampleRate / time.Second) }
