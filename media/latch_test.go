package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// Each row is a packet: who sent it, when, with which number; and who is followed after it.
func TestWhoIsFollowedAsTheFarEnd(t *testing.T) {
	agreed, nat, thief := netip.MustParseAddrPort("192.0.2.1:4000"), netip.MustParseAddrPort("192.0.2.1:61000"), netip.MustParseAddrPort("203.0.113.9:7")
	type packet struct {
		at   time.Duration
		from netip.AddrPort
		seq  uint16
		then netip.AddrPort // followed; the zero value: nobody, so that we send to the agreed address
	}
	ms := time.Millisecond
	var nobody netip.AddrPort
	for name, packets := range map[string][]packet{
		"the agreed address at once":                    {{0, agreed, 7, agreed}},
		"behind a NAT, at the third packet in sequence": {{0, nat, 7, nobody}, {20 * ms, nat, 8, nobody}, {40 * ms, nat, 9, nat}},
		"noise never": {{0, thief, 1, nobody}, {1 * ms, thief, 1, nobody}, {2 * ms, thief, 1, nobody}, {3 * ms, thief, 1, nobody},
			{4 * ms, thief, 9, nobody}, {5 * ms, thief, 12, nobody}, {6 * ms, agreed, 1, agreed}},
		"nobody takes a call over":               {{0, agreed, 7, agreed}, {20 * ms, thief, 1, agreed}, {40 * ms, thief, 2, agreed}, {60 * ms, thief, 3, agreed}, {80 * ms, agreed, 8, agreed}},
		"a thief who was first loses to the NAT": {{0, thief, 1, nobody}, {1 * ms, thief, 2, nobody}, {2 * ms, thief, 3, thief}, {20 * ms, nat, 1, thief}, {40 * ms, nat, 2, thief}, {60 * ms, nat, 3, nat}, {61 * ms, thief, 4, nat}},
		"and at any time to the agreed address":  {{0, thief, 1, nobody}, {1 * ms, thief, 2, nobody}, {2 * ms, thief, 3, thief}, {9000 * ms, thief, 4, thief}, {9001 * ms, agreed, 1, agreed}},
	} {
		l := latch{}
		l.agree(agreed, netip.Addr{})
		began := time.Now()
		for i, p := range packets {
			admitted := l.admit(p.from, &rtp.Header{SSRC: 1, SequenceNumber: p.seq}, false, began.Add(p.at))
			if l.followed != p.then || admitted != (p.from == p.then) {
				t.Errorf("%s: packet %d: %v is followed, want %v; admitted %v", name, i, l.followed, p.then, admitted)
			}
		}
	}
}
