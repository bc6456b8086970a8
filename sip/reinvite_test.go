package sip

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// FIELD: a hold answered sendrecv, or with a wrong address, kills calls. The answer mirrors the offer (RFC 3264, 6.1), what flows
// follows it, and the resume restores both ways.
func TestHoldIsAnsweredByItsDirectionAndResumeRestoresAudioBothWays(t *testing.T) {
	for _, test := range []struct {
		name, offer string
		answer      string
		hears       bool // the peer, while held
		heard       bool // by us, while held
	}{
		{"sendonly: music to us", "a=sendonly", "recvonly", false, true},
		{"recvonly: only listens", "a=recvonly", "sendonly", true, false},
		{"inactive", "a=inactive", "inactive", false, false},
		{"sendrecv", "a=sendrecv", "sendrecv", true, true},
		{"the direction of the session", "session a=sendonly", "recvonly", false, true},
		{"c=0.0.0.0, as RFC 2543 had it", "c=0.0.0.0", "recvonly", false, true},
		{"c=0.0.0.0 and inactive", "c=0.0.0.0 a=inactive", "inactive", false, false},
	} {
		for _, method := range []string{"INVITE", "UPDATE"} {
			t.Run(test.name+" by "+method, func(t *testing.T) {
				inFakeTime(t, Config{}, nil, func(w *world) {
					d := w.peer().confirmed()
					l := <-w.calls
					d.talk(netip.AddrPortFrom(uaAt.Addr(), uint16(l.Media().LocalPort())))
					offer := d.sdp()
					for _, part := range strings.Fields(test.offer) {
						switch {
						case part == "session":
						case part == "c=0.0.0.0":
							offer = strings.Replace(offer, "c=IN IP4 "+d.at.Addr().String(), "c=IN IP4 0.0.0.0", 1)
						case strings.HasPrefix(test.offer, "session"):
							offer = strings.Replace(offer, "t=0 0\r\n", "t=0 0\r\n"+part+"\r\n", 1)
						default:
							offer += part + "\r\n"
						}
					}
					flows := func(when string, hears, heard bool) {
						t.Helper()
						synctest.Wait()
						before := l.Media().Stats().Received
						if n := d.hears(time.Second); hears != (n > 45) || !hears && n > 1 {
							t.Errorf("%s: the peer hears %d packets in a second", when, n)
						}
						if n := l.Media().Stats().Received - before; heard && n < 45 {
							t.Errorf("%s: we hear %d packets in a second", when, n)
						}
					}
					change := func(offer, want string) {
						t.Helper()
						m := d.request(method, offer)
						if !m.is("200 "+method) || !strings.Contains(m.body, "a="+want+"\r\n") ||
							!strings.Contains(m.body, fmt.Sprintf("c=IN IP4 %s\r\n", uaAt.Addr())) {
							t.Fatalf("want %s, got\n%s", want, m)
						}
						if method == "INVITE" {
							d.ack()
						}
					}
					flows("before", true, true)
					change(offer, test.answer)
					if got := l.Media().Params(); got.Send != test.hears || got.Receive != test.heard {
						t.Errorf("we send %v and receive %v", got.Send, got.Receive)
					}
					flows("held", test.hears, test.heard)
					change(d.sdp(), "sendrecv")
					flows("resumed", true, true)
					d.bye()
				})
			})
		}
	}
}

func TestTheOriginLineCountsWhatChanged(t *testing.T) { // RFC 3264, 8
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.call()
		origin := func(m message) string {
			_, o, _ := strings.Cut(m.body, "o=ivr ")
			return strings.Join(strings.Fields(o)[:2], " ")
		}
		first := origin(d.answered())
		d.ack()
		same := origin(d.request("UPDATE", p.sdp()))
		held := origin(d.request("UPDATE", p.sdp("a=inactive")))
		id := strings.Fields(first)[0]
		if first != id+" 1" || same != first || held != id+" 2" {
			t.Errorf("%s, %s, %s", first, same, held)
		}
		d.bye()
	})
}

