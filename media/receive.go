package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

const (
	packetMost   = 1500 // octets; more than any packet of the codecs we speak has
	batch        = 8    // packets that are taken from the kernel at once
	burst        = 256  // packets taken from a socket in one tick
	controlEvery = 8    // ticks from one look at the port of RTCP to the next
)

// Why a packet is invalid: the values of the label of the metric.
const (
	malformed = iota // no RTP, version 2
	wrongType        // payload type that was not agreed on
	stranger         // not from the far end
	unknownSource
	forged // not protected with the agreed key, or sent again by somebody
	invalidReasons
)

// invalidNames are the values of that label; never changed.
var invalidNames = [invalidReasons]string{"malformed", "payload type", "stranger", "unproven source", "forged"}

// heard is what this tick brought; only the clock touches it.
type heard struct {
	narrow    narrowFrame // at 8 kHz, when isNarrow
	isNarrow  bool        // the format carries no more
	wide      Heard
	concealer concealer
	tones     toneEar
	up        upsampler
	wanted    bool // somebody listens, records, or is bridged
	widely    bool // at 16 kHz
	ended     bool // the stream has been closed
	ticks     int
}

// arrive takes one packet. p is only there to be used again.
func (s *Stream) arrive(p *rtp.Packet, raw []byte, from netip.AddrPort, now time.Time) {
	if len(raw) >= 2 && raw[0]>>6 == 2 && raw[1] >= 192 && raw[1] <= 223 {
		s.hearControl(raw, from, now)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	raw, ok := s.open(raw, from)
	if !ok {
		return
	}
	err := p.Unmarshal(raw)
	if err != nil || p.Version != 2 {
		s.invalid[malformed]++
		return
	}
	f := s.params.format(p.PayloadType)
	isEvent := s.params.Digits != 0 && p.PayloadType == s.params.Digits
	if f == nil && !isEvent && p.PayloadType != comfortNoise {
		s.invalid[wrongType]++
		return
	}
	if s.secured != nil {
		s.latch.follow(from, now) // who has the key is the far end, wherever it is
	} else if !s.latch.admit(from, &p.Header, s.source.goesOn(&p.Header), now) {
		s.invalid[stranger]++
		return
	}
	switch s.source.accept(&p.Header, now) {
	case unproven:
		s.invalid[unknownSource]++
		return
	case duplicate:
		s.stats.Received++
		s.stats.Duplicate++
		return
	case restarted:
		s.buffer.reset()
		s.keys, s.presses = keys{}, presses{}
	}
	switch {
	case isEvent && !s.key(p, now):
		s.invalid[malformed]++
		return
	case isEvent || !s.params.Receive:
	case p.PayloadType == comfortNoise && len(p.Payload) > 0:
		s.hush = int(p.Payload[0]&127) + 1 // RFC 3389, 3.1
	case f != nil:
		s.source.measure(rtpTime(p.Timestamp), now, f.clock)
		if s.heard.wanted {
			s.buffer.push(rtpTime(p.Timestamp), p.Marker, f, p.Payload, now, time.Duration(s.source.jitter))
		}
	}
	s.stats.Received++
	s.last = now
}

// open takes the protection off a packet, where there is one. What cannot be opened is counted; what agrees on keys is handed on.
func (s *Stream) open(raw []byte, from netip.AddrPort) (plain []byte, ok bool) {
	switch {
	case s.shaker != nil && isHandshake(raw):
		s.shaker.hand(raw, from)
		return nil, false
	case s.unsafe():
		s.invalid[forged]++
		return nil, false
	case s.secured == nil:
		return raw, true
	}
	plain, err := s.secured.in.DecryptRTP(s.secured.opened[:0], raw, &s.secured.headers[1])
	if err != nil {
		s.invalid[forged]++
		return nil, false
	}
	s.secured.opened = plain
	return plain, true
}

// key takes an event, and reports false if it is none.
func (s *Stream) key(p *rtp.Packet, now time.Time) bool {
	e, ok := parseEvent(p.Payload)
	if !ok || !s.params.Receive {
		return ok
	}
	if key, pressed := s.keys.take(e, rtpTime(p.Timestamp), now); pressed {
		s.deliver(Digit{key, now}, byEvent)
	}
	return true
}

// deliver hands a press over, unless it is a double; when nobody takes them the oldest is dropped.
func (s *Stream) deliver(d Digit, by way) {
	if s.closed || s.presses.isDouble(d, by) {
		return
	}
	for {
		select {
		case s.digits <- d:
			return
		default:
		}
		select {
		case <-s.digits:
			s.stats.Dropped++
		default:
		}
	}
}

// receive is the first half of a tick: the packets that have come since the last one are put into the jitter buffer, and what the
// far end said in 20 ms is taken from it and given to all who want it.
func (s *Stream) receive(by *hand, _, now time.Time) {
	h := &s.heard
	by.stream = s
	by.receive(s.conn, by.arrive)
	if h.ticks++; s.aside != nil && h.ticks%controlEvery == 0 {
		by.receive(s.aside, by.aside)
	}
	s.mu.Lock()
	if s.closed {
		s.rest()
		s.mu.Unlock()
		return
	}
	ears := s.ears
	widely := len(ears) > 0 || len(s.recorders) > 0 || s.mix != nil
	h.isNarrow = s.format.isNarrow()
	tones := s.params.Tones || s.params.Digits == 0
	c := h.wake(&s.buffer, widely || tones || s.peer != nil, widely)
	if c != nil && s.hush > 0 {
		c.hush(s.hush - 1)
		s.hush = 0
	}
	h.wide.Arrived = time.Time{}
	if c != nil {
		h.wide.Arrived = s.buffer.pull(h.frame(), now, c)
	}
	by.tally.take(s)
	s.mu.Unlock()

	if tones {
		s.listenForKeys(now)
	}
	if widely && h.isNarrow {
		h.up.frame(&h.wide.Frame, &h.narrow)
	}
	for _, e := range ears {
		e.hear(&h.wide)
	}
}

// listenForKeys looks for tones in what this tick brought.
func (s *Stream) listenForKeys(now time.Time) {
	h := &s.heard
	frame := h.frame()
	if key := h.tones.listen(frame, 50*len(frame)); key != 0 {
		s.mu.Lock()
		s.deliver(Digit{key, now}, byTones)
		s.mu.Unlock()
	}
}

// frame is where audio goes, at the rate of the format.
func (h *heard) frame() []int16 {
	if h.isNarrow {
		return h.narrow[:]
	}
	return h.wide.Frame[:]
}

// wake prepares for being wanted or not, and wanted at 16 kHz or not. It returns nil when nothing needs to be decoded.
func (h *heard) wake(b *jitterBuffer, wanted, widely bool) *concealer {
	if wanted && (!h.wanted || h.concealer.scale != b.format.rate/narrowRate) {
		h.concealer.forget(b.format)
		b.playout.forget()
	}
	if !wanted && h.wanted {
		clear(h.narrow[:])
		clear(h.wide.Frame[:])
		b.empty()
		b.playout.forget()
	}
	if widely && !h.widely {
		h.up = upsampler{}
	}
	h.wanted, h.widely = wanted, widely
	if !wanted {
		return nil
	}
	return &h.concealer
}

// rest gives up what a closed stream needs no more: SIP keeps a call that has ended for half a minute, and the states of codecs
// are large. Only the clock has used them.
func (s *Stream) rest() {
	s.heard.ended = true
	s.buffer.playout = playout{}
	s.sender.coding = coding{}
}
