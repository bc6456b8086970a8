package media

import (
	"bytes"
	"sync"
	"testing"
)

func TestAPromptIsEncodedOncePerCodecHoweverManyPlayIt(t *testing.T) {
	p := NewPrompt(tone(700, 9000, SampleRate, SampleRate+100))
	var calls sync.WaitGroup
	first := [formats]*packets{}
	for _, f := range carriers {
		p.encode(f)
		first[f.index] = p.packets(f)
	}
	for range 8 {
		calls.Go(func() {
			for _, c := range []Codec{PCMU, PCMA, G722, Opus} {
				p.Encode(c)
				if f := c.format(); p.packets(f) != first[f.index] {
					t.Errorf("%s was encoded again", c.Name)
				}
			}
		})
	}
	calls.Wait()
}

func TestTheLastFrameOfAPromptIsFilledUpWithSilence(t *testing.T) {
	pcm := tone(700, 9000, SampleRate, SampleRate+100)
	p := NewPrompt(pcm)
	for _, l := range []*law{muLaw, aLaw} {
		p.encode(l.format)
		got := p.packets(l.format)
		if got.len() != 51 {
			t.Fatalf("%d frames of one second and 100 samples", got.len())
		}
		want := make([]byte, 8050)
		l.encode(want, narrowed(pcm))
		if !bytes.Equal(got.data[:8050], want) {
			t.Error("not the codes of the prompt")
		}
		if silence := l.format.quiet[:len(got.data)-8050]; !bytes.Equal(got.data[8050:], silence) {
			t.Error("the rest is not silence")
		}
	}
}

func TestAnEmptyPromptHasNoFrames(t *testing.T) {
	p := NewPrompt(nil)
	for _, f := range carriers {
		p.encode(f)
		if p.packets(f).len() != 0 || !p.isEncoded(f) {
			t.Errorf("%d frames", p.packets(f).len())
		}
	}
}
