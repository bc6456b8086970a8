package sip

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestASeatBehindATrunkIsCalledThroughIt(t *testing.T) {
	cfg := Config{Trunks: []Trunk{{Name: "carrier", Address: "192.0.2.11", KeepAlive: -1}, {Name: "pbx", Address: "192.0.2.12", KeepAlive: -1}}}
	for to, want := range map[string]string{
		"tel:+49-30-12 34":     "INVITE sip:+49301234@192.0.2.12 SIP/2.0",
		"sip:ann@pbx.internal": "INVITE sip:ann@pbx.internal SIP/2.0",
	} {
		inFakeTime(t, cfg, nil, func(w *world) {
			_, pbx := w.peer(), w.peer()
			invite, result := w.dial(w.t.Context(), pbx, DialRequest{To: to, Trunks: []string{"pbx"}})
			if !strings.HasPrefix(invite.start, want) {
				t.Error(invite)
			}
			pbx.reply(invite, 486, "Busy Here", "x", "")
			pbx.want("ACK")
			if got := <-result; !errors.Is(got.err, ErrBusy) {
				t.Error(got.err)
			}
		})
	}
}

func TestTheTrunksOfACallAreTriedInItsOrder(t *testing.T) {
	cfg := Config{Trunks: []Trunk{{Name: "a", Address: "192.0.2.11", KeepAlive: -1}, {Name: "b", Address: "192.0.2.12", KeepAlive: -1}}}
	inFakeTime(t, cfg, nil, func(w *world) {
		a, b := w.peer(), w.peer()
		invite, result := w.dial(w.t.Context(), b, DialRequest{To: "tel:1", Trunks: []string{"b", "a"}})
		b.reply(invite, 503, "Service Unavailable", "x", "")
		b.want("ACK")
		a.reply(a.want("INVITE"), 486, "Busy Here", "x", "")
		a.want("ACK")
		if got := <-result; !errors.Is(got.err, ErrBusy) {
			t.Error(got.err)
		}
		if n := w.counted("ivr_sip_trunk_failures_total", "b"); n != 1 {
			t.Errorf("counted %v", n)
		}
	})
}

func TestATrunkWithoutRoomIsPassedOver(t *testing.T) {
	cfg := Config{Trunks: []Trunk{{Name: "a", Address: "192.0.2.11", MaxCalls: 1, KeepAlive: -1}, {Name: "b", Address: "192.0.2.12", KeepAlive: -1}}}
	inFakeTime(t, cfg, nil, func(w *world) {
		a, b := w.peer(), w.peer()
		first := a.confirmed()
		invite, result := w.dial(w.t.Context(), b, DialRequest{To: "tel:1"})
		b.reply(invite, 486, "Busy Here", "x", "")
		b.want("ACK")
		<-result
		first.bye()
	})
}

// What we know of a caller is not every carrier's business; what a trunk's callers bring along may be the seat's.
func TestHeadersGoAlongOnlyAsTheTrunkSays(t *testing.T) {
	for name, test := range map[string]struct {
		pass []string
		want string
	}{"none": {nil, ""}, "one": {[]string{"x-ivr-call"}, "1"}, "all": {[]string{"*"}, "12"}} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Trunks: []Trunk{{Name: "a", Address: "192.0.2.11", Pass: test.pass, Keep: []string{"X-Customer", "X-None"}, KeepAlive: -1}}}
			inFakeTime(t, cfg, nil, func(w *world) {
				a := w.peer()
				invite, result := w.dial(w.t.Context(), a, DialRequest{To: "tel:1", Headers: map[string]string{"X-Ivr-Call": "1", "X-Ivr-Reason": "2"}})
				if got := invite.header("X-Ivr-Call") + invite.header("X-Ivr-Reason"); got != test.want {
					t.Errorf("%q went along", got)
				}
				a.reply(invite, 486, "Busy Here", "x", "")
				a.want("ACK")
				<-result
				d := a.call("X-Customer: 77", "X-Secret: 1")
				d.answered()
				d.ack()
				if kept := (<-w.calls).Kept(); len(kept) != 1 || kept["X-Customer"] != "77" {
					t.Errorf("kept %v", kept)
				}
				d.bye()
			})
		})
	}
}

func TestOurNameAndNumberAreToldAsTheTrunkWants(t *testing.T) {
	trunk := Trunk{Name: "teams", Address: "192.0.2.11", Host: "sbc.example.com", Number: "+4930", KeepAlive: -1, Identity: Preferred}
	inFakeTime(t, Config{Trunks: []Trunk{trunk}}, nil, func(w *world) {
		a := w.peer()
		invite, result := w.dial(w.t.Context(), a, DialRequest{To: "tel:1"})
		if !strings.HasPrefix(invite.header("From"), "<sip:+4930@sbc.example.com>") || invite.contact() != "sip:teams@sbc.example.com:5060" ||
			invite.header("P-Preferred-Identity") != "<sip:+4930@sbc.example.com>" || invite.header("P-Asserted-Identity") != "" {
			t.Error(invite)
		}
		a.reply(invite, 486, "Busy Here", "x", "")
		a.want("ACK")
		<-result
	})
}

