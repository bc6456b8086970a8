package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// FIELD: calls torn down after 15 or 30 minutes, because nobody refreshed the session. RFC 4028, 9, table 2: who refreshes.
func TestTheSessionTimerIsAnsweredByTheTableOfItsRFC(t *testing.T) {
	for _, test := range []struct{ name, supported, asked, want, require string }{
		{"the caller knows timers and leaves the choice to us", "timer", "600", "600;refresher=uas", ""},
		{"the caller wants to refresh", "timer", "600;refresher=uac", "600;refresher=uac", "timer"},
		{"the caller wants us to refresh", "timer", "600;refresher=uas", "600;refresher=uas", ""},
		{"the caller knows timers and asks for none", "timer", "", "1800;refresher=uas", ""},
		{"a proxy asks for a caller that knows none", "", "600", "600;refresher=uas", ""},
		{"nobody asks", "", "", "", ""},
		{"in compact form", "timer", "x:600;refresher=uac", "600;refresher=uac", "timer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				asked := "Session-Expires: " + test.asked
				if compact, ok := strings.CutPrefix(test.asked, "x:"); ok {
					asked = "x: " + compact
				}
				d := w.peer().call("Supported: "+test.supported, asked)
				m := d.answered()
				if m.header("Session-Expires") != test.want || m.header("Require") != test.require {
					t.Errorf("want %q, got\n%s", test.want, m)
				}
				d.ack()
				d.bye()
			})
		})
	}
}

func TestASessionThatIsTooShortIsRefused422(t *testing.T) { // RFC 4028, 6
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().call("Supported: timer", "Session-Expires: 60")
		m := d.want("422 INVITE")
		if m.header("Min-SE") != "90" {
			t.Error(m)
		}
		d.ackFailure(m)
		e := w.peer().call("Session-Expires: 60") // of a proxy: the caller could not mend it
		e.answered()
		e.ack()
		if m := e.request("INVITE", e.sdp(), "Supported: timer", "Session-Expires: 60"); !m.is("422 INVITE") {
			t.Error(m)
		} else {
			e.ackFailure(m)
		}
		e.bye()
	})
}

// refreshedFor answers the refreshes that come within a time, and tells when each came.
func (d *dialog) refreshedFor(total time.Duration, method string, answer func(message)) (times []string) {
	d.t.Helper()
	start := time.Now()
	end := time.NewTimer(total)
	defer end.Stop()
	for {
		select {
		case m := <-d.in:
			if m.is("ACK") {
				continue
			}
			if !m.is(method) {
				d.t.Fatalf("want %s, got\n%s", method, m)
			}
			times = append(times, time.Since(start).String())
			answer(m)
		case <-end.C:
			return times
		}
	}
}

func TestWeRefreshTheSessionAtHalfItsInterval(t *testing.T) {
	t.Run("by UPDATE where the far end takes it", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().call("Supported: timer", "Session-Expires: 1800;refresher=uas", "Allow: INVITE, ACK, BYE, UPDATE")
			d.answered()
			d.ack()
			got := d.refreshedFor(50*time.Minute, "UPDATE", func(m message) {
				if m.header("Session-Expires") != "1800;refresher=uac" || m.body != "" || m.header("Supported") != "timer" {
					t.Error(m)
				}
				d.reply(m, 200, "OK", "", "", "Session-Expires: 1800;refresher=uac")
			})
			if strings.Join(got, " ") != "15m0s 30m0s 45m0s" {
				t.Error(got)
			}
			if n := d.hears(time.Second); n < 49 {
				t.Errorf("the peer hears %d packets a second", n)
			}
			d.bye()
		})
	})
	t.Run("else by an INVITE that changes nothing", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().call("Supported: timer", "Session-Expires: 1800;refresher=uas")
			first := d.answered()
			d.ack()
			got := d.refreshedFor(50*time.Minute, "INVITE", func(m message) {
				if m.body != first.body || m.header("Session-Expires") != "1800;refresher=uac" {
					t.Errorf("said first\n%s\nnow\n%s", first, m)
				}
				d.reply(m, 200, "OK", "", d.sdp(), "Session-Expires: 1800;refresher=uac")
			})
			if strings.Join(got, " ") != "15m0s 30m0s 45m0s" {
				t.Error(got)
			}
			d.bye()
		})
	})
	t.Run("by INVITE when UPDATE turns out not to be taken", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().call("Supported: timer", "Session-Expires: 600;refresher=uas", "Allow: UPDATE")
			d.answered()
			d.ack()
			d.reply(d.want("UPDATE"), 501, "Not Implemented", "", "")
			d.reply(d.want("INVITE"), 200, "OK", "", d.sdp(), "Session-Expires: 600;refresher=uac")
			d.want("ACK")
			d.reply(d.want("INVITE"), 200, "OK", "", d.sdp(), "Session-Expires: 600;refresher=uac")
			d.want("ACK")
			d.bye()
		})
	})
	t.Run("of a call of ours", func(t *testing.T) {
		inFakeTime(t, Config{SessionExpires: 10 * time.Minute}, nil, func(w *world) {
			p := w.peer()
			invite, result := w.dial(w.t.Context(), p, DialRequest{})
			if invite.header("Session-Expires") != "600" || invite.header("Min-SE") != "90" || !strings.Contains(invite.header("Supported"), "timer") {
				t.Error(invite)
			}
			p.reply(invite, 200, "OK", "seat", p.sdp(), "Session-Expires: 300;refresher=uac", "Require: timer", "Allow: UPDATE")
			p.want("ACK")
			got := <-result
			d := p.dialogOf(invite, "seat")
			times := d.refreshedFor(8*time.Minute, "UPDATE", func(m message) {
				d.reply(m, 200, "OK", "", "", "Session-Expires: 300;refresher=uac")
			})
			if strings.Join(times, " ") != "2m30s 5m0s 7m30s" {
				t.Error(times)
			}
			d.bye()
			mustEnd(t, got.leg, ErrHangup)
		})
	})
}

