package mood

import (
	"math/rand/v2"
	"testing"
)

// What judging an utterance of 2.4 s costs beside recognising it, which takes some 100 ms.
func BenchmarkJudge(b *testing.B) {
	d, err := NewDetector("moonshine-base")
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	pcm := make([]int16, 38400)
	for i := range pcm {
		pcm[i] = int16(3000 * random.NormFloat64())
	}
	pooled := make([]float32, len(d.voice.Weights)-prosodySize)
	caller := d.NewCaller()
	b.ReportAllocs()
	for b.Loop() {
		caller.Judge(Utterance{Text: "this is the third time I call and nobody can tell me where my parcel is", Pooled: pooled, Audio: pcm})
	}
}
