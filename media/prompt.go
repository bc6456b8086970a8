package media

import (
	"sync"
	"time"
)

// Prompt is audio to be played: 16 kHz PCM, and the same already encoded once per codec. Immutable; share it freely.
type Prompt struct {
	pcm []int16 // whole frames, the last padded with silence

	mu      sync.Mutex
	encoded map[string][]byte // by codec name: frame8k bytes a frame
	length  time.Duration
}

// NewPrompt takes 16 kHz mono PCM and keeps it.
func NewPrompt(pcm []int16) *Prompt {
	length := time.Duration(len(pcm)) * time.Second / SampleRate
	if rest := len(pcm) % FrameSamples; rest != 0 {
		pcm = append(pcm[:len(pcm):len(pcm)], make([]int16, FrameSamples-rest)...)
	}
	return &Prompt{pcm: pcm, encoded: map[string][]byte{}, length: length}
}

// PCM returns the audio, padded to whole frames; not to be changed.
func (p *Prompt) PCM() []int16 { return p.pcm }

// Duration of the audio.
func (p *Prompt) Duration() time.Duration { return p.length }

// Encode prepares p for a codec, off the clock. [Stream.Play] does so too if nobody did before.
func (p *Prompt) Encode(c Codec) { p.payloads(c) }

func (p *Prompt) frames() int { return len(p.pcm) / FrameSamples }

// frame returns the PCM of frame i.
func (p *Prompt) frame(i int) *Frame { return (*Frame)(p.pcm[i*FrameSamples:]) }

// payloads returns the whole prompt encoded for a codec.
func (p *Prompt) payloads(c Codec) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.encoded[c.Name]; ok {
		return b
	}
	var down downsampler
	law := lawOf(c)
	b := make([]byte, p.frames()*frame8k)
	var narrow [frame8k]int16
	for i := range p.frames() {
		down.frame(narrow[:], p.frame(i))
		law.encode(b[i*frame8k:], narrow[:])
	}
	p.encoded[c.Name] = b
	return b
}

// Playback is one Play or Loop as it goes.
type Playback struct {
	started, done chan struct{}

	mu        sync.Mutex
	startedAt time.Time
	frames    int
	finished  bool
	ended     bool
}

func newPlayback() *Playback {
	return &Playback{started: make(chan struct{}), done: make(chan struct{})}
}

// Done is closed when the last frame was sent, or when it was cut short.
func (p *Playback) Done() <-chan struct{} { return p.done }

// Started is closed when the first packet has been sent (or Done is).
func (p *Playback) Started() <-chan struct{} { return p.started }

// StartedAt is when the first packet was sent; zero before.
func (p *Playback) StartedAt() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.startedAt
}

// Played says how much was sent.
func (p *Playback) Played() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(p.frames) * FrameDuration
}

// Finished reports that all of it was sent.
func (p *Playback) Finished() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.finished
}

// sent notes one frame on its way.
func (p *Playback) sent(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frames++; p.frames == 1 {
		p.startedAt = now
		close(p.started)
	}
}

func (p *Playback) end(finished bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.ended, p.finished = true, finished
	if p.frames == 0 {
		close(p.started)
	}
	close(p.done)
}
