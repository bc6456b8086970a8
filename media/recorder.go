package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

const (
	blockFrames = 50 // a second
	blocksMost  = 5  // that wait for the disk
)

// block is up to a second of both sides, interleaved, and what is missing before it.
type block struct {
	missing int // frames
	pcm     []int16
}

// Recorder writes a stereo WAV: left what the far end said, right what it was sent. Its goroutine is Run's caller; the clock only
// hands frames over and never waits for the disk: what does not fit is dropped, counted, and silent in the file, so that what
// comes after it is at its time.
type Recorder struct {
	path string
	full chan struct{} // there is a block to write

	mu      sync.Mutex
	filling *block
	waiting []*block
	unused  []*block
	paused  bool
	ended   bool // no more is wanted
	failed  bool // nobody writes any more
	missing int  // frames dropped since the last block
	dropped int
	metrics *metrics // of the engine whose stream is recorded
}

// NewRecorder writes to path from Run on, whole seconds at a time.
func NewRecorder(path string) *Recorder {
	return &Recorder{path: path, full: make(chan struct{}, 1)}
}

// recordsFor tells whose metrics count it when it fails.
func (r *Recorder) recordsFor(e *Engine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.metrics = e.metrics
}

// Path of the file.
func (r *Recorder) Path() string { return r.path }

// Pause keeps what is said out of the file, as while a card number is; the time passes in it as silence.
func (r *Recorder) Pause() { r.pause(true) }

// Resume ends a pause.
func (r *Recorder) Resume() { r.pause(false) }

func (r *Recorder) pause(paused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = paused
}

// Dropped counts frames that did not get into the file because the disk was too slow, or failed.
func (r *Recorder) Dropped() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// add takes one frame of each side. It is called on the clock.
func (r *Recorder) add(left, right *Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed || len(r.waiting) >= blocksMost {
		r.dropped++
		r.missing++
		return
	}
	if r.ended {
		return
	}
	b := r.filling
	if b == nil {
		b = r.empty()
		b.missing, r.missing = r.missing, 0
		r.filling = b
	}
	n := len(b.pcm)
	b.pcm = b.pcm[:n+2*FrameSamples]
	if r.paused {
		clear(b.pcm[n:])
	} else {
		for i, at := 0, b.pcm[n:]; i < FrameSamples; i++ {
			at[2*i], at[2*i+1] = left[i], right[i]
		}
	}
	if len(b.pcm) < cap(b.pcm) {
		return
	}
	r.waiting, r.filling = append(r.waiting, b), nil
	select {
	case r.full <- struct{}{}:
	default:
	}
}

// empty is a block to be filled: one that has been written, if there is.
func (r *Recorder) empty() *block {
	if n := len(r.unused); n > 0 {
		b := r.unused[n-1]
		r.unused = r.unused[:n-1]
		b.pcm = b.pcm[:0]
		return b
	}
	return &block{pcm: make([]int16, 0, blockFrames*2*FrameSamples)}
}

// take returns the oldest block that waits; at the end also one that is not full.
func (r *Recorder) take(written *block, end bool) *block {
	r.mu.Lock()
	defer r.mu.Unlock()
	if written != nil {
		r.unused = append(r.unused, written)
	}
	r.ended = r.ended || end
	if len(r.waiting) > 0 {
		b := r.waiting[0]
		r.waiting = append(r.waiting[:0], r.waiting[1:]...)
		return b
	}
	if !end {
		return nil
	}
	b := r.filling
	r.filling = nil
	return b
}

// Run writes until ctx is done, then writes what is left and closes the file. The file can be played at any time, also when the
// process ends without warning: at most the last second is not in it. An error (disk full) is returned once and counted; what was
// written before it can be played, frames after it are dropped, and the call notices nothing. A folder that is missing is made;
// the file is readable by its owner only.
func (r *Recorder) Run(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			r.abandon()
			err = fmt.Errorf("media: recording: %w", err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(r.path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	w := wavFile{to: file}
	return errors.Join(r.write(ctx, &w), file.Close())
}

// write writes blocks as they come.
func (r *Recorder) write(ctx context.Context, w *wavFile) error {
	if err := w.begin(); err != nil {
		return err
	}
	var b *block
	for {
		end := ctx.Err() != nil
		if b = r.take(b, end); b != nil {
			if err := w.write(b); err != nil {
				return err
			}
			continue
		}
		if end {
			return nil
		}
		select {
		case <-r.full:
		case <-ctx.Done():
		}
	}
}

// abandon forgets what could not be written.
func (r *Recorder) abandon() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.dropped += blockFrames * len(r.waiting)
	if r.filling != nil {
		r.dropped += len(r.filling.pcm) / 2 / FrameSamples
	}
	r.waiting, r.filling, r.unused = nil, nil, nil
	r.metrics.recordingFailed()
}
