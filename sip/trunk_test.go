package sip

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// names is a Resolver that knows what a test tells it: "_sip._udp.carrier.example" and "a.carrier.example".
type names map[string][]string

func (n names) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	var all []*net.SRV
	if service != "" {
		name = "_" + service + "._" + proto + "." + name
	}
	for _, r := range n[name] {
		var target string
		var port uint16
		fmt.Sscanf(strings.Replace(r, ":", " ", 1), "%s %d", &target, &port)
		all = append(all, &net.SRV{Target: target + ".", Port: port})
	}
	if all == nil {
		return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return "", all, nil
}

func (n names) LookupNAPTR(_ context.Context, name string) (all []NAPTR, err error) {
	for i, r := range n["NAPTR "+name] { // "SIPS+D2T _sips._tcp.carrier.example"
		service, target, _ := strings.Cut(r, " ")
		all = append([]NAPTR{{Order: uint16(i), Service: service, Name: target + "."}}, all...)
	}
	return all, nil
}

func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, a := range n[host] {
		all = append(all, netip.MustParseAddr(a))
	}
	if all == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return all, nil
}

// carrierAt are the addresses of the first peers of a world.
var carrier = names{
	"_sip._udp.carrier.example": {"a.carrier.example:5060", "b.carrier.example:5060"},
	"a.carrier.example":         {"192.0.2.11"},
	"b.carrier.example":         {"192.0.2.12"},
	"pbx.example":               {"192.0.2.13"},
}

// param of a header value, quoted or not.
func param(value, name string) string {
	m := regexp.MustCompile(`(?:^|[ ,;])` + name + `="?([^",;]*)"?`).FindStringSubmatch(value)
	if m == nil {
		return ""
	}
	return m[1]
}

// digestOf computes an answer by RFC 7616, 3.4.1.
func digestOf(h func() hash.Hash, user, realm, password, method, value string) string {
	sum := func(s string) string {
		d := h()
		d.Write([]byte(s))
		return hex.EncodeToString(d.Sum(nil))
	}
	a1, a2 := sum(user+":"+realm+":"+password), sum(method+":"+param(value, "uri"))
	return sum(strings.Join([]string{a1, param(value, "nonce"), param(value, "nc"), param(value, "cnonce"), param(value, "qop"), a2}, ":"))
}

// FIELD 10: no REGISTER, no place at an ordinary PBX.
func TestATrunkIsRegisteredWithDigestRefreshedAndTakenBack(t *testing.T) {
	for name, h := range map[string]func() hash.Hash{"MD5": md5.New, "SHA-256": sha256.New} {
		t.Run(name, func(t *testing.T) {
			trunk := Trunk{Name: "carrier", Address: "pbx.example", User: "alice", Password: "secret", Register: true, Expires: time.Minute, KeepAlive: -1}
			inFakeTime(t, Config{Trunks: []Trunk{trunk}, Resolver: carrier}, nil, func(w *world) {
				p := w.peerAt(netip.MustParseAddrPort("192.0.2.13:5060"))
				first := p.want("REGISTER")
				if !strings.HasPrefix(first.start, "REGISTER sip:pbx.example SIP/2.0") || first.header("To") != "<sip:alice@pbx.example>" ||
					first.header("Expires") != "60" || !strings.HasPrefix(first.header("Contact"), "<sip:carrier@192.0.2.1:5060>") {
					t.Error(first)
				}
				p.reply(first, 401, "Unauthorized", "reg", "", `WWW-Authenticate: Digest realm="x", nonce="1", algorithm=Unknown-9`,
					`WWW-Authenticate: Digest realm="pbx, Example", nonce="abc", algorithm=`+name+`, qop="auth"`)
				second := p.want("REGISTER")
				auth := second.header("Authorization")
				if want := digestOf(h, "alice", "pbx, Example", "secret", "REGISTER", auth); param(auth, "response") != want || param(auth, "username") != "alice" {
					t.Errorf("want response %s, got %s", want, auth)
				}
				if second.header("CSeq") != "2 REGISTER" || second.header("Call-ID") != first.header("Call-ID") ||
					second.header("Via") == first.header("Via") {
					t.Errorf("not the same registration:\n%s\n%s", first, second)
				}
				p.reply(second, 200, "OK", "reg", "", "Contact: <sip:other@192.0.2.99>;expires=7, <sip:carrier@192.0.2.1:5060>;expires=40")
				synctest.Wait()
				now := w.ua.Trunks()[0]
				if !now.Up || !now.Registered || time.Until(now.Until) != 40*time.Second || w.counted("ivr_sip_trunk_registered", "carrier") != 1 {
					t.Errorf("%+v", now)
				}
				p.silent(29 * time.Second)
				third := p.want("REGISTER") // after three quarters
				if third.header("CSeq") != "3 REGISTER" {
					t.Error(third)
				}
				p.reply(third, 200, "OK", "reg", "", "Expires: 60")
				synctest.Wait()
				go w.stop()
				last := p.want("REGISTER")
				if last.header("Expires") != "0" {
					t.Error(last)
				}
				p.reply(last, 200, "OK", "reg", "")
			})
		})
	}
}

