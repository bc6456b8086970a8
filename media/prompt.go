package media

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// Prompt is audio to be played: 16 kHz PCM, and the same already encoded once per codec. Immutable; share it freely.
type Prompt struct {
	pcm     []int16
	mu      sync.Mutex                   // so that nothing is encoded twice
	encoded [laws]atomic.Pointer[[]byte] // whole frames, the last one filled up with silence
}

// NewPrompt takes 16 kHz mono PCM and keeps it.
func NewPrompt(pcm []int16) *Prompt { return &Prompt{pcm: pcm} }

// PCM returns the audio; not to be changed.
func (p *Prompt) PCM() []int16 { return p.pcm }

// Duration of the audio.
func (p *Prompt) Duration() time.Duration {
	return time.Duration(len(p.pcm)) * time.Second / SampleRate
}

// Encode prepares p for a codec, off the clock. [Stream.Play] does so too if nobody did before. A codec that we do not speak
// needs no preparation.
func (p *Prompt) Encode(c Codec) {
	if l := c.law(); l != nil {
		p.encode(l)
	}
}

func (p *Prompt) encode(l *law) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isEncoded(l) {
		return
	}
	narrow := narrowed(p.pcm)
	frames := (len(narrow) + narrowSamples - 1) / narrowSamples
	payload := bytes.Repeat([]byte{l.quiet}, frames*narrowSamples)
	l.encode(payload[:len(narrow)], narrow)
	p.encoded[l.index].Store(&payload)
}

// payload is the whole prompt as codes of l, nil before it was encoded.
func (p *Prompt) payload(l *law) []byte {
	if e := p.encoded[l.index].Load(); e != nil {
		return *e
	}
	return nil
}

func (p *Prompt) isEncoded(l *law) bool { return p.encoded[l.index].Load() != nil }
