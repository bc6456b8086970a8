package media

import (
	"net/netip"
	"time"
)

const (
	learning  = 3 * time.Second // after the first packet: a source nearer to the agreed address may still take over
	abandoned = 5 * time.Second // of silence after which another source may take over
)

// latch decides which source of packets is the far end (symmetric RTP, RFC 4961). Behind a NAT it is not the address that was
// agreed on, so we follow where the first packet came from; and stay there, so that nobody who sends us packets during a call
// can take it over.
type latch struct {
	agreed   netip.AddrPort // by SDP; may be unreachable
	followed netip.AddrPort // invalid before the first packet
	since    time.Time      // followed from
	last     time.Time      // packet of followed
}

// agree takes the address of a new offer or answer. The same one again changes nothing.
func (l *latch) agree(addr netip.AddrPort) {
	if addr != l.agreed {
		*l = latch{agreed: addr}
	}
}

// admit says whether a valid packet is the far end's.
func (l *latch) admit(from netip.AddrPort, now time.Time) bool {
	switch {
	case from == l.followed:
	case !l.followed.IsValid(),
		now.Sub(l.since) < learning && l.nearness(from) > l.nearness(l.followed),
		now.Sub(l.last) >= abandoned:
		l.followed, l.since = from, now
	default:
		return false
	}
	l.last = now
	return true
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
