package media

import (
	"testing"
	"time"
)

// stages are what happens to one stream in one tick. Their names stand in docs/bench.
var stages = []struct {
	name   string
	allocs float64
	make   func(tb testing.TB) (step func())
}{
	{"Receive", 0, func(tb testing.TB) func() { // a packet is checked and counted, nobody listens
		b, s, f := newBench(), (*Stream)(nil), newFed(PCMU, codesOfTone())
		s = b.stream(tb, PCMU)
		s.params.Send = false
		return func() { f.arrive(s, b.now, narrowSamples); b.turn() }
	}},
	{"Decode", 0, func(tb testing.TB) func() { // and one listens: jitter buffer, decoding, 16 kHz
		b, f := newBench(), newFed(PCMU, codesOfTone())
		s := b.stream(tb, PCMU)
		s.params.Send = false
		s.Listen(&deaf{})
		return func() { f.arrive(s, b.now, narrowSamples); b.turn() }
	}},
	{"Conceal", 0, func(tb testing.TB) func() { // one packet in ten is lost
		b, f := newBench(), newFed(PCMU, codesOfTone())
		s := b.stream(tb, PCMU)
		s.params.Send = false
		s.Listen(&deaf{})
		n := 0
		return func() {
			if n++; n%10 == 0 {
				f.SequenceNumber++
				f.Timestamp += narrowSamples
			} else {
				f.arrive(s, b.now, narrowSamples)
			}
			b.turn()
		}
	}},
	{"Play", 0, func(tb testing.TB) func() { // a prompt that was encoded before
		b := newBench()
		s := b.stream(tb, PCMU)
		s.Loop(NewPrompt(tone(500, 8000, SampleRate, 10*SampleRate)))
		return b.turn
	}},
	{"PlayDucked", 0, func(tb testing.TB) func() { // its gain is changed: decoded, scaled, encoded
		b := newBench()
		s := b.stream(tb, PCMU)
		s.Loop(NewPrompt(tone(500, 8000, SampleRate, 10*SampleRate)))
		s.Gain(0.3)
		return b.turn
	}},
	{"BridgePair", 0, func(tb testing.TB) func() { // two legs of one law, both ways
		b := newBench()
		one, two := b.stream(tb, PCMU), b.stream(tb, PCMU)
		f, g := newFed(PCMU, codesOfTone()), newFed(PCMU, codesOfTone())
		Bridge(one, two)
		return func() { f.arrive(one, b.now, narrowSamples); g.arrive(two, b.now, narrowSamples); b.turn() }
	}},
	{"BridgePairTranscoded", 0, func(tb testing.TB) func() {
		b := newBench()
		one, two := b.stream(tb, PCMU), b.stream(tb, PCMA)
		f, g := newFed(PCMU, codesOfTone()), newFed(PCMA, codesOfTone())
		Bridge(one, two)
		return func() { f.arrive(one, b.now, narrowSamples); g.arrive(two, b.now, narrowSamples); b.turn() }
	}},
	{"Record", 0, func(tb testing.TB) func() { // both sides, without the disk
		b, f := newBench(), newFed(PCMU, codesOfTone())
		s := b.stream(tb, PCMU)
		r := NewRecorder("")
		s.Record(r)
		return func() {
			f.arrive(s, b.now, narrowSamples)
			b.turn()
			if written := r.take(nil, false); written != nil {
				r.take(written, false)
			}
		}
	}},
}

// deaf is a listener that does nothing.
type deaf struct{}

func (*deaf) Hear(*Heard) {}

func codesOfTone() []byte {
	codes := make([]byte, narrowSamples)
	muLaw.encode(codes, tone(500, 8000, 8000, narrowSamples))
	return codes
}

func TestNothingOnTheClockAllocates(t *testing.T) {
	for _, stage := range stages {
		step := stage.make(t)
		for range 600 { // until everything has its size
			step()
		}
		if got := testing.AllocsPerRun(1000, step); got > stage.allocs {
			t.Errorf("%s: %v allocations a tick", stage.name, got)
		}
	}
}

// BenchmarkTick is the cost of 20 ms of one stream (two for a bridged pair) without the kernel.
func BenchmarkTick(b *testing.B) {
	for _, stage := range stages {
		b.Run(stage.name, func(b *testing.B) {
			step := stage.make(b)
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(FrameDuration/time.Millisecond)/1e4, "%core")
		})
	}
}
