package sip

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ivr/media"
)

func TestKeysAreAgreedOnByDTLSWhereTheFarEndOffersThat(t *testing.T) { // RFC 5763, 5; RFC 5764, 8
	id, err := media.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	theirs := "a=fingerprint:" + id.Fingerprint()
	for name, test := range map[string]struct {
		mode    SRTP
		profile string
		lines   []string
		setup   string // of our answer; "": 488
	}{
		"we begin where we may":     {SRTPAccept, "UDP/TLS/RTP/SAVP", []string{theirs, "a=setup:actpass"}, "active"},
		"with feedback":             {SRTPAccept, "UDP/TLS/RTP/SAVPF", []string{theirs, "a=setup:actpass"}, "active"},
		"it begins":                 {SRTPAccept, "UDP/TLS/RTP/SAVP", []string{theirs, "a=setup:active"}, "passive"},
		"where it must be":          {SRTPRequire, "UDP/TLS/RTP/SAVP", []string{theirs, "a=setup:actpass"}, "active"},
		"not without a fingerprint": {SRTPAccept, "UDP/TLS/RTP/SAVP", []string{"a=setup:actpass"}, ""},
		"not by a broken hash":      {SRTPAccept, "UDP/TLS/RTP/SAVP", []string{"a=fingerprint:sha-1 AA:BB", "a=setup:actpass"}, ""},
		"not where it is off":       {SRTPOff, "UDP/TLS/RTP/SAVP", []string{theirs, "a=setup:actpass"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, protecting(test.mode), nil, func(w *world) {
				p := w.peer()
				offer := strings.Replace(p.sdp(test.lines...), "RTP/AVP", test.profile, 1)
				d := p.callWith(offer)
				if test.setup == "" {
					d.ackFailure(d.want("488 INVITE"))
					return
				}
				m := d.answered()
				d.ack()
				l := <-w.calls
				for _, want := range []string{" " + test.profile + " 0 101\r\n", "a=setup:" + test.setup + "\r\n", "a=fingerprint:" + w.ua.identity.Fingerprint() + "\r\n"} {
					if !strings.Contains(m.body, want) {
						t.Errorf("want %q\n%s", want, m.body)
					}
				}
				if strings.Contains(m.body, "a=crypto") {
					t.Error(m.body)
				}
				// Nothing is sent in the clear while nobody shakes hands.
				if l.Media().Stats().Sent != 0 {
					t.Errorf("%+v", l.Media().Stats())
				}
				synctest.Wait()
				done := w.change(l.Hold)
				again := d.want("INVITE")
				if !strings.Contains(again.body, " "+test.profile+" ") || !strings.Contains(again.body, "a=setup:actpass\r\n") {
					t.Error(again.body)
				}
				d.reply(again, 200, "OK", "", strings.Replace(offer, "setup:actpass", "setup:passive", 1))
				d.want("ACK")
				if err := <-done; err != nil {
					t.Error(err)
				}
				<-time.After(time.Second)
				if n := l.Media().Stats(); n.Sent != 0 {
					t.Errorf("%+v", n)
				}
				d.bye()
			})
		})
	}
}
