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

func TestACallIsAnsweredTalkedAndEndedByTheCaller(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		l.Ring(ctx)
		if err := l.Answer(ctx); err != nil {
			t.Error(err)
		}
		mustEnd(t, l, ErrHangup)
	}, func(w *world) {
		p := w.peer()
		d := p.call()
		ringing := d.want("180 INVITE")
		ok := d.answered()
		if ringing.tag("To") == "" || ringing.tag("To") != ok.tag("To") {
			t.Errorf("the 180 and the 200 have different tags:\n%s\n%s", ringing, ok)
		}
		d.ack()
		if n := p.hears(time.Second); n < 49 || n > 51 {
			t.Errorf("%d packets in a second", n)
		}
		d.bye()
		synctest.Wait()
		if n := p.hears(time.Second); n != 0 {
			t.Errorf("%d packets after the end", n)
		}
		if w.ua.Active() != 0 {
			t.Error("a leg was left behind")
		}
	})
}

func TestACallIsEndedByUs(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		l.Answer(ctx)
		<-time.After(time.Second)
		if err := l.Hangup(ctx, "the caller asked for it"); err != nil {
			t.Error(err)
		}
		mustEnd(t, l, ErrEnded)
	}, func(w *world) {
		d := w.peer().call()
		d.answered()
		d.ack()
		bye := d.want("BYE")
		if got := bye.header("Reason"); got != `SIP;cause=200;text="the caller asked for it"` {
			t.Errorf("Reason: %s", got)
		}
		if got := bye.header("From"); got != d.to {
			t.Errorf("From of the BYE is %s, To of the 200 was %s", got, d.to)
		}
		d.reply(bye, 200, "OK", "", "")
	})
}

func TestAHandlerThatReturnsLeavesNoLegBehind(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		if l.To() == "4000" {
			l.Answer(ctx)
		}
	}, func(w *world) {
		d := w.peer().call()
		d.answered()
		d.ack()
		d.reply(d.want("BYE"), 200, "OK", "", "")

		e := w.peer().callTo("other")
		e.ackFailure(e.want("480 INVITE"))
	})
}

func TestTheCallerHangsUpBeforeTheAnswer(t *testing.T) {
	t.Run("with CANCEL", func(t *testing.T) {
		ended := make(chan error, 1)
		inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
			l.Ring(ctx)
			mustEnd(t, l, ErrCancelled)
			ended <- l.Answer(ctx)
		}, func(w *world) {
			d := w.peer().call()
			d.want("180 INVITE")
			d.send(d.text("CANCEL", d.inviteURI, d.branch, 1, ""))
			d.want("200 CANCEL")
			d.ackFailure(d.want("487 INVITE"))
			if err := <-ended; !errors.Is(err, ErrCancelled) {
				t.Errorf("answering a cancelled call: %v", err)
			}
			d.silent(time.Minute)
		})
	})
	t.Run("with BYE", func(t *testing.T) { // RFC 3261, 15: a caller may
		inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
			l.Ring(ctx)
			mustEnd(t, l, ErrHangup)
		}, func(w *world) {
			d := w.peer().call()
			d.learn(d.want("180 INVITE"))
			d.send(d.text("BYE", d.target, "z9hG4bKbye", 2, ""))
			d.want("200 BYE")
			d.ackFailure(d.want("487 INVITE"))
			d.silent(time.Minute)
		})
	})
}

func TestCancelThatCrossesThe200EndsInBye(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().call()
		d.answered()
		d.send(d.text("CANCEL", d.inviteURI, d.branch, 1, ""))
		d.want("200 CANCEL") // it changes nothing (RFC 3261, 9.2)
		d.ack()
		l := <-w.calls
		d.bye()
		mustEnd(t, l, ErrHangup)
	})
}

func TestCancelOfACallThereIsNotIsAnswered481(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		d.begin("CANCEL", "")
		d.want("481 CANCEL")
		d.bye()
	})
}

