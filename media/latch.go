package media

import (
	"net/netip"
	"time"

	"github.com/pion/rtp"
)

// abandoned is how long the far end must be silent before its audio is taken from another port.
const abandoned = 500 * time.Millisecond

// probation is how many packets in sequence make a source believable that is not where the far end said it is (RFC 3550, A.1).
const probation = 3

// latch decides which source of packets is the far end (symmetric RTP, RFC 4961). Behind a NAT it is not the address that was
// agreed on, so we follow whoever sends us a stream; and stay there, so that nobody who sends us packets during a call can take
// it over (RFC 7362, 5). Noise is no stream: until there is one, our packets go to the agreed address. Three things move it: packets from nearer to what signalling said, the far end's own numbers
// going on from another port, because its NAT forgot it, and a new offer or answer.
type latch struct {
	agreed   netip.AddrPort // by SDP; may be unreachable
	via      netip.Addr     // where signalling came from; may be invalid
	followed netip.AddrPort // invalid before the first packet
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

// agree takes the addresses of a new offer or answer. The same again change nothing, and neither does hold (c=0.0.0.0): where
// the far end will be when it resumes is what we know already.
func (l *latch) agree(addr netip.AddrPort, via netip.Addr) {
	l.via = via
	if addr != l.agreed && (!reachable(l.agreed) || reachable(addr)) {
		*l = latch{agreed: addr, via: via}
	}
}

// admit says whether a valid packet is the far end's. goesOn says that it has the source and the numbers that come next, which
// nobody can know who has not seen the last ones.
func (l *latch) admit(from netip.AddrPort, h *rtp.Header, goesOn bool, now time.Time) bool {
	switch {
	case from == l.followed:
	case from == l.agreed,
		goesOn && now.Sub(l.last) >= abandoned,
		(!l.followed.IsValid() || l.nearness(from) > l.nearness(l.followed)) && l.suitor.proves(from, h):
		l.followed, l.suitor = from, suitor{}
	default:
		return false
	}
	l.last = now
	return true
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

// follow takes a source that has proved itself.
func (l *latch) follow(from netip.AddrPort, now time.Time) { l.followed, l.last = from, now }

// nearness to what signalling said.
func (l *latch) nearness(addr netip.AddrPort) int {
	switch {
	case addr == l.agreed:
		return 2
	case addr.Addr() == l.agreed.Addr() || addr.Addr() == l.via:
		return 1
	}
	return 0
}

// target is where our packets go; ok is false while that is unknown.
func (l *latch) target() (addr netip.AddrPort, ok bool) {
	if l.followed.IsValid() {
		return l.followed, true
	}
	return l.agreed, reachable(l.agreed)
}

func reachable(a netip.AddrPort) bool {
	return a.IsValid() && a.Port() != 0 && !a.Addr().IsUnspecified()
}
