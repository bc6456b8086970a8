package mood

import (
	"embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
)

//go:embed data/*.json
var shippedWeights embed.FS

// Weights are a trained acoustic witness of anger, for the encoding of one recogniser.
type Weights struct {
	Recogniser string    `json:"recogniser"`
	Source     string    `json:"source"` // of the recordings, and their licence
	Report     string    `json:"report"` // how well it does
	Bias       float64   `json:"bias"`
	Weights    []float32 `json:"weights"` // by number of [Features]
}

// Shipped are the weights that come with the program for a recogniser, "moonshine-base". nil if it has none.
func Shipped(recogniser string) (*Weights, error) {
	data, err := shippedWeights.ReadFile("data/" + recogniser + ".json")
	if err != nil {
		return nil, nil
	}
	return parseWeights("the shipped weights", data)
}

// ReadWeights reads a file that `ivr train anger` wrote.
func ReadWeights(path string) (*Weights, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("mood: %w", err)
	}
	return parseWeights(path, data)
}

func parseWeights(name string, data []byte) (*Weights, error) {
	w := new(Weights)
	if err := json.Unmarshal(data, w); err != nil {
		return nil, fmt.Errorf("mood: %s: %w; it is written by: ivr train anger", name, err)
	}
	if len(w.Weights) <= prosodySize || w.Recogniser == "" {
		return nil, fmt.Errorf("mood: %s holds no weights; it is written by: ivr train anger", name)
	}
	return w, nil
}

// shortestJudged is how many samples of audio say something of the voice: one second with its surroundings.
const shortestJudged = 16000

// Features are what the acoustic witness knows of an utterance: the recogniser's pooled encoding, then the prosody. nil when
// the utterance is too short to judge, or the recogniser has no encoding.
func Features(pooled []float32, pcm []int16) []float64 {
	if len(pooled) == 0 || len(pcm) < shortestJudged {
		return nil
	}
	sound := prosody(pcm)
	if sound == nil {
		return nil
	}
	all := make([]float64, 0, len(pooled)+len(sound))
	for _, p := range pooled {
		all = append(all, float64(p))
	}
	return append(all, sound...)
}

// Score is the log-odds of anger on the recordings it was trained on. What is far outside is not more certain.
func (w *Weights) Score(features []float64) float64 {
	sum := w.Bias
	for i, f := range features {
		sum += float64(w.Weights[i]) * f
	}
	return max(-8, min(8, sum))
}

// What the voice may say, in log-odds. A voice that is not known yet is trusted little: a calm stranger can sound like a shout.
const (
	voiceTrust    = 1.0  // of the score
	voiceCalm     = -0.4 // least
	voiceUnknown  = 1.3  // most before the caller's own voice is known
	voiceOnce     = 2.5  // most of one utterance
	voiceAgain    = 3.8  // most when the one before was raised too
	voiceRaised   = 1.0  // from here on a voice is raised
	baselineFrom  = 2    // utterances after which the caller's own voice is known
	baselineMost  = 0.5  // score: whose first words are higher may be angry from the start
	usualRise     = 2.0  // of the score: calm callers vary by about half of it
	usualLouder   = 7.0  // dB
	louderTrust   = 0.5  // log-odds a dB above it
	louderMost    = 1.8
	unknownOffset = 0.5 // score of a voice that speaks neither for anger nor against
)

// ownVoice is what is known of how a caller speaks.
type ownVoice struct {
	judged int     // utterances long enough
	score  float64 // mean of the first of them
	level  float64 // mean of theirs, dB
	raised bool    // the last one was
}

// hear takes the next utterance and returns what its sound says in log-odds, and how in words.
func (v *ownVoice) hear(score, level float64) (says float64, how string) {
	if v.judged < baselineFrom {
		n := float64(v.judged)
		v.score, v.level = (v.score*n+score)/(n+1), (v.level*n+level)/(n+1)
		v.judged++
		return bounded(voiceTrust*(score-unknownOffset), voiceUnknown), "an angry voice"
	}
	before := v.raised
	rise := voiceTrust * min(score-min(v.score, baselineMost)-usualRise, score-unknownOffset)
	louder := min(louderTrust*(level-v.level-usualLouder), louderMost)
	says, how = rise, "a raised voice"
	if louder > rise {
		says, how = louder, "a louder voice"
	}
	v.raised = says >= voiceRaised
	if v.raised && before {
		return bounded(says+voiceRaised, voiceAgain), how + " again"
	}
	return bounded(says, voiceOnce), how
}

func bounded(says, most float64) float64 { return max(voiceCalm, min(most, says)) }

// loudness is the level of the voiced half of an utterance, in dB: that of its louder frames.
func loudness(pcm []int16) float64 {
	const frame = 320
	var sum, most float64
	var energies []float64
	for ; len(pcm) >= frame; pcm = pcm[frame:] {
		var e float64
		for _, s := range pcm[:frame] {
			e += float64(s) * float64(s)
		}
		energies = append(energies, e/frame)
		most = max(most, e/frame)
	}
	n := 0
	for _, e := range energies {
		if e > most/100 {
			sum += e
			n++
		}
	}
	return 10 * math.Log10(sum/float64(max(n, 1))+1)
}