func TestByesThatCrossAreBothAnswered200(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		l.Answer(ctx)
		<-time.After(time.Second)
		if err := l.Hangup(ctx, ""); err != nil {
			t.Error(err)
		}
	}, func(w *world) {
		d := w.peer().call()
		d.answered()
		d.ack()
		theirs := d.want("BYE")
		d.begin("BYE", "") // before we have answered theirs
		d.want("200 BYE")
		d.reply(theirs, 200, "OK", "", "")
		synctest.Wait()
		if m := d.request("BYE", ""); !m.is("481 BYE") {
			t.Errorf("after the end: %s", m)
		}
	})
}

// RFC 3261, 13.3.1.4: at T1, doubling up to T2, for 64*T1; then the session is ended with BYE.
func TestA200WithoutAckIsRetransmittedByTheScheduleThenHungUp(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		if err := l.Answer(ctx); !errors.Is(err, ErrNoAck) {
			t.Error(err)
		}
		mustEnd(t, l, ErrNoAck)
	}, func(w *world) {
		d := w.peer().call()
		first := d.answered().at
		var got []string
		for {
			m := <-d.in
			if m.is("BYE") {
				d.reply(m, 200, "OK", "", "")
				got = append(got, "BYE at "+m.at.Sub(first).String())
				break
			}
			if !m.is("200 INVITE") {
				t.Fatal(m)
			}
			got = append(got, m.at.Sub(first).String())
		}
		want := "500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s BYE at 32s"
		if got := strings.Join(got, " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestByeBeforeTheAckEndsTheCall(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		if err := l.Answer(ctx); !errors.Is(err, ErrHangup) {
			t.Error(err)
		}
	}, func(w *world) {
		d := w.peer().call()
		d.answered()
		d.bye()
		d.silent(time.Minute)
	})
}

func TestWeWaitForTheAckBeforeOurBye(t *testing.T) { // RFC 3261, 15
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		go func() {
			<-time.After(100 * time.Millisecond)
			l.Hangup(ctx, "")
		}()
		l.Answer(ctx)
		mustEnd(t, l, ErrEnded)
	}, func(w *world) {
		d := w.peer().call()
		d.answered()
		d.silent(400 * time.Millisecond)
		d.ack()
		d.reply(d.want("BYE"), 200, "OK", "", "")
	})
}

func TestARetransmittedInviteIsAnsweredOnce(t *testing.T) {
	calls := 0
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		calls++
		l.Ring(ctx)
		mustEnd(t, l, ErrHangup)
	}, func(w *world) {
		d := w.peer().call()
		first := d.want("180 INVITE")
		d.send(d.inviteText)
		again := d.want("180 INVITE")
		if first.unread != again.unread {
			t.Errorf("the second answer differs:\n%s\n%s", first, again)
		}
		d.learn(first)
		d.request("BYE", "")
		d.ackFailure(d.want("487 INVITE"))
		synctest.Wait()
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestAMergedInviteIsRefused482(t *testing.T) { // RFC 3261, 8.2.2.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.call()
		d.answered()
		d.ack()
		p.send(strings.Replace(d.inviteText, d.branch, d.branch+"-by-another-way", 1))
		p.want("482 INVITE")
		if n := w.counted("ivr_sip_refused_total", "merged request"); n != 1 {
			t.Errorf("counted %v", n)
		}
		d.bye()
	})
}

func TestRequestsOfUnknownDialogsAreAnswered481(t *testing.T) { // RFC 3261, 12.2.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		right := d.to
		for _, method := range []string{"BYE", "INVITE", "UPDATE", "INFO", "NOTIFY", "OPTIONS"} {
			d.to = strings.Split(right, ";tag=")[0] + ";tag=nobody"
			m := d.request(method, "")
			if !m.is("481 " + method) {
				t.Errorf("%s: %s", method, m)
			}
			if method == "INVITE" {
				d.ackFailure(m)
			}
		}
		d.to = right
		d.bye()
	})
}

