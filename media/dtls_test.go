package media_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// shaking agrees on keys between two streams; meddle may change what one is told of the other.
func shaking(t *testing.T, damage memnet.Damage, meddle func(a, b *media.Handshake)) (a, b *media.Stream) {
	t.Helper()
	l := newLine(t, damage)
	a, b = l.open(t), l.open(t)
	var ids [2]*media.Identity
	for i := range ids {
		var err error
		if ids[i], err = media.NewIdentity(); err != nil {
			t.Fatal(err)
		}
	}
	ha, hb := media.Handshake{Ours: ids[0], Theirs: ids[1].Fingerprint(), Active: true}, media.Handshake{Ours: ids[1], Theirs: ids[0].Fingerprint()}
	if meddle != nil {
		meddle(&ha, &hb)
	}
	start := func(s, other *media.Stream, h media.Handshake) {
		at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(other.LocalPort()))
		p := media.Params{Remote: at, Codec: media.PCMU, Digits: 101, Send: true, Receive: true, Handshake: &h}
		if err := s.Start(p); err != nil {
			t.Fatal(err)
		}
	}
	start(a, b, ha)
	start(b, a, hb)
	return a, b
}

func TestKeysThatDTLSAgreesOnProtectBothWays(t *testing.T) { // RFC 5763, RFC 5764
	for name, damage := range map[string]memnet.Damage{"on a good line": {}, "on one that loses packets": {Loss: 0.1, Seed: 3}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := shaking(t, damage, nil)
				<-time.After(20 * time.Second)
				for _, s := range []*media.Stream{a, b} {
					before := s.Stats()
					<-time.After(time.Second)
					after := s.Stats()
					if after.Crypto != "AEAD_AES_256_GCM" || after.Received < before.Received+40 || after.Invalid != before.Invalid {
						t.Errorf("%+v", after)
					}
				}
			})
		})
	}
}

func TestNothingFlowsBeforeTheKeysAreThereOrWhenTheCertificateIsAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := shaking(t, memnet.Damage{}, func(a, _ *media.Handshake) {
			a.Theirs = a.Ours.Fingerprint() // somebody in the middle has a certificate of their own
		})
		<-time.After(time.Minute)
		for _, s := range []*media.Stream{a, b} {
			if n := s.Stats(); n.Sent != 0 || n.Received != 0 || n.Crypto != "" && s == a {
				t.Errorf("%+v", n)
			}
		}
	})
}

func TestAFingerprintByABrokenHashIsNone(t *testing.T) { // RFC 8122, 5
	id, err := media.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if err := media.CheckFingerprint(id.Fingerprint()); err != nil || !strings.HasPrefix(id.Fingerprint(), "sha-256 ") {
		t.Error(id.Fingerprint(), err)
	}
	for _, bad := range []string{"", "sha-1 AA:BB", "md5 AA", "nothing AA"} {
		if media.CheckFingerprint(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