// FIELD: re-INVITEs without SDP, as Cisco and Webex send them.
func TestAReinviteWithoutOfferGetsOursAndTheAckAnswersIt(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		m := d.request("INVITE", "")
		if !m.is("200 INVITE") || !strings.Contains(m.body, "RTP/AVP 111 9 0 8 101 102") {
			t.Fatal(m)
		}
		d.ack(d.sdp("a=sendonly"))
		synctest.Wait()
		if l.Media().Params().Send {
			t.Error("the answer put us on hold, but we go on sending")
		}
		d.bye()
	})
}

// FIELD: the far end moves its audio during the call.
func TestAReinviteMovesTheAudio(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d, other := w.peer().confirmed(), w.peer()
		m := d.request("INVITE", strings.ReplaceAll(d.sdp(), d.at.Addr().String(), other.at.Addr().String()))
		if !m.is("200 INVITE") {
			t.Fatal(m)
		}
		d.ack()
		if n := other.hears(time.Second); n < 45 {
			t.Errorf("the new place hears %d packets in a second", n)
		}
		if n := d.hears(time.Second); n > 1 {
			t.Errorf("the old place hears %d packets in a second", n)
		}
		d.bye()
	})
}

func TestAReinviteRefreshesTheTarget(t *testing.T) { // RFC 3261, 12.2.1.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		d.request("INVITE", d.sdp(), "Contact: <sip:elsewhere@"+d.at.String()+">")
		d.ack()
		synctest.Wait()
		go l.Hangup(w.t.Context(), "")
		bye := d.want("BYE")
		if !strings.HasPrefix(bye.start, "BYE sip:elsewhere@") {
			t.Error(bye)
		}
		d.reply(bye, 200, "OK", "", "")
	})
}

func TestAnOfferInTheMiddleOfAnotherIsAnswered491(t *testing.T) { // RFC 3261, 14.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		d.begin("INVITE", d.sdp())
		d.answered() // and not acknowledged yet
		if m := d.request("UPDATE", d.sdp()); !m.is("491 UPDATE") {
			t.Error(m)
		}
		d.seq--
		d.ack()
		d.seq++
		if m := d.request("UPDATE", d.sdp()); !m.is("200 UPDATE") {
			t.Error(m)
		}
		d.bye()
	})
}

func TestAnOfferBeforeOurAnswerIsAcknowledgedIsAnswered491(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().call()
		d.answered()
		if m := d.request("UPDATE", d.sdp()); !m.is("491 UPDATE") {
			t.Error(m)
		}
		d.seq = 1
		d.ack()
		d.seq = 2
		d.bye()
	})
}

func TestAReinviteWeCannotTakeIsRefusedAndTheCallGoesOn(t *testing.T) { // RFC 3261, 14.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		m := d.request("INVITE", strings.Replace(d.sdp(), "RTP/AVP 0 8 101", "RTP/AVP 3", 1))
		if !m.is("488 INVITE") {
			t.Fatal(m)
		}
		d.ackFailure(m)
		if n := d.hears(time.Second); n < 49 {
			t.Errorf("%d packets in a second", n)
		}
		d.bye()
	})
}

func TestAReinviteWhoseAckIsLostDoesNotEndTheCall(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		d.begin("INVITE", d.sdp())
		for range 11 { // the schedule of RFC 3261, 13.3.1.4
			d.want("200 INVITE")
		}
		d.silent(time.Minute)
		if n := d.hears(time.Second); n < 49 {
			t.Errorf("%d packets in a second", n)
		}
		if n := w.counted("ivr_sip_failures_total", "no ack"); n != 1 {
			t.Errorf("counted %v", n)
		}
		d.bye()
	})
}

func TestStreamsWeDoNotTakeAreRefusedAndTheirOrderKept(t *testing.T) { // RFC 3264, 6
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		body := "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 " + p.at.Addr().String() + "\r\nt=0 0\r\n" +
			"m=video 5000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/SAVP 0\r\n"
		d := p.callWith(body)
		m := d.answered()
		d.ack()
		var got []string
		for _, l := range strings.Split(m.body, "\r\n") {
			if strings.HasPrefix(l, "m=") {
				got = append(got, l)
			}
		}
		if len(got) != 3 || got[0] != "m=video 0 RTP/AVP 96" || !strings.HasSuffix(got[1], " RTP/AVP 8") || got[2] != "m=audio 0 RTP/SAVP 0" {
			t.Errorf("%q", got)
		}
		d.bye()
	})
}