func TestRequestsOutOfOrderAreAnswered500AndSwappedOnesAreNot(t *testing.T) { // RFC 3261, 12.2.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		info := func(seq int, key string) {
			d.send(strings.Replace(d.text("INFO", d.target, "z9hG4bK"+d.unique(), seq, "Signal="+key), "application/sdp", "application/dtmf-relay", 1))
		}
		info(4, "3") // a burst that the network, or the scheduler, has mixed up
		info(3, "2")
		info(2, "1")
		for range 3 {
			d.want("200 INFO")
		}
		got := ""
		for range 3 {
			got += string((<-l.Media().Digits()).Key)
		}
		if got != "123" {
			t.Errorf("heard %s", got)
		}
		info(2, "9")
		d.want("500 INFO")
		info(40, "4") // numbers may be left out
		d.want("200 INFO")
		d.seq = 40
		d.bye()
	})
}

func TestOptionsSayWhatWeTake(t *testing.T) { // RFC 3261, 11.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		for _, to := range []string{d.to, "<sip:ivr@192.0.2.1>"} {
			d.to = to
			m := d.request("OPTIONS", "")
			if !m.is("200 OPTIONS") || !strings.Contains(m.header("Allow"), "INVITE, ACK, BYE, CANCEL") ||
				!strings.HasPrefix(m.header("Accept"), "application/sdp") {
				t.Error(m)
			}
		}
	})
}

func TestWhatWeDoNotTakeIsRefusedByTheBook(t *testing.T) { // RFC 3261, 8.2
	for _, test := range []struct{ name, method, want, header, value string }{
		{"a method we do not take", "PUBLISH", "405", "Allow", allow},
		{"a method we do not know", "BREW", "501", "Allow", allow},
		{"an extension we lack", "OPTIONS\nRequire: nothing-we-know", "420", "Unsupported", "nothing-we-know"},
		{"a scheme we do not speak", "OPTIONS http://ivr", "416", "", ""},
		{"no hop left", "OPTIONS\nMax-Forwards: 0", "200", "", ""}, // it has arrived
		{"a body we cannot read", "INVITE\nContent-Type: text/plain", "415", "Accept", accept},
	} {
		t.Run(test.name, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				p := w.peer()
				line, more, _ := strings.Cut(test.method, "\n")
				method, uri, found := strings.Cut(line, " ")
				d := p.dialogTo("4000")
				if found {
					d.inviteURI = uri
				}
				body := ""
				if method == "INVITE" {
					body = p.sdp()
				}
				d.send(d.text(method, d.inviteURI, d.branch, 1, body, more))
				m := p.want(test.want + " " + method)
				if test.header != "" && m.header(test.header) != test.value {
					t.Error(m)
				}
				if method == "INVITE" {
					d.ackFailure(m)
				}
			})
		})
	}
}

func TestAnOfferWithoutCommonCodecIsRefused488(t *testing.T) {
	for name, sdp := range map[string]string{
		"codecs":   "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 3 4\r\n",
		"no audio": "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=video 4000 RTP/AVP 0\r\n",
		"no SDP":   "hello",
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, Config{}, nil, func(w *world) {
				d := w.peer().callWith(sdp)
				m := d.want("488 INVITE")
				if !strings.HasPrefix(m.header("Warning"), "399 ivr \"") {
					t.Error(m)
				}
				d.ackFailure(m)
				if n := w.counted("ivr_sip_refused_total", "no audio in common"); n != 1 {
					t.Errorf("counted %v", n)
				}
			})
		})
	}
}

func TestAnInviteWithoutOfferGetsOurs(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.callWith("")
		offer := d.answered().body
		if !strings.Contains(offer, "RTP/AVP 111 9 0 8 101 102") {
			t.Error(offer)
		}
		d.ack(p.sdp())
		if n := p.hears(time.Second); n < 45 {
			t.Errorf("%d packets in the first second", n)
		}
		d.bye()
	})
}

func TestAnAckWithoutTheAnswerEndsTheCall(t *testing.T) {
	for name, body := range map[string]string{"empty": "", "no codec": "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 4000 RTP/AVP 3\r\n"} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
				if err := l.Answer(ctx); !errors.Is(err, ErrMedia) {
					t.Error(err)
				}
			}, func(w *world) {
				d := w.peer().callWith("")
				d.answered()
				d.ack(body)
				d.reply(d.want("BYE"), 200, "OK", "", "")
			})
		})
	}
}

