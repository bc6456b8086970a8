package media

import (
	"math"
	"testing"
	"time"

	"github.com/pion/rtp"
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
	{"BridgePairTranscoded", 0, bridgePair(PCMU, PCMA)},
	{"DecodeG722", 0, hear(G722)},
	{"DecodeOpus", 0, hear(Opus)},
	{"BridgePairG722", 0, bridgePair(PCMU, G722)},
	{"BridgePairOpus", 6, bridgePair(PCMU, Opus)}, // one leg is G.711; the library copies a state for FEC when speech is loud
	// SRTP on both legs, sent to each other; the race detector makes pools in the library lose what they hold.
	{"BridgePairProtected", 2, func(tb testing.TB) func() {
		b := newBench()
		one, two := b.stream(tb, PCMU), b.stream(tb, PCMU)
		keys, _ := NewCrypto("1", "AES_CM_128_HMAC_SHA1_80")
		for _, s := range []*Stream{one, two} {
			p := s.Params()
			p.Secure = &Secure{Ours: keys, Theirs: keys}
			if err := s.Start(p); err != nil {
				tb.Fatal(err)
			}
		}
		Bridge(one, two)
		var into rtp.Packet
		return func() {
			if out := one.secured.sealed; len(out) > 0 {
				two.arrive(&into, out, theFarEnd, b.now)
				one.arrive(&into, two.secured.sealed, theFarEnd, b.now)
			}
			b.turn()
		}
	}},
	{"MixOfThree", 0, func(tb testing.TB) func() { // three legs of one law
		b := newBench()
		m := b.NewMix()
		f := newFed(PCMU, codesOfTone())
		var all []*Stream
		for range 3 {
			s := b.stream(tb, PCMU)
			m.Join(s)
			all = append(all, s)
		}
		return func() {
			for _, s := range all {
				h := f.Header
				f.arrive(s, b.now, narrowSamples)
				f.Header = h
			}
			f.SequenceNumber++
			f.Timestamp += narrowSamples
			b.turn()
		}
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

func codesOfTone() []byte { return voice(PCMU).at(0) }

// voice is a second of something that is not steady, encoded.
func voice(c Codec) *packets {
	pcm := tone(300, 6000, SampleRate, SampleRate)
	for i := range pcm {
		pcm[i] = int16(float64(pcm[i]) * (1 + math.Sin(float64(i)/2000)) / 2)
	}
	p := NewPrompt(pcm)
	p.Encode(c)
	return p.packets(c.format())
}

// hear is one leg that somebody listens to.
func hear(c Codec) func(testing.TB) func() {
	return func(tb testing.TB) func() {
		b, f := newBench(), newSpeaker(c)
		s := b.stream(tb, c)
		s.params.Send = false
		s.Listen(&deaf{})
		return func() { f.arrive(s, b.now); b.turn() }
	}
}

// bridgePair is two legs, both ways.
func bridgePair(c, d Codec) func(testing.TB) func() {
	return func(tb testing.TB) func() {
		b := newBench()
		one, two := b.stream(tb, c), b.stream(tb, d)
		f, g := newSpeaker(c), newSpeaker(d)
		Bridge(one, two)
		return func() { f.arrive(one, b.now); g.arrive(two, b.now); b.turn() }
	}
}

// speaker sends a voice again and again.
type speaker struct {
	f     fed
	voice *packets
	n     int
	ticks uint32
}

func newSpeaker(c Codec) *speaker {
	return &speaker{f: fed{Header: rtp.Header{Version: 2, SSRC: 1, PayloadType: c.PayloadType}, raw: make([]byte, headerSize+payloadMost)},
		voice: voice(c), ticks: uint32(c.format().ticks())}
}

func (k *speaker) arrive(s *Stream, now time.Time) {
	payload := k.voice.at(k.n % k.voice.len())
	k.n++
	k.f.raw = k.f.raw[:headerSize+len(payload)]
	copy(k.f.raw[headerSize:], payload)
	k.f.arrive(s, now, int(k.ticks))
}

func TestNothingOnTheClockAllocates(t *testing.T) {
	for _, stage := range stages {
		step := stage.make(t)
		for range 350 { // until everything has its size
			step()
		}
		if got := testing.AllocsPerRun(100, step); got > stage.allocs {
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
