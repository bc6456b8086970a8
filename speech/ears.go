package speech

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ivr/media"
)

// ErrLate says that the words of an utterance did not come in time.
var ErrLate = errors.New("speech: no words in time")

// EarsConfig says how one leg is listened to. Zero values mean the defaults in brackets.
type EarsConfig struct {
	Mood  *MoodDetector // nil: moods are not judged
	Bound time.Duration // from the end of a turn to its Utterance, with words or without [4s]
}

// Ears listen to one leg: they cut what is heard into turns and have each recognised. The words of a turn are already asked for
// when the caller pauses, so that they are there when it is clear that the caller has finished.
//
// Every [Onset] is followed by exactly one [Utterance] before the next Onset, within the bound, whatever the engines do.
type Ears struct {
	cfg    EarsConfig
	vad    VAD
	pool   *Pool
	mood   *MoodTracker
	ring   *ring
	events chan Event
	expect atomic.Pointer[expected]

	// What follows belongs to Run.
	endpoint Endpointer
	window   []int16 // what is not yet a full window
	audio    []int16 // of this turn, or the last moments before one
	voiceEnd int     // samples of audio up to the last voiced window
	began    time.Time
	loud     time.Time // arrival of the last audible frame
	lastTime time.Time // of the last one with a voice in it
	turns    []*turn   // begun and not yet told to the end, oldest first; only the last may still go on
	results  chan *recognition
	children sync.WaitGroup
	ctx      context.Context // of Run
}

// NewEars makes ears for one leg; vad and pool are theirs to use. It starts nothing: see [Ears.Run].
func NewEars(cfg EarsConfig, vad VAD, pool *Pool) *Ears {
	if cfg.Bound <= 0 {
		cfg.Bound = 4 * time.Second
	}
	e := &Ears{cfg: cfg, vad: vad, pool: pool, ring: newRing(), events: make(chan Event, 16), results: make(chan *recognition)}
	e.expect.Store(&expected{what: ExpectAny})
	if cfg.Mood != nil {
		e.mood = cfg.Mood.NewCaller()
	}
	return e
}

var _ media.Listener = (*Ears)(nil)

// Hear takes what one tick brought; it only copies. When Run is two seconds behind, the oldest is dropped.
func (e *Ears) Hear(h *media.Heard) { e.ring.put(h) }

// Events delivers onsets and utterances in order. It is never closed.
func (e *Ears) Events() <-chan Event { return e.events }

// expected is what the talk waits for, and where words would lead it.
type expected struct {
	what    Expect
	outlook func(text string) Completeness
}

// Expect says what the talk waits for from now on. outlook, which may be nil, is asked about words that may not be all: Settled, when
// the talk can go on with them; Neutral, when it would ask for more; Open, when they are of no use to it. It is called from Run.
func (e *Ears) Expect(x Expect, outlook func(text string) Completeness) {
	e.expect.Store(&expected{x, outlook})
}

// completeness judges the words of a turn that may go on: by where they lead, and by how they end.
func (x *expected) completeness(text string) Completeness {
	c := CompletenessOf(text, x.what)
	if c == Unknown || x.outlook == nil {
		return c
	}
	switch leads := x.outlook(text); {
	case leads == Settled && x.what == ExpectDigits: // a whole number, however it is written
		return Settled
	case leads == Settled:
		if CompletenessOf(strings.TrimRight(text, " ,-:;"), x.what) == Open {
			return Open
		}
		return Settled
	case c == Open:
		return Open
	default:
		return leads
	}
}

// Dropped is how many frames Run was too late for.
func (e *Ears) Dropped() int { return e.ring.lost() }

// Run listens until ctx is done or the VAD fails. A turn that is going on then ends with an Utterance that says why, if
// there is room for it among the events. What Run started has ended when it returns.
func (e *Ears) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	e.ctx = ctx
	defer e.children.Wait()
	defer func() { cancel(context.Canceled) }()
	err := e.listen(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	e.giveUp(err)
	return err
}

func (e *Ears) listen(ctx context.Context) error {
	late := time.NewTimer(time.Hour)
	defer late.Stop()
	var f heardFrame
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-e.ring.more:
			for e.ring.get(&f) {
				if err := e.hear(&f); err != nil {
					return err
				}
			}
		case r := <-e.results:
			e.recognised(r)
		case <-late.C:
			e.overdue()
		}
		e.tell(ctx)
		if len(e.turns) > 0 && !e.turns[0].due.IsZero() {
			late.Reset(time.Until(e.turns[0].due))
		}
	}
}

// quietest is the loudest sample, -60 dBFS, that is silence without asking the VAD. Most of a call is that.
const quietest = 32

// preRoll is kept of the time before the first voiced window: words begin softly.
const preRoll = 10 * windowSamples

// hear takes one frame; every 512 samples the endpointer decides.
func (e *Ears) hear(f *heardFrame) error {
	if media.Audible(f.pcm[:]) {
		e.loud = f.arrived
	}
	e.window = append(e.window, f.pcm[:]...)
	if len(e.window) < windowSamples {
		return nil
	}
	window := e.window[:windowSamples]
	probability := float32(0)
	if begun, _ := e.endpoint.Since(); begun > 0 || !quiet(window) {
		var err error
		if probability, err = e.vad.Speech(window); err != nil {
			return fmt.Errorf("speech: listening: %w", err)
		}
	}
	audible := media.Audible(window)
	e.audio = append(e.audio, window...)
	e.window = append(e.window[:0], e.window[windowSamples:]...)
	e.endpoint.Expect(e.expect.Load().what)
	e.endpoint.Eager(e.pool.Idle())
	decision := e.endpoint.Window(probability, audible)
	switch begun, silent := e.endpoint.Since(); {
	case begun == 0 && decision == Nothing:
		e.forget(preRoll)
	case begun == 1:
		e.began = f.arrived
		fallthrough
	case silent == 0 && begun > 0:
		e.lastTime, e.voiceEnd = f.arrived, len(e.audio)
		if e.loud.After(e.began) { // the VAD goes on a little beyond the last sound
			e.lastTime = e.loud
		}
	}
	e.act(decision)
	return nil
}

func quiet(pcm []int16) bool {
	for _, s := range pcm {
		if s > quietest || s < -quietest {
			return false
		}
	}
	return true
}

// forget drops all but the last keep samples.
func (e *Ears) forget(keep int) {
	if drop := len(e.audio) - keep; drop > 0 {
		e.audio = append(e.audio[:0], e.audio[drop:]...)
	}
}
