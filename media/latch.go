package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

const (
	learning  = 3 * time.Second // after the first packet: a source nearer to the agreed address may still take over
	abandoned = 5 * time.Second // of silence after which another source may take over
)

// probation is how many packets in sequence make a source believable that is not where the far end said it is (RFC 3550, A.1).
const probation = 3

// latch decides which source of packets is the far end (symmetric RTP, RFC 4961). Behind a NAT it is not the address that was
// agreed on, so we follow whoever keeps sending us a stream; and stay there, so that nobody who sends us packets during a call
// can take it over. The agreed address itself is believed at once and always.
type latch struct {
	agreed   netip.AddrPort // by SDP; may be unreachable
	followed netip.AddrPort // invalid before the first packet
	since    time.Time      // followed from
	last     time.Time      // packet of followed
	suitor   suitor
}

// suitor is a source on probation.
type suitor struct {
	from  netip.AddrPort
	ssrc  uint32
	next  uint16 // the number its next packet must have
	count int
}

// agree takes the address of a new offer or answer. The same one again changes nothing.
func (l *latch) agree(addr netip.AddrPort) {
	if addr != l.agreed {
		*l = latch{agreed: addr}
	}
}

// admit says whether a valid packet is the far end's.
func (l *latch) admit(from netip.AddrPort, h *rtp.Header, now time.Time) bool {
	switch {
	case from == l.followed:
	case from == l.agreed,
		l.open(from, now) && l.suitor.proves(from, h):
		l.followed, l.since, l.suitor = from, now, suitor{}
	default:
		return false
	}
	l.last = now
	return true
}

// open says whether another source may take over.
func (l *latch) open(from netip.AddrPort, now time.Time) bool {
	return !l.followed.IsValid() ||
		now.Sub(l.since) < learning && l.nearness(from) > l.nearness(l.followed) ||
		now.Sub(l.last) >= abandoned
}

// proves counts packets in sequence; noise, and packets that were recorded once, have none.
func (s *suitor) proves(from netip.AddrPort, h *rtp.Header) bool {
	if from != s.from || h.SSRC != s.ssrc || h.SequenceNumber != s.next {
		s.count = 0
	}
	s.from, s.ssrc, s.next = from, h.SSRC, h.SequenceNumber+1
	s.count++
	return s.count >= probation
}

// nearness to what was agreed.
func (l *latch) nearness(addr netip.AddrPort) int {
	switch {
	case addr == l.agreed:
		return 2
	case addr.Addr() == l.agreed.Addr():
		return 1
	}
	return 0
}

// target is where our packets go; ok is false while that is unknown.
func (l *latch) target() (addr netip.AddrPort, ok bool) {
	if l.followed.IsValid() {
		return l.followed, true
	}
	a := l.agreed
	return a, a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified()
}
