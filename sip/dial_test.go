package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// dialled is a call of ours in progress.
type dialled struct {
	leg *Leg
	err error
}

// dial calls a peer and returns its INVITE.
func (w *world) dial(ctx context.Context, p *peer, req DialRequest) (invite message, result chan dialled) {
	w.t.Helper()
	if req.To == "" {
		req.To = "sip:seat@" + p.at.String()
	}
	result = make(chan dialled, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		leg, err := w.ua.Dial(ctx, req)
		result <- dialled{leg, err}
	}()
	w.t.Cleanup(func() { <-done })
	return p.want("INVITE"), result
}

func TestWeCallAndHangUp(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		rang := 0
		invite, result := w.dial(w.t.Context(), p, DialRequest{From: "441130000001", DisplayName: "Ann", Headers: map[string]string{"X-Ivr-Reason": "anger\r\nX-Evil: 1"},
			OnRinging: func() { rang++ }})
		if !strings.HasPrefix(invite.header("From"), `"Ann" <sip:441130000001@192.0.2.1>;tag=`) || invite.header("X-Evil") != "" ||
			!strings.HasPrefix(invite.header("X-Ivr-Reason"), "anger") || invite.header("Max-Forwards") != "70" {
			t.Error(invite)
		}
		for range 20 { // a seat that rings long
			p.reply(invite, 180, "Ringing", "seat", "")
			<-time.After(time.Second)
		}
		p.reply(invite, 200, "OK", "seat", p.sdp())
		ack := p.want("ACK")
		if ack.tag("To") != "seat" || ack.header("CSeq") != strings.Replace(invite.header("CSeq"), "INVITE", "ACK", 1) {
			t.Error(ack)
		}
		got := <-result
		if got.err != nil || rang != 1 {
			t.Fatal(got.err, rang)
		}
		if n := p.hears(time.Second); n < 49 {
			t.Errorf("%d packets in a second", n)
		}
		go got.leg.Hangup(w.t.Context(), "")
		bye := p.want("BYE")
		if bye.tag("To") != "seat" || bye.tag("From") != invite.tag("From") {
			t.Error(bye)
		}
		p.reply(bye, 200, "OK", "", "")
		mustEnd(t, got.leg, ErrEnded)
	})
}

func TestTheSeatHangsUp(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 200, "OK", "seat", p.sdp())
		p.want("ACK")
		got := <-result
		p.dialogOf(invite, "seat").bye()
		mustEnd(t, got.leg, ErrHangup)
	})
}

// The BYE may reach us before the 200 that makes its dialog: nobody orders datagrams.
func TestAByeThatOvertakesThe200EndsTheCall(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		d := p.dialogOf(invite, "seat")
		d.begin("BYE", "")
		<-time.After(20 * time.Millisecond)
		p.reply(invite, 200, "OK", "seat", p.sdp())
		for seen := 0; seen < 2; seen++ { // in any order
			if m := <-p.in; !m.is("ACK") && !m.is("200 BYE") {
				t.Fatal(m)
			}
		}
		got := <-result
		if got.err == nil {
			mustEnd(t, got.leg, ErrHangup)
		} else if !errors.Is(got.err, ErrHangup) {
			t.Error(got.err)
		}
	})
}

func TestARefusedCallSaysWhy(t *testing.T) {
	for code, want := range map[int]error{486: ErrBusy, 600: ErrBusy, 603: ErrDeclined, 480: ErrNoAnswer, 488: ErrMedia, 404: nil, 503: nil} {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			invite, result := w.dial(w.t.Context(), p, DialRequest{})
			p.reply(invite, code, "No", "seat", "")
			p.want("ACK")
			got := <-result
			var response *ResponseError
			if !errors.As(got.err, &response) || response.Code != code || want != nil && !errors.Is(got.err, want) {
				t.Errorf("%d: %v", code, got.err)
			}
			if w.ua.Active() != 0 {
				t.Error("a leg was left behind")
			}
		})
	}
}

// A phone that is switched off: its port takes packets and says nothing.
func TestAFarEndWithoutASignOfLifeIsGivenUpSoon(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		start := time.Now()
		_, result := w.dial(w.t.Context(), p, DialRequest{})
		got := <-result
		if res := (*ResponseError)(nil); !errors.Is(got.err, ErrNoResponse) || !errors.Is(got.err, ErrNoAnswer) ||
			!errors.As(got.err, &res) || res.Code != 408 || time.Since(start) != unheard {
			t.Errorf("%v after %v", got.err, time.Since(start))
		}
	})
}

