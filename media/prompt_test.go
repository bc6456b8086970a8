package media

import (
	"bytes"
	"sync"
	"testing"
)

func TestAPromptIsEncodedOncePerCodecHoweverManyPlayIt(t *testing.T) {
	p := NewPrompt(tone(700, 9000, SampleRate, SampleRate+100))
	var calls sync.WaitGroup
	first := [laws]*byte{}
	for _, l := range []*law{muLaw, aLaw} {
		p.encode(l)
		first[l.index] = &p.payload(l)[0]
	}
	for range 8 {
		calls.Go(func() {
			for _, c := range Codecs() {
				p.Encode(c)
				if &p.payload(c.law())[0] != first[c.law().index] {
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
		p.encode(l)
		got := p.payload(l)
		if len(got) != 51*narrowSamples {
			t.Fatalf("%d octets of one second and 100 samples", len(got))
		}
		want := make([]byte, 8050)
		l.encode(want, narrowed(pcm))
		if !bytes.Equal(got[:8050], want) {
			t.Error("not the codes of the prompt")
		}
		if silence := bytes.Repeat([]byte{l.quiet}, len(got)-8050); !bytes.Equal(got[8050:], silence) {
			t.Error("the rest is not silence")
		}
	}
}

func TestAnEmptyPromptHasNoFrames(t *testing.T) {
	p := NewPrompt(nil)
	p.encode(muLaw)
	if n := len(p.payload(muLaw)); n != 0 || !p.isEncoded(muLaw) {
		t.Errorf("%d octets", n)
	}
}
