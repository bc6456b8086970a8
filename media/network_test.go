package media_test

import (
	"bytes"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"

	"ivr/internal/memnet"
	"ivr/media"
)

func TestPacketsOutOfOrderAreHeardInOrder(t *testing.T) {
	codes := codesOf(t, media.PCMU, tone(500, 4*time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		var e ears
		defer s.Listen(&e)()
		var held []byte
		for i := 0; len(codes) >= 160; i, codes = i+1, codes[160:] {
			raw := f.packet(codes[:160])
			switch {
			case i%7 == 3 && i > 50:
				held = raw // overtaken by the next
			default:
				f.put(raw)
				if held != nil {
					f.put(held)
					held = nil
				}
			}
			<-time.After(media.FrameDuration)
		}
		pcm := e.heard()
		pcm = pcm[2*media.SampleRate : 3*media.SampleRate+media.SampleRate/2] // the delay has settled
		if worst := steepest(pcm); worst > 1.1*slope(500) {
			t.Errorf("a step of %.0f, the tone has %.0f", worst, slope(500))
		}
		if n := s.Stats(); n.Lost != 0 || n.Duplicate != 0 || n.Invalid != 0 {
			t.Errorf("%+v", n)
		}
	})
}

func TestDuplicatesAreCountedAndHeardOnce(t *testing.T) {
	codes := codesOf(t, media.PCMA, tone(500, 2*time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMA)
		var e ears
		defer s.Listen(&e)()
		for n := 0; len(codes) >= 160; n, codes = n+1, codes[160:] {
			raw := f.packet(codes[:160])
			for range 3 {
				f.put(raw)
			}
			<-time.After(media.FrameDuration)
		}
		<-time.After(200 * time.Millisecond)
		if n := s.Stats(); n.Received != 300 || n.Duplicate != 200 || n.Lost != 0 || n.Late != 0 || n.Dropped != 0 {
			t.Errorf("%+v", n)
		}
		if worst := steepest(middle(e.heard())); worst > 1.1*slope(500) {
			t.Errorf("a step of %.0f, the tone has %.0f", worst, slope(500))
		}
	})
}

func TestAudioGoesOnWhenTheFarEndBecomesAnotherSource(t *testing.T) {
	codes := codesOf(t, media.PCMU, tone(500, 2*time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		var e ears
		defer s.Listen(&e)()
		f.talk(codes[:8000])
		f.SSRC, f.SequenceNumber, f.Timestamp = 0x22222222, 9, 77 // as after an attended transfer behind a PBX
		f.talk(codes[8000:])
		pcm := e.heard()[media.SampleRate/4 : 2*media.SampleRate-media.SampleRate/4]
		if n := gaps(pcm, 500); n > 4 {
			t.Errorf("%d frames without the tone", n)
		}
		if worst := steepest(pcm); worst > 2.5*slope(500) {
			t.Errorf("a step of %.0f, the tone has %.0f", worst, slope(500))
		}
		if n := s.Stats(); n.Lost != 0 || n.Invalid != 1 {
			t.Errorf("%+v: a new source is no loss, and its first packet is on probation", n)
		}
	})
}

func TestThePayloadTypeMayChangeWithEveryPacket(t *testing.T) {
	mu, a := codesOf(t, media.PCMU, tone(500, 2*time.Second)), codesOf(t, media.PCMA, tone(500, 2*time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		var e ears
		defer s.Listen(&e)()
		for i := range 100 {
			from, pt := mu, media.PCMU.PayloadType
			if i%3 == 1 {
				from, pt = a, media.PCMA.PayloadType
			}
			f.PayloadType = pt
			f.talk(from[160*i:][:160])
		}
		pcm := middle(e.heard())
		if worst := steepest(pcm); worst > 1.2*slope(500) {
			t.Errorf("a step of %.0f, the tone has %.0f", worst, slope(500))
		}
		if got := level(pcm, 500); got < 7500 || got > 8500 {
			t.Errorf("level %.0f", got)
		}
	})
}

// The far end is silent for longer than any time-out of ours, somebody else sends as if he were it, and it comes back.
func TestNobodyTakesOverACallByItsPort(t *testing.T) {
	codes := codesOf(t, media.PCMU, tone(500, time.Second))
	evil := codesOf(t, media.PCMU, tone(1700, time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		thief := l.stranger(t, s)
		thief.SSRC, thief.PayloadType = 0x33333333, media.PCMU.PayloadType
		var e ears
		defer s.Listen(&e)()

		f.talk(codes)
		for range 20 { // for 20 s
			thief.talk(evil)
		}
		f.Timestamp += 20 * 8000
		f.talk(codes)
		pcm := e.heard()
		if got := level(middle(pcm[10*media.SampleRate:]), 1700); got > 100 {
			t.Errorf("the thief is heard at level %.0f", got)
		}
		if got := level(middle(pcm[21*media.SampleRate:]), 500); got < 7000 {
			t.Errorf("the far end is heard at level %.0f after its silence", got)
		}
		<-time.After(2 * media.FrameDuration) // the last packet is on its way
		if n := s.Stats(); n.Invalid != 1000 || n.Received != 100 {
			t.Errorf("%+v: 1000 packets of the thief", n)
		}
		if thief.receives() {
			t.Error("the thief was sent audio of the call")
		}
	})
}

