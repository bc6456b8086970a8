package media

import (
	"math"
	"testing"
)

// tone is n samples of a sine.
func tone(hz, amplitude float64, rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

// levelAt is the amplitude of one frequency in pcm.
func levelAt(pcm []int16, hz float64, rate int) float64 {
	var re, im float64
	for i, x := range pcm {
		window := 1 - math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / float64(rate))
		re += window * float64(x) * cos
		im += window * float64(x) * sin
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

func decibel(ratio float64) float64 { return 20 * math.Log10(ratio) }

// widened runs narrowband audio through the streaming upsampler, frame by frame.
func widened(narrow []int16) []int16 {
	var up upsampler
	var wide []int16
	for ; len(narrow) >= narrowSamples; narrow = narrow[narrowSamples:] {
		var f Frame
		up.frame(&f, (*narrowFrame)(narrow))
		wide = append(wide, f[:]...)
	}
	return wide
}

func TestTheTelephoneBandSurvivesBothResamplings(t *testing.T) {
	for _, hz := range []float64{300, 1000, 2000, 3000, 3400} {
		up := widened(tone(hz, 10000, 8000, 8000))[1600:]
		if db := decibel(levelAt(up, hz, SampleRate) / 10000); math.Abs(db) > 0.05 {
			t.Errorf("%v Hz up: %.3f dB", hz, db)
		}
		if db := decibel(levelAt(up, 8000-hz, SampleRate) / 10000); hz < 3401 && db > -68 {
			t.Errorf("%v Hz up: image at %.1f dB", hz, db)
		}
		down := narrowed(tone(hz, 10000, SampleRate, 16000))
		if db := decibel(levelAt(down, hz, 8000) / 10000); math.Abs(db) > 0.05 {
			t.Errorf("%v Hz down: %.3f dB", hz, db)
		}
	}
}

func TestWhatAnEightKilohertzLineCannotCarryDoesNotFoldBack(t *testing.T) {
	for _, hz := range []float64{4600, 5000, 6000, 7500} {
		down := narrowed(tone(hz, 10000, SampleRate, 16000))
		if db := decibel(levelAt(down, 8000-hz, 8000) / 10000); db > -68 {
			t.Errorf("%v Hz comes back at %v Hz with %.1f dB", hz, 8000-hz, db)
		}
	}
}

// FIELD 8: choppy audio at the borders of frames; both resamplers keep their state from one to the next.
func TestFrameBordersAreNotHeardAfterResampling(t *testing.T) {
	wide := widened(tone(440, 10000, 8000, 8000))
	steepest := 10000 * 2 * math.Pi * 440 / SampleRate
	for i := 320; i < len(wide); i++ {
		if d := math.Abs(float64(wide[i]) - float64(wide[i-1])); d > steepest+2 {
			t.Fatalf("sample %d jumps by %v, the tone never by more than %.0f", i, d, steepest)
		}
	}
}

func BenchmarkUpsample(b *testing.B) {
	var up upsampler
	var wide Frame
	narrow := (*narrowFrame)(tone(440, 10000, 8000, narrowSamples))
	for b.Loop() {
		up.frame(&wide, narrow)
	}
}
