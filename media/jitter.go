package media

import "time"

const (
	delayAtFirst = FrameDuration          // before the first packet is played, more when jitter was measured
	delayMost    = 200 * time.Millisecond // audio held back at most
	delayOnBurst = delayMost / 2          // kept of what came all at once
	silentAfter  = 200 * time.Millisecond // without a packet the far end is silent, not late
	packetsMost  = 50                     // held back: nobody sends shorter ones than 5 ms
)

// audioPacket is one packet of audio that waits to be decoded.
type audioPacket struct {
	ts      rtpTime
	span    int // ticks
	arrived time.Time
	format  *format
	payload []byte
}

func (p *audioPacket) end() rtpTime { return p.ts + rtpTime(p.span) }

// jitterBuffer puts audio packets in order and plays them with the least delay that loses nearly none. Packets may be of any
// duration. When nothing is there in time the gap is filled and the clock of the playout stands still: only the next packet
// tells whether something was lost, and the filling took its place, or was late, and the delay has grown. The delay shrinks
// again, by a period of the voice at a time, when for seconds no packet needed it.
type jitterBuffer struct {
	format  *format        // agreed on: its clock and rate are those of the buffer
	packets []*audioPacket // by time, the earliest first
	unused  []*audioPacket // for the next ones, so that the steady state allocates nothing

	anchored bool      // cursor is set
	playing  bool      // the first packet has been played
	begin    time.Time // when it is to be
	cursor   rtpTime   // of what is decoded next
	debt     int       // ticks made up since the buffer ran empty
	tick     time.Time // the last one
	margins  margins
	waited   int // ticks that a longer or shorter delay has been wanted

	losses float64 // of the last hundreds of packets
	playout

	late, dropped, repaired int // packets
}

// agree sets what the buffer holds. Another clock or rate begins anew.
func (b *jitterBuffer) agree(f *format) {
	if b.format != nil && (f.clock != b.format.clock || f.rate != b.format.rate) {
		b.reset()
		b.playout.forget()
	}
	b.format = f
}

// lasts is the duration of ticks.
func (b *jitterBuffer) lasts(ticks int) time.Duration {
	return time.Duration(ticks) * time.Second / time.Duration(b.format.clock)
}

// push takes a packet. The payload is copied.
func (b *jitterBuffer) push(ts rtpTime, marker bool, f *format, payload []byte, arrived time.Time, jitter time.Duration) {
	span := f.span(payload)
	if span == 0 || b.samples(span) > spanMost {
		b.dropped++
		return
	}
	ahead := ts.sub(b.cursor)
	if b.anchored && (ahead > b.format.clock || ahead < -b.format.clock || marker && b.debt > 0) {
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
		if (ts + rtpTime(span)).sub(b.cursor) <= 0 {
			b.late++
			return
		}
	}
	b.insert(audioPacket{ts: ts, span: span, arrived: arrived, format: f}, payload)
	b.bound()
}

// settle decides what the time was that passed with nothing to play, now that a packet shows it.
func (b *jitterBuffer) settle(ts rtpTime) {
	if b.debt == 0 {
		return
	}
	lost := min(max(ts.sub(b.cursor), 0), b.debt)
	b.losses += float64(lost / b.format.ticks())
	b.cursor += rtpTime(lost)
	b.margins.shift((b.debt - lost) / b.format.ticks())
	b.debt = 0
}

