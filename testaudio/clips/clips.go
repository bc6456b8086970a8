// Package clips has callers on file: what they say on the telephone, with its truth. MANIFEST.yaml lists them; all were made by
// this project's own means, with `go run ./testaudio/clips/make`.
package clips

import (
	"bytes"
	"embed"
	"fmt"

	"ivr/internal/strict"
	"ivr/testaudio"
)

// Clip is one thing a caller says, over a telephone line.
type Clip struct {
	File   string // in this folder
	Text   string // what is said; "" where only keys are pressed
	Voice  string // "alan" or "jenny"
	Intent string // of the courier's bot, "" for none it knows
	Mood   string // "calm" or "angry", in words
	Keys   string // heard as tones
}

//go:embed MANIFEST.yaml *.wav
var files embed.FS

// All are the clips, in the order of the manifest.
func All() ([]Clip, error) {
	data, err := files.ReadFile("MANIFEST.yaml")
	if err != nil {
		return nil, err
	}
	var manifest struct{ Clips []Clip }
	if err := strict.Decode("MANIFEST.yaml", data, &manifest); err != nil {
		return nil, err
	}
	return manifest.Clips, nil
}

// PCM is the audio, 16 kHz mono.
func (c Clip) PCM() ([]int16, error) {
	data, err := files.ReadFile(c.File)
	if err != nil {
		return nil, err
	}
	channels, err := testaudio.DecodeWAV(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.File, err)
	}
	return channels[0], nil
}