func TestSDPInAMultipartBodyIsFound(t *testing.T) { // RFC 5621; SIP-I wraps ISUP beside it
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		body := "--x\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n\x01\x00\r\n--x\r\nContent-Type: application/sdp\r\n\r\n" + p.sdp() + "\r\n--x--\r\n"
		d := p.callWith(body, `Content-Type: multipart/mixed;boundary="x"`)
		d.answered()
		d.ack()
		if n := p.hears(time.Second); n < 45 {
			t.Errorf("%d packets in the first second", n)
		}
		d.bye()
	})
}

func TestCallsAboveTheLimitAreRefused503WithRetryAfter(t *testing.T) {
	inFakeTime(t, Config{MaxCalls: 1, RetryAfter: 7 * time.Second}, nil, func(w *world) {
		first := w.peer().confirmed()
		second := w.peer().call()
		m := second.want("503 INVITE")
		if m.header("Retry-After") != "7" {
			t.Error(m)
		}
		second.ackFailure(m)
		if n := w.counted("ivr_sip_refused_total", "too many calls"); n != 1 {
			t.Errorf("counted %v", n)
		}
		first.bye()
		synctest.Wait()
		w.peer().confirmed().bye() // the place is free again
	})
}

func TestWhileDrainingCallsAreRefusedAndThoseInProgressGoOn(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		w.ua.Drain()
		e := w.peer().call()
		m := e.want("503 INVITE")
		if m.header("Retry-After") == "" {
			t.Error(m)
		}
		e.ackFailure(m)
		e.to = "<sip:ivr@192.0.2.1>"
		e.target = "sip:ivr@192.0.2.1"
		if m := e.request("OPTIONS", ""); !m.is("503 OPTIONS") {
			t.Error(m) // a trunk that asks stops sending calls
		}
		if n := d.hears(time.Second); n < 49 {
			t.Errorf("the call in progress hears %d packets", n)
		}
		d.bye()
		if n := w.counted("ivr_sip_refused_total", "draining"); n != 1 {
			t.Errorf("counted %v", n)
		}
	})
}

func TestUnknownSourcesAreNotAnsweredButCounted(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		stranger := w.peerAt(netip.MustParseAddrPort("198.51.100.7:5060"))
		stranger.call()
		stranger.silent(time.Minute)
		if n := w.counted("ivr_sip_refused_total", "unknown source"); n != 1 {
			t.Errorf("counted %v", n)
		}
	})
}

func TestAPanicEndsOnlyItsOwnCall(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		switch l.To() {
		case "late":
			l.Answer(ctx)
			panic("after the answer")
		case "early":
			panic("before the answer")
		}
		l.Answer(ctx)
		untilEnd(ctx, l)
	}, func(w *world) {
		well := w.peer().confirmed()
		d := w.peer().callTo("early")
		d.ackFailure(d.want("500 INVITE"))
		e := w.peer().callTo("late")
		e.answered()
		e.ack()
		e.reply(e.want("BYE"), 200, "OK", "", "")
		if n := well.hears(time.Second); n < 49 {
			t.Errorf("the call beside them hears %d packets", n)
		}
		well.bye()
		if n := w.counted("ivr_sip_panics_total"); n != 2 {
			t.Errorf("counted %v", n)
		}
	})
}

func TestManyCallsLeaveNothingBehind(t *testing.T) {
	inFakeTime(t, Config{Guard: Guard{Rate: -1}}, nil, func(w *world) {
		p := w.peer()
		for i := range 200 {
			d := p.confirmed()
			if i%2 == 0 {
				d.bye()
				<-w.calls
				continue
			}
			l := <-w.calls
			go l.Hangup(context.Background(), fmt.Sprint(i))
			d.reply(d.want("BYE"), 200, "OK", "", "")
		}
		synctest.Wait()
		w.ua.mu.Lock()
		defer w.ua.mu.Unlock()
		if len(w.ua.legs)+len(w.ua.invites)+len(w.ua.parting) != 0 {
			t.Errorf("left: %v %v %v", w.ua.legs, w.ua.invites, w.ua.parting)
		}
	})
}
