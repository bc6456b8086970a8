package sip

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"ivr/media"
)

// SRTP says whether the audio of a trunk is protected (RFC 3711). The keys are in SDP (RFC 4568): who reads the signalling can hear
// the call, unless it goes over TLS.
type SRTP string

// What a [Trunk] can ask for.
const (
	SRTPAccept  SRTP = ""        // where the far end offers it; over TLS as SRTPOffer
	SRTPOff     SRTP = "off"     // never
	SRTPOffer   SRTP = "offer"   // and we offer it; a far end that cannot talks in the clear
	SRTPRequire SRTP = "require" // a call without it is refused
)

var (
	errInsecure = errors.New("sip: the audio would not be protected")
	errSecure   = errors.New("sip: audio that is protected is not taken here")
)

// protection of the audio of one leg, as SDP agrees on it.
type protection struct {
	mode SRTP
	ours map[string]media.Crypto // by suite: a leg keeps its keys, so that an offer that changes something else disturbs nothing
	used *media.Secure           // nil: none
	as   string                  // profile that it was agreed on with

	identity *media.Identity  // for DTLS (RFC 5763)
	shake    *media.Handshake // nil: the keys, if there are any, are in SDP
	setup    string           // our role in that
}

// protectionOf a call over a transport, with a trunk or a phone.
func (ua *UA) protectionOf(t *trunk, network string) protection {
	p := protection{ours: map[string]media.Crypto{}, identity: ua.identity}
	if t != nil {
		p.mode = t.SRTP
	}
	if p.mode == SRTPAccept && network == "tls" {
		p.mode = SRTPOffer
	}
	return p
}

// key of ours for a suite.
func (p *protection) key(suite, tag string) (media.Crypto, error) {
	c, ok := p.ours[suite]
	if !ok {
		var err error
		if c, err = media.NewCrypto(tag, suite); err != nil {
			return c, err
		}
		p.ours[suite] = c
	}
	c.Tag = tag
	return c, nil
}

// allows says what is wrong with what the far end offered; nil: nothing.
func (p *protection) allows(r *remoteMedia) error {
	switch {
	case len(r.keys) == 0 && !r.shakes() && p.mode == SRTPRequire:
		return errInsecure
	case r.secured() && p.mode == SRTPOff:
		return errSecure
	}
	return nil
}

// agree chooses the keys for what the far end offered or answered; nil: the audio is not protected. An answer names one of the keys
// that we offered, by tag and suite; of an offer we take the first that we can. A far end that would agree on them by DTLS is met
// halfway: we begin, unless it does (RFC 5763, 5).
func (p *protection) agree(r *remoteMedia) (*media.Secure, error) {
	if err := p.allows(r); err != nil {
		return nil, err
	}
	p.used, p.shake = nil, nil
	if r.shakes() {
		if p.setup == "" { // whoever began once does not change that
			p.setup = "active"
			if r.setup == "active" {
				p.setup = "passive"
			}
		}
		p.shake, p.as = &media.Handshake{Ours: p.identity, Theirs: r.fingerprint, Active: p.setup == "active"}, r.profile
		return nil, nil
	}
	if len(r.keys) == 0 || p.mode == SRTPOff {
		return nil, nil
	}
	theirs := r.keys[0]
	ours, err := p.key(theirs.Suite, theirs.Tag)
	if err != nil {
		return nil, err
	}
	p.used, p.as = &media.Secure{Ours: ours, Theirs: theirs}, r.profile
	return p.used, nil
}

// offer adds our keys to a stream that we offer. Where protection is a wish, the profile stays RTP/AVP: who does not know the
// attribute passes it over. What is protected already stays so.
func (p *protection) offer(m *sdp.MediaDescription) {
	if p.shake != nil {
		m.MediaName.Protos = strings.Split(p.as, "/")
		m.WithValueAttribute("fingerprint", p.identity.Fingerprint()).WithValueAttribute("setup", "actpass")
		return
	}
	if p.used != nil {
		m.MediaName.Protos = strings.Split(p.as, "/")
		m.WithValueAttribute("crypto", p.used.Ours.Attribute())
		return
	}
	if p.mode != SRTPOffer && p.mode != SRTPRequire {
		return
	}
	if p.mode == SRTPRequire {
		m.MediaName.Protos = []string{"RTP", "SAVP"}
	}
	for i, suite := range media.CryptoSuites() {
		if c, err := p.key(suite, strconv.Itoa(i+1)); err == nil {
			m.WithValueAttribute("crypto", c.Attribute())
		}
	}
}

// answer adds the key that we chose to the stream of an answer.
func (p *protection) answer(m *sdp.MediaDescription, r *remoteMedia) {
	m.MediaName.Protos = strings.Split(r.profile, "/")
	if p.shake != nil {
		m.WithValueAttribute("fingerprint", p.identity.Fingerprint()).WithValueAttribute("setup", p.setup)
	}
	if p.used != nil {
		m.WithValueAttribute("crypto", p.used.Ours.Attribute())
	}
}

// profiles of RTP that we speak: plain and protected, with and without the feedback that we do not send (RFC 3551, 3711, 4585, 5124).
var profiles = []string{"RTP/AVP", "RTP/SAVP", "RTP/AVPF", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"}

// secured says whether the chosen stream has a profile that demands protection.
func (r *remoteMedia) secured() bool { return strings.Contains(r.profile, "RTP/SAVP") }

// shakes says whether the chosen stream wants its keys agreed on by DTLS (RFC 5764, 8).
func (r *remoteMedia) shakes() bool { return strings.HasPrefix(r.profile, "UDP/TLS/") }

// readKeys takes the keys of a stream that we can use; not ok: it cannot be had without one.
func (r *remoteMedia) readKeys(d *sdp.SessionDescription, m *sdp.MediaDescription) (ok bool) {
	r.profile, r.keys, r.fingerprint, r.setup = strings.Join(m.MediaName.Protos, "/"), nil, "", ""
	for _, a := range slices.Concat(d.Attributes, m.Attributes) { // the stream's own come last and count
		switch a.Key {
		case "crypto":
			if c, err := media.ParseCrypto(a.Value); err == nil { // the next one may do
				r.keys = append(r.keys, c)
			}
		case "fingerprint":
			if media.CheckFingerprint(a.Value) == nil {
				r.fingerprint = a.Value
			}
		case "setup":
			r.setup = strings.ToLower(strings.TrimSpace(a.Value))
		}
	}
	if r.shakes() {
		r.keys = nil
		return slices.Contains(profiles, r.profile) && r.fingerprint != "" && r.setup != "holdconn"
	}
	return slices.Contains(profiles, r.profile) && (len(r.keys) > 0 || !r.secured())
}
