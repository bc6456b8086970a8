package media

import "time"

const (
	marginWanted  = 5 * time.Millisecond           // below it a frame is inserted in the next pause
	marginTooMuch = FrameDuration + 2*marginWanted // a frame can be left out, and more than marginWanted remains
	trust         = 100                            // packets before a delay is called too long
	patienceLate  = 3                              // ticks to wait for a pause while packets come too late
	patienceEarly = 50                             // ticks to wait for a pause while the delay is merely long
)

// lengthen says that a frame is to be inserted: the playout waits one tick.
func (b *jitterBuffer) lengthen(c *concealer) bool {
	low := b.margins.low()
	if low >= marginWanted && low < marginTooMuch {
		b.waited = 0 // content
	}
	if low >= marginWanted || b.held() >= delayMost {
		return false
	}
	b.waited++
	pause := c == nil || c.active || c.quiet(c.level)
	if !pause && (low >= 0 || b.waited < patienceLate) {
		return false
	}
	b.waited = 0
	b.margins.shift(+1)
	return true
}

// shorten leaves one frame out, and returns it, when for seconds all packets came early enough for that.
func (b *jitterBuffer) shorten(c *concealer) (left narrowFrame, ok bool) {
	if b.margins.total < trust || b.margins.low() < marginTooMuch {
		return left, false
	}
	if b.held() < 2*FrameDuration || !b.peek(left[:]) {
		return left, false
	}
	b.waited++
	if c != nil && !c.quiet(max(c.level, level(left[:]))) && b.waited < patienceEarly {
		return left, false
	}
	b.waited = 0
	b.cursor += narrowSamples
	b.margins.shift(-1)
	return left, true
}

// held is how much audio waits to be played.
func (b *jitterBuffer) held() time.Duration {
	if len(b.packets) == 0 {
		return 0
	}
	return ticks(b.packets[len(b.packets)-1].end().sub(b.cursor))
}

// peek decodes what plays next, and reports whether all of it is there.
func (b *jitterBuffer) peek(span []int16) bool {
	cursor := b.cursor
	for _, p := range b.packets {
		at := cursor.sub(p.ts)
		if at >= len(p.payload) {
			continue
		}
		if at < 0 {
			return false
		}
		n := min(len(span), len(p.payload)-at)
		p.law.decode(span[:n], p.payload[at:at+n])
		cursor += rtpTime(n)
		if span = span[n:]; len(span) == 0 {
			return true
		}
	}
	return false
}
