package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheReasonOfTheFarEndIsKept(t *testing.T) { // RFC 3326
	const elsewhere, normal = `SIP;cause=200;text="Call completed elsewhere"`, `Q.850;cause=16;text="Normal call clearing"`
	t.Run("of a CANCEL", func(t *testing.T) {
		kept := make(chan string, 1)
		inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
			l.Ring(ctx)
			mustEnd(t, l, ErrCancelled)
			kept <- l.Reason()
		}, func(w *world) {
			d := w.peer().call()
			d.want("180 INVITE")
			d.send(d.text("CANCEL", d.inviteURI, d.branch, 1, "", "Reason: "+elsewhere))
			d.want("200 CANCEL")
			d.ackFailure(d.want("487 INVITE"))
			if got := <-kept; got != elsewhere {
				t.Error(got)
			}
		})
	})
	t.Run("of a BYE", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().confirmed()
			l := <-w.calls
			d.request("BYE", "", "Reason: "+normal)
			mustEnd(t, l, ErrHangup)
			if got := l.Reason(); got != normal {
				t.Error(got)
			}
		})
	})
}

func TestOurReasonGoesAlongWithByeAndCancel(t *testing.T) { // RFC 3326
	for given, want := range map[string]string{
		"the caller asked for it":    `SIP;cause=200;text="the caller asked for it"`,
		`Q.850;cause=16;text="bye"`:  `Q.850;cause=16;text="bye"`,
		"two\r\nlines: \"evil\"":     `SIP;cause=200;text="two  lines: \"evil\""`,
		"SIP;cause=1\r\nX-Header: 2": "SIP;cause=1  X-Header: 2",
	} {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().confirmed()
			l := <-w.calls
			synctest.Wait()
			done := w.change(func(ctx context.Context) error { return l.Hangup(ctx, given) })
			bye := d.want("BYE")
			if got := bye.header("Reason"); got != want || bye.header("X-Header") != "" {
				t.Errorf("%q: %s", given, bye)
			}
			d.reply(bye, 200, "OK", "", "")
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	for cause, want := range map[error]string{
		ErrElsewhere:                  `SIP;cause=200;text="Call completed elsewhere"`,
		errors.New("nobody is there"): `SIP;cause=487;text="nobody is there"`,
	} {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			ctx, cancel := context.WithCancelCause(w.t.Context())
			invite, result := w.dial(ctx, p, DialRequest{})
			p.reply(invite, 180, "Ringing", "seat", "")
			synctest.Wait()
			cancel(cause)
			<-result
			c := p.want("CANCEL")
			if got := c.header("Reason"); got != want {
				t.Error(got)
			}
			p.reply(c, 200, "OK", "seat", "")
			p.reply(invite, 487, "Request Terminated", "seat", "")
			p.want("ACK")
		})
	}
}

func TestUserToUserInformationGoesBothWays(t *testing.T) { // RFC 7433
	for sent, want := range map[string]string{
		"":                                  "",
		"63617365203432;encoding=hex":       "case 42",
		"63617365203432":                    "case 42", // hex is the default
		`"case 42";encoding=ascii`:          "case 42",
		"case-42;purpose=x;encoding=base64": "case-42", // not ours to decode
	} {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().call("User-to-User: " + sent)
			d.answered()
			d.ack()
			if got := (<-w.calls).UserToUser(); got != want {
				t.Errorf("%s: got %q, want %q", sent, got, want)
			}
			d.bye()
		})
	}
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{UserToUser: "case 42"})
		if got := invite.header("User-to-User"); got != "63617365203432;encoding=hex" {
			t.Error(got)
		}
		p.reply(invite, 486, "Busy Here", "seat", "")
		p.want("ACK")
		<-result
	})
}

// FIELD: digits by INFO were dropped.
func TestKeysByInfoAreHeardAndTheirDoublesAreNot(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		for _, info := range []struct{ kind, body string }{
			{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"},
			{"application/dtmf-relay", "Signal = #\nDuration = 160"},
			{"application/dtmf", "7"},
			{"application/dtmf", "10"}, // some write * so
			{"Application/DTMF-Relay", "signal=a"},
		} {
			if m := d.request("INFO", info.body, "Content-Type: "+info.kind); !m.is("200 INFO") {
				t.Error(m)
			}
			<-time.After(2 * time.Second)
		}
		if m := d.request("INFO", "hello", "Content-Type: text/plain"); !m.is("415 INFO") {
			t.Error(m)
		}
		if m := d.request("INFO", "no key", "Content-Type: application/dtmf"); !m.is("200 INFO") {
			t.Error(m)
		}
		if m := d.request("INFO", ""); !m.is("200 INFO") { // asks whether we are there
			t.Error(m)
		}
		to := netip.AddrPortFrom(uaAt.Addr(), uint16(l.Media().LocalPort()))
		for i := range 3 { // the same key as an event, beside the INFO
			end := byte(0)
			if i == 2 {
				end = 0x80
			}
			packet := append([]byte{0x80, 101, 0, byte(i), 0, 0, 0x10, 0, 0, 0, 0x12, 0x34}, 9, end|10, byte(i), 0xa0)
			if _, err := d.rtp.WriteToUDPAddrPort(packet, to); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(100 * time.Millisecond)
		d.request("INFO", "Signal=9", "Content-Type: application/dtmf-relay")
		d.bye()
		synctest.Wait()
		got := ""
		for k := range l.Media().Digits() {
			got += string(k.Key)
		}
		if got != "5#7*A9" {
			t.Errorf("heard %s", got)
		}
	})
}

