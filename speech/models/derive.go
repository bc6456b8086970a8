package models

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// derivation makes a file from a package unpacked at dir; from is the member it starts with.
type derivation func(dir, from string, w io.Writer) error

var derivations = map[string]derivation{
	"":                 copied,
	"piper-metadata":   piperMetadata,
	"piper-tokens":     piperTokens,
	"moonshine-tokens": moonshineTokens,
}

func copied(dir, from string, w io.Writer) error {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(from)))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// piperVoice is what we read of a voice.json.
type piperVoice struct {
	Audio struct {
		SampleRate int `json:"sample_rate"`
	} `json:"audio"`
	Espeak struct {
		Voice string `json:"voice"`
	} `json:"espeak"`
	NumSpeakers  int              `json:"num_speakers"`
	PhonemeIDMap map[string][]int `json:"phoneme_id_map"`
}

func readPiperVoice(dir string) (*piperVoice, error) {
	data, err := os.ReadFile(filepath.Join(dir, "voice.json"))
	if err != nil {
		return nil, err
	}
	v := new(piperVoice)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("voice.json: %w", err)
	}
	if v.Audio.SampleRate <= 0 || v.Espeak.Voice == "" || len(v.PhonemeIDMap) == 0 {
		return nil, errors.New("voice.json lacks sample rate, espeak voice or phonemes")
	}
	return v, nil
}

// piperMetadata appends to the ONNX model what the voice engine wants to know of it. A protobuf message may be extended by
// appending fields: metadata_props is field 14 of ModelProto, each a message of key (1) and value (2).
func piperMetadata(dir, from string, w io.Writer) error {
	v, err := readPiperVoice(dir)
	if err != nil {
		return err
	}
	if err := copied(dir, from, w); err != nil {
		return err
	}
	for _, prop := range [][2]string{
		{"model_type", "vits"},
		{"comment", "piper"},
		{"language", "English"},
		{"voice", v.Espeak.Voice},
		{"has_espeak", "1"},
		{"n_speakers", strconv.Itoa(max(v.NumSpeakers, 1))},
		{"sample_rate", strconv.Itoa(v.Audio.SampleRate)},
	} {
		var entry []byte
		entry = appendBytesField(entry, 1, []byte(prop[0]))
		entry = appendBytesField(entry, 2, []byte(prop[1]))
		if _, err := w.Write(appendBytesField(nil, 14, entry)); err != nil {
			return err
		}
	}
	return nil
}

// appendBytesField appends a length-delimited protobuf field; number and length are below 128 here.
func appendBytesField(b []byte, number int, value []byte) []byte {
	b = append(b, byte(number<<3|2), byte(len(value)))
	return append(b, value...)
}

// piperTokens writes "symbol id", a line each, by id.
func piperTokens(dir, _ string, w io.Writer) error {
	v, err := readPiperVoice(dir)
	if err != nil {
		return err
	}
	symbols := slices.SortedFunc(maps.Keys(v.PhonemeIDMap), func(a, b string) int {
		return v.PhonemeIDMap[a][0] - v.PhonemeIDMap[b][0]
	})
	out := bufio.NewWriter(w)
	for _, s := range symbols {
		fmt.Fprintf(out, "%s %d\n", s, v.PhonemeIDMap[s][0])
	}
	return out.Flush()
}

// moonshineIDs is how many token ids the recogniser knows; its vocabulary has fewer pieces.
const moonshineIDs = 32768

var vocabularyLiteral = regexp.MustCompile(`llama_vocab_base64 = "([A-Za-z0-9+/=]+)"`)

// moonshineTokens writes "base64(piece) id", a line each. The package holds the pieces as one base64 string of lines.
func moonshineTokens(dir, from string, w io.Writer) error {
	source, err := os.ReadFile(filepath.Join(dir, from))
	if err != nil {
		return err
	}
	literal := vocabularyLiteral.FindSubmatch(source)
	if literal == nil {
		return fmt.Errorf("%s holds no vocabulary", from)
	}
	text, err := base64.StdEncoding.DecodeString(string(literal[1]))
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	pieces := bytes.Split(text, []byte("\n"))
	out := bufio.NewWriter(w)
	for id := range moonshineIDs {
		piece := fmt.Appendf(nil, "<<ST_%d>>", id)
		if id < len(pieces) {
			piece = pieces[id]
		}
		fmt.Fprintf(out, "%s %d\n", base64.StdEncoding.EncodeToString(piece), id)
	}
	return out.Flush()
}
