package testaudio

import (
	"math"
	"time"

	"ivr/media"
)

// Line is what a network does to packets of 20 ms. The zero value does nothing. The same Line treats the same packets alike.
type Line struct {
	Loss      float64       // share of packets lost, 0 to 1
	Burst     float64       // packets lost in a row, on average; below 1 means 1: each is lost by itself
	Jitter    time.Duration // standard deviation of the delay; packets may overtake each other
	Duplicate float64       // share of packets that arrive twice
	Seed      uint64
}

// Fate is what became of one packet.
type Fate struct {
	Lost  bool
	Twice bool
	Delay time.Duration // beyond that of the fastest packet
}

// Fates of the first n packets.
func (l Line) Fates(n int) []Fate {
	r, out := random(l.Seed), make([]Fate, n)
	// Two states (Gilbert): leave is the chance that a row of losses ends, enter makes the share come out as Loss.
	leave := 1 / max(1, l.Burst)
	enter := min(1, leave*l.Loss/max(1-l.Loss, 1e-9))
	losing := false
	for i := range out {
		if chance := r.Float64(); losing {
			losing = chance >= leave
		} else {
			losing = chance < enter
		}
		out[i] = Fate{
			Lost: losing || l.Loss >= 1, Twice: r.Float64() < l.Duplicate,
			Delay: time.Duration(math.Abs(r.NormFloat64()) * float64(l.Jitter)),
		}
	}
	return out
}

// Damage is what a listener hears who neither conceals nor waits: lost packets, and those later than patience, are silence.
func (l Line) Damage(pcm []int16, patience time.Duration) []int16 {
	out := append([]int16(nil), pcm...)
	for i, f := range l.Fates((len(pcm) + media.FrameSamples - 1) / media.FrameSamples) {
		if f.Lost || f.Delay > patience {
			clear(out[i*media.FrameSamples : min(len(out), (i+1)*media.FrameSamples)])
		}
	}
	return out
}