func TestARegistrationThatIsTooBriefIsMadeLonger(t *testing.T) { // RFC 3261, 10.3
	trunk := Trunk{Name: "carrier", Address: "192.0.2.11", User: "alice", Register: true, Expires: time.Minute, KeepAlive: -1}
	inFakeTime(t, Config{Trunks: []Trunk{trunk}}, nil, func(w *world) {
		p := w.peer()
		p.reply(p.want("REGISTER"), 423, "Interval Too Brief", "reg", "", "Min-Expires: 1800")
		m := p.want("REGISTER")
		if m.header("Expires") != "1800" {
			t.Error(m)
		}
		p.reply(m, 200, "OK", "reg", "", "Expires: 1800")
		p.silent(1300 * time.Second)
		p.reply(p.want("REGISTER"), 200, "OK", "reg", "")
		synctest.Wait()
		go w.stop()
		p.reply(p.want("REGISTER"), 200, "OK", "reg", "")
	})
}

// FIELD 10: who insists with what was refused is banned.
func TestARefusedRegistrationBacksOffAndSaysWhy(t *testing.T) {
	trunk := Trunk{Name: "carrier", Address: "192.0.2.11", User: "alice", Password: "wrong", Register: true, KeepAlive: -1}
	inFakeTime(t, Config{Trunks: []Trunk{trunk}}, nil, func(w *world) {
		p := w.peer()
		var waits []time.Duration
		last := time.Now()
		for range 4 {
			m := p.want("REGISTER")
			waits = append(waits, time.Since(last))
			for _, stale := range []string{"", ", stale=true"} { // who insists with a wrong password is banned
				p.reply(m, 401, "Unauthorized", "reg", "", `WWW-Authenticate: Digest realm="x", nonce="1", qop="auth"`+stale)
				m = p.want("REGISTER")
			}
			p.reply(m, 401, "Unauthorized", "reg", "", `WWW-Authenticate: Digest realm="x", nonce="1", qop="auth"`)
			last = time.Now()
			synctest.Wait()
		}
		for i, wait := range waits[1:] {
			if most := retryRefused << i; wait < most/2 || wait > most {
				t.Errorf("wait %d was %v", i, wait)
			}
		}
		if s := w.ua.Trunks()[0]; s.Up || !strings.Contains(s.Why, "it does not take user alice and the password") {
			t.Errorf("%+v", s)
		}
	})
}

func TestARegistrarThatIsDownIsLeftForTheNext(t *testing.T) { // RFC 3263, 4.3
	trunk := Trunk{Name: "carrier", Address: "carrier.example", User: "alice", Register: true, KeepAlive: -1}
	inFakeTime(t, Config{Trunks: []Trunk{trunk}, Resolver: carrier}, nil, func(w *world) {
		a, b := w.peer(), w.peer()
		a.want("REGISTER")
		for len(b.in) == 0 {
			<-time.After(time.Second)
		}
		b.reply(b.want("REGISTER"), 200, "OK", "reg", "")
		synctest.Wait()
		if s := w.ua.Trunks()[0]; !s.Registered || s.Hop != "udp:192.0.2.12:5060" {
			t.Errorf("%+v", s)
		}
		go w.stop()
		b.reply(b.want("REGISTER"), 200, "OK", "reg", "")
	})
}

