package media

import "time"

// item is one prompt in the queue of a player.
type item struct {
	prompt *Prompt
	coded  []byte
	loop   bool
	at     int // next frame
	last   bool
	pb     *Playback
}

// player is what a stream says by itself: a queue of prompts. It is guarded by its stream's lock.
type player struct {
	queue  []*item
	gain   float32 // of the frame before
	target float32
	fading *item // cut off: one more frame, ramped to silence
}

// clear ends everything; what was being heard fades within one frame.
func (p *player) clear() {
	for i, it := range p.queue {
		if i == 0 && it.at > 0 && it.at < it.prompt.frames() {
			p.fading = it
		}
		it.pb.end(false)
	}
	p.queue = p.queue[:0]
}

// next writes the next frame into pcm. When it is to be sent as it was cached, coded is the payload; else pcm must be encoded.
func (p *player) next(pcm *Frame, now time.Time) (coded []byte, playing bool) {
	if it := p.fading; it != nil {
		p.fading = nil
		*pcm = *it.prompt.frame(it.at)
		ramp(pcm, p.gain, 0)
		return nil, true
	}
	if len(p.queue) == 0 {
		p.gain = p.target
		return nil, false
	}
	it := p.queue[0]
	*pcm = *it.prompt.frame(it.at)
	coded = it.coded[it.at*frame8k : (it.at+1)*frame8k]
	if p.gain != 1 || p.target != 1 {
		ramp(pcm, p.gain, p.target)
		coded = nil
	}
	p.gain = p.target
	it.pb.sent(now)
	if it.at++; it.at == it.prompt.frames() {
		it.at = 0
		if !it.loop || len(p.queue) > 1 {
			it.pb.end(true)
			p.queue = append(p.queue[:0], p.queue[1:]...)
		}
	}
	return coded, true
}

// ramp scales a frame from one gain to another.
func ramp(f *Frame, from, to float32) {
	step := (to - from) / FrameSamples
	for i := range f {
		f[i] = clip(float32(f[i]) * (from + step*float32(i)))
	}
}
