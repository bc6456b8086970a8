package media_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// tonesOf is a key as a telephone of old sends it: 100 ms, and 100 ms of nothing.
func tonesOf(low, high float64) []int16 {
	pcm := make([]int16, media.SampleRate/5)
	for i := range pcm[:len(pcm)/2] {
		at := 2 * math.Pi * float64(i) / media.SampleRate
		pcm[i] = int16(5000*math.Sin(low*at) + 6000*math.Sin(high*at))
	}
	return pcm
}

// FIELD 17: digits by events, by INFO and in the audio, detected per call, doubles removed.
func TestKeysComeByEveryWayAndEachPressOnce(t *testing.T) {
	five, nine := tonesOf(770, 1336), tonesOf(852, 1477)
	for _, c := range codecs {
		if c == media.Opus {
			continue // SILK does not carry tones: Opus legs have telephone-event
		}
		both := codesOf(t, c, append(five, nine...))
		quiet := codesOf(t, c, make([]int16, media.SampleRate/10))
		for name, way := range map[string]struct {
			events uint8 // payload type agreed on
			press  func(s *media.Stream, f *far)
			want   string
		}{
			"tones": {0, func(s *media.Stream, f *far) { f.talk(both) }, "59"},
			"tones are left in the audio, but events were agreed": {101, func(s *media.Stream, f *far) {
				f.talk(both[:1600])
				f.press(5, nil)
				f.talk(both[1600:])
				f.press(9, nil)
			}, "59"},
			"INFO": {101, func(s *media.Stream, f *far) { s.Press('5'); s.Press('9'); s.Press('9') }, "599"},
			"INFO beside events": {101, func(s *media.Stream, f *far) {
				s.Press('5')
				f.press(5, nil)
				f.press(9, nil)
				s.Press('9')
			}, "59"},
			"INFO after tones": {0, func(s *media.Stream, f *far) {
				f.talk(both[:1600])
				s.Press('5')
				f.talk(both[1600:])
				s.Press('9')
			}, "59"},
		} {
			synctest.Test(t, func(t *testing.T) {
				l := newLine(t, memnet.Damage{})
				s := l.open(t)
				f := l.newFar(t, s, c)
				p := s.Params()
				p.Digits = way.events
				if err := s.Start(p); err != nil {
					t.Fatal(err)
				}
				f.talk(quiet)
				way.press(s, f)
				<-time.After(200 * time.Millisecond)
				if got := keysOf(s); got != way.want {
					t.Errorf("%s, %s: got %q", c.Name, name, got)
				}
			})
		}
	}
}
