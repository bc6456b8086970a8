package speech

import (
	"context"
	"time"

	"ivr/speech/mood"
)

// Transcript is what a recogniser made of one utterance.
type Transcript struct {
	Text string
	// Pooled is the encoder's output, mean and deviation over time: what the mood detector reads. nil if the engine has none.
	Pooled []float32
}

// A Recogniser turns whole utterances into words. Safe for concurrent use; each call uses one core.
type Recogniser interface {
	Recognise(ctx context.Context, pcm []int16) (Transcript, error) // pcm: mono 16 kHz
}

// A Voice speaks text. Safe for concurrent use.
type Voice interface {
	Speak(ctx context.Context, text string) (pcm []int16, err error) // mono 16 kHz, silence at both ends trimmed
}

// A VAD judges one stream, frame after frame; it keeps state and belongs to one goroutine.
type VAD interface {
	Speech(pcm []int16) (probability float32, err error) // pcm: 512 samples at 16 kHz
	Reset()
}

// Mood is what an utterance says beside what is wanted.
type Mood = mood.Mood

// Utterance is one thing the caller said, from its first to its last voiced frame.
type Utterance struct {
	Text  string // "" when no words came back
	Mood  Mood
	Audio []int16 // mono 16 kHz
	Err   error   // why there is no text: the engine failed, or the pool was full

	Began, Ended time.Time     // arrival of the first and of the last voiced packet
	Decided      time.Time     // when the end of the turn was decided
	Recognised   time.Time     // when the words were there
	Waited       time.Duration // of that, in the pool's queue
	Took         time.Duration // of that, in the engine
}

// Event of an [Ears]. Exactly one field is set.
type Event struct {
	Onset     *Onset     // the caller began to speak
	Utterance *Utterance // the caller finished; every Onset is followed by one
}

// Onset is the beginning of speech.
type Onset struct{ At time.Time }