func TestGivingUpSendsCancel(t *testing.T) {
	giveUp := errors.New("the caller has gone")
	t.Run("at once after a provisional response", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			ctx, cancel := context.WithCancelCause(w.t.Context())
			invite, result := w.dial(ctx, p, DialRequest{})
			p.reply(invite, 180, "Ringing", "seat", "")
			synctest.Wait()
			cancel(giveUp)
			if got := <-result; !errors.Is(got.err, giveUp) {
				t.Error(got.err)
			}
			c := p.want("CANCEL")
			if c.header("Via") != invite.header("Via") || c.header("To") != invite.header("To") || c.header("CSeq") != "1 CANCEL" {
				t.Errorf("%s\n%s", invite, c) // RFC 3261, 9.1
			}
			p.reply(c, 200, "OK", "seat", "")
			p.reply(invite, 487, "Request Terminated", "seat", "")
			p.want("ACK")
		})
	})
	t.Run("not before there is one", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			ctx, cancel := context.WithCancel(w.t.Context())
			invite, result := w.dial(ctx, p, DialRequest{})
			cancel()
			<-result
			p.silent(100 * time.Millisecond)
			p.reply(invite, 100, "Trying", "", "")
			p.reply(p.want("CANCEL"), 200, "OK", "seat", "")
			p.reply(invite, 487, "Request Terminated", "seat", "")
			p.want("ACK")
		})
	})
	t.Run("and hangs up what was answered meanwhile", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			ctx, cancel := context.WithCancel(w.t.Context())
			invite, result := w.dial(ctx, p, DialRequest{})
			p.reply(invite, 180, "Ringing", "seat", "")
			synctest.Wait()
			cancel()
			<-result
			c := p.want("CANCEL")
			p.reply(invite, 200, "OK", "seat", p.sdp())
			p.reply(c, 200, "OK", "seat", "")
			p.want("ACK")
			p.reply(p.want("BYE"), 200, "OK", "", "")
		})
	})
	t.Run("even when the process ends", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			ctx, cancel := context.WithCancel(w.t.Context())
			invite, result := w.dial(ctx, p, DialRequest{})
			p.reply(invite, 180, "Ringing", "seat", "")
			synctest.Wait()
			cancel()
			<-result
			go w.ua.Close()
			p.reply(p.want("CANCEL"), 200, "OK", "seat", "")
			p.reply(invite, 487, "Request Terminated", "seat", "")
			p.want("ACK")
		})
	})
}

func TestARetransmitted200IsAcknowledgedAgain(t *testing.T) { // RFC 3261, 13.2.2.4
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		for range 3 {
			p.reply(invite, 200, "OK", "seat", p.sdp())
			p.want("ACK")
		}
		if got := <-result; got.err != nil {
			t.Fatal(got.err)
		}
		p.dialogOf(invite, "seat").bye()
	})
}

// RFC 3261, 13.2.2.4: a proxy rang two phones, and both answered.
func TestTheSecondPhoneOfAForkedCallIsHungUp(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 180, "Ringing", "first", "")
		p.reply(invite, 180, "Ringing", "second", "")
		p.reply(invite, 200, "OK", "first", p.sdp())
		if m := p.want("ACK"); m.tag("To") != "first" {
			t.Error(m)
		}
		got := <-result
		p.reply(invite, 200, "OK", "second", p.sdp())
		if m := p.want("ACK"); m.tag("To") != "second" {
			t.Error(m)
		}
		bye := p.want("BYE")
		if bye.tag("To") != "second" || bye.header("Reason") != `SIP;cause=200;text="Call completed elsewhere"` {
			t.Error(bye)
		}
		p.reply(bye, 200, "OK", "", "")
		p.reply(invite, 200, "OK", "second", p.sdp()) // our ACK was lost
		if m := p.want("ACK"); m.tag("To") != "second" {
			t.Error(m)
		}
		if m := p.dialogOf(invite, "second").request("BYE", ""); !m.is("200 BYE") { // it hangs up too
			t.Error(m)
		}
		if got.leg.Err() != nil {
			t.Errorf("the call ended with the other phone: %v", got.leg.Err())
		}
		p.dialogOf(invite, "first").bye()
		mustEnd(t, got.leg, ErrHangup)
	})
}

func TestAnAnswerWithoutCommonCodecIsAcknowledgedAndHungUp(t *testing.T) {
	for name, answer := range map[string]string{"empty": "", "other codec": "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 3\r\n"} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				p := w.peer()
				invite, result := w.dial(w.t.Context(), p, DialRequest{})
				p.reply(invite, 200, "OK", "seat", answer)
				p.want("ACK")
				p.reply(p.want("BYE"), 200, "OK", "", "")
				if got := <-result; !errors.Is(got.err, ErrMedia) {
					t.Error(got.err)
				}
			})
		})
	}
}

// RFC 3261, 12.1.2 and 12.2.1.1: the route set is the Record-Route of the 2xx, last first.
func TestRequestsTakeTheRoutesOfTheDialog(t *testing.T) {
	for _, test := range []struct{ name, records, uri, routes string }{
		{"two loose routers", "<sip:b.example:5080;lr>, <sip:192.0.2.12:5060;lr>", "sip:peer@192.0.2.11:5060",
			"<sip:192.0.2.12:5060;lr>, <sip:b.example:5080;lr>"},
		{"a strict router", "<sip:192.0.2.12:5060>", "sip:192.0.2.12:5060", "<sip:peer@192.0.2.11:5060>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				p, proxy := w.peer(), w.peer()
				invite, result := w.dial(w.t.Context(), p, DialRequest{})
				p.reply(invite, 200, "OK", "seat", p.sdp(), "Record-Route: "+test.records)
				check := func(m message) {
					t.Helper()
					if got := strings.Fields(m.start)[1]; got != test.uri || m.header("Route") != test.routes {
						t.Errorf("got %s by %s", got, m.header("Route"))
					}
				}
				check(proxy.want("ACK"))
				got := <-result
				go got.leg.Hangup(w.t.Context(), "")
				bye := proxy.want("BYE")
				check(bye)
				proxy.reply(bye, 200, "OK", "", "")
				mustEnd(t, got.leg, ErrEnded)
			})
		})
	}
}

// RFC 3261, 12.1.1: as UAS the route set is that of the INVITE, in its order.
func TestRequestsOfAnIncomingCallTakeItsRoutes(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		records := "<sip:" + p.at.String() + ";lr>, <sip:far.example;lr>"
		d := p.call("Record-Route: " + records)
		if m := d.answered(); m.header("Record-Route") != records {
			t.Error(m)
		}
		d.ack()
		l := <-w.calls
		synctest.Wait()
		go l.Hangup(w.t.Context(), "")
		bye := d.want("BYE")
		if bye.header("Route") != records {
			t.Error(bye)
		}
		d.reply(bye, 200, "OK", "", "")
	})
}
