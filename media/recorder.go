package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"
)

const (
	blockFrames = 50 // a second
	blocksMost  = 5  // that wait for the disk
)

// block is a second of both sides, interleaved.
type block []int16

// Recorder writes a stereo WAV: left what the far end said, right what it was sent. Its goroutine is Run's caller;
// the clock only hands frames over and never waits for the disk: what does not fit is dropped and counted.
type Recorder struct {
	path string
	full chan struct{} // there is a block to write

	mu      sync.Mutex
	filling block
	waiting []block
	unused  []block
	ended   bool // no more is wanted
	failed  bool // nobody writes any more
	dropped int
}

// NewRecorder writes to path from Run on, whole seconds at a time.
func NewRecorder(path string) *Recorder {
	return &Recorder{path: path, full: make(chan struct{}, 1)}
}

// Path of the file.
func (r *Recorder) Path() string { return r.path }

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
		return
	}
	if r.ended {
		return
	}
	if r.filling == nil {
		r.filling = r.empty()
	}
	n := len(r.filling)
	r.filling = r.filling[:n+2*FrameSamples]
	for i, at := 0, r.filling[n:]; i < FrameSamples; i++ {
		at[2*i], at[2*i+1] = left[i], right[i]
	}
	if len(r.filling) < cap(r.filling) {
		return
	}
	r.waiting, r.filling = append(r.waiting, r.filling), nil
	select {
	case r.full <- struct{}{}:
	default:
	}
}

// empty is a block to be filled: one that has been written, if there is.
func (r *Recorder) empty() block {
	if n := len(r.unused); n > 0 {
		b := r.unused[n-1]
		r.unused = r.unused[:n-1]
		return b[:0]
	}
	return make(block, 0, blockFrames*2*FrameSamples)
}

// take returns the oldest block that waits; at the end also one that is not full.
func (r *Recorder) take(written block, end bool) block {
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

// Run writes until ctx is done, then writes what is left and closes the file: the file is playable after it.
// An error (disk full) is returned once; frames after it are dropped. What was written before it is playable if the disk
// allows. A folder that is missing is made; the file is readable by its owner only.
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
	w := newWAV(file)
	err = r.write(ctx, w)
	return errors.Join(err, w.close(), file.Close())
}

// write writes blocks as they come.
func (r *Recorder) write(ctx context.Context, w *wavFile) error {
	var b block
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
	r.dropped += blockFrames*len(r.waiting) + len(r.filling)/2/FrameSamples
	r.waiting, r.filling, r.unused = nil, nil, nil
}

// wavFile writes blocks as go-audio wants them.
type wavFile struct {
	enc *wav.Encoder
	buf audio.IntBuffer
}

func newWAV(f *os.File) *wavFile {
	// The encoder makes room for a minute at the rate it is made with: at 16 kHz 4 MB for each call, a whole block at a time
	// needs 64 KB. The rate that goes into the file is the one set after.
	enc := wav.NewEncoder(f, 1, 16, 2, 1)
	enc.SampleRate = SampleRate
	return &wavFile{enc, audio.IntBuffer{Format: &audio.Format{NumChannels: 2, SampleRate: SampleRate}, SourceBitDepth: 16}}
}

func (w *wavFile) write(b block) error {
	w.buf.Data = w.buf.Data[:0]
	for _, x := range b {
		w.buf.Data = append(w.buf.Data, int(x))
	}
	return w.enc.Write(&w.buf)
}

// close writes the sizes into the header; a file without a frame gets one too.
func (w *wavFile) close() error {
	if w.enc.WrittenBytes == 0 {
		if err := w.write(nil); err != nil {
			return err
		}
	}
	return w.enc.Close()
}
