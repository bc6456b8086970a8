package media

import "time"

// playout is what has been decoded, or made up, and is not played yet.
type playout struct {
	pcm      []int16   // [:ready] of it is
	ready    int       // samples
	newest   time.Time // arrival of the packet decoded last; zero when something was made up since
	decoders [formats]decoder
	up       upsampler // for packets of half the rate
}

// room is space behind what is ready, for one packet.
func (o *playout) room() []int16 {
	if o.pcm == nil {
		o.pcm = make([]int16, 2*spanMost)
	}
	return o.pcm[o.ready:][:spanMost]
}

// forget drops the state of all decoders, as when nobody listened for a while.
func (o *playout) forget() {
	clear(o.pcm)
	o.decoders = [formats]decoder{}
	o.up = upsampler{}
}

// decoder of a format.
func (o *playout) decoder(f *format) decoder {
	if o.decoders[f.index] == nil {
		o.decoders[f.index] = f.newDecoder()
	}
	return o.decoders[f.index]
}

// decode adds the samples of a packet but for the first few, which come too late.
func (b *jitterBuffer) decode(p *audioPacket, samples, skip int, c *concealer) {
	room := b.room()
	n := b.expand(room, p)
	clear(room[min(n, samples):samples]) // of a damaged packet
	copy(room, room[skip:samples])
	c.real(room[:samples-skip])
	b.newest = p.arrived
	b.losses *= forgetLosses
	b.ready += samples - skip
}

// expand decodes a packet, also one of half the rate.
func (b *jitterBuffer) expand(room []int16, p *audioPacket) int {
	d := b.decoder(p.format)
	if p.format.rate == b.format.rate {
		return d.decode(room, p.payload)
	}
	var narrow [spanMost]int16
	n := min(d.decode(narrow[:], p.payload), spanMost/2)
	b.up.span(room[:2*n], narrow[:n])
	return 2 * n
}

// makeUp adds audio in place of what is missing before next, and returns how many samples: at least as many as are wanted when
// the codec knows a way to make them up, exactly as many when it does not.
func (b *jitterBuffer) makeUp(samples int, next *audioPacket, c *concealer) int {
	b.newest = time.Time{}
	room := b.room()
	if n, repaired := b.concealed(room, next); n > 0 && (next == nil || n <= b.samples(next.ts.sub(b.cursor))) {
		if repaired {
			b.repaired++
		}
		c.codec(room[:n])
		samples = n
	} else {
		c.fill(room[:samples])
	}
	b.ready += samples
	return samples
}

// concealed lets the codec make up 20 ms, if it can, with what the packet right after them repeats.
func (b *jitterBuffer) concealed(room []int16, next *audioPacket) (samples int, repaired bool) {
	d := b.decoders[b.format.index]
	if d == nil {
		return 0, false
	}
	var repeats []byte
	if b.format.repeats && next != nil && next.ts.sub(b.cursor) <= b.format.ticks() {
		repeats = next.payload
	}
	return d.conceal(room, repeats), repeats != nil
}
