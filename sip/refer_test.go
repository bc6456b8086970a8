package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// notify says how a transfer goes.
func (d *dialog) notify(line string, over bool) message {
	d.t.Helper()
	state := "active;expires=60"
	if over {
		state = "terminated;reason=noresource"
	}
	return d.request("NOTIFY", line, "Event: refer", "Subscription-State: "+state, "Content-Type: message/sipfrag;version=2.0")
}

// FIELD: 202 was taken as success, and a busy target dropped the caller. Only the final NOTIFY says how a transfer ended (RFC 3515).
func TestATransferSucceedsWhenTheLastNotifySaysSo(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []string
		want  error // nil: success
	}{
		{"answered", []string{"SIP/2.0 100 Trying", "SIP/2.0 180 Ringing", "SIP/2.0 200 OK"}, nil},
		{"busy", []string{"SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"}, ErrBusy},
		{"declined", []string{"SIP/2.0 603 Declined"}, ErrDeclined},
		{"nobody says", []string{"SIP/2.0 100 Trying", ""}, ErrUnknownOutcome},
	} {
		t.Run(test.name, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				d := w.peer().confirmed()
				l := <-w.calls
				synctest.Wait()
				done := w.change(func(ctx context.Context) error { return l.Refer(ctx, Transfer{To: "sip:4001@pbx.example.com"}) })
				m := d.want("REFER")
				if m.header("Refer-To") != "<sip:4001@pbx.example.com>" || m.header("Referred-By") != "<sip:192.0.2.1:5060>" {
					t.Error(m)
				}
				d.reply(m, 202, "Accepted", "", "")
				for i, line := range test.lines {
					select {
					case err := <-done:
						t.Fatalf("it ended before its time: %v", err)
					case <-time.After(5 * time.Second):
					}
					if m := d.notify(line, i == len(test.lines)-1); !m.is("200 NOTIFY") {
						t.Error(m)
					}
				}
				if err := <-done; !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Errorf("%v, want %v", err, test.want)
				}
				if n := d.hears(time.Second); n < 49 { // and the caller is still ours
					t.Errorf("the caller hears %d packets in a second", n)
				}
				if m := d.notify("SIP/2.0 200 OK", true); !m.is("481 NOTIFY") {
					t.Error(m)
				}
				d.bye()
			})
		})
	}
}

func TestATransferThatIsRefusedKeepsTheCaller(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		refer := func(ctx context.Context) error { return l.Refer(ctx, Transfer{To: "tel:+4930123456"}) }
		done := w.change(refer)
		d.reply(d.want("REFER"), 405, "Method Not Allowed", "", "")
		var response *ResponseError
		if err := <-done; !errors.As(err, &response) || response.Code != 405 {
			t.Error(err)
		}
		done = w.change(refer)
		d.reply(d.want("REFER"), 202, "Accepted", "", "")
		if err := <-done; !errors.Is(err, ErrUnknownOutcome) { // nothing more is ever heard of it
			t.Error(err)
		}
		done = w.change(refer)
		d.reply(d.want("REFER"), 202, "Accepted", "", "")
		d.bye()
		if err := <-done; !errors.Is(err, ErrHangup) {
			t.Error(err)
		}
	})
}

func TestAnAttendedTransferNamesTheCallToTakeOver(t *testing.T) { // RFC 5589, 7; RFC 3891
	inFakeTime(t, Config{}, nil, func(w *world) {
		d, p := w.peer().confirmed(), w.peer()
		l := <-w.calls
		synctest.Wait()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 200, "OK", "seat", p.sdp())
		p.want("ACK")
		consult := (<-result).leg
		done := w.change(func(ctx context.Context) error {
			return l.Refer(ctx, Transfer{To: "sip:seat@192.0.2.12", Consult: consult, By: "sip:queue@ivr.example"})
		})
		m := d.want("REFER")
		want := "<sip:seat@192.0.2.12?Replaces=" + invite.header("Call-ID") + "%3Bto-tag%3Dseat%3Bfrom-tag%3D" + invite.tag("From") + ">"
		if m.header("Refer-To") != want || m.header("Referred-By") != "<sip:queue@ivr.example>" {
			t.Errorf("want %s, got\n%s", want, m)
		}
		d.reply(m, 202, "Accepted", "", "")
		d.notify("SIP/2.0 200 OK", true)
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.bye()
		p.dialogOf(invite, "seat").bye()
	})
}

func TestATransferAskedOfUsIsDeclinedUnlessTheHandlerTakesIt(t *testing.T) {
	t.Run("within a call", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().confirmed()
			if m := d.request("REFER", "", "Refer-To: <sip:00900123456@192.0.2.99>"); !m.is("403 REFER") {
				t.Error(m)
			}
			if n := w.counted("ivr_sip_refused_total", string(refusedRefer)); n != 1 {
				t.Errorf("counted %v", n)
			}
			for _, bad := range []string{"X: y", "Refer-To: <sip:a@b>, <sip:c@d>"} {
				if m := d.request("REFER", "", bad); !m.is("400 REFER") {
					t.Error(m)
				}
			}
			d.bye()
		})
	})
	t.Run("out of the blue", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().dialogTo("4000")
			d.send(d.text("REFER", d.inviteURI, d.branch, 1, "", "Refer-To: <sip:00900123456@192.0.2.99>"))
			d.want("403 REFER")
		})
	})
	t.Run("and by its word", func(t *testing.T) {
		inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
			l.Answer(ctx)
			(<-l.Referrals()).Decline()
			untilEnd(ctx, l)
		}, func(w *world) {
			d := w.peer().confirmed()
			synctest.Wait()
			if m := d.request("REFER", "", "Refer-To: <sip:1@192.0.2.99>"); !m.is("603 REFER") {
				t.Error(m)
			}
			d.bye()
		})
	})
}

