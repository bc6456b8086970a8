package sip

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	keyOf80 = "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"
	keyOdd  = "a=crypto:6 F8_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"
)

// secureSDP is a description of the peer's audio with another profile.
func (p *peer) secureSDP(profile string, more ...string) string {
	return strings.Replace(p.sdp(more...), "RTP/AVP", profile, 1)
}

// protecting is a trunk that is all peers.
func protecting(mode SRTP) Config {
	return Config{Trunks: []Trunk{{Name: "carrier", Sources: []netip.Prefix{peers}, SRTP: mode}}}
}

func TestTheAudioIsProtectedAsTheTrunkWants(t *testing.T) { // RFC 3711, RFC 4568
	const refused = "488"
	for name, test := range map[string]struct {
		mode    SRTP
		profile string
		keys    []string
		want    string // profile of the answer
		key     bool
	}{
		"offered":                         {SRTPAccept, "RTP/SAVP", []string{keyOf80}, "RTP/SAVP", true},
		"the first key that we know":      {SRTPAccept, "RTP/SAVP", []string{keyOdd, keyOf80}, "RTP/SAVP", true},
		"with feedback":                   {SRTPAccept, "RTP/SAVPF", []string{keyOf80}, "RTP/SAVPF", true},
		"as a wish":                       {SRTPAccept, "RTP/AVP", []string{keyOf80}, "RTP/AVP", true},
		"not offered":                     {SRTPAccept, "RTP/AVP", nil, "RTP/AVP", false},
		"with keys of others":             {SRTPAccept, "RTP/SAVP", []string{keyOdd}, refused, false},
		"required and offered":            {SRTPRequire, "RTP/SAVP", []string{keyOf80}, "RTP/SAVP", true},
		"required and offered as a wish":  {SRTPRequire, "RTP/AVP", []string{keyOf80}, "RTP/AVP", true},
		"required and not offered":        {SRTPRequire, "RTP/AVP", nil, refused, false},
		"off and offered as a wish":       {SRTPOff, "RTP/AVP", []string{keyOf80}, "RTP/AVP", false},
		"off and nothing else is offered": {SRTPOff, "RTP/SAVP", []string{keyOf80}, refused, false},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, protecting(test.mode), nil, func(w *world) {
				p := w.peer()
				d := p.callWith(p.secureSDP(test.profile, test.keys...))
				if test.want == refused {
					d.ackFailure(d.want("488 INVITE"))
					synctest.Wait()
					if r := w.ua.Refusals(); test.mode != SRTPAccept && (len(r) != 1 || r[0].Setting != "trunks.carrier.srtp") {
						t.Errorf("%+v", r)
					}
					return
				}
				m := d.answered()
				d.ack()
				l := <-w.calls
				if !strings.Contains(m.body, " "+test.want+" 0 101") {
					t.Errorf("want %s\n%s", test.want, m.body)
				}
				if has := strings.Contains(m.body, "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:"); has != test.key {
					t.Errorf("a key: %v\n%s", has, m.body)
				}
				synctest.Wait()
				if used := l.Media().Stats().Crypto; (used != "") != test.key {
					t.Errorf("protected by %q", used)
				}
				d.bye()
			})
		})
	}
}

func TestOfTwoStreamsTheProtectedOneIsTaken(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.callWith(p.sdp() + "m=audio 4002 RTP/SAVP 8\r\n" + keyOf80 + "\r\n")
		if m := d.answered(); !strings.Contains(m.body, "m=audio 0 RTP/AVP") || !regexp.MustCompile(`m=audio \d\d+ RTP/SAVP 8\r\n`).MatchString(m.body) {
			t.Error(m)
		}
		d.ack()
		d.bye()
	})
}