// receives says whether anything was ever sent to f.
func (f *far) receives() bool {
	buf := make([]byte, 1500)
	f.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, _, err := f.conn.ReadFromUDPAddrPort(buf)
	return err == nil
}

// A NAT that forgot the far end gives it another port: it is known by its source and numbers, which nobody off the path can know.
func TestTheFarEndIsFollowedWhenItsNATGivesItAnotherPort(t *testing.T) {
	codes := codesOf(t, media.PCMU, tone(500, time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		moved := l.stranger(t, s)
		f.talk(codes)
		<-time.After(time.Minute)
		moved.Header = f.Header
		moved.Timestamp += 60 * 8000
		moved.PayloadType = media.PCMU.PayloadType
		var e ears
		defer s.Listen(&e)()
		moved.talk(codes)
		if got := level(middle(e.heard()), 500); got < 7000 {
			t.Errorf("heard at level %.0f from its new port", got)
		}
		if !moved.receives() {
			t.Error("nothing is sent to the new port")
		}
	})
}

// Behind a NAT the address in SDP is nowhere: what is heard first is followed, and what comes from nearer takes over soon after.
func TestTheFarEndIsHeardWhereItsPacketsComeFrom(t *testing.T) {
	codes := codesOf(t, media.PCMU, tone(500, time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		nowhere := l.newFar(t, s, media.PCMU)
		nat := l.stranger(t, s)
		<-time.After(time.Second)
		nat.PayloadType = media.PCMU.PayloadType
		var e ears
		defer s.Listen(&e)()
		nat.talk(codes)
		if got := level(middle(e.heard()), 500); got < 7000 {
			t.Errorf("heard at level %.0f", got)
		}
		if !nat.receives() || !nowhere.receives() {
			t.Error("audio goes first where SDP said, then where packets came from")
		}
	})
}

func TestPacingDoesNotDriftInAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		first := f.receive()
		begin := time.Now()
		last, n := first, 0
		for time.Since(begin) < time.Hour {
			p := f.receive()
			n++
			if p.SequenceNumber != last.SequenceNumber+1 || p.Timestamp != last.Timestamp+160 || p.SSRC != first.SSRC {
				t.Fatalf("packet %d: %+v after %+v", n, p.Header, last.Header)
			}
			if off := time.Since(begin) - time.Duration(n)*media.FrameDuration; off != 0 {
				t.Fatalf("packet %d is off by %v", n, off)
			}
			last = p
		}
		if n != 180000 {
			t.Errorf("%d packets in an hour", n)
		}
	})
}

func TestNoTickIsMissingWhenLegsAreBridgedAndParted(t *testing.T) {
	ones, twos := codesOf(t, media.PCMU, tone(500, 6*time.Second)), codesOf(t, media.PCMU, tone(900, 6*time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		caller, seat := l.open(t), l.open(t)
		atCaller, atSeat := l.newFar(t, caller, media.PCMU), l.newFar(t, seat, media.PCMU)
		atCaller.keep, atSeat.keep = make(chan *rtp.Packet, 1000), make(chan *rtp.Packet, 1000)
		var talks sync.WaitGroup
		talks.Go(func() { atCaller.talk(ones) })
		talks.Go(func() { atSeat.talk(twos) })
		<-time.After(time.Second)
		split := media.Bridge(caller, seat)
		<-time.After(2 * time.Second)
		split()
		<-time.After(time.Second)
		media.Bridge(caller, seat)
		talks.Wait()
		for name, f := range map[string]*far{"caller": atCaller, "seat": atSeat} {
			other := map[string][]byte{"caller": twos, "seat": ones}[name]
			heard := f.all()
			for i := 1; i < len(heard); i++ {
				if heard[i].SequenceNumber != heard[i-1].SequenceNumber+1 || heard[i].Timestamp != heard[i-1].Timestamp+160 {
					t.Fatalf("%s: packet %d is %+v after %+v", name, i, heard[i].Header, heard[i-1].Header)
				}
			}
			if got := bitExact(heard, other); got < 194 || len(heard) < 298 {
				t.Errorf("%s: %d of %d packets are those of the other side; bridged for 4 s of 6 that is 200, less those that fade", name, got, len(heard))
			}
		}
	})
}

// bitExact counts packets that are pieces of codes.
func bitExact(ps []*rtp.Packet, codes []byte) (n int) {
	for _, p := range ps {
		if bytes.Contains(codes, p.Payload) {
			n++
		}
	}
	return n
}