func TestATransferAskedOfUsIsReportedByNotify(t *testing.T) { // RFC 3515, 2.4.4 and 2.4.5
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		l.Answer(ctx)
		r := <-l.Referrals()
		if r.To != "sip:4001@192.0.2.99" || r.Replaces != "abc@x;to-tag=1;from-tag=2" || r.By != "sip:seat@192.0.2.11" {
			t.Errorf("%+v", r)
		}
		if err := r.Accept(ctx); err != nil {
			t.Error(err)
		}
		<-time.After(time.Second)
		if err := r.Report(ctx, 200, "OK"); err != nil {
			t.Error(err)
		}
		untilEnd(ctx, l)
	}, func(w *world) {
		d := w.peer().confirmed()
		synctest.Wait()
		m := d.request("REFER", "", "Refer-To: <sip:4001@192.0.2.99?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2>", "Referred-By: <sip:seat@192.0.2.11>")
		if !m.is("202 REFER") || m.header("Contact") == "" {
			t.Error(m)
		}
		for i, want := range []string{"SIP/2.0 100 Trying\r\n", "SIP/2.0 200 OK\r\n"} {
			m := d.want("NOTIFY")
			if m.body != want || m.header("Event") != "refer;id=2" || m.header("Content-Type") != "message/sipfrag;version=2.0" ||
				strings.HasPrefix(m.header("Subscription-State"), "terminated") != (i == 1) {
				t.Error(m)
			}
			d.reply(m, 200, "OK", "", "")
		}
		d.bye()
	})
}

func TestANotifyOfAnotherEventIsAnswered489(t *testing.T) { // RFC 6665, 4.1.3
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		if m := d.request("NOTIFY", "", "Event: presence"); !m.is("489 NOTIFY") || m.header("Allow-Events") != "refer" {
			t.Error(m)
		}
		done := w.change(func(ctx context.Context) error { return l.Refer(ctx, Transfer{To: "sip:1@192.0.2.99"}) })
		d.reply(d.want("REFER"), 202, "Accepted", "", "")
		if m := d.notify("no status line", false); !m.is("400 NOTIFY") {
			t.Error(m)
		}
		d.notify("SIP/2.0 200 OK", true)
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.bye()
	})
}

func TestACallThatReplacesAnotherIsGivenToItsHandler(t *testing.T) { // RFC 3891, 3
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		if l.Answer(ctx) != nil {
			return
		}
		select {
		case other := <-l.Replacements():
			if err := other.Answer(ctx); err != nil {
				t.Error(err)
			}
			l.Hangup(ctx, "replaced")
			untilEnd(ctx, other)
		case <-l.Done():
		}
	}, func(w *world) {
		d, p := w.peer().confirmed(), w.peer()
		synctest.Wait()
		tag := strings.Split(d.to, ";tag=")[1]
		e := p.call("Replaces: " + d.id + ";to-tag=" + tag + ";from-tag=" + d.id)
		e.answered()
		e.ack()
		d.reply(d.want("BYE"), 200, "OK", "", "")
		if n := e.hears(time.Second); n < 49 {
			t.Errorf("the new one hears %d packets in a second", n)
		}
		e.bye()
	})
}

func TestACallThatReplacesWhatItMayNotIsRefused(t *testing.T) { // RFC 3891, 3
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		l.Ring(ctx)
		if l.To() == "4000" && l.Answer(ctx) == nil {
			untilEnd(ctx, l)
		}
		mustEnd(t, l, ErrHangup)
	}, func(w *world) {
		d, ringing := w.peer(), w.peer().callTo("4001")
		rings := ringing.want("180 INVITE")
		up := d.dialogTo("4000").invite(d.sdp())
		up.want("180 INVITE")
		up.answered()
		up.ack()
		synctest.Wait()
		tag := strings.Split(up.to, ";tag=")[1]
		for _, test := range []struct{ replaces, want string }{
			{up.id + ";to-tag=" + tag, "400"},
			{"nobody;to-tag=1;from-tag=2", "481"},
			{up.id + ";to-tag=" + tag + ";from-tag=other", "481"},
			{up.id + ";to-tag=" + tag + ";from-tag=" + up.id + ";early-only", "486"},
			{ringing.id + ";to-tag=" + rings.tag("To") + ";from-tag=" + ringing.id, "481"},
			{up.id + ";to-tag=" + tag + ";from-tag=" + up.id, "403"}, // its handler takes none
		} {
			e := w.peer().call("Replaces: " + test.replaces)
			m := e.want(test.want + " INVITE")
			e.ackFailure(m)
		}
		up.bye()
		first, uri := ringing.branch, ringing.inviteURI
		ringing.learn(rings)
		ringing.request("BYE", "")
		ringing.branch, ringing.inviteURI, ringing.seq = first, uri, 1
		ringing.ackFailure(ringing.want("487 INVITE"))
	})
}
