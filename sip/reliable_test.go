package sip

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ivr/media"
)

// prack acknowledges a reliable response.
func (d *dialog) prack(m message, body string) message {
	d.t.Helper()
	d.learn(m)
	return d.request("PRACK", body, "RAck: "+m.header("RSeq")+" 1 INVITE")
}

// ackFirst acknowledges the 200 to the INVITE that made the dialog, whatever was asked since.
func (d *dialog) ackFirst() {
	d.t.Helper()
	seq := d.seq
	d.seq = 1
	d.ack()
	d.seq = seq
}

// early100ms is a handler that is heard before it answers.
func early100ms(ctx context.Context, l *Leg) {
	if l.Progress(ctx) != nil {
		return
	}
	<-time.After(100 * time.Millisecond)
	if l.Answer(ctx) == nil {
		untilEnd(ctx, l)
	}
}

func TestEarlyMediaIsHeardBeforeTheAnswer(t *testing.T) { // RFC 3262, 5
	for name, supported := range map[string]string{"reliably": "100rel", "as it comes": ""} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
				if err := l.Progress(ctx); err != nil {
					t.Error(err)
				}
				<-time.After(3 * time.Second)
				if err := l.Answer(ctx); err == nil {
					untilEnd(ctx, l)
				}
			}, func(w *world) {
				d := w.peer().call("Supported: " + supported)
				progress := d.want("183 INVITE")
				if reliable := progress.header("RSeq") != "" && progress.header("Require") == "100rel"; reliable != (supported != "") {
					t.Error(progress)
				}
				if supported != "" {
					if m := d.prack(progress, ""); !m.is("200 PRACK") {
						t.Error(m)
					}
				}
				if n := d.hears(time.Second); n < 49 {
					t.Errorf("before the answer the peer hears %d packets in a second", n)
				}
				ok := d.want("200 INVITE")
				d.learn(ok)
				if again := ok.body == progress.body; !again && supported == "" || ok.body != "" && supported != "" {
					t.Errorf("the answer was\n%s\nand then\n%s", progress, ok)
				}
				d.ackFirst()
				if n := d.hears(time.Second); n < 49 {
					t.Errorf("after the answer the peer hears %d packets in a second", n)
				}
				d.bye()
			})
		})
	}
}

// RFC 3262, 3: from T1 on, doubling without limit, for 64*T1; then the call is refused.
func TestAReliableResponseIsSentUntilItsPrackThenTheCallIsRefused(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		if err := l.Ring(ctx); !errors.Is(err, ErrNoPrack) {
			t.Error(err)
		}
	}, func(w *world) {
		d := w.peer().call("Require: 100rel")
		first := d.want("180 INVITE")
		var got []string
		for {
			m := <-d.in
			got = append(got, m.at.Sub(first.at).String())
			if m.is("504 INVITE") {
				d.ackFailure(m)
				break
			}
			if m.unread != first.unread {
				t.Fatal(m)
			}
		}
		if got := strings.Join(got, " "); got != "500ms 1.5s 3.5s 7.5s 15.5s 31.5s 32s" {
			t.Error(got)
		}
	})
}

func TestACallerThatRequires100relGetsEveryProvisionalResponseReliably(t *testing.T) {
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		for _, send := range []func(context.Context) error{l.Ring, l.Progress, l.Answer} {
			if err := send(ctx); err != nil {
				t.Error(err)
			}
		}
		untilEnd(ctx, l)
	}, func(w *world) {
		d := w.peer().call("Require: 100rel")
		ringing := d.want("180 INVITE")
		d.prack(ringing, "")
		progress := d.want("183 INVITE")
		if d.prack(ringing, ""); progress.header("RSeq") == ringing.header("RSeq") {
			t.Errorf("%s\n%s", ringing, progress)
		}
		if m := d.prack(progress, ""); !m.is("200 PRACK") {
			t.Error(m)
		}
		d.want("200 INVITE")
		d.ackFirst()
		synctest.Wait()
		d.bye()
	})
}

func TestAPrackOfNothingIsAnswered481(t *testing.T) { // RFC 3262, 3
	inFakeTime(t, Config{}, early100ms, func(w *world) {
		d := w.peer().call("Supported: 100rel")
		progress := d.want("183 INVITE")
		d.learn(progress)
		for _, rack := range []string{"RAck: 1 1 INVITE", "RAck: " + progress.header("RSeq") + " 2 INVITE", "RAck: " + progress.header("RSeq") + " 1 UPDATE", "RAck: x", "X: y"} {
			if m := d.request("PRACK", "", rack); !m.is("481 PRACK") {
				t.Errorf("%s: %s", rack, m)
			}
		}
		if m := d.prack(progress, ""); !m.is("200 PRACK") {
			t.Error(m)
		}
		if m := d.prack(progress, ""); !m.is("481 PRACK") {
			t.Error(m)
		}
		d.want("200 INVITE")
		d.begin("BYE", "")
		d.want("200 BYE")
	})
}

