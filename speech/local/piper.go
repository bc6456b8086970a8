package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	sherpa "github.com/k2-fsa/sherpa-onnx-go/sherpa_onnx"

	"ivr/speech"
	"ivr/speech/models"
)

// Piper speaks English text. Safe for concurrent use: each call runs on its caller's thread.
type Piper struct {
	name      string
	tts       *sherpa.OfflineTts
	resampler *resampler
}

// manners are how a voice speaks: how much its sounds and their lengths vary, and how slowly.
var manners = map[string]struct{ noise, noiseWidth, length float32 }{
	"piper-jenny": {0.667, 0.8, 1}, // as voice.json has it
	"piper-alan":  {0.4, 0.6, 0.9}, // 16 characters a second; over the telephone 2 words in 100 are misheard, as when it is slower
}

// newPiper loads a voice, "piper-jenny" or "piper-alan".
func newPiper(set *models.Set, voice string, steady bool) (*Piper, error) {
	var config sherpa.OfflineTtsConfig
	config.Model.Vits.Model = set.Path(voice + "/voice.onnx")
	config.Model.Vits.Tokens = set.Path(voice + "/tokens.txt")
	config.Model.Vits.DataDir = set.Path("espeak-ng-data")
	m := manners[voice]
	if steady {
		m.noise, m.noiseWidth = 1e-30, 1e-30 // 0 would be the engine's default
	}
	config.Model.Vits.NoiseScale, config.Model.Vits.NoiseScaleW, config.Model.Vits.LengthScale = m.noise, m.noiseWidth, m.length
	config.Model.NumThreads = 1
	config.Model.Provider = "cpu"
	config.MaxNumSentences = 1
	tts := sherpa.NewOfflineTts(&config)
	if tts == nil {
		return nil, fmt.Errorf("local: the voice %s does not load", voice)
	}
	return &Piper{name: fmt.Sprint(voice, m), tts: tts, resampler: newResampler(tts.SampleRate(), sampleRate)}, nil
}

var _ speech.Voice = (*Piper)(nil)

// Speak makes 16 kHz audio of text, its silences trimmed and its level that of the other prompts. Text without anything to
// pronounce is silence of no length. The context is asked before, not while: a clause takes tens of milliseconds.
func (p *Piper) Speak(ctx context.Context, text string) ([]int16, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	text = speech.Speakable(text)
	if text == "" {
		return nil, nil
	}
	audio := p.tts.Generate(text, 0, 1)
	if audio == nil || len(audio.Samples) == 0 {
		return nil, fmt.Errorf("local: the voice made nothing of %q", shortened(text))
	}
	return finish(p.resampler.resample(audio.Samples)), nil
}

// Close frees the voice. No call may be in progress.
func (p *Piper) Close() error {
	if p.tts == nil {
		return errors.New("local: the voice is closed")
	}
	sherpa.DeleteOfflineTts(p.tts)
	p.tts = nil
	return nil
}

func shortened(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
