package media_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ivr/internal/memnet"
	"ivr/media"
)

// protect lets two streams start again with keys for a suite.
func protect(t *testing.T, suite string, a, b *media.Stream) {
	t.Helper()
	one, err := media.NewCrypto("1", suite)
	if err != nil {
		t.Fatal(err)
	}
	other, err := media.NewCrypto("1", suite)
	if err != nil {
		t.Fatal(err)
	}
	for s, keys := range map[*media.Stream]*media.Secure{a: {Ours: one, Theirs: other}, b: {Ours: other, Theirs: one}} {
		p := s.Params()
		p.Secure = keys
		if err := s.Start(p); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAProtectedCallIsHeardByWhoHasTheKeyInEverySuite(t *testing.T) {
	for _, suite := range media.CryptoSuites() {
		synctest.Test(t, func(t *testing.T) {
			a, b := newLine(t, memnet.Damage{Loss: 0.02, Jitter: 10 * time.Millisecond, Seed: 2}).pair(t, media.PCMU)
			protect(t, suite, a, b)
			var e ears
			defer b.Listen(&e)()
			<-a.Play(media.NewPrompt(tone(500, 20*time.Second))).Done()
			if err := a.SendDigits(t.Context(), "42"); err != nil {
				t.Fatal(err)
			}
			<-time.After(200 * time.Millisecond)
			n := b.Stats()
			if got := level(middle(e.heard()), 500); got < 6000 {
				t.Errorf("%s: heard at level %.0f", suite, got)
			}
			if n.Crypto != suite || n.Invalid != 0 || n.RoundTrip == 0 {
				t.Errorf("%s: %+v", suite, n)
			}
			if got := keysOf(b); got != "42" {
				t.Errorf("%s: keys %q", suite, got)
			}
		})
	}
}

// No silent downgrade: what is not protected, or with another key, or a copy of what was sent before, is not heard.
func TestAProtectedCallHearsNothingElse(t *testing.T) {
	codes := codesOf(t, media.PCMU, tone(1700, time.Second))
	synctest.Test(t, func(t *testing.T) {
		l := newLine(t, memnet.Damage{})
		a, b := l.pair(t, media.PCMU)
		protect(t, "AES_CM_128_HMAC_SHA1_80", a, b)
		var e ears
		defer b.Listen(&e)()
		<-time.After(200 * time.Millisecond)
		plain := l.stranger(t, b)
		plain.talk(codes)
		<-time.After(2 * media.FrameDuration)
		n := b.Stats()
		if n.Invalid != 50 || n.Received < 55 {
			t.Errorf("%+v", n)
		}
		p := a.Params()
		another, err := media.NewCrypto("1", "AES_CM_128_HMAC_SHA1_80")
		if err != nil {
			t.Fatal(err)
		}
		p.Secure = &media.Secure{Ours: another, Theirs: p.Secure.Theirs}
		if err := a.Start(p); err != nil {
			t.Fatal(err)
		}
		<-a.Play(media.NewPrompt(tone(1700, time.Second))).Done()
		<-time.After(2 * media.FrameDuration) // the last packet is on its way
		if got := b.Stats(); got.Received > n.Received+2 || got.Invalid < 100 {
			t.Errorf("%+v after %+v", got, n)
		}
		if got := level(e.heard(), 1700); got > 50 {
			t.Errorf("heard at level %.0f", got)
		}
	})
}

func TestKeysGoOnWhenTheCallIsAgreedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newLine(t, memnet.Damage{}).pair(t, media.PCMU)
		protect(t, "AEAD_AES_128_GCM", a, b)
		<-time.After(time.Second)
		for _, s := range []*media.Stream{a, b} {
			if err := s.Start(s.Params()); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(time.Second)
		if n := b.Stats(); n.Invalid != 0 || n.Received < 98 {
			t.Errorf("%+v", n)
		}
	})
}

func TestACryptoAttributeIsReadAsItIsWritten(t *testing.T) {
	for _, suite := range media.CryptoSuites() {
		c, err := media.NewCrypto("7", suite)
		if err != nil {
			t.Fatal(err)
		}
		again, err := media.ParseCrypto(c.Attribute() + "|2^31 WSH=64 -odd=1")
		if err != nil || again.Attribute() != c.Attribute() || again.Tag != "7" {
			t.Errorf("%s: %v", suite, err)
		}
		if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(s, "inline") || strings.Contains(s, "0x") {
			t.Errorf("a key is told: %s", s)
		}
	}
}

func TestACryptoAttributeThatWeCannotDoIsRefused(t *testing.T) {
	const key = "inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" // of RFC 4568, 6.1
	if _, err := media.ParseCrypto("1 AES_CM_128_HMAC_SHA1_80 " + key + "|2^20"); err != nil {
		t.Error(err)
	}
	for name, value := range map[string]string{
		"nothing":               "",
		"no key":                "1 AES_CM_128_HMAC_SHA1_80",
		"tag":                   "x AES_CM_128_HMAC_SHA1_80 " + key,
		"suite":                 "1 F8_128_HMAC_SHA1_80 " + key,
		"key of another length": "1 AES_256_CM_HMAC_SHA1_80 " + key,
		"master key identifier": "1 AES_CM_128_HMAC_SHA1_80 " + key + "|2^20|1:4",
		"two keys":              "1 AES_CM_128_HMAC_SHA1_80 " + key + ";" + key,
		"unencrypted":           "1 AES_CM_128_HMAC_SHA1_80 " + key + " UNENCRYPTED_SRTP",
		"not base64":            "1 AES_CM_128_HMAC_SHA1_80 inline:%%%",
		"not inline":            "1 AES_CM_128_HMAC_SHA1_80 uri:x",
	} {
		if _, err := media.ParseCrypto(value); !errors.Is(err, media.ErrCrypto) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := newLine(t, memnet.Damage{}).open(t)
	if err := s.Start(media.Params{Codec: media.PCMU, Secure: &media.Secure{}}); !errors.Is(err, media.ErrCrypto) {
		t.Error(err)
	}
}

// FuzzCrypto: what is read is written so that it is read again.
func FuzzCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20 WSH=128")
	f.Fuzz(func(t *testing.T, value string) {
		c, err := media.ParseCrypto(value)
		if err != nil {
			return
		}
		again, err := media.ParseCrypto(c.Attribute())
		if err != nil || again.Attribute() != c.Attribute() {
			t.Errorf("%q: %v", value, err)
		}
	})
}
