package media

import (
	"testing"
	"time"
)

// A clock that is off by 200 millionths is off by 0.72 s in an hour: 36 packets too many, or too few.
func TestAnHourWithAClockThatDriftsMakesNoClick(t *testing.T) {
	for name, period := range map[string]time.Duration{
		"too fast": FrameDuration * 999800 / 1000000,
		"too slow": FrameDuration * 1000200 / 1000000,
	} {
		b, worst, quieter := driftFor(time.Hour, period)
		const steepest = 8000 * 2 * 3.1416 * 300 / narrowRate
		if float64(worst) > 1.3*steepest {
			t.Errorf("%s: a step of %d, the tone has %.0f", name, worst, steepest)
		}
		if quieter > 0 {
			t.Errorf("%s: %d frames are quieter than the tone", name, quieter)
		}
		if b.late != 0 || b.dropped != 0 {
			t.Errorf("%s: %d late, %d dropped", name, b.late, b.dropped)
		}
		if b.delay() > 60*time.Millisecond {
			t.Errorf("%s: the delay has become %v", name, b.delay())
		}
	}
}

// driftFor plays a tone whose packets come every period, and returns its largest step and how many frames lack a part of it.
func driftFor(long, period time.Duration) (b *jitterBuffer, worst, quieter int) {
	second := make([]byte, narrowRate)
	muLaw.encode(second, tone(300, 8000, narrowRate, narrowRate))
	b = &jitterBuffer{}
	b.agree(muLaw.format)
	var c concealer
	c.forget(muLaw.format)
	begin := time.Unix(1e9, 0)
	last := 0
	var frame narrowFrame
	sent := 0
	for n := 1; n < int(long/FrameDuration); n++ {
		now := begin.Add(time.Duration(n) * FrameDuration)
		for at := begin.Add(time.Duration(sent) * period); !at.After(now); at = at.Add(period) {
			b.push(rtpTime(sent*narrowSamples), false, muLaw.format, second[sent%50*narrowSamples:][:narrowSamples], at, 0)
			sent++
		}
		b.pull(frame[:], now, &c)
		if n > 50 {
			for _, x := range frame {
				d := int(x) - last
				worst = max(worst, d, -d)
				last = int(x)
			}
			if level(frame[:]) < 4500 { // the mean of a sine of 8000 is 5093
				quieter++
			}
		}
		last = int(frame[narrowSamples-1])
	}
	return b, worst, quieter
}