// FIELD 10: a trunk that does not work, and nobody can say why.
func TestAnExaminationFindsWhatIsWrong(t *testing.T) {
	us, other := newAuthority(t), newAuthority(t)
	server := func(conf *tls.Config) string {
		b := newUA(t, Config{Listen: []Listen{{"udp", "127.0.0.1:0"}, {"tls", "127.0.0.1:0"}}, TLS: conf})
		return portOf(b.Addrs()[1].Addr)
	}
	plain := server(&tls.Config{Certificates: []tls.Certificate{us.certificate(t, "sbc.example")}})
	mutual := server(&tls.Config{Certificates: []tls.Certificate{us.certificate(t, "sbc.example")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: us.pool()})
	known := names{"sbc.example": {"127.0.0.1"}, "wrong.example": {"127.0.0.1"}}
	for name, test := range map[string]struct {
		address string
		ca      *authority
		check   func(t *testing.T, x *Examination)
	}{
		"all well": {"sips:sbc.example:" + plain, us, func(t *testing.T, x *Examination) {
			s := x.Servers[0]
			if s.Connect != nil || s.Ping != nil || s.Code != 200 || len(s.Chain) != 1 || s.Version < tls.VersionTLS12 {
				t.Errorf("%+v", s)
			}
			if s.Seen.Addr() != netip.MustParseAddr("127.0.0.1") || s.Ours.Addr() != s.Seen.Addr() {
				t.Errorf("seen at %v, ours is %v", s.Seen, s.Ours)
			}
		}},
		"no such name": {"nowhere.example", us, func(t *testing.T, x *Examination) {
			if x.Lookup == nil {
				t.Error("it was found")
			}
		}},
		"another name": {"sips:wrong.example:" + plain, us, func(t *testing.T, x *Examination) {
			if s := x.Servers[0]; s.Connect == nil || len(s.Chain) == 0 || s.Chain[0].DNSNames[0] != "sbc.example" {
				t.Errorf("%+v", s)
			}
		}},
		"another authority": {"sips:sbc.example:" + plain, other, func(t *testing.T, x *Examination) {
			if s := x.Servers[0]; s.Connect == nil || len(s.Chain) == 0 {
				t.Errorf("%+v", s)
			}
		}},
		"it wants our certificate": {"sips:sbc.example:" + mutual, us, func(t *testing.T, x *Examination) {
			if s := x.Servers[0]; s.Connect == nil || !strings.Contains(s.Connect.Error(), "certificate") {
				t.Errorf("%+v", s)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newUA(t, Config{Resolver: known, Trunks: []Trunk{{Name: "sbc", Address: test.address, TLS: &tls.Config{RootCAs: test.ca.pool()}}}})
			x, err := a.Examine(t.Context(), "sbc")
			if err != nil {
				t.Fatal(err)
			}
			test.check(t, x)
		})
	}
}

func TestAnExaminationAsksTheRegistrarAndChangesNothing(t *testing.T) {
	trunk := Trunk{Name: "carrier", Address: "192.0.2.11", User: "alice", Password: "secret", Register: true, KeepAlive: -1}
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peerAt(netip.MustParseAddrPort("192.0.2.11:5060"))
		at := netip.MustParseAddrPort("192.0.2.60:5060")
		ua := w.newUA(Config{Trunks: []Trunk{trunk}}, at, w.engine(at.Addr()), nil)
		found := make(chan *Examination, 1)
		go func() {
			x, err := ua.Examine(w.t.Context(), "carrier")
			if err != nil {
				t.Error(err)
			}
			found <- x
		}()
		p.to = at
		p.reply(p.want("OPTIONS"), 200, "OK", "x", "")
		m := p.want("REGISTER")
		if m.header("Contact") != "" || m.header("Expires") != "" { // RFC 3261, 10.2.3
			t.Error(m)
		}
		p.reply(m, 401, "Unauthorized", "x", "", `WWW-Authenticate: Digest realm="x", nonce="1", qop="auth"`)
		if m = p.want("REGISTER"); m.header("Authorization") == "" {
			t.Error(m)
		}
		p.reply(m, 200, "OK", "x", "", "Contact: <sip:carrier@192.0.2.1>;expires=40")
		if x := <-found; len(x.Servers) != 1 || x.Servers[0].Register != nil || len(x.Servers[0].Contacts) != 2 { // the peer adds its own
			t.Errorf("%+v", x)
		}
	})
}