// The keys go on through a hold: the far end would hear noise for as long as it takes to notice.
func TestAHoldChangesNoKey(t *testing.T) {
	key := regexp.MustCompile(`a=crypto:.*`)
	inFakeTime(t, protecting(SRTPRequire), nil, func(w *world) {
		p := w.peer()
		d := p.callWith(p.secureSDP("RTP/SAVP", keyOf80))
		first := key.FindString(d.answered().body)
		d.ack()
		m := d.request("INVITE", p.secureSDP("RTP/SAVP", keyOf80, "a=sendonly"))
		d.ack()
		if got := key.FindString(m.body); got != first || first == "" {
			t.Errorf("%s became %s", first, got)
		}
		m = d.request("INVITE", p.sdp()) // and is not given up
		if !m.is("488 INVITE") {
			t.Error(m)
		}
		d.ackFailure(m)
		d.bye()
	})
}

func TestWeOfferProtectionAndRequireIt(t *testing.T) {
	for name, test := range map[string]struct {
		mode    SRTP
		profile string // of our offer
		answer  func(p *peer, offer string) string
		used    bool
		err     error
	}{
		"required": {SRTPRequire, "RTP/SAVP", func(p *peer, offer string) string {
			return p.secureSDP("RTP/SAVP", keyLike(offer, "AES_CM_128_HMAC_SHA1_80"))
		}, true, nil},
		"required and not given": {SRTPRequire, "RTP/SAVP", func(p *peer, _ string) string { return p.sdp() }, false, ErrMedia},
		"offered": {SRTPOffer, "RTP/AVP", func(p *peer, offer string) string {
			return p.sdp(keyLike(offer, "AES_CM_128_HMAC_SHA1_80"))
		}, true, nil},
		"offered and not taken": {SRTPOffer, "RTP/AVP", func(p *peer, _ string) string { return p.sdp() }, false, nil},
		"off":                   {SRTPOff, "RTP/AVP", func(p *peer, _ string) string { return p.sdp() }, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Trunks: []Trunk{{Name: "carrier", Address: "192.0.2.11", SRTP: test.mode, KeepAlive: -1}}}
			inFakeTime(t, cfg, nil, func(w *world) {
				p := w.peer()
				invite, result := w.dial(w.t.Context(), p, DialRequest{To: "tel:4000"})
				if !strings.Contains(invite.body, " "+test.profile+" ") || strings.Contains(invite.body, "a=crypto") != (test.mode != SRTPOff) {
					t.Error(invite)
				}
				p.reply(invite, 200, "OK", "seat", test.answer(p, invite.body))
				p.want("ACK")
				if test.err != nil {
					p.reply(p.want("BYE"), 200, "OK", "", "")
					if got := <-result; !errors.Is(got.err, test.err) {
						t.Error(got.err)
					}
					return
				}
				got := <-result
				if got.err != nil {
					t.Fatal(got.err)
				}
				if used := got.leg.Media().Stats().Crypto; (used != "") != test.used {
					t.Errorf("protected by %q", used)
				}
				p.dialogOf(invite, "seat").bye()
				mustEnd(t, got.leg, ErrHangup)
			})
		})
	}
}

// keyLike is the attribute of an answer that takes a suite of an offer.
func keyLike(offer, suite string) string {
	m := regexp.MustCompile(`a=crypto:(\d+) ` + suite + ` `).FindStringSubmatch(offer)
	if m == nil {
		return "a=none"
	}
	return "a=crypto:" + m[1] + " " + suite + " inline:MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"
}

func TestTwoOfUsHearEachOtherProtected(t *testing.T) {
	inFakeTime(t, protecting(SRTPRequire), nil, func(w *world) {
		at := netip.MustParseAddrPort("192.0.2.50:5060")
		cfg := Config{Trunks: []Trunk{{Name: "bot", Address: uaAt.String(), SRTP: SRTPRequire, KeepAlive: -1}}}
		far := w.newUA(cfg, at, w.engine(at.Addr()), nil)
		leg, err := far.Dial(w.t.Context(), DialRequest{To: "tel:4000"})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		for _, l := range []*Leg{leg, <-w.calls} {
			if s := l.Media().Stats(); s.Crypto != "AEAD_AES_256_GCM" || s.Received < 40 || s.Invalid != 0 {
				t.Errorf("%+v", s)
			}
		}
		if err := leg.Hangup(w.t.Context(), ""); err != nil {
			t.Error(err)
		}
	})
}
