package media_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// watch looks at audio as it comes, for an hour of it is too much to keep.
type watch struct {
	last    int16
	begun   int
	worst   float64
	quieter int // frames
}

func (w *watch) Hear(h *media.Heard) {
	if w.begun++; w.begun < 25 {
		w.last = h.Frame[media.FrameSamples-1]
		return
	}
	sum := 0.0
	for _, x := range h.Frame {
		w.worst = max(w.worst, math.Abs(float64(x)-float64(w.last)))
		w.last = x
		sum += math.Abs(float64(x))
	}
	if sum/media.FrameSamples < 0.8*8000*2/math.Pi {
		w.quieter++
	}
}

// A clock that is off by 200 millionths is off by 0.72 s in an hour: 36 packets too many, or too few.
func TestAnHourWithAClockThatDriftsMakesNoClick(t *testing.T) {
	second := codesOf(t, media.PCMU, tone(300, time.Second))
	for name, period := range map[string]time.Duration{
		"too fast": media.FrameDuration * 999800 / 1000000,
		"too slow": media.FrameDuration * 1000200 / 1000000,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLine(t, memnet.Damage{})
				s := l.open(t)
				f := l.newFar(t, s, media.PCMU)
				var w watch
				stop := s.Listen(&w)
				begin := time.Now()
				for n := 0; time.Since(begin) < time.Hour; n++ {
					f.send(second[n%50*160:][:160])
					<-time.After(time.Until(begin.Add(time.Duration(n+1) * period)))
				}
				stop()
				n := s.Stats()
				if n.Late != 0 || n.Dropped != 0 || n.Lost != 0 {
					t.Errorf("%+v", n)
				}
				if w.worst > 1.3*slope(300) {
					t.Errorf("a step of %.0f, the tone has %.0f", w.worst, slope(300))
				}
				if w.quieter > 0 {
					t.Errorf("%d frames are quieter than the tone", w.quieter)
				}
				if d := n.Delay; d > 60*time.Millisecond {
					t.Errorf("the delay has become %v", d)
				}
			})
		})
	}
}
