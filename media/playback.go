package media

import (
	"sync"
	"sync/atomic"
	"time"
)

// Playback is one Play or Loop as it goes.
type Playback struct {
	prompts []*Prompt
	loop    bool

	prompt, frame int // what is sent next; under the mutex of the stream

	sent    atomic.Int64  // frames
	begun   atomic.Bool   // at is set: for who must not wait
	started chan struct{} // at is set
	done    chan struct{} // finished is set

	mu       sync.Mutex // makes closing of the channels happen once
	at       time.Time
	finished bool
}

func newPlayback(loop bool, prompts ...*Prompt) *Playback {
	return &Playback{prompts: prompts, loop: loop, started: make(chan struct{}), done: make(chan struct{})}
}

// Done is closed when the last frame was sent, or when it was cut short.
func (p *Playback) Done() <-chan struct{} { return p.done }

// Started is closed when the first packet has been sent (or Done is).
func (p *Playback) Started() <-chan struct{} { return p.started }

// StartedAt is when the first packet was sent; zero before, and when none ever was.
func (p *Playback) StartedAt() time.Time {
	if !isClosed(p.started) {
		return time.Time{}
	}
	return p.at
}

// Played says how much was sent.
func (p *Playback) Played() time.Duration {
	played := time.Duration(p.sent.Load()) * FrameDuration
	if p.loop {
		return played
	}
	var all time.Duration // the last frame of a prompt may be filled up with silence
	for _, prompt := range p.prompts {
		all += prompt.Duration()
	}
	return min(played, all)
}

// Finished reports that all of it was sent.
func (p *Playback) Finished() bool { return isClosed(p.done) && p.finished }

// unencoded is a prompt that nobody encoded for f, nil if there is none.
func (p *Playback) unencoded(f *format) *Prompt {
	for _, prompt := range p.prompts {
		if !prompt.isEncoded(f) {
			return prompt
		}
	}
	return nil
}

// next moves on by one frame and returns it, an empty piece when nothing is left; last says that nothing follows it. A loop ends
// with its prompt when something waits behind it.
func (p *Playback) next(f *format, waits bool) (out piece, last bool) {
	for out.payload == nil && p.prompt < len(p.prompts) {
		prompt := p.prompts[p.prompt]
		whole := prompt.packets(f)
		if p.frame < whole.len() {
			out = piece{whole.at(p.frame), prompt, p.frame}
			p.frame++
		}
		if p.frame < whole.len() {
			break
		}
		p.frame = 0
		if p.prompt++; p.loop && whole.len() > 0 && !waits {
			p.prompt = 0
		}
	}
	return out, p.prompt >= len(p.prompts)
}

// start marks the first packet.
func (p *Playback) start(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !isClosed(p.started) {
		p.at = at
		p.begun.Store(true)
		close(p.started)
	}
}

// end marks the last packet, or that there will be none.
func (p *Playback) end(finished bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isClosed(p.done) {
		return
	}
	p.finished = finished
	if !isClosed(p.started) {
		close(p.started)
	}
	close(p.done)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