// RFC 3262, 5: to an INVITE without one, the first reliable response brings the offer, and the PRACK its answer.
func TestAnInviteWithoutOfferGetsOursInAReliableResponse(t *testing.T) {
	t.Run("and the PRACK answers it", func(t *testing.T) {
		inFakeTime(t, Config{}, early100ms, func(w *world) {
			d := w.peer().callWith("", "Supported: 100rel")
			progress := d.want("183 INVITE")
			if !strings.Contains(progress.body, "m=audio") {
				t.Error(progress)
			}
			d.prack(progress, d.sdp())
			if ok := d.want("200 INVITE"); ok.body != "" {
				t.Error(ok)
			}
			d.ackFirst()
			if n := d.hears(time.Second); n < 45 {
				t.Errorf("the peer hears %d packets in a second", n)
			}
			d.begin("BYE", "")
			d.want("200 BYE")
		})
	})
	t.Run("and one without answer refuses the call", func(t *testing.T) {
		inFakeTime(t, Config{}, early100ms, func(w *world) {
			d := w.peer().callWith("", "Supported: 100rel")
			progress := d.want("183 INVITE")
			d.learn(progress)
			d.begin("PRACK", "", "RAck: "+progress.header("RSeq")+" 1 INVITE")
			for seen := 0; seen < 2; seen++ {
				m := <-d.in
				if !m.is("488 PRACK") && !m.is("488 INVITE") {
					t.Error(m)
				}
			}
		})
	})
}

func TestAPrackMayBringAnotherOffer(t *testing.T) {
	inFakeTime(t, Config{}, early100ms, func(w *world) {
		d := w.peer().call("Supported: 100rel")
		progress := d.want("183 INVITE")
		m := d.prack(progress, d.sdp("a=recvonly"))
		if !m.is("200 PRACK") || !strings.Contains(m.body, "a=sendonly") {
			t.Error(m)
		}
		d.want("200 INVITE")
		d.begin("BYE", "")
		d.want("200 BYE")
	})
}

func TestReliableResponsesToUsAreAcknowledgedOnceAndInOrder(t *testing.T) { // RFC 3262, 4
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		heard := 0
		invite, result := w.dial(w.t.Context(), p, DialRequest{OnEarly: func(s *media.Stream) { heard++ }})
		if !strings.Contains(invite.header("Supported"), "100rel") {
			t.Error(invite)
		}
		p.reply(invite, 183, "Session Progress", "seat", p.sdp(), "Require: 100rel", "RSeq: 7000")
		first := p.want("PRACK")
		if first.header("RAck") != "7000 1 INVITE" || first.header("CSeq") != "2 PRACK" || first.tag("To") != "seat" {
			t.Error(first)
		}
		p.reply(first, 200, "OK", "", "")
		if n := p.hears(time.Second); n < 49 {
			t.Errorf("before the answer the peer hears %d packets in a second", n)
		}
		p.reply(invite, 183, "Session Progress", "seat", p.sdp(), "Require: 100rel", "RSeq: 7000") // once more
		p.reply(invite, 180, "Ringing", "seat", "", "Require: 100rel", "RSeq: 7002")               // overtook 7001
		p.silent(10 * time.Second)
		p.reply(invite, 180, "Ringing", "seat", "", "Require: 100rel", "RSeq: 7001")
		second := p.want("PRACK")
		if second.header("RAck") != "7001 1 INVITE" || second.header("CSeq") != "3 PRACK" {
			t.Error(second)
		}
		p.reply(second, 200, "OK", "", "")
		p.reply(invite, 200, "OK", "seat", "") // the answer came before
		p.want("ACK")
		got := <-result
		if got.err != nil || heard != 1 {
			t.Fatal(got.err, heard)
		}
		if n := p.hears(time.Second); n < 49 {
			t.Errorf("after the answer the peer hears %d packets in a second", n)
		}
		d := p.dialogOf(invite, "seat")
		d.bye()
	})
}