func TestKeepAliveMarksATrunkDownAndUp(t *testing.T) {
	trunk := Trunk{Name: "carrier", Address: "192.0.2.11", KeepAlive: 10 * time.Second}
	inFakeTime(t, Config{Trunks: []Trunk{trunk}}, nil, func(w *world) {
		p := w.peer()
		up := func(want bool) {
			t.Helper()
			synctest.Wait()
			if s := w.ua.Trunks()[0]; s.Up != want || s.Up == (s.Why != "") || w.counted("ivr_sip_trunk_up", "carrier") != boolFloat(want) {
				t.Errorf("%+v", s)
			}
		}
		p.reply(p.want("OPTIONS"), 404, "Not Found", "x", "") // it is there
		up(true)
		p.reply(p.want("OPTIONS"), 503, "Service Unavailable", "x", "") // it says that it takes no calls
		up(false)
		p.reply(p.want("OPTIONS"), 200, "OK", "x", "")
		up(true)
		for range 4 { // retransmissions, in vain
			p.want("OPTIONS")
		}
		<-time.After(5 * time.Second)
		up(false)
		p.reply(p.want("OPTIONS"), 200, "OK", "x", "")
		up(true)
	})
}

// twoTrunks has the two peers of a carrier, and a PBX behind it in the order.
func twoTrunks(more func(*Trunk)) Config {
	first := Trunk{Name: "carrier", Address: "carrier.example", KeepAlive: -1}
	more(&first)
	return Config{Resolver: carrier, Trunks: []Trunk{first, {Name: "pbx", Address: "pbx.example", KeepAlive: -1}}}
}

