package main

import (
	"sync"
	"time"

	"ivr/media"
	"ivr/testaudio"
)

// notes of what the doctor sings, in Hz: telephones pass them, and no ringing or busy tone has this order.
var notes = [3]float64{700, 1300, 1900}

// A note sounds so long, and has been heard when it was most of what came for so many frames.
const (
	noteLength = 200 * time.Millisecond
	noteShare  = 0.5
	noteFrames = 3
)

func melody() (pcm []int16) {
	for _, hz := range notes {
		pcm = testaudio.Join(pcm, testaudio.Tone(noteLength, hz))
	}
	return pcm
}

// melodyEar hears the melody in what comes back.
type melodyEar struct {
	mu    sync.Mutex
	came  chan time.Time // when it began; nil: nobody waits
	note  int            // that is heard now
	run   int            // frames of it
	began time.Time
}

// expect waits for the melody from its first note.
func (e *melodyEar) expect() <-chan time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.came, e.note, e.run = make(chan time.Time, 1), 0, 0
	return e.came
}

// Hear is called on the clock.
func (e *melodyEar) Hear(h *media.Heard) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.came == nil || !media.Audible(h.Frame[:]) {
		return
	}
	frame := testaudio.Heard(h.Frame[:])
	switch {
	case frame.Tone(notes[e.note]) > noteShare:
		if e.note == 0 && e.run == 0 {
			e.began = time.Now()
		}
		e.run++
	case e.note+1 < len(notes) && e.run >= noteFrames && frame.Tone(notes[e.note+1]) > noteShare:
		e.note, e.run = e.note+1, 1
	case frame.Tone(notes[0]) > noteShare:
		e.note, e.run, e.began = 0, 1, time.Now()
	}
	if e.note == len(notes)-1 && e.run >= noteFrames {
		e.came <- e.began
		e.came = nil
	}
}
