package media

// player is what a stream plays: a queue, how loud, and how it is cut off. It is guarded by the mutex of its stream.
type player struct {
	queue []*Playback
	gain  float64 // of the last frame
	want  float64 // of the next one; the ramp between the two takes that frame
	rest  *Frame  // what would have come next of something cut off: it is sent fading out
	spare Frame   // where rest points to
}

// piece is 20 ms of what plays.
type piece struct {
	payload []byte // encoded; nil: nothing plays
	prompt  *Prompt
	frame   int // of prompt
}

// next returns the piece to be sent and the playback it belongs to. Playbacks that are over with it, or were empty, are added to
// ended.
func (p *player) next(f *format, ended []*Playback) (out piece, of *Playback, _ []*Playback) {
	for out.payload == nil && len(p.queue) > 0 {
		of = p.queue[0]
		var last bool
		if out, last = of.next(f, len(p.queue) > 1); last {
			ended = append(ended, of)
			n := copy(p.queue, p.queue[1:])
			p.queue[n] = nil
			p.queue = p.queue[:n]
		}
	}
	if out.payload == nil {
		return piece{}, nil, ended
	}
	return out, of, ended
}

// cut empties the queue and keeps one frame of what was playing, so that it does not end in a click.
func (p *player) cut(f *format) (cut []*Playback) {
	cut, p.queue = p.queue, nil
	if len(cut) == 0 || cut[0].sent.Load() == 0 {
		return cut
	}
	if next, _ := cut[0].next(f, false); next.payload != nil {
		next.decode(f, &p.spare)
		scale(p.spare[:f.samples()], p.gain, p.gain)
		p.rest = &p.spare
	}
	return cut
}

// decode makes audio of a piece, at the rate of its format; silence of none.
func (c *piece) decode(f *format, frame *Frame) {
	switch {
	case c.payload == nil:
		clear(frame[:])
	case f.isNarrow():
		f.newDecoder().decode(frame[:], c.payload) // of G.711, which remembers nothing
	default:
		c.prompt.frame(frame, c.frame)
	}
}

// turn moves on to the next frame: its gain goes evenly from was to gain, and rest, if any, fades out in it.
func (p *player) turn() (was, gain float64, rest *Frame) {
	was, gain, rest = p.gain, p.want, p.rest
	p.gain, p.rest = p.want, nil
	return was, gain, rest
}

// unencoded is a prompt of the queue that nobody encoded for f, nil if there is none.
func (p *player) unencoded(f *format) *Prompt {
	for _, playback := range p.queue {
		if prompt := playback.unencoded(f); prompt != nil {
			return prompt
		}
	}
	return nil
}

// scale multiplies a frame by a gain that goes evenly from one value to another.
func scale(f []int16, from, to float64) {
	if from == 1 && to == 1 {
		return
	}
	g, step := float32(from), float32(to-from)/float32(len(f))
	for i, x := range f {
		g += step
		f[i] = toSample(float32(x) * g)
	}
}

// fadeIn raises the beginning of something from silence.
func fadeIn(span []int16) {
	for i, x := range span {
		span[i] = int16(int(x) * (i + 1) / len(span))
	}
}

// addFading mixes in a frame that fades out.
func addFading(f, rest []int16) {
	last := len(f) - 1
	for i := range f {
		f[i] = toSample(float32(f[i]) + float32(rest[i])*float32(last-i)/float32(last+1))
	}
}

// addTail lets what was cut off at one value end softly.
func addTail(span []int16, last int16) {
	for i := range span {
		span[i] = toSample(float32(span[i]) + float32(last)*float32(len(span)-1-i)/float32(len(span)))
	}
}
