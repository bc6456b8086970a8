// Command make speaks the clips of the manifest that have no file yet; delete one to have it made anew. Run it as
// `go run ./testaudio/clips/make` in the root of the repository.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"

	"ivr/internal/strict"
	"ivr/speech/local"
	"ivr/speech/models"
	"ivr/testaudio"
	"ivr/testaudio/clips"
)

const folder = "testaudio/clips"

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	path := filepath.Join(folder, "MANIFEST.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var manifest struct{ Clips []clips.Clip }
	if err := strict.Decode(path, data, &manifest); err != nil {
		return err
	}
	set, err := models.Open("")
	if err != nil {
		return err
	}
	for _, c := range manifest.Clips {
		path := filepath.Join(folder, c.File)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		pcm, err := speak(ctx, set, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		if err := write(path, testaudio.Telephone(pcm, testaudio.MuLaw)); err != nil {
			return err
		}
		fmt.Println(path)
	}
	return nil
}

func speak(ctx context.Context, set *models.Set, c clips.Clip) ([]int16, error) {
	if c.Keys != "" {
		return testaudio.DTMF(c.Keys)
	}
	e, err := local.Open(set, local.Options{Voice: c.Voice})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	pcm, err := e.Voice.Speak(ctx, c.Text)
	return testaudio.Join(pcm, testaudio.Silence(200*time.Millisecond)), err
}

// write keeps every second sample: the telephone left nothing above 4 kHz.
func write(path string, pcm []int16) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := &audio.IntBuffer{Format: &audio.Format{NumChannels: 1, SampleRate: 8000}, SourceBitDepth: 16}
	for i := 0; i < len(pcm); i += 2 {
		buf.Data = append(buf.Data, int(pcm[i]))
	}
	enc := wav.NewEncoder(f, 8000, 16, 1, 1)
	if err := enc.Write(buf); err != nil {
		return err
	}
	if err := enc.Close(); err != nil {
		return err
	}
	return f.Close()
}
