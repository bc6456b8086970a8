package speech

import "time"

// Pauses are how long a caller may be silent before the turn counts as over, by how finished the words look.
type Pauses struct {
	Settled  time.Duration // the talk needs no more
	Complete time.Duration // the words are a full sentence
	Neutral  time.Duration // they may be
	Open     time.Duration // they go on, or are not known yet
}

// pausesFor says how long to wait for more, by what the talk waits for.
func pausesFor(e Expect) Pauses {
	const ms = time.Millisecond
	switch e {
	case ExpectYesNo:
		return Pauses{Settled: 225 * ms, Complete: 350 * ms, Neutral: 450 * ms, Open: 800 * ms}
	case ExpectDigits:
		return Pauses{Settled: 320 * ms, Complete: 500 * ms, Neutral: 800 * ms, Open: 1200 * ms}
	case ExpectDate:
		return Pauses{Settled: 290 * ms, Complete: 450 * ms, Neutral: 600 * ms, Open: 1000 * ms}
	}
	return Pauses{Settled: 225 * ms, Complete: 450 * ms, Neutral: 500 * ms, Open: 800 * ms}
}

// How the endpointer hears.
const (
	windowSamples  = 512 // of one judgement of the VAD
	windowDuration = windowSamples * time.Second / 16000

	speechAbove  = 0.5  // probability at which silence becomes speech
	silenceBelow = 0.35 // and at which speech becomes silence
	leastVoiced  = 4    // windows, 128 ms: shorter is a click, a cough or a breath
	wordEnd      = 3    // windows after the last voice in which a sound still belongs to the word
	blipOver     = 5    // windows of silence after which a blip that was too short is forgotten

	speculateAfter = 6 * windowDuration // of silence: time to recognise what there is, so that the words are there at the end
	eagerlyAfter   = 3 * windowDuration // the same, while there is time to do it in vain
	longestTurn    = 20 * time.Second
)

// Decision is what an [Endpointer] says of one window.
type Decision int

const (
	Nothing   Decision = iota
	Began              // someone speaks; they began FirstVoiced windows ago
	Paused             // they pause: recognise what there is
	Resumed            // they go on: what was recognised is not all
	Ended              // they are finished
	EndedLong          // they are not, but it is enough for one turn
)

// Endpointer decides when a caller speaks and when they have finished. It is pure: the VAD's probabilities go in, window after
// window, with what is known of the words, and decisions come out. The zero value is ready and expects anything.
type Endpointer struct {
	expect Expect
	eager  bool
	words  Completeness // of what was recognised at the last pause

	speaking bool
	tail     int // windows since the last voiced one in which the sound of a word died away
	windows  int // since the first voiced one of this turn
	voiced   int // of those
	silent   int // of those, the last ones in a row
	paused   bool
}

// Expect changes what the talk waits for, also in the middle of a turn.
func (e *Endpointer) Expect(x Expect) { e.expect = x }

// Eager says whether there is time to recognise what may turn out not to be all: then every short pause is used.
func (e *Endpointer) Eager(yes bool) { e.eager = yes }

// Window takes the next judgement of the VAD, and whether anything was to be heard: for a moment after a voice that belongs to the
// word, as a final s does.
func (e *Endpointer) Window(probability float32, audible bool) Decision {
	switch above := e.silent == 0 && e.windows > 0; {
	case probability >= speechAbove, above && probability >= silenceBelow:
		return e.voice()
	case audible && e.speaking && e.silent == 0 && e.tail < wordEnd:
		e.tail++
		e.windows++
	case e.windows > 0:
		return e.silence()
	}
	return Nothing
}

func (e *Endpointer) voice() Decision {
	e.windows++
	e.voiced++
	resumed := e.paused
	e.silent, e.tail, e.paused, e.words = 0, 0, false, Unknown
	switch {
	case !e.speaking && e.voiced >= leastVoiced:
		e.speaking = true
		return Began
	case !e.speaking:
		return Nothing
	case windowsLast(e.windows) >= longestTurn:
		e.reset()
		return EndedLong
	case resumed:
		return Resumed
	}
	return Nothing
}

func (e *Endpointer) silence() Decision {
	e.windows++
	e.silent++
	switch {
	case !e.speaking && e.silent >= blipOver:
		e.reset()
		return Nothing
	case !e.speaking:
		return Nothing
	case e.over():
		e.reset()
		return Ended
	case !e.paused && (windowsLast(e.silent) >= speculateAfter || e.eager && windowsLast(e.silent) >= eagerlyAfter):
		e.paused = true
		return Paused
	}
	return Nothing
}

// Words tells what the recogniser made of the turn up to the pause. It may be the end at once.
func (e *Endpointer) Words(c Completeness) Decision {
	if !e.paused {
		return Nothing // they speak again: these words are not all
	}
	e.words = c
	if e.over() {
		e.reset()
		return Ended
	}
	return Nothing
}

// over reports that the caller has been silent for long enough.
func (e *Endpointer) over() bool {
	pauses := pausesFor(e.expect)
	limit := pauses.Open
	switch e.words {
	case Settled:
		limit = pauses.Settled
	case Complete:
		limit = pauses.Complete
	case Neutral:
		limit = pauses.Neutral
	}
	return windowsLast(e.silent) >= limit-windowDuration/2
}

// Since says how many windows ago, this one included, the turn began and its last voice ended: both 0 when nobody speaks.
func (e *Endpointer) Since() (began, voice int) { return e.windows, e.silent }

func (e *Endpointer) reset() {
	*e = Endpointer{expect: e.expect, eager: e.eager}
}

func windowsLast(n int) time.Duration { return time.Duration(n) * windowDuration }