func TestTheFarEndRefreshesTheSession(t *testing.T) {
	for _, method := range []string{"INVITE", "UPDATE"} {
		t.Run("by "+method, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				d := w.peer().call("Supported: timer", "Session-Expires: 1800;refresher=uac")
				d.answered()
				d.ack()
				for range 4 {
					d.silent(15 * time.Minute)
					body := ""
					if method == "INVITE" {
						body = d.sdp()
					}
					m := d.request(method, body, "Supported: timer", "Session-Expires: 1800;refresher=uac")
					if !m.is("200 "+method) || m.header("Session-Expires") != "1800;refresher=uac" || m.header("Require") != "timer" {
						t.Error(m)
					}
					if method == "INVITE" {
						d.ack()
					}
				}
				if n := d.hears(time.Second); n < 49 {
					t.Errorf("the peer hears %d packets a second", n)
				}
				d.bye()
			})
		})
	}
}

// RFC 4028, 10: the smaller of 32 s and a third of the interval before it ends.
func TestASessionThatTheFarEndDoesNotRefreshEndsShortlyBeforeItsTime(t *testing.T) {
	for interval, want := range map[string]time.Duration{"1800": 1768 * time.Second, "90": 60 * time.Second} {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().call("Supported: timer", "Session-Expires: "+interval+";refresher=uac")
			d.answered()
			d.ack()
			l, start := <-w.calls, time.Now()
			bye := d.want("BYE")
			if got := time.Since(start).Round(time.Second); got != want || bye.header("Reason") != `SIP;cause=408;text="Session expired"` {
				t.Errorf("%s: after %v, want %v\n%s", interval, got, want, bye)
			}
			d.reply(bye, 200, "OK", "", "")
			mustEnd(t, l, ErrExpired)
		})
	}
}

func TestACallWhoseRefreshFailsIsEnded(t *testing.T) { // RFC 4028, 10
	for name, code := range map[string]int{"by silence": 0, "by 481": 481, "by 408": 408, "by 503 until its time is over": 503} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				d := w.peer().call("Supported: timer", "Session-Expires: 1800;refresher=uas", "Allow: UPDATE")
				d.answered()
				d.ack()
				l, start := <-w.calls, time.Now()
				for {
					m := <-d.in
					if m.is("BYE") {
						d.reply(m, 200, "OK", "", "")
						break
					}
					if !m.is("UPDATE") {
						t.Fatal(m)
					}
					if code != 0 {
						d.reply(m, code, "No", "", "")
					}
				}
				mustEnd(t, l, ErrExpired)
				if took := time.Since(start); took < 15*time.Minute || took > 30*time.Minute || code == 481 && took > 16*time.Minute {
					t.Errorf("ended after %v", took)
				}
			})
		})
	}
}

func TestARefreshThatFailedForAMomentIsTriedAgain(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().call("Supported: timer", "Session-Expires: 1800;refresher=uas", "Allow: UPDATE")
		d.answered()
		d.ack()
		d.reply(d.want("UPDATE"), 503, "Service Unavailable", "", "")
		d.reply(d.want("UPDATE"), 200, "OK", "", "", "Session-Expires: 1800;refresher=uac")
		d.silent(14 * time.Minute)
		d.reply(d.want("UPDATE"), 200, "OK", "", "", "Session-Expires: 1800;refresher=uac")
		d.bye()
	})
}

func TestA422MakesOurSessionLonger(t *testing.T) { // RFC 4028, 7.3
	inFakeTime(t, Config{SessionExpires: 2 * time.Minute}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 422, "Session Interval Too Small", "seat", "", "Min-SE: 3600")
		p.want("ACK")
		again := p.want("INVITE")
		if again.header("Session-Expires") != "3600" || again.header("Min-SE") != "3600" || again.header("CSeq") != "2 INVITE" ||
			again.header("Call-ID") != invite.header("Call-ID") {
			t.Error(again)
		}
		p.reply(again, 200, "OK", "seat", p.sdp(), "Session-Expires: 3600;refresher=uas")
		p.want("ACK")
		got := <-result
		p.dialogOf(again, "seat").bye()
		mustEnd(t, got.leg, ErrHangup)
	})
	inFakeTime(t, Config{}, nil, func(w *world) { // and one that asks for what it has got is not asked for ever
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 422, "Session Interval Too Small", "seat", "", "Min-SE: 90")
		p.want("ACK")
		if got := <-result; got.err == nil {
			t.Error("the call was answered")
		}
	})
}

func TestAFarEndWithoutTimersIsLeftAlone(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 200, "OK", "seat", p.sdp())
		p.want("ACK")
		got := <-result
		p.silent(time.Hour)
		p.dialogOf(invite, "seat").bye()
		mustEnd(t, got.leg, ErrHangup)
	})
}

func TestTheEndOfACallEndsItsRefresh(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().call("Supported: timer", "Session-Expires: 600;refresher=uas", "Allow: UPDATE")
		d.answered()
		d.ack()
		l := <-w.calls
		update := d.want("UPDATE") // and while that waits for its answer
		go l.Hangup(context.Background(), "")
		for {
			m := <-d.in
			if m.is("BYE") {
				d.reply(m, 200, "OK", "", "")
				break
			}
		}
		mustEnd(t, l, ErrEnded)
		d.reply(update, 200, "OK", "", "", "Session-Expires: 600;refresher=uac")
		synctest.Wait()
		d.silent(time.Hour)
		if err := l.Err(); errors.Is(err, ErrExpired) {
			t.Error(err)
		}
	})
}
