// Command trainmood trains the acoustic witness of speech.MoodDetector: a logistic regression that tells anger from other moods
// by the pooled output of the recogniser's encoder, on recordings with labels.
//
//	go run ./speech/local/trainmood --manifest DIR/manifest.tsv --recogniser moonshine-base --out speech/mood/moonshine-base.json
//
// The manifest is a table with the columns file, speaker and emotion; files lie beside it. Each recording goes through 8 kHz
// mu-law first (by sox, which must be installed), because that is what calls sound like. The report says how well speakers
// that were left out of the training are told: the same run with the same data gives the same weights.
package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"ivr/speech"
	"ivr/speech/local"
	"ivr/speech/models"
)

func main() {
	manifest := flag.String("manifest", "", "table of recordings")
	recogniser := flag.String("recogniser", "moonshine-base", "whose encoder listens")
	source := flag.String("source", "Berlin EmoDB (CC0-1.0), through 8 kHz mu-law", "provenance of the recordings, for the file")
	out := flag.String("out", "", "file for the weights")
	flag.Parse()
	if *manifest == "" || *out == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := train(*manifest, *recogniser, *source, *out); err != nil {
		fmt.Fprintln(os.Stderr, "trainmood:", err)
		os.Exit(1)
	}
}

// sample is one recording as the regression sees it.
type sample struct {
	speaker, emotion string
	features         []float64
}

func (s *sample) angry() bool { return s.emotion == "anger" }

func train(manifest, recogniser, source, out string) error {
	samples, err := load(manifest, recogniser)
	if err != nil {
		return err
	}
	scores := leaveOneSpeakerOut(samples)
	auc := areaUnderCurve(samples, scores)
	fmt.Printf("%d recordings, AUC %.3f on speakers left out\n", len(samples), auc)
	weights, bias := fit(samples)
	data, err := json.MarshalIndent(speech.MoodWeights{
		Recogniser: recogniser,
		Source:     source,
		Report:     fmt.Sprintf("%d recordings; AUC %.3f, leaving one speaker out", len(samples), auc),
		Weights:    rounded(weights),
		Bias:       math.Round(bias*1e6) / 1e6,
	}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(data, '\n'), 0o644)
}

func rounded(weights []float64) []float32 {
	r := make([]float32, len(weights))
	for i, w := range weights {
		r[i] = float32(math.Round(w*1e6) / 1e6)
	}
	return r
}

// load has the recogniser listen to every recording of the manifest.
func load(manifest, recogniser string) ([]sample, error) {
	set, err := models.Open("")
	if err != nil {
		return nil, err
	}
	engines, err := local.Open(set, local.Options{Recogniser: recogniser})
	if err != nil {
		return nil, err
	}
	defer engines.Close()
	table, err := os.ReadFile(manifest)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	header := strings.Split(lines[0], "\t")
	file, speaker, emotion := slices.Index(header, "file"), slices.Index(header, "speaker"), slices.Index(header, "emotion")
	if file < 0 || speaker < 0 || emotion < 0 {
		return nil, errors.New("the manifest needs the columns file, speaker and emotion")
	}
	var samples []sample
	for _, line := range lines[1:] {
		row := strings.Split(line, "\t")
		pcm, err := telephone(filepath.Join(filepath.Dir(manifest), row[file]))
		if err != nil {
			return nil, err
		}
		heard, err := engines.Recogniser.Recognise(context.Background(), pcm)
		if err != nil {
			return nil, err
		}
		s := sample{speaker: row[speaker], emotion: row[emotion]}
		for _, f := range heard.Pooled {
			s.features = append(s.features, float64(f))
		}
		samples = append(samples, s)
		fmt.Fprintf(os.Stderr, "\r%d", len(samples))
	}
	fmt.Fprintln(os.Stderr)
	return samples, nil
}

// telephone reads a recording as a call would carry it.
func telephone(path string) ([]int16, error) {
	narrow := exec.Command("sox", path, "-r", "8000", "-c", "1", "-e", "mu-law", "-t", "wav", "-")
	wave, err := narrow.Output()
	if err != nil {
		return nil, fmt.Errorf("sox %s: %w", path, err)
	}
	wide := exec.Command("sox", "-t", "wav", "-", "-r", "16000", "-e", "signed", "-b", "16", "-L", "-t", "raw", "-")
	wide.Stdin = bytes.NewReader(wave)
	raw, err := wide.Output()
	if err != nil {
		return nil, fmt.Errorf("sox %s: %w", path, err)
	}
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm, nil
}
