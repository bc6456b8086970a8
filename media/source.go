package media

import (
	"time"

	"github.com/pion/rtp"
)

// Limits of RFC 3550, A.1.
const (
	maxDropout    = 3000                  // a larger step forward is a restart, not a loss
	maxMisorder   = 100                   // a larger step back is one too
	probationGap  = 60 * time.Millisecond // silence of the old source after which a new one is believed at once
	duplicateSpan = 64                    // packets among which a duplicate is recognised
)

// verdict is what the sequence number says about a packet.
type verdict int

const (
	unproven  verdict = iota // perhaps a new source: the next packet will tell
	duplicate                // had it
	follows                  // one of the source we know, perhaps out of order
	restarted                // the first of another source, or of the same one starting over
)

// source follows the one synchronisation source that we listen to: it validates sequence numbers (RFC 3550, A.1), counts what
// is missing (A.3) and measures the jitter (6.4.1).
type source struct {
	known    bool
	ssrc     uint32
	base     uint32 // first extended sequence number
	highest  uint32 // extended by the number of wraps
	received int    // since base
	lost     int    // by earlier sources
	seen     uint64 // bit n: highest-n was received
	last     time.Time

	rival     uint32 // SSRC on probation
	rivalNext uint16 // its number must be this
	onTrial   bool

	audio struct { // the last audio packet
		timed   bool
		ts      rtpTime
		arrived time.Time
	}
	jitter float64 // nanoseconds
}

// accept judges a packet by its source and number.
func (s *source) accept(h *rtp.Header, arrived time.Time) verdict {
	if !s.known {
		s.restart(h, arrived)
		return restarted
	}
	step := int16(h.SequenceNumber - uint16(s.highest))
	if h.SSRC != s.ssrc || step >= maxDropout || step <= -maxMisorder {
		return s.tryRival(h, arrived)
	}
	s.onTrial = false
	s.last = arrived
	s.received++
	if step > 0 {
		s.highest += uint32(step)
		s.seen = s.seen<<step | 1
		return follows
	}
	if -step >= duplicateSpan {
		return follows
	}
	bit := uint64(1) << -step
	if s.seen&bit != 0 {
		return duplicate
	}
	s.seen |= bit
	return follows
}

// goesOn says that h has the source and a number that come next.
func (s *source) goesOn(h *rtp.Header) bool {
	step := int16(h.SequenceNumber - uint16(s.highest))
	return s.known && h.SSRC == s.ssrc && step > 0 && step < maxDropout
}

// tryRival believes a new source, or a new numbering, at its second packet in sequence; at the first if the old is silent.
func (s *source) tryRival(h *rtp.Header, arrived time.Time) verdict {
	confirmed := s.onTrial && h.SSRC == s.rival && h.SequenceNumber == s.rivalNext
	if !confirmed && arrived.Sub(s.last) < probationGap {
		s.onTrial, s.rival, s.rivalNext = true, h.SSRC, h.SequenceNumber+1
		return unproven
	}
	s.restart(h, arrived)
	return restarted
}

func (s *source) restart(h *rtp.Header, arrived time.Time) {
	s.lost = s.missing()
	s.known, s.ssrc, s.last = true, h.SSRC, arrived
	s.base = 1<<16 | uint32(h.SequenceNumber) // room below for what was overtaken by the first
	s.highest, s.received, s.seen = s.base, 1, 1
	s.onTrial, s.audio.timed = false, false
}

// expected is how many packets the source we know has sent, as far as we can see (RFC 3550, A.3).
func (s *source) expected() int {
	if !s.known {
		return 0
	}
	return int(s.highest-s.base) + 1
}

// missing is the number of packets expected less those received, never negative (duplicates count as received).
func (s *source) missing() int {
	if !s.known {
		return s.lost
	}
	return s.lost + max(0, s.expected()-s.received)
}

// measure takes the timestamp of an audio packet into the jitter.
func (s *source) measure(ts rtpTime, arrived time.Time, clock int) {
	last := &s.audio
	if last.timed {
		d := arrived.Sub(last.arrived) - time.Duration(ts.sub(last.ts))*time.Second/time.Duration(clock)
		s.jitter += (float64(max(d, -d)) - s.jitter) / 16
	}
	last.timed, last.ts, last.arrived = true, ts, arrived
}

// rtpTime counts ticks of an RTP clock (RFC 3550, 5.1). It starts anywhere and wraps.
type rtpTime uint32

// sub returns how many ticks t is after u, negative if before, across the wrap.
func (t rtpTime) sub(u rtpTime) int { return int(int32(t - u)) }
