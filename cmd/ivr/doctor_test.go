package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"ivr/media"
	"ivr/sip"
	"ivr/testaudio"
)

func TestTheDoctorSaysWhatIsWrongAndWhatToChange(t *testing.T) {
	now := time.Now()
	chain := []*x509.Certificate{{DNSNames: []string{"sbc.example"}, NotAfter: now.Add(90 * 24 * time.Hour)}}
	chain[0].Issuer.CommonName = "Example CA"
	server := netip.MustParseAddrPort("198.51.100.1:5061")
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s + ":5060") }
	refused := func(code int) error {
		return fmt.Errorf("x: %w", &sip.ResponseError{Method: "REGISTER", Code: code, Reason: "No"})
	}
	seen := sip.Server{Network: "udp", Addr: server, Code: 200, Ours: at("203.0.113.5"), Seen: at("203.0.113.5")}
	with := func(change func(*sip.Server)) sip.Server { s := seen; change(&s); return s }
	for name, test := range map[string]struct {
		server   sip.Server
		external string
		step     string
		verdict  string
		what     string
		change   string
	}{
		"all well":         {seen, "", "address", well, "it sees us at 203.0.113.5", ""},
		"another name":     {with(func(s *sip.Server) { s.Connect, s.Chain = x509.HostnameError{}, chain }), "", "connection", wrong, "but for sbc.example", "trunks.t.tls.name"},
		"another CA":       {with(func(s *sip.Server) { s.Connect, s.Chain = x509.UnknownAuthorityError{}, chain }), "", "connection", wrong, "Example CA", "trunks.t.tls.ca"},
		"out of date":      {with(func(s *sip.Server) { s.Connect, s.Chain = x509.CertificateInvalidError{Reason: x509.Expired}, chain }), "", "connection", wrong, "out of date", "renew"},
		"wants ours":       {with(func(s *sip.Server) { s.Connect = tls.AlertError(116) }), "", "connection", wrong, "certificate required", "trunks.t.tls.cert"},
		"no TLS":           {with(func(s *sip.Server) { s.Connect = tls.RecordHeaderError{Msg: "x"} }), "", "connection", wrong, "does not speak TLS", "trunks.t.transport: tcp"},
		"nobody there":     {with(func(s *sip.Server) { s.Connect = syscall.ECONNREFUSED }), "", "connection", wrong, "nobody listens", "trunks.t.address"},
		"soon out of date": {with(func(s *sip.Server) { s.Chain = []*x509.Certificate{{NotAfter: now.Add(time.Hour)}} }), "", "certificate", advice, "soon", "renew"},
		"silent":           {with(func(s *sip.Server) { s.Ping = errors.New("x") }), "", "answer", wrong, "says nothing", "have them allow ours"},
		"no calls":         {with(func(s *sip.Server) { s.Code = 503 }), "", "answer", wrong, "takes no calls now", ""},
		"NAT":              {with(func(s *sip.Server) { s.Ours = at("192.168.1.2") }), "", "address", wrong, "one-way audio", "sip.external: 203.0.113.5"},
		"NAT not told":     {with(func(s *sip.Server) { s.Ours, s.Seen = at("192.168.1.2"), netip.AddrPort{} }), "", "address", wrong, "one-way audio", "sip.external"},
		"wrong external":   {with(func(s *sip.Server) { s.Ours = at("203.0.113.9") }), "203.0.113.9", "address", wrong, "sip.external says 203.0.113.9", "sip.external: 203.0.113.5"},
		"loopback":         {with(func(s *sip.Server) { s.Ours = at("127.0.0.1") }), "", "address", wrong, "nobody else can reach us", "sip.listen"},
		"wrong password":   {with(func(s *sip.Server) { s.Asked, s.Register = true, refused(403) }), "", "account", wrong, "and the password", "trunks.t.password"},
		"no such user":     {with(func(s *sip.Server) { s.Asked, s.Register = true, refused(404) }), "", "account", wrong, "knows no user", "trunks.t.user"},
		"no registrar":     {with(func(s *sip.Server) { s.Asked, s.Register = true, refused(405) }), "", "account", wrong, "does not register", "trunks.t.register"},
		"account":          {with(func(s *sip.Server) { s.Asked, s.Contacts = true, []string{"<sip:t@x>"} }), "", "account", well, "<sip:t@x>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := &config{}
			cfg.SIP.External = test.external
			p := patient{name: "t", cfg: cfg, trunk: trunkConfig{Address: "sbc.example", User: "u"}, now: now}
			all := p.diagnose(&sip.Examination{Servers: []sip.Server{test.server}})
			for _, f := range all {
				if f.Step == test.step {
					if f.Verdict != test.verdict || !strings.Contains(f.What, test.what) || !strings.Contains(f.Change, test.change) {
						t.Errorf("%+v", f)
					}
					if f.Verdict == wrong && f.Change == "" {
						t.Error("it does not say what to change")
					}
					return
				}
			}
			t.Errorf("nothing of %s in %+v", test.step, all)
		})
	}
}