// observe notes how early the packet is: it is needed on the tick when what is there before it does not fill a frame.
func (b *jitterBuffer) observe(ts rtpTime, arrived time.Time) {
	frames := floorDiv(b.samples(ts.sub(b.cursor))+b.ready, b.format.samples())
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

// samples of that many ticks.
func (b *jitterBuffer) samples(ticks int) int { return ticks * b.format.rate / b.format.clock }

// ticks of that many samples.
func (b *jitterBuffer) ticks(samples int) int { return samples * b.format.clock / b.format.rate }

// insert puts a packet in its place, from the end, where it mostly is.
func (b *jitterBuffer) insert(packet audioPacket, payload []byte) {
	var p *audioPacket
	if n := len(b.unused); n > 0 {
		p, b.unused = b.unused[n-1], b.unused[:n-1]
	} else {
		p = new(audioPacket)
	}
	packet.payload = append(p.payload[:0], payload...)
	*p = packet
	b.packets = append(b.packets, p)
	for i := len(b.packets) - 1; i > 0 && p.ts.sub(b.packets[i-1].ts) < 0; i-- {
		b.packets[i-1], b.packets[i] = b.packets[i], b.packets[i-1]
	}
}

// held is how much audio waits to be decoded.
func (b *jitterBuffer) held() time.Duration {
	if len(b.packets) == 0 {
		return 0
	}
	return b.lasts(b.packets[len(b.packets)-1].end().sub(b.cursor))
}

// delay is how long audio waits here: what is held, and what has been decoded already.
func (b *jitterBuffer) delay() time.Duration {
	if !b.playing {
		return 0
	}
	return b.held() + time.Duration(b.ready)*time.Second/time.Duration(b.format.rate)
}

// bound drops the oldest audio when there is too much.
func (b *jitterBuffer) bound() {
	if b.held() <= delayMost+FrameDuration && len(b.packets) <= packetsMost {
		return
	}
	newest := b.packets[len(b.packets)-1].end()
	for len(b.packets) > 1 && (b.lasts(newest.sub(b.packets[0].end())) >= delayOnBurst || len(b.packets) > packetsMost) {
		b.discard()
		b.dropped++
	}
	if skipped := b.packets[0].ts.sub(b.cursor); skipped > 0 {
		b.cursor = b.packets[0].ts
		b.margins.shift(-skipped / b.format.ticks())
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
	b.dropped += len(b.packets)
	b.empty()
}

// empty does so because nobody wants it.
func (b *jitterBuffer) empty() {
	for len(b.packets) > 0 {
		b.discard()
	}
	b.anchored, b.playing, b.debt = false, false, 0
	b.margins, b.waited = margins{}, 0
	b.ready = 0
}

// pull moves on by one frame and returns when the packet with its first sample arrived, zero when nothing came.
func (b *jitterBuffer) pull(frame []int16, now time.Time, c *concealer) (arrived time.Time) {
	b.tick = now
	if b.anchored && !b.playing && !now.Before(b.begin) {
		b.playing = true
	}
	if b.playing && b.lasts(b.debt) >= silentAfter {
		b.reset()
	}
	if !b.playing {
		c.fill(frame)
		return time.Time{}
	}
	if b.ready > 0 {
		arrived = b.newest
	}
	b.supply(len(frame), c)
	if arrived.IsZero() {
		arrived = b.newest
	}
	b.adapt(c)
	copy(frame, b.pcm)
	copy(b.pcm, b.pcm[len(frame):b.ready])
	b.ready -= len(frame)
	return arrived
}

// supply decodes until there is enough, and makes up what is not there.
func (b *jitterBuffer) supply(need int, c *concealer) {
	for b.ready < need {
		p := b.earliest()
		if p == nil {
			b.debt += b.ticks(b.makeUp(need-b.ready, nil, c))
			continue
		}
		if missing := b.samples(p.ts.sub(b.cursor)); missing > 0 {
			b.losses++
			b.cursor += rtpTime(b.ticks(b.makeUp(min(missing, need-b.ready), p, c)))
			continue
		}
		skip := b.samples(b.cursor.sub(p.ts))
		b.cursor = p.end()
		b.decode(p, b.samples(p.span), skip, c)
		b.discard()
	}
}

// earliest is the packet to be decoded next, nil if there is none.
func (b *jitterBuffer) earliest() *audioPacket {
	for len(b.packets) > 0 {
		if b.packets[0].end().sub(b.cursor) > 0 {
			return b.packets[0]
		}
		b.discard()
	}
	return nil
}
