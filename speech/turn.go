package speech

import (
	"context"
	"slices"
	"time"
)

// turn is one Onset and the Utterance that will follow it.
type turn struct {
	onset     Onset
	told      bool // the onset was
	utterance *Utterance
	words     *recognition // the latest, nil if none is under way or there
	ended     bool
	ready     bool      // the utterance can be told
	due       time.Time // when it will be, ready or not; zero until ended
}

// recognition is one run of the recogniser over a turn, or over what there was of it at a pause.
type recognition struct {
	turn   *turn
	final  bool // asked for when the turn had ended: its failure is the utterance's
	cancel context.CancelFunc
	done   bool
	result Recognised
	err    error
	at     time.Time
}

// tailKept is what the recogniser gets of the silence after the last voice.
const tailKept = 6 * windowSamples

// Patience for a place in the pool's queue.
const (
	patienceForPause = 250 * time.Millisecond // words that come later than the end of the turn gain nothing
	patienceForTurn  = 2 * time.Second
)

// act follows the endpointer.
func (e *Ears) act(d Decision) {
	switch d {
	case Began:
		e.turns = append(e.turns, &turn{onset: Onset{At: e.began}})
	case Paused:
		e.recognise(e.current(), false)
	case Resumed:
		t := e.current()
		t.words.drop()
		t.words = nil
	case Ended, EndedLong:
		e.end(d)
	}
}

// current is the turn that goes on.
func (e *Ears) current() *turn { return e.turns[len(e.turns)-1] }

// end closes the current turn: its words are there, under way, or asked for now.
func (e *Ears) end(d Decision) {
	t := e.current()
	now := time.Now()
	t.ended, t.due = true, now.Add(e.cfg.Bound)
	t.utterance = &Utterance{Audio: slices.Clone(e.heardAudio()), Began: t.onset.At, Ended: e.lastTime, Decided: now}
	switch {
	case t.words == nil || t.words.done && t.words.err != nil:
		e.recognise(t, true)
	case t.words.done:
		e.finish(t, t.words)
	}
	keep := min(preRoll, len(e.audio)-e.voiceEnd)
	if d == EndedLong {
		keep = 0 // the next turn begins where this was cut
	}
	e.forget(keep)
	e.voiceEnd = 0
}

// heardAudio is the current turn up to its last voice and a little more.
func (e *Ears) heardAudio() []int16 { return e.audio[:min(len(e.audio), e.voiceEnd+tailKept)] }

// recognise asks for the words of a turn. The child it starts ends with Run at the latest.
func (e *Ears) recognise(t *turn, final bool) {
	ctx, cancel := context.WithTimeout(e.ctx, e.cfg.Bound)
	r := &recognition{turn: t, final: final, cancel: cancel}
	t.words = r
	pcm, patience := slices.Clone(e.heardAudio()), patienceForPause
	if final {
		pcm, patience = t.utterance.Audio, patienceForTurn
	}
	e.children.Go(func() {
		defer cancel()
		r.result, r.err = e.pool.Recognise(ctx, pcm, patience)
		r.at = time.Now()
		select {
		case e.results <- r:
		case <-e.ctx.Done():
		}
	})
}

// drop stops a recognition whose words are not wanted any more.
func (r *recognition) drop() {
	if r != nil {
		r.cancel()
	}
}

// recognised takes the words of a turn, which may be what ends it.
func (e *Ears) recognised(r *recognition) {
	t := r.turn
	if t.words != r || t.ready {
		return // the caller went on, or waited for too long
	}
	r.done = true
	switch {
	case t.ended && r.err != nil && !r.final:
		e.recognise(t, true)
	case t.ended:
		e.finish(t, r)
	case r.err == nil:
		e.act(e.endpoint.Words(e.expect.Load().completeness(r.result.Text)))
	}
}

// finish completes the utterance of an ended turn.
func (e *Ears) finish(t *turn, r *recognition) {
	u := t.utterance
	u.Text, u.Err = r.result.Text, r.err
	u.Recognised, u.Waited, u.Took = r.at, r.result.Waited, r.result.Took
	if e.mood != nil && r.err == nil {
		u.Mood = e.mood.Judge(r.result.Transcript, u.Audio)
	}
	t.ready = true
}

// overdue gives up on the words of turns whose time has come.
func (e *Ears) overdue() {
	now := time.Now()
	for _, t := range e.turns {
		if t.ended && !t.ready && !now.Before(t.due) {
			t.words.drop()
			t.utterance.Err, t.utterance.Recognised, t.ready = ErrLate, now, true
		}
	}
}

// tell sends what can be told, in order: the onset of a turn, its utterance, and only then the next turn's.
func (e *Ears) tell(ctx context.Context) {
	for len(e.turns) > 0 {
		t := e.turns[0]
		if !t.told {
			t.told = e.send(ctx, Event{Onset: &t.onset})
		}
		if !t.told || !t.ready || !e.send(ctx, Event{Utterance: t.utterance}) {
			return
		}
		e.turns = e.turns[1:]
	}
}

func (e *Ears) send(ctx context.Context, ev Event) bool {
	select {
	case e.events <- ev:
		return true
	case <-ctx.Done():
		return false
	}
}

// giveUp tells the end of turns whose onset was told, when nobody will hear on.
func (e *Ears) giveUp(why error) {
	for _, t := range e.turns {
		if !t.told {
			continue
		}
		if t.utterance == nil {
			t.utterance = &Utterance{Audio: slices.Clone(e.heardAudio()), Began: t.onset.At, Ended: e.lastTime, Decided: time.Now()}
		}
		if !t.ready {
			t.utterance.Err, t.utterance.Recognised = why, time.Now()
		}
		select {
		case e.events <- Event{Utterance: t.utterance}:
		default:
		}
	}
	e.turns = nil
}