// FIELD: outbound calls talked before the pick-up: what is heard before the answer does not make it one.
func TestACallOfOursIsNotAnsweredByEarlyMedia(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p := w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		p.reply(invite, 183, "Session Progress", "seat", p.sdp())
		select {
		case got := <-result:
			t.Errorf("the call returned before the answer: %v", got.err)
		case <-time.After(time.Minute):
		}
		p.reply(invite, 200, "OK", "seat", p.sdp())
		p.want("ACK")
		if got := <-result; got.err != nil {
			t.Error(got.err)
		}
		p.dialogOf(invite, "seat").bye()
	})
}

// RFC 3261, 13.2.2.4 and RFC 3262: each phone of a forked call has a dialog, and numbers, of its own; who answers is heard.
func TestEachPhoneOfAForkedCallHasItsOwnEarlyDialog(t *testing.T) {
	inFakeTime(t, Config{}, nil, func(w *world) {
		p, other := w.peer(), w.peer()
		invite, result := w.dial(w.t.Context(), p, DialRequest{})
		theirs := strings.ReplaceAll(p.sdp(), p.at.Addr().String(), other.at.Addr().String())
		p.reply(invite, 183, "Session Progress", "first", p.sdp(), "Require: 100rel", "RSeq: 1")
		first := p.want("PRACK")
		p.reply(first, 200, "OK", "", "")
		p.reply(invite, 183, "Session Progress", "second", theirs, "Require: 100rel", "RSeq: 900")
		second := p.want("PRACK")
		p.reply(second, 200, "OK", "", "")
		if first.tag("To") != "first" || second.tag("To") != "second" || second.header("CSeq") != "2 PRACK" || second.header("RAck") != "900 1 INVITE" {
			t.Errorf("%s\n%s", first, second)
		}
		p.reply(invite, 200, "OK", "first", "")
		if m := p.want("ACK"); m.tag("To") != "first" {
			t.Error(m)
		}
		if got := <-result; got.err != nil {
			t.Fatal(got.err)
		}
		if n, m := p.hears(time.Second), other.hears(time.Second); n < 45 || m > 1 {
			t.Errorf("who answered hears %d packets, the other %d", n, m)
		}
		p.dialogOf(invite, "first").bye()
	})
}

func TestAnUpdateBeforeTheAnswerChangesTheAudio(t *testing.T) { // RFC 3311, 5.2
	t.Run("of a call to us, once the first offer has its answer", func(t *testing.T) {
		hold := make(chan struct{})
		inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
			l.Ring(ctx)
			<-hold
			if l.Progress(ctx) == nil {
				<-time.After(2 * time.Second)
				if l.Answer(ctx) == nil {
					untilEnd(ctx, l)
				}
			}
		}, func(w *world) {
			d := w.peer().call("Supported: 100rel")
			d.learn(d.want("180 INVITE"))
			if m := d.request("UPDATE", d.sdp()); !m.is("500 UPDATE") || m.header("Retry-After") == "" {
				t.Error(m)
			}
			if m := d.request("UPDATE", "", "Contact: <sip:elsewhere@"+d.at.String()+">"); !m.is("200 UPDATE") || m.body != "" {
				t.Error(m)
			}
			close(hold)
			d.prack(d.want("183 INVITE"), "")
			if m := d.request("UPDATE", d.sdp("a=inactive")); !m.is("200 UPDATE") || !strings.Contains(m.body, "a=inactive") {
				t.Error(m)
			}
			if n := d.hears(time.Second); n > 1 {
				t.Errorf("inactive, and the peer hears %d packets in a second", n)
			}
			d.want("200 INVITE")
			d.ackFirst()
			if m := d.request("UPDATE", d.sdp()); !m.is("200 UPDATE") {
				t.Error(m)
			}
			if n := d.hears(time.Second); n < 45 {
				t.Errorf("resumed, and the peer hears %d packets in a second", n)
			}
			l := w.ua.aLeg()
			synctest.Wait()
			go l.Hangup(w.t.Context(), "")
			bye := d.want("BYE")
			if !strings.HasPrefix(bye.start, "BYE sip:peer@") { // the last UPDATE brought the target back
				t.Error(bye)
			}
			d.reply(bye, 200, "OK", "", "")
		})
	})
	t.Run("of a call of ours", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			invite, result := w.dial(w.t.Context(), p, DialRequest{})
			p.reply(invite, 180, "Ringing", "seat", "")
			d := p.dialogOf(invite, "seat")
			if m := d.request("UPDATE", d.sdp()); !m.is("491 UPDATE") { // our offer has no answer
				t.Error(m)
			}
			p.reply(invite, 183, "Session Progress", "seat", p.sdp(), "Require: 100rel", "RSeq: 1")
			p.reply(p.want("PRACK"), 200, "OK", "", "")
			if m := d.request("UPDATE", d.sdp("a=sendonly")); !m.is("200 UPDATE") || !strings.Contains(m.body, "a=recvonly") {
				t.Error(m)
			}
			if n := d.hears(time.Second); n > 1 {
				t.Errorf("held, and the peer hears %d packets in a second", n)
			}
			p.reply(invite, 200, "OK", "seat", "")
			p.want("ACK")
			got := <-result
			if n := d.hears(time.Second); n > 1 {
				t.Errorf("the answer ended the hold: %d packets in a second", n)
			}
			d.bye()
			mustEnd(t, got.leg, ErrHangup)
		})
	})
}

