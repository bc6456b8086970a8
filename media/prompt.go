package media

import (
	"sync"
	"sync/atomic"
	"time"
)

// Prompt is audio to be played: 16 kHz PCM, and the same already encoded once per codec. Immutable; share it freely.
type Prompt struct {
	pcm     []int16
	mu      sync.Mutex // so that nothing is encoded twice
	encoded [formats]atomic.Pointer[packets]
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
	if f := c.format(); f != nil {
		p.encode(f)
	}
}

func (p *Prompt) encode(f *format) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isEncoded(f) {
		return
	}
	pcm := p.pcm
	if f.isNarrow() {
		pcm = narrowed(pcm)
	}
	p.encoded[f.index].Store(f.pack(pcm))
}

// packets is the whole prompt in a format, nil before it was encoded.
func (p *Prompt) packets(f *format) *packets { return p.encoded[f.index].Load() }

func (p *Prompt) isEncoded(f *format) bool { return p.packets(f) != nil }

// frame copies what is 20 ms long at frame n; silence where the prompt is over.
func (p *Prompt) frame(to *Frame, n int) {
	pcm := p.pcm[min(n*FrameSamples, len(p.pcm)):]
	clear(to[copy(to[:], pcm):])
}
