package sip

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// FIELD 11: a private address in SDP, one-way audio, lost again on re-INVITE.
func TestBehindANATTheExternalAddressIsSaidEverywhere(t *testing.T) {
	outside := "198.51.100.7"
	cfg := Config{External: netip.MustParseAddr(outside)}
	says := func(t *testing.T, m message) {
		t.Helper()
		if !strings.Contains(m.body, "c=IN IP4 "+outside+"\r\n") || !strings.Contains(m.contact(), "@"+outside+":5060") ||
			strings.Contains(m.body+m.contact(), uaAt.Addr().String()) {
			t.Error(m)
		}
	}
	inFakeTime(t, cfg, nil, func(w *world) {
		p := w.peer()
		d := p.call()
		says(t, d.answered())
		d.ack()
		says(t, d.request("INVITE", p.sdp("a=sendonly"))) // hold
		d.ack()
		says(t, d.request("INVITE", p.sdp())) // and resume
		d.ack()
		d.bye()

		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		says(t, invite)
		if via := invite.header("Via"); !strings.Contains(via, outside+":5060") || !strings.Contains(via, ";rport") {
			t.Error(via)
		}
		p.reply(invite, 486, "Busy Here", "x", "")
		p.want("ACK")
		<-result
	})
}

// FIELD 11: the far end says a private address, in Via and in SDP; answers and audio go where its packets come from (RFC 3581, RFC 4961).
func TestAFarEndBehindANATIsAnsweredAndHeardWhereItsPacketsComeFrom(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		inside := "10.1.2.3"
		d := p.dialogTo("4000")
		d.invite(strings.ReplaceAll(p.sdp(), p.at.Addr().String(), inside), "Via: SIP/2.0/UDP "+inside+":5060;rport;branch="+d.branch,
			"Contact: <sip:peer@"+inside+">")
		m := d.answered() // it came to the socket that sent, not to 10.1.2.3
		if via := m.header("Via"); !strings.Contains(via, "received="+p.at.Addr().String()) || !strings.Contains(via, "rport=5060") {
			t.Error(via)
		}
		d.ack()
		l := <-w.calls
		p.talk(netip.AddrPortFrom(uaAt.Addr(), uint16(l.Media().LocalPort())))
		<-time.After(time.Second)
		if n := p.hears(time.Second); n < 49 {
			t.Errorf("it hears %d packets in a second", n)
		}
		synctest.Wait()
		go l.Hangup(w.t.Context(), "")
		p.reply(p.want("BYE"), 200, "OK", "", "") // and so does what we say first
		mustEnd(t, l, ErrEnded)
	})
}