// aLeg is the one there is.
func (ua *UA) aLeg() *Leg {
	ua.mu.Lock()
	defer ua.mu.Unlock()
	for _, l := range ua.legs {
		return l
	}
	return nil
}

// RFC 3264, 4: the far end makes the offer, and the ACK answers it.
func TestACallOfOursWithoutOfferAnswersThatOfTheFarEnd(t *testing.T) {
	t.Run("in the ACK", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			invite, result := w.dial(w.t.Context(), p, DialRequest{Late: true})
			if invite.body != "" || invite.header("Content-Type") != "" {
				t.Error(invite)
			}
			for range 2 { // the ACK that was lost has the answer too
				p.reply(invite, 200, "OK", "seat", p.sdp())
				if ack := p.want("ACK"); !strings.Contains(ack.body, "RTP/AVP 0 101") || ack.header("Content-Type") != contentSDP {
					t.Error(ack)
				}
			}
			got := <-result
			if got.err != nil {
				t.Fatal(got.err)
			}
			if n := p.hears(time.Second); n < 45 {
				t.Errorf("%d packets in a second", n)
			}
			p.dialogOf(invite, "seat").bye()
		})
	})
	t.Run("in the PRACK", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			invite, result := w.dial(w.t.Context(), p, DialRequest{Late: true})
			p.reply(invite, 183, "Session Progress", "seat", p.sdp(), "Require: 100rel", "RSeq: 1")
			prack := p.want("PRACK")
			if !strings.Contains(prack.body, "RTP/AVP 0 101") {
				t.Error(prack)
			}
			p.reply(prack, 200, "OK", "", "")
			p.reply(invite, 200, "OK", "seat", "")
			if ack := p.want("ACK"); ack.body != "" {
				t.Error(ack)
			}
			if got := <-result; got.err != nil {
				t.Fatal(got.err)
			}
			p.dialogOf(invite, "seat").bye()
		})
	})
	t.Run("and ends when there is no codec in common", func(t *testing.T) {
		inFakeTime(t, Config{}, nil, func(w *world) {
			p := w.peer()
			invite, result := w.dial(w.t.Context(), p, DialRequest{Late: true})
			p.reply(invite, 200, "OK", "seat", strings.Replace(p.sdp(), "RTP/AVP 0 8 101", "RTP/AVP 3", 1))
			p.want("ACK")
			p.reply(p.want("BYE"), 200, "OK", "", "")
			if got := <-result; !errors.Is(got.err, ErrMedia) {
				t.Error(got.err)
			}
		})
	})
}

// FIELD: greetings were clipped, because the audio was not up when the first word was said. The stream runs before our 200 leaves.
func TestTheFirstWordAfterTheAnswerIsHeardWhole(t *testing.T) {
	const length = 600 * time.Millisecond
	word := make([]int16, int(length.Seconds()*media.SampleRate))
	for i := range word {
		word[i] = int16(8000 * (i/20%2*2 - 1))
	}
	inFakeTime(t, Config{}, func(ctx context.Context, l *Leg) {
		if l.Answer(ctx) != nil {
			return
		}
		said := l.Media().Play(media.NewPrompt(word))
		<-said.Done()
		if !said.Finished() {
			t.Error("the word was cut")
		}
		untilEnd(ctx, l)
	}, func(w *world) {
		p := w.peer()
		loud := 0
		p.listen = func(packet []byte) {
			if len(packet) == 12+160 && slices.ContainsFunc(packet[12:], func(b byte) bool { return b&0x7f < 0x30 }) { // μ-law, over -20 dBov
				loud++
			}
		}
		d := p.call()
		d.answered()
		d.ack()
		p.hears(2 * time.Second)
		synctest.Wait()
		d.bye()
		if want := int(length / (20 * time.Millisecond)); loud < want || loud > want+1 {
			t.Errorf("%d loud packets, want %d", loud, want)
		}
	})
}