func TestKeysGoByInfoWhereTheFarEndTakesNoEvents(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.callWith(strings.Replace(p.sdp(), "RTP/AVP 0 8 101", "RTP/AVP 0 8", 1))
		d.answered()
		d.ack()
		l := <-w.calls
		synctest.Wait()
		done := w.change(func(ctx context.Context) error { return l.SendDigits(ctx, "1#") })
		for _, key := range "1#" {
			m := d.want("INFO")
			if m.header("Content-Type") != "application/dtmf-relay" || m.body != fmt.Sprintf("Signal=%c\r\nDuration=100\r\n", key) {
				t.Error(m)
			}
			d.reply(m, 200, "OK", "", "")
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		done = w.change(func(ctx context.Context) error { return l.SendDigits(ctx, "2") })
		d.reply(d.want("INFO"), 415, "Unsupported Media Type", "", "")
		if err := <-done; err == nil {
			t.Error("sent")
		}
		if err := l.SendDigits(context.Background(), "x"); err == nil {
			t.Error("x is no key")
		}
		d.bye()
	})
}

// Some phones write every name short (RFC 3261, 7.3.3).
func TestACallInCompactFormsIsTaken(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.dialogTo("4000")
		short := strings.NewReplacer("Via:", "v:", "From:", "f:", "To:", "t:", "Call-ID:", "i:", "Contact:", "m:", "Content-Type:", "c:",
			"Content-Length:", "l:", "Supported:", "k:", "Session-Expires:", "x:")
		d.inviteText = short.Replace(d.text("INVITE", d.inviteURI, d.branch, 1, p.sdp(), "Supported: timer", "Session-Expires: 600;refresher=uac"))
		d.send(d.inviteText)
		m := d.answered()
		if m.header("Session-Expires") != "600;refresher=uac" {
			t.Error(m)
		}
		d.ack()
		d.send(short.Replace(d.text("BYE", d.target, "z9hG4bKbye", 2, "")))
		d.want("200 BYE")
	})
}

func TestATelURIIsANumber(t *testing.T) { // RFC 3966
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.dialogTo("x")
		d.from, d.to, d.inviteURI = "<tel:+49-30-123;phone-context=x>;tag=1", "<tel:+4930999>", "tel:+4930999"
		d.invite(p.sdp())
		d.answered()
		d.ack()
		l := <-w.calls
		if l.To() != "+4930999" || l.From() != "+4930123" {
			t.Errorf("%s calls %s", l.From(), l.To())
		}
		d.bye()
	})
}

func TestARedirectionOfOurCallIsNotFollowed(t *testing.T) { // nobody outside chooses whom we call
	inFakeTime(t, Config{}, nil, func(w *world) {
		p, other := w.peer(), w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 302, "Moved Temporarily", "seat", "", "Contact: <sip:"+other.at.String()+">")
		p.want("ACK")
		var response *ResponseError
		if got := <-result; !errors.As(got.err, &response) || response.Code != 302 {
			t.Error(got.err)
		}
		other.silent(time.Minute)
	})
}

func TestWhatAnUpdateOrInviteRequiresThatWeLackIsNamed(t *testing.T) { // RFC 3261, 8.2.2.3
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().call("Require: 100rel, Timer, nothing-we-know")
		m := d.want("420 INVITE")
		if m.header("Unsupported") != "nothing-we-know" {
			t.Error(m)
		}
		d.ackFailure(m)
	})
}

// RFC 3261, 14.2: a second INVITE before the answer to the first.
func TestAnInviteWithinADialogBeforeTheAnswerIsPutOff(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		l.Ring(ctx)
		mustEnd(t, l, ErrHangup)
	}, func(w *world) {
		d := w.peer().call()
		d.learn(d.want("180 INVITE"))
		first, uri := d.branch, d.inviteURI
		m := d.request("INVITE", d.sdp())
		if !m.is("500 INVITE") || m.header("Retry-After") == "" {
			t.Error(m)
		}
		d.ackFailure(m)
		d.request("BYE", "")
		d.branch, d.inviteURI, d.seq = first, uri, 1
		d.ackFailure(d.want("487 INVITE"))
	})
}
