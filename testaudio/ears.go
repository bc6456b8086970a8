package testaudio

import (
	"sync/atomic"
	"time"

	"ivr/media"
)

// How a person hears: where a turn begins and ends.
const (
	turnEnds    = 900 * time.Millisecond // of silence
	shortest    = 150 * time.Millisecond // voiced; less is a click or a tone
	longest     = 25 * time.Second       // recognisers know no longer ones: a turn is cut here
	preRoll     = 10                     // frames before the onset that go to the recogniser, and after the end
	onsetFrames = 3                      // loud ones in a row: 60 ms
	vadSamples  = 512
	vadYes      = 0.5
	vadHolds    = 10 // frames for which a yes stands
)

// ears take what the clock brings; everything slow happens where frames are received.
type ears struct {
	frames  chan media.Heard
	dropped atomic.Int64
}

func newEars() *ears { return &ears{frames: make(chan media.Heard, 512)} }

// Hear is called on the clock: what does not fit is dropped and counted.
func (e *ears) Hear(h *media.Heard) {
	select {
	case e.frames <- *h:
	default:
		e.dropped.Add(1)
	}
}

// stretch is one turn as heard, with some silence at both ends.
type stretch struct {
	pcm          []int16
	began, ended time.Time // arrival of its first and last voiced packet
}

// cutter cuts a stream of frames into turns: an onset by energy, an end by silence. With a judge of voice activity, sound that
// is no voice (hold music) is neither.
type cutter struct {
	activity func(pcm []int16) (float32, error) // of 512 samples; may be nil

	pending  []int16 // not judged yet
	yes      int     // frames for which the last yes still stands
	recent   []media.Heard
	run      int // loud frames in a row
	now      time.Time
	turn     *stretch
	voiced   int // frames of the turn
	silent   int // frames since the last voiced one
	failures int // of the judge; then energy alone decides
}

// hear takes the next frame and returns the turn that ended with it, nil if none did.
func (c *cutter) hear(h media.Heard) *stretch {
	if c.now = c.now.Add(media.FrameDuration); !h.Arrived.IsZero() {
		c.now = h.Arrived
	}
	h.Arrived = c.now
	isLoud := media.Audible(h.Frame[:])
	isVoice := isLoud && c.judge(h.Frame[:])
	if c.recent = append(c.recent, h); len(c.recent) > preRoll+onsetFrames+vadHolds {
		c.recent = c.recent[1:]
	}
	if c.run++; !isLoud {
		c.run = 0
	}
	if c.turn == nil {
		if isVoice && c.run >= onsetFrames {
			c.begin()
		}
		return nil
	}
	c.turn.pcm = append(c.turn.pcm, h.Frame[:]...)
	if c.silent++; isVoice {
		c.turn.ended, c.silent = c.now, 0
		c.voiced++
	}
	if time.Duration(c.silent)*media.FrameDuration >= turnEnds || durationOf(len(c.turn.pcm)) >= longest {
		return c.end()
	}
	return nil
}

// begin starts a turn at the first loud frame of this run, as far back as is remembered.
func (c *cutter) begin() {
	first := len(c.recent) - min(c.run, onsetFrames+vadHolds, len(c.recent))
	c.turn = &stretch{began: c.recent[first].Arrived, ended: c.now}
	for _, h := range c.recent[max(0, first-preRoll):] {
		c.turn.pcm = append(c.turn.pcm, h.Frame[:]...)
	}
	c.voiced, c.silent = len(c.recent)-first, 0
}

// end returns the turn that is going on, nil if there is none or it was only a click.
func (c *cutter) end() *stretch {
	t := c.turn
	c.turn = nil
	if t == nil || time.Duration(c.voiced)*media.FrameDuration < shortest {
		return nil
	}
	if rest := (c.silent - preRoll) * media.FrameSamples; rest > 0 {
		t.pcm = t.pcm[:len(t.pcm)-rest]
	}
	return t
}

// judge reports whether there was a voice in the last 200 ms.
func (c *cutter) judge(frame []int16) bool {
	if c.activity == nil || c.failures > 0 {
		return true
	}
	c.pending = append(c.pending, frame...)
	c.yes--
	for len(c.pending) >= vadSamples {
		p, err := c.activity(c.pending[:vadSamples])
		if err != nil {
			c.failures++
			return true
		}
		if p >= vadYes {
			c.yes = vadHolds
		}
		c.pending = c.pending[:copy(c.pending, c.pending[vadSamples:])]
	}
	return c.yes > 0
}
