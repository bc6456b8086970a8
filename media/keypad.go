package media

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ErrNoDigits says that the far end did not agree to telephone-event (RFC 4733).
var ErrNoDigits = errors.New("media: the far end takes no digits")

// How a key is pressed, in ticks of the clock.
const (
	pressTicks = 5              // 100 ms
	endTicks   = 2              // the last packet is sent two times more (RFC 4733, 2.5.1.4)
	keyTicks   = pressTicks + 5 // with the pause after it
)

// dialling is one SendDigits on its way.
type dialling struct {
	codes []uint8 // what is left
	done  chan struct{}
}

// keypad sends keys. It is guarded by the mutex of its stream.
type keypad struct {
	queue []*dialling
	tick  int     // of the key that is being sent
	begin rtpTime // its timestamp
}

// keyed is what a tick brings while a key is being sent.
type keyed struct {
	event
	ts    rtpTime   // of the beginning of the press
	first bool      // packet of the press
	pause bool      // after a press: no event is sent
	over  *dialling // has ended with this packet
}

// next moves on by one tick, which is frame ticks of the clock of events; ok is false when no key is being sent.
func (k *keypad) next(now rtpTime, frame int) (out keyed, ok bool) {
	if k.tick == 0 {
		if len(k.queue) == 0 {
			return keyed{}, false
		}
		k.begin = now
	}
	if k.tick++; k.tick > pressTicks+endTicks {
		k.tick %= keyTicks
		return keyed{pause: true}, true
	}
	d := k.queue[0]
	duration := uint16(min(k.tick, pressTicks) * frame)
	out = keyed{event: event{d.codes[0], k.tick >= pressTicks, duration}, ts: k.begin, first: k.tick == 1}
	if k.tick == pressTicks+endTicks {
		if d.codes = d.codes[1:]; len(d.codes) == 0 {
			k.queue, out.over = k.queue[1:], d
		}
	}
	return out, true
}

// drop forgets what is left of d; a key that is being sent is sent to its end.
func (k *keypad) drop(d *dialling) {
	for i, q := range k.queue {
		if q != d {
			continue
		}
		if i == 0 && k.tick > 0 {
			d.codes = d.codes[:1]
		} else {
			k.queue = append(k.queue[:i], k.queue[i+1:]...)
		}
		return
	}
}

// SendDigits plays keys (0-9 * # A-D) to the far end as RFC 4733 events, 100 ms each, and returns when the last has ended.
// What plays is held meanwhile. While the far end holds us the keys wait.
func (s *Stream) SendDigits(ctx context.Context, keys string) error {
	d := &dialling{done: make(chan struct{})}
	for _, key := range strings.ToUpper(keys) {
		code := strings.IndexRune(keyNames, key)
		if code < 0 {
			return fmt.Errorf("media: %q is not a key of a telephone", key)
		}
		d.codes = append(d.codes, uint8(code))
	}
	if len(d.codes) == 0 {
		return nil
	}
	s.mu.Lock()
	switch {
	case s.closed:
		s.mu.Unlock()
		return ErrClosed
	case s.params.Digits == 0:
		s.mu.Unlock()
		return ErrNoDigits
	}
	s.keypad.queue = append(s.keypad.queue, d)
	s.mu.Unlock()

	select {
	case <-d.done:
		return nil
	case <-s.gone:
		return ErrClosed
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.keypad.drop(d)
		return context.Cause(ctx)
	}
}
