package local

import (
	"fmt"
	"runtime"

	ort "github.com/yalue/onnxruntime_go"

	"ivr/speech"
)

// What Silero wants a step: a window of samples at 16 kHz, preceded by the last of the window before.
const (
	vadWindow  = 512
	vadContext = 64
	vadState   = 2 * 1 * 128
)

// silero judges one stream. Its tensors are made once and lie over Go memory: a step allocates nothing of size.
type silero struct {
	model        *model
	in, out      []ort.Value
	audio        []float32 // context and window
	state, after []float32
	probability  []float32
}

func newSilero(m *model) (*silero, error) {
	s := &silero{
		model:       m,
		audio:       make([]float32, vadContext+vadWindow),
		state:       make([]float32, vadState),
		after:       make([]float32, vadState),
		probability: make([]float32, 1),
	}
	audio, err1 := ort.NewTensor(ort.NewShape(1, int64(len(s.audio))), s.audio)
	state, err2 := ort.NewTensor(ort.NewShape(2, 1, 128), s.state)
	rate, err3 := ort.NewScalar(int64(16000))
	out, err4 := ort.NewTensor(ort.NewShape(1, 1), s.probability)
	after, err5 := ort.NewTensor(ort.NewShape(2, 1, 128), s.after)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return nil, fmt.Errorf("local: voice activity: %w", err)
		}
	}
	s.in, s.out = []ort.Value{audio, state, rate}, []ort.Value{out, after}
	// A VAD has no Close: it goes with the call that it listens to.
	runtime.AddCleanup(s, destroy, []ort.Value{audio, state, rate, out, after})
	return s, nil
}

var _ speech.VAD = (*silero)(nil)

// Speech judges the next 512 samples: the probability that they hold speech.
func (s *silero) Speech(pcm []int16) (float32, error) {
	if len(pcm) != vadWindow {
		return 0, fmt.Errorf("local: voice activity: %d samples, want %d", len(pcm), vadWindow)
	}
	copy(s.audio, s.audio[vadWindow:])
	for i, v := range pcm {
		s.audio[vadContext+i] = float32(v) / 32768
	}
	if err := s.model.session.Run(s.in, s.out); err != nil {
		return 0, fmt.Errorf("local: voice activity: %w", err)
	}
	copy(s.state, s.after)
	return s.probability[0], nil
}

// Reset forgets what was heard.
func (s *silero) Reset() {
	clear(s.audio)
	clear(s.state)
}