func TestACallGoesToTheNextServerAndThenTheNextTrunk(t *testing.T) {
	inFakeTime(t, twoTrunks(func(*Trunk) {}), nil, func(w *world) {
		a, b, c := w.peer(), w.peer(), w.peer()
		invite, result := w.dial(w.t.Context(), a, DialRequest{To: "tel:+4930123456"})
		if !strings.HasPrefix(invite.start, "INVITE sip:+4930123456@carrier.example SIP/2.0") {
			t.Error(invite)
		}
		a.reply(invite, 503, "Service Unavailable", "x", "")
		a.want("ACK")
		b.want("INVITE") // and says nothing
		m := c.want("INVITE")
		if !strings.HasPrefix(m.start, "INVITE sip:+4930123456@pbx.example SIP/2.0") {
			t.Error(m)
		}
		c.reply(m, 200, "OK", "seat", c.sdp())
		c.want("ACK")
		got := <-result
		if got.err != nil || got.leg.Trunk() != "pbx" {
			t.Fatal(got)
		}
		if s := w.ua.Trunks(); s[0].Calls != 0 || s[1].Calls != 1 || s[1].Out != 1 {
			t.Errorf("%+v", s)
		}
		c.dialogOf(m, "seat").bye()
		mustEnd(t, got.leg, ErrHangup)
		if s := w.ua.Trunks(); s[1].Calls != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestARefusalByThePersonCalledIsFinal(t *testing.T) {
	inFakeTime(t, twoTrunks(func(*Trunk) {}), nil, func(w *world) {
		a, b := w.peer(), w.peer()
		invite, result := w.dial(w.t.Context(), a, DialRequest{To: "tel:+4930123456"})
		a.reply(invite, 486, "Busy Here", "x", "")
		a.want("ACK")
		if got := <-result; !errors.Is(got.err, ErrBusy) {
			t.Error(got.err)
		}
		b.silent(time.Minute)
	})
}

func TestACallIsAuthenticatedWhenTheTrunkAsks(t *testing.T) { // RFC 3261, 22.3: 407 of a proxy
	inFakeTime(t, twoTrunks(func(c *Trunk) { c.User, c.Password = "alice", "secret" }), nil, func(w *world) {
		a := w.peer()
		invite, result := w.dial(w.t.Context(), a, DialRequest{To: "tel:+4930123456"})
		a.reply(invite, 407, "Proxy Authentication Required", "x", "", `Proxy-Authenticate: Digest realm="carrier.example", nonce="n", qop="auth"`)
		a.want("ACK")
		again := a.want("INVITE")
		auth := again.header("Proxy-Authorization")
		if param(auth, "response") != digestOf(md5.New, "alice", "carrier.example", "secret", "INVITE", auth) || again.header("CSeq") != "2 INVITE" {
			t.Error(again)
		}
		a.reply(again, 200, "OK", "seat", a.sdp())
		if ack := a.want("ACK"); ack.header("Proxy-Authorization") != auth || ack.header("CSeq") != "2 ACK" { // RFC 3261, 22.1
			t.Error(ack)
		}
		got := <-result
		go got.leg.Hangup(w.t.Context(), "")
		bye := a.want("BYE")
		if bye.header("CSeq") != "3 BYE" {
			t.Error(bye)
		}
		a.reply(bye, 407, "Proxy Authentication Required", "", "", `Proxy-Authenticate: Digest realm="carrier.example", nonce="m", qop="auth"`)
		bye = a.want("BYE")
		if auth := bye.header("Proxy-Authorization"); param(auth, "response") != digestOf(md5.New, "alice", "carrier.example", "secret", "BYE", auth) {
			t.Error(bye)
		}
		a.reply(bye, 200, "OK", "", "")
	})
}

func TestNumbersAreRewrittenByTheTrunksRules(t *testing.T) {
	german := []Rule{{Match: "00", Strip: 2, Prefix: "+"}, {Match: "0", Strip: 1, Prefix: "+49"}, {Match: "+"}, {Prefix: "+4930"}}
	for number, want := range map[string]string{"0049301234": "+49301234", "0301234": "+49301234", "+49301234": "+49301234", "1234": "+49301234", "": "+4930"} {
		if got := Rewrite(number, german); got != want {
			t.Errorf("%q became %q, want %q", number, got, want)
		}
	}
	if got := Rewrite("12", []Rule{{Strip: 5}}); got != "" {
		t.Errorf("%q", got)
	}
	cfg := twoTrunks(func(c *Trunk) { c.In, c.Out = german, []Rule{{Match: "+49", Strip: 3, Prefix: "0"}} })
	inFakeTime(t, cfg, nil, func(w *world) {
		a := w.peer()
		d := a.dialogTo("0305555")
		d.from = "<sip:030123@carrier.example>;tag=1"
		d.invite(a.sdp())
		d.answered()
		d.ack()
		l := <-w.calls
		if l.To() != "+49305555" || l.From() != "+4930123" || l.Trunk() != "carrier" {
			t.Errorf("from %s to %s on %s", l.From(), l.To(), l.Trunk())
		}
		d.bye()
		invite, result := w.dial(w.t.Context(), a, DialRequest{To: "tel:+4930777"})
		if !strings.HasPrefix(invite.start, "INVITE sip:030777@carrier.example") {
			t.Error(invite)
		}
		a.reply(invite, 486, "Busy Here", "x", "")
		a.want("ACK")
		<-result
	})
}

func TestTheCallerIsWhoTheTrunkAsserts(t *testing.T) { // RFC 3323, RFC 3325
	for name, test := range map[string]struct {
		headers  []string
		distrust bool
		from     string
		private  bool
	}{
		"From alone":             {nil, false, "claimed", false},
		"P-Asserted-Identity":    {[]string{`P-Asserted-Identity: "Ann" <sip:+49301@carrier.example>, <tel:+49302>`}, false, "+49301", false},
		"as a tel URI":           {[]string{`P-Asserted-Identity: <tel:+49-30-1;phone-context=x>`}, false, "+49301", false},
		"not of this trunk":      {[]string{`P-Asserted-Identity: <sip:+49301@carrier.example>`}, true, "claimed", false},
		"Privacy: id":            {[]string{`P-Asserted-Identity: <sip:+49301@carrier.example>`, "Privacy: id;critical"}, false, "", true},
		"Privacy: none":          {[]string{"Privacy: none"}, false, "claimed", false},
		"anonymous":              {[]string{`From: "Anonymous" <sip:anonymous@anonymous.invalid>;tag=1`}, false, "", true},
		"Remote-Party-ID of old": {[]string{`Remote-Party-ID: <sip:+49303@carrier.example>;party=calling`}, false, "+49303", false},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, twoTrunks(func(c *Trunk) { c.Distrust = test.distrust }), nil, func(w *world) {
				a := w.peer()
				d := a.dialogTo("4000")
				d.from = "<sip:claimed@carrier.example>;tag=1"
				for _, h := range test.headers {
					if value, ok := strings.CutPrefix(h, "From: "); ok {
						d.from = value
					}
				}
				d.invite(a.sdp(), test.headers...)
				d.answered()
				d.ack()
				if l := <-w.calls; l.From() != test.from || l.Private() != test.private {
					t.Errorf("from %q, private %v", l.From(), l.Private())
				}
				d.bye()
			})
		})
	}
}

