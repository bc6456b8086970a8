package local

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	ort "github.com/yalue/onnxruntime_go"

	"ivr/speech"
	"ivr/speech/models"
)

// Token ids of Moonshine.
const (
	startID = 1
	endID   = 2
)

// tokensPerSecond bounds what an utterance can hold; a decoder that goes on beyond it is in a loop.
const tokensPerSecond = 6

// Moonshine recognises English utterances. Safe for concurrent use; each call runs on its caller's thread.
type Moonshine struct {
	encoder, decoder *model
	vocabulary       []string // by token id; "" for ids that are not text
	layers           []layer  // past of the decoder, in the order of its inputs
	hidden           int      // width of the encoder's output
}

// layer is one key or value tensor that the decoder hands from step to step.
type layer struct {
	heads, width int64
	encoder      bool // computed from the audio in the first step and the same ever after
}

// newMoonshine loads a size, "moonshine-tiny" or "moonshine-base".
func newMoonshine(set *models.Set, size string) (*Moonshine, error) {
	m := new(Moonshine)
	var err error
	if m.vocabulary, err = readVocabulary(set.Path("moonshine-vocabulary/tokens.txt")); err != nil {
		return nil, err
	}
	if m.encoder, err = loadModel(set.Path(size + "/encoder_model.onnx")); err != nil {
		return nil, err
	}
	if m.decoder, err = loadModel(set.Path(size + "/decoder_model_merged.onnx")); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	if err := m.readShape(); err != nil {
		return nil, errors.Join(fmt.Errorf("local: %s is not the model expected: %w", size, err), m.Close())
	}
	return m, nil
}

// readShape learns the size of the model from its graphs and checks the order of the decoder's inputs and outputs, which
// decode relies on.
func (m *Moonshine) readShape() error {
	in, out := m.decoder.in, m.decoder.out
	if len(m.encoder.in) != 1 || len(m.encoder.out) != 1 || len(in) < 4 || len(out) != len(in)-2 {
		return errors.New("other inputs or outputs")
	}
	if in[0].Name != "input_ids" || in[1].Name != "encoder_hidden_states" || in[len(in)-1].Name != "use_cache_branch" || out[0].Name != "logits" {
		return errors.New("inputs or outputs in another order")
	}
	m.hidden = int(in[1].Dimensions[2])
	for i, info := range in[2 : len(in)-1] {
		name, ok := strings.CutPrefix(info.Name, "past_key_values")
		if !ok || out[i+1].Name != "present"+name || len(info.Dimensions) != 4 {
			return fmt.Errorf("input %s has no matching output", info.Name)
		}
		m.layers = append(m.layers, layer{info.Dimensions[1], info.Dimensions[3], strings.Contains(name, ".encoder.")})
	}
	return nil
}

// Close frees the models. No call may be in progress.
func (m *Moonshine) Close() error {
	var errs []error
	for _, part := range []*model{m.encoder, m.decoder} {
		if part != nil {
			errs = append(errs, part.close())
		}
	}
	return errors.Join(errs...)
}

var _ speech.Recogniser = (*Moonshine)(nil)

// Recognise turns an utterance into words, and its encoding into [speech.Transcript].Pooled: for each channel the mean over
// time, then for each the standard deviation. The text is "" when the engine made up words, as it does on what is not speech.
func (m *Moonshine) Recognise(ctx context.Context, pcm []int16) (speech.Transcript, error) {
	seconds := float64(len(pcm)) / sampleRate
	states, err := m.encode(pcm)
	if err != nil {
		return speech.Transcript{}, err
	}
	defer states.Destroy()
	ids, err := m.decode(ctx, states, int(math.Ceil(tokensPerSecond*seconds))+4)
	if err != nil {
		return speech.Transcript{}, err
	}
	t := speech.Transcript{Text: m.text(ids), Pooled: pool(states.GetData(), m.hidden)}
	if madeUp(t.Text, seconds) {
		t.Text = ""
	}
	return t, nil
}

// shortest is the least audio the encoder's convolutions take; less is padded with silence.
const shortest = sampleRate / 5

func (m *Moonshine) encode(pcm []int16) (*ort.Tensor[float32], error) {
	samples := make([]float32, max(len(pcm), shortest))
	for i, s := range pcm {
		samples[i] = float32(s) / 32768
	}
	audio, err := ort.NewTensor(ort.NewShape(1, int64(len(samples))), samples)
	if err != nil {
		return nil, fmt.Errorf("local: recogniser: %w", err)
	}
	defer audio.Destroy()
	out := []ort.Value{nil}
	if err := m.encoder.session.Run([]ort.Value{audio}, out); err != nil {
		return nil, fmt.Errorf("local: recogniser: encoding: %w", err)
	}
	states, ok := out[0].(*ort.Tensor[float32])
	if !ok {
		destroy(out)
		return nil, errors.New("local: recogniser: the encoding is not of numbers")
	}
	return states, nil
}

// pool reduces rows of width numbers to mean and standard deviation of each column.
func pool(rows []float32, width int) []float32 {
	sum, squares := make([]float64, width), make([]float64, width)
	for i, v := range rows {
		sum[i%width] += float64(v)
		squares[i%width] += float64(v) * float64(v)
	}
	n := float64(len(rows) / width)
	pooled := make([]float32, 2*width)
	for i := range width {
		mean := sum[i] / n
		pooled[i] = float32(mean)
		pooled[width+i] = float32(math.Sqrt(max(0, squares[i]/n-mean*mean)))
	}
	return pooled
}

// readVocabulary reads "base64(piece) id" lines.
func readVocabulary(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("local: %w", err)
	}
	var pieces []string
	for line := range strings.Lines(string(data)) {
		encoded, id, _ := strings.Cut(strings.TrimSpace(line), " ")
		piece, err := base64.StdEncoding.DecodeString(encoded)
		if n, err2 := strconv.Atoi(id); err != nil || err2 != nil || n != len(pieces) {
			return nil, fmt.Errorf("local: %s: line %d is not of the form \"base64 id\"", path, len(pieces)+1)
		}
		pieces = append(pieces, pieceText(string(piece)))
	}
	return pieces, nil
}

// pieceText is what a piece adds to the text: "▁" stands for a space, "<0x41>" for a byte, other brackets for nothing.
func pieceText(piece string) string {
	if hex, ok := strings.CutPrefix(piece, "<0x"); ok && len(hex) == 3 && hex[2] == '>' {
		if b, err := strconv.ParseUint(hex[:2], 16, 8); err == nil {
			return string([]byte{byte(b)})
		}
	}
	if piece == "<unk>" || piece == "<s>" || piece == "</s>" || strings.HasPrefix(piece, "<<ST_") {
		return ""
	}
	return strings.ReplaceAll(piece, "▁", " ")
}

func (m *Moonshine) text(ids []int64) string {
	var b strings.Builder
	for _, id := range ids {
		if id >= 0 && id < int64(len(m.vocabulary)) {
			b.WriteString(m.vocabulary[id])
		}
	}
	return modern.Replace(strings.TrimSpace(strings.ToValidUTF8(b.String(), "")))
}

// modern undoes the spelling of the old books that the recogniser learnt some of its English from.
var modern = strings.NewReplacer("o-day", "oday", "o-night", "onight", "o-morrow", "omorrow", "ood-bye", "oodbye")
