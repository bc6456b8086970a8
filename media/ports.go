package media

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNoPort says that every even port of the range is taken.
var ErrNoPort = errors.New("media: no free RTP port")

// quarantine is how long a port rests after use, so that packets of the last call do not reach the next.
const quarantine = 5 * time.Second

// ports hands out the even ports of a range (RFC 3550, 11), one after the other.
type ports struct {
	mu       sync.Mutex
	min, max int
	next     int
	taken    map[int]bool
	resting  map[int]time.Time // until when
}

func newPorts(least, most int) *ports {
	least += least % 2
	return &ports{min: least, max: most, next: least, taken: map[int]bool{}, resting: map[int]time.Time{}}
}

// take returns a port that nobody of ours uses.
func (p *ports) take(now time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range max(0, (p.max-p.min)/2+1) {
		port := p.next
		if p.next += 2; p.next > p.max {
			p.next = p.min
		}
		if !p.taken[port] && !now.Before(p.resting[port]) {
			delete(p.resting, port)
			p.taken[port] = true
			return port, nil
		}
	}
	return 0, fmt.Errorf("%w between %d and %d: %d are in use, %d rest after use", ErrNoPort, p.min, p.max, len(p.taken), len(p.resting))
}

// release gives a port back; until rest has passed it is not handed out again.
func (p *ports) release(port int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, port)
	p.resting[port] = now.Add(quarantine)
}