func TestTheDoctorSaysWhyACallFailsAndWhyAudioIsOneWay(t *testing.T) {
	response := func(code int) error { return &sip.ResponseError{Method: "INVITE", Code: code, Reason: "No"} }
	public, inside := netip.MustParseAddrPort("198.51.100.1:5060"), netip.MustParseAddrPort("10.0.0.1:4000")
	for name, test := range map[string]struct {
		call    testCall
		verdict string
		change  string
	}{
		"well":            {testCall{echo: 80 * time.Millisecond, stats: media.Stats{Sent: 100, Received: 100}}, well, ""},
		"losses":          {testCall{echo: 80 * time.Millisecond, stats: media.Stats{Received: 100, Lost: 9}}, advice, "loses packets"},
		"nothing heard":   {testCall{stats: media.Stats{Sent: 100}}, wrong, "sip.external"},
		"cannot be read":  {testCall{stats: media.Stats{Invalid: 9}}, wrong, "trunks.t.srtp"},
		"they say inside": {testCall{stats: media.Stats{Received: 9}, theirs: inside, server: public}, wrong, "public address"},
		"no echo":         {testCall{number: "600", stats: media.Stats{Received: 9}, theirs: public, server: public}, advice, "echo test"},
		"forbidden":       {testCall{err: response(403)}, wrong, "trunks.t.number"},
		"no such number":  {testCall{err: response(404)}, wrong, "trunks.t.out"},
		"codecs":          {testCall{err: response(488)}, wrong, "trunks.t.srtp"},
		"credentials":     {testCall{err: response(407)}, wrong, "trunks.t.password"},
		"busy":            {testCall{err: response(486)}, advice, "try again"},
		"rings for ever":  {testCall{err: errNoAnswer, rang: true}, wrong, "echo test"},
		"no room":         {testCall{err: sip.ErrNoTrunk}, wrong, "trunks.t.max_calls"},
	} {
		p := patient{name: "t", cfg: &config{}}
		all := p.diagnoseCall(test.call)
		if f := all[len(all)-1]; f.Verdict != test.verdict || !strings.Contains(f.Change, test.change) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestTheMelodyIsHeardInAnEchoAndNowhereElse(t *testing.T) {
	noise := func(d time.Duration, level float64) []int16 {
		r := rand.New(rand.NewPCG(1, 2))
		pcm := testaudio.Silence(d)
		for i := range pcm {
			pcm[i] = int16(r.NormFloat64() * level)
		}
		return pcm
	}
	quiet := func(pcm []int16) (out []int16) {
		for _, s := range pcm {
			out = append(out, s/8)
		}
		return out
	}
	for name, test := range map[string]struct {
		pcm  []int16
		want bool
	}{
		"silence":        {testaudio.Silence(3 * time.Second), false},
		"noise":          {noise(3*time.Second, 3000), false},
		"an echo":        {testaudio.Join(noise(time.Second, 500), quiet(melody())), true},
		"a busy tone":    {testaudio.Join(testaudio.Tone(time.Second, 425), testaudio.Silence(time.Second)), false},
		"an error tone":  {testaudio.Join(testaudio.Tone(330*time.Millisecond, 950), testaudio.Tone(330*time.Millisecond, 1400), testaudio.Tone(330*time.Millisecond, 1800)), false},
		"one note alone": {testaudio.Tone(time.Second, 1900), false},
		"twice begun":    {testaudio.Join(testaudio.Tone(100*time.Millisecond, 700), testaudio.Silence(time.Second), melody()), true},
	} {
		e := &melodyEar{}
		came := e.expect()
		for at := 0; at+media.FrameSamples <= len(test.pcm); at += media.FrameSamples {
			e.Hear(&media.Heard{Frame: media.Frame(test.pcm[at : at+media.FrameSamples])})
		}
		if heard := len(came) == 1; heard != test.want {
			t.Errorf("%s: heard %v", name, heard)
		}
	}
}
