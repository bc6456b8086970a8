package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// change runs a change of ours and returns its outcome.
func (w *world) change(f func(context.Context) error) chan error {
	done := make(chan error, 1)
	finished := make(chan struct{})
	go func() { defer close(finished); done <- f(context.Background()) }()
	w.t.Cleanup(func() { <-finished })
	return done
}

func TestWeHoldTheFarEndAndResume(t *testing.T) { // RFC 3264, 8.4
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		done := w.change(l.Hold)
		m := d.want("INVITE")
		if !strings.Contains(m.body, "a=sendonly\r\n") || strings.Fields(strings.Split(m.body, "o=ivr ")[1])[1] != "2" {
			t.Error(m)
		}
		d.reply(m, 200, "OK", "", d.sdp("a=recvonly"))
		d.want("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := l.Media().Params(); !got.Send || got.Receive {
			t.Errorf("held: we send %v and receive %v", got.Send, got.Receive)
		}
		// Whatever it offers meanwhile, it stays held.
		if m := d.request("UPDATE", d.sdp()); !strings.Contains(m.body, "a=sendonly\r\n") {
			t.Error(m)
		}
		if m := d.request("UPDATE", d.sdp("a=sendonly")); !strings.Contains(m.body, "a=inactive\r\n") {
			t.Error(m)
		}
		done = w.change(l.Resume)
		m = d.want("INVITE")
		if !strings.Contains(m.body, "a=sendrecv\r\n") {
			t.Error(m)
		}
		d.reply(m, 200, "OK", "", d.sdp())
		d.want("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := l.Media().Params(); !got.Send || !got.Receive {
			t.Errorf("resumed: we send %v and receive %v", got.Send, got.Receive)
		}
		d.bye()
	})
}

// RFC 6141, 3.1 and RFC 3261, 14.1: a refused offer changes nothing.
func TestAHoldOfOursThatIsRefusedLeavesTheCallAsItWas(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		done := w.change(l.Hold)
		m := d.want("INVITE")
		d.reply(m, 488, "Not Acceptable Here", "", "")
		d.want("ACK")
		if err := <-done; !errors.Is(err, ErrMedia) {
			t.Error(err)
		}
		if m := d.request("UPDATE", d.sdp()); !strings.Contains(m.body, "a=sendrecv\r\n") {
			t.Error(m)
		}
		if n := d.hears(time.Second); n < 49 {
			t.Errorf("%d packets in a second", n)
		}
		d.bye()
	})
}

func TestAnOfferOfOursToADialogThatIsNoMoreEndsTheLeg(t *testing.T) { // RFC 3261, 12.2.1.2
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		done := w.change(l.Hold)
		d.reply(d.want("INVITE"), 481, "Call/Transaction Does Not Exist", "", "")
		d.want("ACK")
		if err := <-done; err == nil {
			t.Error("held")
		}
		mustEnd(t, l, ErrHangup)
	})
}

// RFC 3261, 14.1: who began the call waits 2.1 to 4 s, the other up to 2 s, so that the next offers do not cross too.
func TestOffersThatCrossAreBothRefusedAndTriedAgainAfterARandomTime(t *testing.T) {
	check := func(t *testing.T, w *world, d *dialog, l *Leg, least, most time.Duration) {
		t.Helper()
		synctest.Wait()
		done := w.change(l.Hold)
		ours := d.want("INVITE")
		theirs := d.request("INVITE", d.sdp())
		if !theirs.is("491 INVITE") {
			t.Error(theirs)
		}
		d.ackFailure(theirs)
		d.reply(ours, 491, "Request Pending", "", "")
		d.want("ACK")
		refused := time.Now()
		again := d.want("INVITE")
		if waited := time.Since(refused).Round(time.Millisecond); waited < least || waited > most || again.header("CSeq") == ours.header("CSeq") {
			t.Errorf("after %v, not %v to %v:\n%s", waited, least, most, again)
		}
		d.reply(again, 200, "OK", "", d.sdp("a=recvonly"))
		d.want("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.bye()
	}
	t.Run("of a call to us", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			d := w.peer().confirmed()
			check(t, w, d, <-w.calls, 0, 2*time.Second)
		})
	})
	t.Run("of a call of ours", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			invite, result := w.dial(w.t.Context(), p, DialRequest{})
			p.reply(invite, 200, "OK", "seat", p.sdp())
			p.want("ACK")
			check(t, w, p.dialogOf(invite, "seat"), (<-result).leg, 2100*time.Millisecond, 4*time.Second)
		})
	})
}

func TestAnOfferOfOursWaitsForOneOfTheirsToEnd(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		d.begin("INVITE", d.sdp())
		d.answered() // and not acknowledged yet
		done := w.change(l.Hold)
		d.silent(400 * time.Millisecond)
		d.ack()
		m := d.want("INVITE")
		d.reply(m, 200, "OK", "", d.sdp("a=recvonly"))
		d.want("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.bye()
	})
}

func TestA200ToOurOfferIsAcknowledgedAgain(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		done := w.change(l.Hold)
		m := d.want("INVITE")
		for range 3 {
			d.reply(m, 200, "OK", "", d.sdp("a=recvonly"))
			if ack := d.want("ACK"); ack.header("CSeq") != strings.Replace(m.header("CSeq"), "INVITE", "ACK", 1) {
				t.Error(ack)
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		d.bye()
	})
}

func TestAByeThatCrossesOurOfferEndsTheCall(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		d := w.peer().confirmed()
		l := <-w.calls
		synctest.Wait()
		done := w.change(l.Hold)
		m := d.want("INVITE")
		d.begin("BYE", "")
		d.want("200 BYE")
		d.reply(m, 487, "Request Terminated", "", "")
		d.want("ACK")
		if err := <-done; err == nil {
			t.Error("held")
		}
		mustEnd(t, l, ErrHangup)
		d.silent(time.Minute)
	})
}

// RFC 3264, 8: an offer keeps the streams of the descriptions before, in their order.
func TestOurOffersKeepTheStreamsOfTheCall(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		d := p.callWith("v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 " + p.at.Addr().String() + "\r\nt=0 0\r\n" +
			"m=video 5000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\nm=audio 4000 RTP/AVP 8\r\n")
		d.answered()
		d.ack()
		m := d.request("INVITE", "")
		if lines := strings.Split(m.body, "m="); len(lines) != 3 || !strings.HasPrefix(lines[1], "video 0 ") || !strings.HasPrefix(lines[2], "audio ") {
			t.Error(m)
		}
		d.ack(p.sdp())
		synctest.Wait()
		d.bye()
	})
}
