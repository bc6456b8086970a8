package mood

import (
	"fmt"
	"math"
	"strings"
)

// Mood is what an utterance says beside what is wanted.
type Mood struct {
	Anger    float64 // 0 to 1: the chance that the caller is angry, by the sound and the words of this utterance
	Evidence string  // in words, for the seat and the record: `a raised voice (0.91), "disgrace"`; "" for none
}

// Utterance is what the witnesses hear.
type Utterance struct {
	Text   string
	Pooled []float32 // the recogniser's pooled encoding; nil if it has none
	Audio  []int16   // mono 16 kHz
}

// Detector judges moods. Immutable; safe for concurrent use.
type Detector struct {
	phrases lexicon
	words   *Words
	voice   *Weights // nil: only the words count
}

// NewDetector makes a detector for transcripts of a recogniser, "moonshine-base". For one that has no trained weights, only
// the words count.
func NewDetector(recogniser string) (*Detector, error) {
	voice, err := Shipped(recogniser)
	if err != nil {
		return nil, err
	}
	return NewDetectorWith(voice), nil
}

// NewDetectorWith makes a detector with weights of one's own; nil: only the words count.
func NewDetectorWith(voice *Weights) *Detector {
	return &Detector{phrases: angerWords(), words: shippedWords(), voice: voice}
}

// NewCaller begins to follow one caller.
func (d *Detector) NewCaller() *Caller { return &Caller{detector: d} }

// Caller follows one caller through a call. It belongs to one goroutine.
type Caller struct {
	detector *Detector
	own      ownVoice
}

// usualAnger is the log-odds of anger in any utterance before its sound and words are known: one in fifteen.
const usualAnger = -2.6

// Judge takes the next utterance. The same utterances in the same order give the same moods.
func (c *Caller) Judge(u Utterance) Mood {
	words, phrases := c.detector.Words(u.Text)
	says, how := 0.0, ""
	if score, ok := c.detector.Voice(u); ok {
		says, how = c.own.hear(score, loudness(u.Audio))
	}
	var evidence []string
	if says > voiceEvident {
		evidence = append(evidence, fmt.Sprintf("%s (%.2f)", how, sigmoid(says)))
	}
	for _, p := range phrases {
		evidence = append(evidence, fmt.Sprintf("%q", p))
	}
	anger := sigmoid(usualAnger + says + words)
	if says <= 0 && words <= 0 {
		anger = 0 // nothing speaks for it
	}
	return Mood{Anger: math.Round(anger*1000) / 1000, Evidence: strings.Join(evidence, ", ")}
}

// voiceEvident is from where on, in log-odds, the sound of an utterance is worth mentioning.
const voiceEvident = 0.3

// Voice is what the acoustic witness alone says of an utterance of somebody it does not know, as a score without a scale. It is
// not ok when it has nothing to go by.
func (d *Detector) Voice(u Utterance) (score float64, ok bool) {
	if d.voice == nil {
		return 0, false
	}
	features := Features(u.Pooled, u.Audio)
	if len(features) != len(d.voice.Weights) {
		return 0, false
	}
	return d.voice.Score(features), true
}

// What the regression on words may add to the phrases of the lexicon, in log-odds: it learnt on written comments, and calls
// are another world.
const (
	wordsTrust = 0.4
	wordsLeast = -0.3
	wordsMost  = 1.0
	wordsEven  = 0.5 // its score at which it speaks neither for anger nor against
)

// Words is what the words of an utterance say, in log-odds to be added to those of the usual caller, and the phrases that say it.
func (d *Detector) Words(text string) (says float64, phrases []string) {
	calm := 1 - sigmoid(usualAnger)
	for _, f := range d.phrases.find(text) {
		calm *= 1 - f.weight
		phrases = append(phrases, f.said)
	}
	if len(phrases) > 0 {
		says = logit(1-calm) - usualAnger
	}
	if len(spokenWords(text)) >= fewestWords {
		says += max(wordsLeast, min(wordsMost, wordsTrust*(d.words.score(text)-wordsEven)))
	}
	return says, phrases
}

// fewestWords is how many words the regression needs.
const fewestWords = 3

// TextScore is what the words alone say, for measuring: the higher the angrier, without a scale.
func (d *Detector) TextScore(text string) float64 {
	says := d.words.score(text)
	for _, f := range d.phrases.find(text) {
		says -= phraseTrust * math.Log(1-f.weight)
	}
	return says
}

// phraseTrust is what a phrase of the lexicon adds to the regression.
const phraseTrust = 0.5

// Score is what sound and words together say of an utterance of somebody unknown, for measuring: the higher the angrier, in
// log-odds that are not bounded as they are in a call.
func (d *Detector) Score(u Utterance) float64 {
	words, _ := d.Words(u.Text)
	if voice, ok := d.Voice(u); ok {
		return voiceTrust*(voice-unknownOffset) + words
	}
	return words
}

// Thresholds of [Detector.Score], [Weights.Score] and [Detector.TextScore] from which on an utterance counts as angry when they are measured.
const (
	ScoreThreshold = 0.0
	VoiceThreshold = unknownOffset // of [Weights.Score]
	TextThreshold  = 0.5
)
