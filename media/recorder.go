package media

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-audio/audio"
	"github.com/go-audio/wav"
)

// maxUnwritten bounds what waits for the disk.
const maxUnwritten = 10 * time.Second

// Recorder writes a stereo WAV: left what the far end said, right what it was sent. Its goroutine is Run's caller;
// the clock only hands frames over and never waits for the disk: what does not fit is dropped and counted.
type Recorder struct {
	path string

	mu      sync.Mutex
	waiting []int16 // interleaved
	spare   []int16 // what Run has written, to be filled again
	closed  bool
	dropped int
}

// NewRecorder writes to path from Run on, whole seconds at a time.
func NewRecorder(path string) *Recorder { return &Recorder{path: path} }

// Path of the file.
func (r *Recorder) Path() string { return r.path }

// Dropped counts frames that the disk was too slow for.
func (r *Recorder) Dropped() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}

// push takes one frame of each side; it is called on the clock.
func (r *Recorder) push(left, right *Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if len(r.waiting) >= int(maxUnwritten/FrameDuration)*2*FrameSamples {
		r.dropped++
		return
	}
	for i := range left {
		r.waiting = append(r.waiting, left[i], right[i])
	}
}

// take returns what waits and leaves room for more.
func (r *Recorder) take(last bool) []int16 {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.waiting
	r.waiting, r.spare = r.spare[:0], nil
	r.closed = r.closed || last
	return out
}

func (r *Recorder) giveBack(b []int16) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spare = b[:0]
}

// Run writes until ctx is done, then writes what is left and closes the file: the file is playable after it.
// An error (disk full) is returned once; frames after it are dropped.
func (r *Recorder) Run(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			r.take(true)
			err = fmt.Errorf("media: recording %s: %w", r.path, err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(r.path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	enc := wav.NewEncoder(file, SampleRate, 16, 2, 1)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	buf := &audio.IntBuffer{Format: &audio.Format{NumChannels: 2, SampleRate: SampleRate}, SourceBitDepth: 16}
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if err := r.write(enc, buf, ctx.Err() != nil); err != nil {
			return err
		}
	}
	return enc.Close()
}

func (r *Recorder) write(enc *wav.Encoder, buf *audio.IntBuffer, last bool) error {
	pcm := r.take(last)
	defer r.giveBack(pcm)
	if len(pcm) == 0 && !last {
		return nil
	}
	buf.Data = buf.Data[:0]
	for _, s := range pcm {
		buf.Data = append(buf.Data, int(s))
	}
	return enc.Write(buf)
}
