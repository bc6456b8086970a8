package local

import (
	"errors"
	"fmt"

	"ivr/speech"
	"ivr/speech/models"
)

// Options of [Open]. Zero values mean the defaults named.
type Options struct {
	Recogniser string // "moonshine-base" (default) or "moonshine-tiny"
	Voice      string // "alan" (default) or "jenny"
	Hurried    bool   // load moonshine-tiny as well, for times when moonshine-base has too much to do
	Steady     bool   // the voice says the same text the same way every time: less lively, for callers in tests
}

// Engines are loaded models, ready for use by any number of calls.
type Engines struct {
	Recogniser speech.Recogniser
	Hurried    speech.Recogniser // nil unless asked for, or when it would be the same
	Voice      speech.Voice

	voiceName string
	vad       *model
	close     []func() error
}

// Open loads the engines: about a second. A models folder is only ever read.
func Open(set *models.Set, o Options) (*Engines, error) {
	if o.Recogniser == "" {
		o.Recogniser = "moonshine-base"
	}
	if o.Voice == "" {
		o.Voice = "alan"
	}
	if o.Recogniser != "moonshine-base" && o.Recogniser != "moonshine-tiny" {
		return nil, fmt.Errorf("local: there is no recogniser %q: choose moonshine-base or moonshine-tiny", o.Recogniser)
	}
	if o.Voice != "jenny" && o.Voice != "alan" {
		return nil, fmt.Errorf("local: there is no voice %q: choose alan or jenny", o.Voice)
	}
	if err := startRuntime(); err != nil {
		return nil, err
	}
	e := new(Engines)
	if err := e.load(set, o); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Engines) load(set *models.Set, o Options) error {
	vad, err := loadModel(set.Path("silero/silero_vad_v6.onnx"))
	if err != nil {
		return err
	}
	e.vad, e.close = vad, append(e.close, vad.close)
	recogniser, err := newMoonshine(set, o.Recogniser)
	if err != nil {
		return err
	}
	e.Recogniser, e.close = recogniser, append(e.close, recogniser.Close)
	if o.Hurried && o.Recogniser != "moonshine-tiny" {
		hurried, err := newMoonshine(set, "moonshine-tiny")
		if err != nil {
			return err
		}
		e.Hurried, e.close = hurried, append(e.close, hurried.Close)
	}
	voice, err := newPiper(set, "piper-"+o.Voice, o.Steady)
	if err != nil {
		return err
	}
	e.Voice, e.close = voice, append(e.close, voice.Close)
	e.voiceName = voice.name
	return nil
}

// VoiceName tells the voice, and how it speaks, apart from all others: prompts kept on disk are its alone.
func (e *Engines) VoiceName() string { return e.voiceName }

// NewVAD makes a judge of one stream's speech.
func (e *Engines) NewVAD() (speech.VAD, error) { return newSilero(e.vad) }

// Close frees the models. No engine may be at work.
func (e *Engines) Close() error {
	var errs []error
	for _, c := range e.close {
		errs = append(errs, c())
	}
	e.close = nil
	return errors.Join(errs...)
}
