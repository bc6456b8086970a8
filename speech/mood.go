package speech

import (
	"embed"
	"encoding/json"
	"fmt"
	"math"
	"strings"
)

// Two witnesses say how angry a caller is.
//
// The words: a lexicon of phrases with weights, mood/anger.txt. Findings of an utterance add up as independent evidence does,
// 1 - (1-a)(1-b)...: a swear word or two mild complaints are enough to be angry.
//
// The voice: a logistic regression on the recogniser's encoding, trained on acted anger. It tells well for the voices it knows
// (see [MoodWeights].Report) and badly for strangers, in another language and about other things: a calm stranger dictating a
// number can score like a shout. So what counts is how the voice differs from the caller's own first utterances, and how much
// louder it is. One utterance is worth at most 0.45; only a voice that stays raised over several can be enough by itself.
const (
	voiceOnce      = 0.45 // most that the voice of one utterance is worth
	voiceSustained = 0.75 // and if the one before was raised too
	voiceUnknown   = 0.25 // and before the caller's own voice is known
	baselineFrom   = 2    // utterances
	baselineMost   = 0.5  // a caller whose first words score higher may be angry from the start

	shortestJudged = 28000 // samples of audio, 1.75 s with its surroundings: a "Monday" alone says nothing of the voice
	usualRise      = 4.0   // of the score: calm callers vary by about half of it
	usualLouder    = 7.0   // dB
	raised         = 0.5   // a voice above it counts as raised
	loweredScore   = 0.0   // absolute score below which a voice is hardly angry, whatever it was before
)

//go:embed mood/*.json
var moodFiles embed.FS

// MoodWeights is a trained acoustic witness of anger, for the encoding of one recogniser.
type MoodWeights struct {
	Recogniser string    `json:"recogniser"`
	Source     string    `json:"source"` // of the recordings, and their licence
	Report     string    `json:"report"` // how well it does
	Bias       float64   `json:"bias"`
	Weights    []float32 `json:"weights"` // by number of [Transcript].Pooled
}

// MoodDetector judges moods. Immutable; safe for concurrent use.
type MoodDetector struct {
	words lexicon
	voice *MoodWeights // nil: only the words count
}

// NewMoodDetector makes a detector for transcripts of a recogniser, "moonshine-base". For one that has no trained weights,
// only the words count.
func NewMoodDetector(recogniser string) (*MoodDetector, error) {
	d := &MoodDetector{words: angerWords()}
	data, err := moodFiles.ReadFile("mood/" + recogniser + ".json")
	if err != nil {
		return d, nil
	}
	d.voice = new(MoodWeights)
	if err := json.Unmarshal(data, d.voice); err != nil {
		return nil, fmt.Errorf("speech: mood weights of %s: %w", recogniser, err)
	}
	return d, nil
}

// NewCaller begins to follow one caller.
func (d *MoodDetector) NewCaller() *MoodTracker { return &MoodTracker{detector: d} }

// MoodTracker follows one caller through a call. It belongs to one goroutine.
type MoodTracker struct {
	detector *MoodDetector
	judged   int     // utterances long enough to know the voice
	score    float64 // mean of the first of them
	level    float64 // mean of theirs, dB
	raised   bool    // the last one was
}

// Judge takes the next utterance. The same utterances in the same order give the same moods.
func (t *MoodTracker) Judge(tr Transcript, audio []int16) Mood {
	calm := 1.0
	var evidence []string
	for _, f := range t.detector.words.find(tr.Text) {
		calm *= 1 - f.weight
		evidence = append(evidence, fmt.Sprintf("%q", f.said))
	}
	voice, how := t.voice(tr.Pooled, audio)
	if voice >= 0.1 {
		calm *= 1 - voice
		evidence = append([]string{fmt.Sprintf("%s (%.2f)", how, voice)}, evidence...)
	}
	return Mood{Anger: math.Round((1-calm)*1000) / 1000, Evidence: strings.Join(evidence, ", ")}
}

// voice is what the sound of an utterance says, and which part of it says most.
func (t *MoodTracker) voice(pooled []float32, audio []int16) (anger float64, how string) {
	w := t.detector.voice
	if w == nil || len(pooled) != len(w.Weights) || len(audio) < shortestJudged {
		return 0, ""
	}
	score, level := w.score(pooled), loudness(audio)
	before := t.raised
	if t.judged < baselineFrom {
		t.score = (t.score*float64(t.judged) + score) / float64(t.judged+1)
		t.level = (t.level*float64(t.judged) + level) / float64(t.judged+1)
		t.judged++
		return voiceUnknown * sigmoid(score-usualRise-2), "an angry voice"
	}
	rise := sigmoid(score-min(t.score, baselineMost)-usualRise) * sigmoid(score-loweredScore)
	louder := 0.6 * sigmoid((level-t.level-usualLouder)/1.5)
	v, how := rise, "a raised voice"
	if louder > rise {
		v, how = louder, "a louder voice"
	}
	t.raised = v >= raised
	if t.raised && before {
		return voiceSustained * v, how + " again"
	}
	return voiceOnce * v, how
}

// score is the log-odds of anger, bounded: what is far outside is not more certain.
func (w *MoodWeights) score(pooled []float32) float64 {
	sum := w.Bias
	for i, p := range pooled {
		sum += float64(w.Weights[i]) * float64(p)
	}
	return max(-6, min(8, sum))
}

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

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }
