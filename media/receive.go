package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// silentSource is how long a latched source must be silent before another may take its place: whoever guesses our port cannot
// take over a call that is going on.
const silentSource = 2 * time.Second

// receiver is the state of what we receive, guarded by its stream's lock.
type receiver struct {
	jitter *jitterBuffer
	up     upsampler
	digits digitReader
	source netip.AddrPort // latched: symmetric RTP
	lastAt time.Time

	ssrc     uint32
	begun    bool
	baseSeq  uint32
	maxSeq   uint32 // extended by wraps
	unique   int
	transit  float64 // RFC 3550, 6.4.1, in ticks of 8 kHz
	jit      float64
	first    time.Time
	counted  Stats // what cannot be derived
	priorExp int   // of earlier SSRCs
}

// read is the stream's reader: it ends when the socket is closed.
func (s *Stream) read() {
	buf := make([]byte, 2048)
	var p rtp.Packet
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			select {
			case <-s.closed:
				return
			default:
				continue // an ICMP error of an earlier send
			}
		}
		s.receive(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now(), &p)
	}
}

// receive takes one datagram. Nothing in it can do worse than be counted.
func (s *Stream) receive(data []byte, from netip.AddrPort, at time.Time, p *rtp.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.rx
	if len(data) >= 2 && data[1] >= 192 && data[1] <= 223 {
		return // RTCP on the same port (RFC 5761, 4)
	}
	*p = rtp.Packet{}
	if err := p.Unmarshal(data); err != nil || p.Version != 2 {
		r.counted.Invalid++
		return
	}
	isDigit := s.params.Digits != 0 && p.PayloadType == s.params.Digits
	if p.PayloadType != s.params.Codec.PayloadType && !isDigit {
		r.counted.Invalid++
		return
	}
	if !s.latch(from, at) {
		r.counted.Invalid++
		return
	}
	r.lastAt = at
	r.counted.Received++
	r.count(p, at, isDigit)
	if !s.params.Receive {
		return
	}
	if isDigit {
		key, began, valid := r.digits.read(p.Timestamp, p.Payload)
		if !valid {
			r.counted.Invalid++
		}
		if began {
			s.press(Digit{key, at})
		}
	}
	switch r.jitter.put(p.SequenceNumber, p.Timestamp, at, !isDigit, p.Payload) {
	case tooLate:
		r.counted.Late++
	case again:
		r.counted.Duplicate++
		r.unique--
	}
}

// latch makes the first source, or one that comes after the last fell silent, the one we listen and send to.
func (s *Stream) latch(from netip.AddrPort, at time.Time) bool {
	r := &s.rx
	if from == r.source {
		return true
	}
	if r.source.IsValid() && at.Sub(r.lastAt) < silentSource {
		return false
	}
	r.source, s.tx.remote = from, from
	return true
}

func (s *Stream) press(d Digit) {
	for {
		select {
		case s.digits <- d:
			return
		default:
		}
		select {
		case <-s.digits:
			s.rx.counted.Dropped++
		default:
		}
	}
}

// count keeps the figures of RFC 3550, A.1, A.3 and A.8.
func (r *receiver) count(p *rtp.Packet, at time.Time, isDigit bool) {
	if !r.begun || p.SSRC != r.ssrc {
		if r.begun {
			r.priorExp += int(r.maxSeq-r.baseSeq) + 1
			r.jitter.restart(p.SequenceNumber, p.Timestamp)
			r.digits = digitReader{}
		}
		r.begun, r.ssrc = true, p.SSRC
		r.baseSeq, r.maxSeq = uint32(p.SequenceNumber), uint32(p.SequenceNumber)
		r.first, r.transit = at, 0
		r.unique++
		return
	}
	r.unique++
	delta := int16(p.SequenceNumber - uint16(r.maxSeq))
	switch {
	case delta > resyncJump || delta < -resyncJump: // the sender began anew
		r.priorExp += int(r.maxSeq-r.baseSeq) + 1
		r.baseSeq, r.maxSeq = uint32(p.SequenceNumber), uint32(p.SequenceNumber)
	case delta > 0:
		r.maxSeq += uint32(delta)
	case r.maxSeq+uint32(delta) < r.baseSeq && r.baseSeq-r.maxSeq-uint32(delta) < slots:
		r.baseSeq = r.maxSeq + uint32(int32(delta))
	}
	if isDigit {
		return // their timestamps stand still
	}
	transit := at.Sub(r.first).Seconds()*8000 - float64(int32(p.Timestamp))
	if r.transit != 0 {
		d := transit - r.transit
		if d < 0 {
			d = -d
		}
		if d < 8000 { // not a jump of the sender's clock
			r.jit += (d - r.jit) / 16
		}
	}
	r.transit = transit
}

// Stats of one stream.
type Stats struct {
	Sent, Received                          int
	Lost, Late, Duplicate, Dropped, Invalid int           // of what was received: see RFC 3550, A.3 for Lost
	SentLate                                int           // sent more than 20 ms after its tick
	Jitter                                  time.Duration // RFC 3550, 6.4.1
}

// Stats counts since Start.
func (s *Stream) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.rx
	out := r.counted
	if r.begun {
		out.Lost = max(0, r.priorExp+int(r.maxSeq-r.baseSeq)+1-r.unique)
	}
	out.Sent = s.tx.packets
	out.SentLate = int(s.sentLate.Load())
	out.Jitter = time.Duration(r.jit / 8000 * float64(time.Second))
	return out
}
