package speech

import (
	"sync"
	"time"

	"ivr/media"
)

// ringFrames is how much audio an [Ears] may be behind before the oldest is dropped: two seconds.
const ringFrames = 100

// ring hands frames from the clock to the one goroutine of an [Ears]. put never waits for longer than a frame is copied.
type ring struct {
	mu      sync.Mutex
	frames  [ringFrames]heardFrame
	first   int
	count   int
	dropped int
	more    chan struct{} // holds one token when there is something to get
}

type heardFrame struct {
	pcm     media.Frame
	arrived time.Time
}

func newRing() *ring { return &ring{more: make(chan struct{}, 1)} }

func (r *ring) put(h *media.Heard) {
	arrived := h.Arrived
	if arrived.IsZero() {
		arrived = time.Now()
	}
	r.mu.Lock()
	if r.count == ringFrames {
		r.first = (r.first + 1) % ringFrames
		r.count--
		r.dropped++
	}
	slot := &r.frames[(r.first+r.count)%ringFrames]
	slot.pcm, slot.arrived = h.Frame, arrived
	r.count++
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// get takes the oldest frame.
func (r *ring) get(f *heardFrame) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == 0 {
		return false
	}
	*f = r.frames[r.first]
	r.first = (r.first + 1) % ringFrames
	r.count--
	return true
}

func (r *ring) lost() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}
