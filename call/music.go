package call

import (
	"math"

	"ivr/media"
)

// HoldMusic is what waiting callers hear when the house has no music of its own: slow broken chords of soft tones, made here so
// that nobody owns it. It repeats without a seam.
func HoldMusic() *media.Prompt {
	chords := [][]float64{ // Hz: C, Am, F, G with their octaves
		{261.63, 329.63, 392.00, 523.25}, {220.00, 261.63, 329.63, 440.00},
		{174.61, 261.63, 349.23, 440.00}, {196.00, 246.94, 293.66, 392.00},
	}
	const note = media.SampleRate * 2 / 5
	order := []int{0, 1, 2, 3, 2, 1}
	pcm := make([]int16, note*len(order)*len(chords))
	for i, chord := range chords {
		for j, k := range order {
			pluck(pcm, (i*len(order)+j)*note, chord[k], 2600)
		}
	}
	return media.NewPrompt(pcm)
}

// pluck adds a decaying tone at a sample, around the end to the beginning.
func pluck(pcm []int16, at int, hz, level float64) {
	const length = media.SampleRate * 3 / 2
	for i := range length {
		t := float64(i) / media.SampleRate
		envelope := math.Exp(-2.6*t) * math.Min(1, t/0.015) * (1 - float64(i)/length)
		v := math.Sin(2*math.Pi*hz*t) + 0.3*math.Sin(4*math.Pi*hz*t)
		pcm[(at+i)%len(pcm)] += int16(level * envelope * v)
	}
}

// Beep is the tone before a message is recorded.
func Beep() *media.Prompt {
	const length = media.SampleRate * 3 / 10
	const edge = media.SampleRate / 100
	pcm := make([]int16, length)
	for i := range pcm {
		envelope := math.Min(1, math.Min(float64(i), float64(length-i))/edge)
		pcm[i] = int16(6000 * envelope * math.Sin(2*math.Pi*1000*float64(i)/media.SampleRate))
	}
	return media.NewPrompt(pcm)
}
