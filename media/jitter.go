package media

import "time"

const (
	delayAtFirst = FrameDuration          // before the first packet is played, more when jitter was measured
	delayMost    = 200 * time.Millisecond // audio held back at most
	delayOnBurst = delayMost / 2          // kept of what came all at once
	silentAfter  = 200 * time.Millisecond // without a packet the far end is silent, not late
	packetsMost  = 50                     // held back: nobody sends shorter ones than 5 ms
	timeJump     = 8000                   // ticks off: the far end began a new count
)

// audioPacket is one packet of audio that waits to be played.
type audioPacket struct {
	ts      rtpTime
	arrived time.Time
	law     *law
	payload []byte // one sample, one tick a byte
}

func (p *audioPacket) end() rtpTime { return p.ts + rtpTime(len(p.payload)) }

// jitterBuffer puts audio packets in order and plays them with the least delay that loses nearly none. Packets may be of any
// duration. When nothing is there in time the gap is filled and the clock of the playout stands still: only the next packet
// tells whether something was lost, and the filling took its place, or was late, and the delay has grown. The delay shrinks
// again, one frame at a time and in pauses, when for seconds no packet needed it.
type jitterBuffer struct {
	packets []*audioPacket // by time, the earliest first
	unused  []*audioPacket // for the next ones, so that the steady state allocates nothing

	anchored bool      // cursor is set
	playing  bool      // the first packet has been played
	begin    time.Time // when it is to be
	cursor   rtpTime   // of the next sample to be played
	debt     int       // samples made up since the buffer ran empty
	tick     time.Time // the last one
	margins  margins
	waited   int // ticks that a longer or shorter delay has been wanted

	late, dropped int // packets
}

// push takes a packet. The payload is copied.
func (b *jitterBuffer) push(ts rtpTime, marker bool, l *law, payload []byte, arrived time.Time, jitter time.Duration) {
	if len(payload) == 0 {
		return
	}
	ahead := ts.sub(b.cursor)
	if b.anchored && (ahead > timeJump || ahead < -timeJump || marker && b.debt > 0) {
		b.reset()
	}
	switch {
	case !b.anchored:
		b.anchored, b.cursor = true, ts
		b.begin = arrived.Add(min(delayAtFirst+2*jitter, delayMost))
	case !b.playing && ahead < 0:
		b.cursor = ts // overtaken by the first
	case b.playing:
		b.settle(ts)
		b.observe(ts, arrived)
		if (ts + rtpTime(len(payload))).sub(b.cursor) <= 0 {
			b.late++
			return
		}
	}
	b.insert(ts, l, payload, arrived)
	b.bound()
}

// settle decides what the time was that passed with nothing to play, now that a packet shows it.
func (b *jitterBuffer) settle(ts rtpTime) {
	if b.debt == 0 {
		return
	}
	lost := min(max(ts.sub(b.cursor), 0), b.debt)
	b.cursor += rtpTime(lost)
	b.margins.shift((b.debt - lost) / narrowSamples)
	b.debt = 0
}

// observe notes how early the packet is.
func (b *jitterBuffer) observe(ts rtpTime, arrived time.Time) {
	frames := floorDiv(ts.sub(b.cursor), narrowSamples)
	needed := b.tick.Add(time.Duration(frames+1) * FrameDuration)
	b.margins.add(needed.Sub(arrived))
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// insert puts a packet in its place, from the end, where it mostly is.
func (b *jitterBuffer) insert(ts rtpTime, l *law, payload []byte, arrived time.Time) {
	var p *audioPacket
	if n := len(b.unused); n > 0 {
		p, b.unused = b.unused[n-1], b.unused[:n-1]
	} else {
		p = new(audioPacket)
	}
	p.ts, p.law, p.arrived = ts, l, arrived
	p.payload = append(p.payload[:0], payload...)
	b.packets = append(b.packets, p)
	for i := len(b.packets) - 1; i > 0 && ts.sub(b.packets[i-1].ts) < 0; i-- {
		b.packets[i-1], b.packets[i] = b.packets[i], b.packets[i-1]
	}
}

// bound drops the oldest audio when there is too much.
func (b *jitterBuffer) bound() {
	newest := b.packets[len(b.packets)-1].end()
	if ticks(newest.sub(b.cursor)) <= delayMost+FrameDuration && len(b.packets) <= packetsMost {
		return
	}
	for len(b.packets) > 1 && (ticks(newest.sub(b.packets[0].end())) >= delayOnBurst || len(b.packets) > packetsMost) {
		b.discard()
		b.dropped++
	}
	skipped := b.packets[0].ts.sub(b.cursor)
	if skipped > 0 {
		b.cursor = b.packets[0].ts
		b.margins.shift(-skipped / narrowSamples)
	}
}

// discard forgets the earliest packet.
func (b *jitterBuffer) discard() {
	p := b.packets[0]
	n := copy(b.packets, b.packets[1:])
	b.packets = b.packets[:n]
	b.unused = append(b.unused, p)
}

// reset drops everything and begins anew with the next packet.
func (b *jitterBuffer) reset() {
	for len(b.packets) > 0 {
		b.discard()
		b.dropped++
	}
	b.anchored, b.playing, b.debt = false, false, 0
	b.margins, b.waited = margins{}, 0
}

// pull moves on by one frame and returns when the packet with its first sample arrived, zero when nothing came. With a nil
// concealer the time passes, but nothing is decoded.
func (b *jitterBuffer) pull(frame *narrowFrame, now time.Time, c *concealer) (arrived time.Time) {
	b.tick = now
	if !b.ready(now) || b.lengthen(c) {
		c.fill(frame[:])
		return time.Time{}
	}
	if left, ok := b.shorten(c); ok {
		arrived = b.play(frame[:], c)
		crossfade(frame, &left)
		return arrived
	}
	return b.play(frame[:], c)
}

// ready says that it is time to play.
func (b *jitterBuffer) ready(now time.Time) bool {
	if b.anchored && !b.playing && !now.Before(b.begin) {
		b.playing = true
	}
	if b.playing && ticks(b.debt) >= silentAfter {
		b.reset()
	}
	return b.playing
}

// play fills span from the packets, and what is not there from the concealer.
func (b *jitterBuffer) play(span []int16, c *concealer) (arrived time.Time) {
	for len(span) > 0 {
		p := b.earliest()
		if p == nil {
			c.fill(span)
			b.debt += len(span)
			break
		}
		at, n := b.cursor.sub(p.ts), len(span)
		if at < 0 {
			n = min(n, -at)
			c.fill(span[:n])
		} else {
			n = min(n, len(p.payload)-at)
			if c != nil {
				p.law.decode(span[:n], p.payload[at:at+n])
				c.real(span[:n])
			}
			if arrived.IsZero() {
				arrived = p.arrived
			}
		}
		b.cursor += rtpTime(n)
		span = span[n:]
	}
	return arrived
}

// earliest is the packet to be played next, nil if there is none.
func (b *jitterBuffer) earliest() *audioPacket {
	for len(b.packets) > 0 {
		if b.packets[0].end().sub(b.cursor) > 0 {
			return b.packets[0]
		}
		b.discard()
	}
	return nil
}
