package media

import (
	"encoding/binary"
	"time"
)

// keyNames are the events 0 to 15 of RFC 4733, 3.2.
const keyNames = "0123456789*#ABCD"

const eventSize = 4 // octets of an event in a payload (RFC 4733, 2.3)

// event is one report of a key as it travels.
type event struct {
	code     uint8
	end      bool
	duration uint16 // ticks
}

const (
	eventEnd    = 0x80
	eventVolume = 10 // -10 dBm0
)

func parseEvent(payload []byte) (e event, ok bool) {
	if len(payload) < eventSize {
		return event{}, false
	}
	return event{payload[0], payload[1]&eventEnd != 0, binary.BigEndian.Uint16(payload[2:])}, true
}

func (e event) put(payload []byte) {
	payload[0], payload[1] = e.code, eventVolume
	if e.end {
		payload[1] |= eventEnd
	}
	binary.BigEndian.PutUint16(payload[2:], e.duration)
}

// keys makes key presses of the events received: each press once, however many of its packets come, and in whatever order.
// A press is known by its timestamp, that of its beginning; neither marker nor first nor last packet is needed.
type keys struct {
	any      bool
	code     uint8
	begin    rtpTime
	duration int // the longest reported
	ended    bool
	last     time.Time // packet
}

// keyTimeout ends a press whose end was lost.
const keyTimeout = 500 * time.Millisecond

// overtaken is how many ticks back a packet of an earlier press may be.
const overtaken = 48000

// take returns the key when e is the first packet that came of a press.
func (k *keys) take(e event, ts rtpTime, arrived time.Time) (key rune, pressed bool) {
	if int(e.code) >= len(keyNames) {
		return 0, false // a flash, a modem tone
	}
	if k.any && arrived.Sub(k.last) >= keyTimeout {
		k.ended = true
	}
	since := ts.sub(k.begin)
	switch {
	case !k.any:
	case since == 0:
		k.note(e, int(e.duration), arrived)
		return 0, false
	case since < 0 && since > -overtaken: // overtaken by a later press
		return 0, false
	case e.code == k.code && k.continues(since):
		// A long press goes on under a new timestamp (RFC 4733, 2.5.1.3); and some senders stamp every packet anew.
		k.note(e, since+int(e.duration), arrived)
		return 0, false
	}
	*k = keys{any: true, code: e.code, begin: ts}
	k.note(e, int(e.duration), arrived)
	return rune(keyNames[e.code]), true
}

// continues says that what begins so many ticks after the last press began is no new press: the last one still lasts.
func (k *keys) continues(since int) bool {
	if k.ended {
		return since > 0 && since < k.duration
	}
	return since > 0 && since <= k.duration
}

func (k *keys) note(e event, duration int, arrived time.Time) {
	k.duration = max(k.duration, duration)
	k.ended = k.ended || e.end
	k.last = arrived
}