func TestADivertedCallTellsWhomItWasFor(t *testing.T) { // RFC 5806, RFC 7044
	for header, want := range map[string]string{
		"": "",
		"Diversion: <sip:+49302@x>;reason=no-answer, <sip:+49301@x>;reason=unconditional": "+49301",
		"History-Info: <sip:+49301@x>;index=1, <sip:4000@y>;index=1.1":                    "+49301",
		"History-Info: <sip:4000@y>;index=1":                                              "",
	} {
		inFakeTime(t, Config{}, nil, func(w *world) {
			var more []string
			if header != "" {
				more = append(more, header)
			}
			d := w.peer().call(more...)
			d.answered()
			d.ack()
			if l := <-w.calls; l.Diverted() != want {
				t.Errorf("%s: %q", header, l.Diverted())
			}
			d.bye()
		})
	}
}

func TestOurIdentityOnATrunk(t *testing.T) {
	for name, test := range map[string]struct {
		show     bool
		req      DialRequest
		from     string
		asserted string
		privacy  string
		divert   string
	}{
		"our own number":    {false, DialRequest{From: "+49301", DisplayName: "Ann", Diverted: "+49309"}, `<sip:+4930900@carrier.example>`, "<sip:+4930900@carrier.example>", "", ""},
		"the caller's":      {true, DialRequest{From: "+49301", Diverted: "+49309"}, `<sip:+49301@carrier.example>`, "<sip:+4930900@carrier.example>", "", "<sip:+49309@carrier.example>;reason=unconditional"},
		"a withheld caller": {true, DialRequest{Private: true}, `"Anonymous" <sip:anonymous@anonymous.invalid>`, "<sip:+4930900@carrier.example>", "id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, twoTrunks(func(c *Trunk) { c.Number, c.ShowCaller = "+4930900", test.show }), nil, func(w *world) {
				a := w.peer()
				test.req.To = "tel:+49307"
				invite, result := w.dial(w.t.Context(), a, test.req)
				from, _, _ := strings.Cut(invite.header("From"), ";tag=")
				if from != test.from || invite.header("P-Asserted-Identity") != test.asserted || invite.header("Privacy") != test.privacy ||
					invite.header("Diversion") != test.divert {
					t.Error(invite)
				}
				a.reply(invite, 486, "Busy Here", "x", "")
				a.want("ACK")
				<-result
			})
		})
	}
}

func TestATrunkHasLimitsOfItsOwn(t *testing.T) {
	inFakeTime(t, twoTrunks(func(c *Trunk) { c.MaxCalls = 1 }), nil, func(w *world) {
		a := w.peer()
		first := a.confirmed()
		second := a.call()
		m := second.want("503 INVITE")
		second.ackFailure(m)
		if s := w.ua.Trunks()[0]; m.header("Retry-After") == "" || s.Refused != 1 || s.Calls != 1 || w.counted("ivr_sip_refused_total", "too many calls on the trunk") != 1 {
			t.Errorf("%s\n%+v", m, s)
		}
		first.bye()
		synctest.Wait()
		a.confirmed().bye()
	})
	inFakeTime(t, twoTrunks(func(c *Trunk) { c.CallRate = 2 }), nil, func(w *world) {
		a := w.peer()
		a.confirmed().bye()
		a.confirmed().bye()
		third := a.call()
		third.ackFailure(third.want("503 INVITE"))
		<-time.After(500 * time.Millisecond)
		a.confirmed().bye()
	})
}

func TestATrunkThatIsFullIsPassedOver(t *testing.T) {
	inFakeTime(t, twoTrunks(func(c *Trunk) { c.MaxCalls = 1 }), nil, func(w *world) {
		a := w.peer()
		d := a.confirmed()
		w.peer()
		c := w.peer()
		invite, result := w.dial(w.t.Context(), c, DialRequest{To: "tel:+4930123456"})
		c.reply(invite, 486, "Busy Here", "x", "")
		c.want("ACK")
		<-result
		d.bye()
	})
}

func TestWithoutATrunkNoNumberIsCalled(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		if _, err := w.ua.Dial(w.t.Context(), DialRequest{To: "tel:+4930123456"}); !errors.Is(err, ErrNoTrunk) {
			t.Error(err)
		}
	})
}
