package local_test

import (
	"testing"

	"ivr/speech/local"
	"ivr/speech/models"
	"ivr/testaudio"
)

// The engines' time, also as a share of the audio's own: below 1 is faster than it is spoken.
func BenchmarkEngines(b *testing.B) {
	set, err := models.Open("")
	if err != nil {
		b.Skip(err)
	}
	for _, size := range []string{"moonshine-tiny", "moonshine-base"} {
		e, err := local.Open(set, local.Options{Recogniser: size})
		if err != nil {
			b.Fatal(err)
		}
		pcm, err := e.Voice.Speak(b.Context(), "where is my parcel four five one two")
		if err != nil {
			b.Fatal(err)
		}
		line := testaudio.Telephone(pcm, testaudio.MuLaw)
		seconds := float64(len(pcm)) / 16000
		b.Run("Recognise/"+size, func(b *testing.B) {
			for b.Loop() {
				if _, err := e.Recogniser.Recognise(b.Context(), line); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/seconds, "of-real-time")
		})
		if size == "moonshine-base" {
			b.Run("Speak", func(b *testing.B) {
				for b.Loop() {
					if _, err := e.Voice.Speak(b.Context(), "Good news, it is out for delivery."); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("VAD", func(b *testing.B) {
				vad, err := e.NewVAD()
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					if _, err := vad.Speech(line[:512]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	}
}
