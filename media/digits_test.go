package media_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// press is one key as a phone sends it: a packet each 20 ms, the last one three times.
func (f *far) press(code uint8, keep func(n int) bool) {
	const lasts = 5
	for n := 1; n <= lasts+2; n++ {
		if keep == nil || keep(n) {
			f.event(code, n >= lasts, uint16(min(n, lasts)*160))
		} else {
			f.SequenceNumber++
		}
		<-time.After(media.FrameDuration)
	}
	f.Timestamp += (lasts + 2) * 160
}

// keysOf closes s and returns all keys it delivered.
func keysOf(s *media.Stream) (keys string) {
	s.Close()
	for d := range s.Digits() {
		keys += string(d.Key)
	}
	return keys
}

func TestAKeyArrivesOnceHoweverItsPacketsDo(t *testing.T) {
	for name, press := range map[string]func(f *far){
		"all": func(f *far) { f.press(4, nil) },
		// RFC 4733, 2.5.1.3: none of these is needed to know a press.
		"without its beginning": func(f *far) { f.press(4, func(n int) bool { return n > 3 }) },
		"without its ends":      func(f *far) { f.press(4, func(n int) bool { return n < 5 }) },
		"only the last end":     func(f *far) { f.press(4, func(n int) bool { return n == 7 }) },
		"only the first":        func(f *far) { f.press(4, func(n int) bool { return n == 1 }) },
		"marker on every packet": func(f *far) {
			f.Marker = true
			f.press(4, nil)
			f.Marker = false
		},
		"beginning with duration 0": func(f *far) { f.event(4, false, 0); f.press(4, nil) },
		"every packet twice": func(f *far) {
			for n := range 5 {
				f.event(4, n == 4, uint16(160*n))
				f.SequenceNumber--
				f.event(4, n == 4, uint16(160*n))
			}
			f.Timestamp += 800
		},
		"a new time stamp in every packet": func(f *far) { // as some gateways do
			for n := range 5 {
				f.event(4, n == 4, 160)
				f.Timestamp += 160
				<-time.After(media.FrameDuration)
			}
		},
		"held for ten seconds": func(f *far) { // RFC 4733, 2.5.1.3: a new segment when the duration is full
			for range 4 {
				for d := 160; d <= 20000; d += 160 {
					f.event(4, false, uint16(d))
					<-time.After(media.FrameDuration)
				}
				f.Timestamp += 20000
			}
			f.event(4, true, 160)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLine(t, memnet.Damage{})
				s := l.open(t)
				f := l.newFar(t, s, media.PCMU)
				press(f)
				<-time.After(60 * time.Millisecond)
				f.Timestamp += 480
				f.press(4, nil) // the same key again is another press
				f.press(5, nil)
				<-time.After(100 * time.Millisecond)
				if got := keysOf(s); got != "445" {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

func TestNoKeyIsMadeOfWhatIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		f.event(16, false, 160) // flash
		f.event(36, true, 800)  // a modem's tone
		f.PayloadType = 101
		f.send([]byte{1, 2}) // too short
		f.send(nil)
		<-time.After(100 * time.Millisecond)
		if n := s.Stats(); n.Invalid != 2 {
			t.Errorf("%+v: two packets are no events", n)
		}
		if got := keysOf(s); got != "" {
			t.Errorf("got %q", got)
		}
	})
}

func TestKeysThatNobodyTakesAreDroppedOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLine(t, memnet.Damage{}).open(t)
		for range 10 {
			s.Press('1')
		}
		for range 64 {
			s.Press('2')
		}
		if got := keysOf(s); len(got) != 64 || got[0] != '2' {
			t.Errorf("got %q", got)
		}
		if n := s.Stats(); n.Dropped != 10 {
			t.Errorf("%+v", n)
		}
	})
}

// What RFC 4733 wants of a sender: one time stamp a press, the marker on its first packet only, a growing duration, and the
// end three times.
func TestKeysAreSentByTheBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		s := l.open(t)
		f := l.newFar(t, s, media.PCMU)
		<-time.After(time.Second)
		if err := s.SendDigits(t.Context(), "7*"); err != nil {
			t.Fatal(err)
		}
		var codes, ends, markers int
		var begin, before uint32
		for _, p := range f.all() {
			if p.PayloadType != 101 {
				continue
			}
			codes++
			if p.Marker {
				markers++
				begin, before = p.Timestamp, 0
			}
			duration := uint32(p.Payload[2])<<8 | uint32(p.Payload[3])
			if p.Timestamp != begin || duration < before || duration > before+160 {
				t.Errorf("duration %d at %d, after %d at %d", duration, p.Timestamp, before, begin)
			}
			before = duration
			if p.Payload[1]&0x80 != 0 {
				ends++
			}
		}
		if codes != 14 || ends != 6 || markers != 2 {
			t.Errorf("%d packets of events with %d ends and %d markers", codes, ends, markers)
		}
		if err := s.SendDigits(t.Context(), "1x"); err == nil {
			t.Error("x is no key")
		}
		s.Close()
		if err := s.SendDigits(t.Context(), "1"); !errors.Is(err, media.ErrClosed) {
			t.Error(err)
		}
	})
}

// RFC 4733, 2.1: the clock of events is that of their audio; some far ends have 8000 Hz for all.
func TestKeysAreSentAndHeardAtEachClockRate(t *testing.T) {
	for _, c := range codecs {
		for _, clock := range slices.Compact([]int{8000, c.ClockRate}) {
			t.Run(fmt.Sprint(c.Name, " ", clock), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l := newLine(t, memnet.Damage{Loss: 0.1, Seed: 7})
					a, b := l.pair(t, c)
					for _, s := range []*media.Stream{a, b} {
						p := s.Params()
						p.DigitsClock = clock
						if err := s.Start(p); err != nil {
							t.Fatal(err)
						}
					}
					<-time.After(time.Second)
					if err := a.SendDigits(t.Context(), "11059#D"); err != nil {
						t.Fatal(err)
					}
					<-time.After(100 * time.Millisecond)
					if got := keysOf(b); got != "11059#D" {
						t.Errorf("heard %q", got)
					}
				})
			})
		}
	}
}
