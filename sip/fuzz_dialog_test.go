package sip

import (
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"
)

// Whatever the header fields of a dialog say, what is read of them is within its bounds.
func FuzzHeadersOfADialog(f *testing.F) {
	for _, s := range []string{"1800;refresher=uac", "90 ; refresher=UAS", "refer;id=3", "63617365;encoding=hex", `"x";encoding=ascii`, "776656 1 INVITE",
		"SIP/2.0 200 OK", "Signal=5\nDuration=100", "<sip:a@b?Replaces=c%40d%3Bto-tag%3D1>;x=y", "100rel, timer", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		value = strings.NewReplacer("\r", "", "\n", "").Replace(value)
		req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", Host: "x"})
		for _, name := range []string{"Session-Expires", "Min-SE", "Event", "User-to-User", "Supported", "Require", "Refer-To", "Referred-By", "Subscription-State"} {
			req.AppendHeader(sip.NewHeader(name, value))
		}
		req.SetBody([]byte(value))
		interval, _ := sessionExpires(req)
		if s := (session{interval: interval}); interval < 0 || interval > 0 && s.margin() >= interval || minSE(req) < minSession {
			t.Errorf("%q: %v, %v", value, interval, minSE(req))
		}
		if n, err := parseNotice(req); err == nil && !n.over && (n.code < 100 || n.code > 699) {
			t.Errorf("%q: %+v", value, n)
		}
		eventOf(req)
		unsupported(req)
		(&Referral{}).read(req)
		(&Leg{invite: req}).UserToUser()
		if key, ok := infoDigit(value); ok && !strings.ContainsRune("0123456789*#ABCD", key) {
			t.Errorf("%q: key %c", value, key)
		}
		if got := reasonHeader(value, 200).Value(); strings.ContainsAny(got, "\r\n") {
			t.Errorf("%q", got)
		}
		if r, err := parseSDP([]byte("v=0\r\nc=IN IP4 192.0.2.2\r\nm=audio 4 UDP/TLS/RTP/SAVP 0\r\na=setup:actpass\r\na=fingerprint:" + value + "\r\n")); err == nil && r.fingerprint == "" {
			t.Errorf("%q: no fingerprint", value)
		}
	})
}
