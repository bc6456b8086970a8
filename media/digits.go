package media

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// keys of the events of RFC 4733, table 3, in order.
const keys = "0123456789*#ABCD"

// digitReader takes key presses out of telephone-event packets. All packets of a press carry the timestamp of its beginning, so
// the first packet seen of a timestamp is the press: whether the marker, the start or the end got lost does not matter.
type digitReader struct {
	seen bool
	last uint32 // timestamp of the latest press
}

// read returns the key that a packet begins.
func (d *digitReader) read(ts uint32, payload []byte) (key rune, began, valid bool) {
	if len(payload) < 4 || int(payload[0]) >= len(keys) {
		return 0, false, false
	}
	if d.seen && int32(ts-d.last) <= 0 {
		return 0, false, true
	}
	d.seen, d.last = true, ts
	return rune(keys[payload[0]]), true, true
}

// Lengths of a sent key, in ticks.
const (
	toneTicks = 8 // 160 ms
	endTicks  = 3 // the end is sent three times (RFC 4733, 2.5.1.4)
	gapTicks  = 4
)

// digitWriter sends key presses, a packet a tick. It is guarded by its stream's lock.
type digitWriter struct {
	keys string
	tick int    // within the first of keys
	ts   uint32 // of its beginning
	done chan struct{}
}

// next fills the payload of this tick; false when audio may be sent.
func (d *digitWriter) next(ts uint32, payload *[4]byte) (eventTS uint32, marker, sending bool) {
	if d.keys == "" {
		return 0, false, false
	}
	defer d.advance()
	if d.tick >= toneTicks+endTicks {
		return 0, false, false
	}
	if d.tick == 0 {
		d.ts = ts
	}
	payload[0] = byte(strings.IndexByte(keys, d.keys[0]))
	payload[1] = 10 // volume, -10 dBm0
	if d.tick >= toneTicks {
		payload[1] |= 0x80
	}
	duration := min(d.tick+1, toneTicks) * frame8k
	binary.BigEndian.PutUint16(payload[2:], uint16(duration))
	return d.ts, d.tick == 0, true
}

func (d *digitWriter) advance() {
	if d.tick++; d.tick < toneTicks+endTicks+gapTicks {
		return
	}
	d.tick = 0
	if d.keys = d.keys[1:]; d.keys == "" {
		close(d.done)
	}
}

// SendDigits plays keys to the far end as RFC 4733 events and returns when the last has ended.
func (s *Stream) SendDigits(ctx context.Context, send string) error {
	send = strings.ToUpper(send)
	if i := strings.IndexFunc(send, func(r rune) bool { return !strings.ContainsRune(keys, r) }); i >= 0 {
		return fmt.Errorf("media: %q is not a key: want 0-9 * # A-D", send[i])
	}
	if send == "" {
		return nil
	}
	s.mu.Lock()
	switch {
	case s.params.Digits == 0:
		s.mu.Unlock()
		return fmt.Errorf("media: the far end does not take telephone-event (RFC 4733)")
	case s.digitsOut.keys != "":
		s.digitsOut.keys += send
	default:
		s.digitsOut = digitWriter{keys: send, done: make(chan struct{})}
	}
	done := s.digitsOut.done
	s.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-s.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Press is a key of the far end that came by another way than RTP: SIP INFO.
func (s *Stream) Press(key rune) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
	default:
		s.press(Digit{key, time.Now()})
	}
}

// Digit is one key press of the far end.
type Digit struct {
	Key rune // 0-9 * # A-D
	At  time.Time
}
