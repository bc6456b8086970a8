package call

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ivr/dialog"
	"ivr/transfer"
)

func TestARoutineQuestionIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		r := s.run(func() {
			wait(5 * time.Second)
			s.says("when are you open")
			wait(5 * time.Second)
			s.says("goodbye")
		})
		if r.Cause != CauseDone {
			t.Errorf("ended because %q", r.Cause)
		}
		if said := s.saidBy(r, "bot"); !strings.Contains(said, "eight to six") {
			t.Errorf("the bot said %q", said)
		}
		var asked *Line
		for i, l := range r.Lines {
			if l.Text == "when are you open" {
				asked = &r.Lines[i]
			}
		}
		if asked == nil || asked.Turn == nil || asked.Turn.Intent != "hours" {
			t.Fatalf("the question is recorded as %+v", asked)
		}
		if g := asked.Gap; g.Total < 50*time.Millisecond || g.Total > 120*time.Millisecond || g.Decided != 50*time.Millisecond {
			t.Errorf("the reply gap is %+v: want 50 ms to the decision and at most three ticks to the first packet", g)
		}
	})
}

func TestADigitStopsTheQuestionAndDigitsFillTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		r := s.run(func() {
			wait(4 * time.Second)
			s.says("where is my parcel")
			wait(500 * time.Millisecond)
			s.keys("4512")
			wait(6 * time.Second)
			s.caller.hangUp()
		})
		if said := s.saidBy(r, "bot"); !strings.Contains(said, "Leeds") {
			t.Errorf("the bot said %q", said)
		}
		if len(s.backend.asked) != 1 || s.backend.asked[0].URL != "http://backend.test/parcels/4512" {
			t.Errorf("the back end was asked %+v", s.backend.asked)
		}
		if r.Cause != CauseCaller {
			t.Errorf("ended because %q", r.Cause)
		}
	})
}

func TestASlowBackEndIsBridgedWithASentenceAndKeyZeroLeavesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.backend.takes = 10 * time.Second
		s.seats["7"] = s.answers(time.Second, "1")
		r := s.run(func() {
			wait(4 * time.Second)
			s.says("where is my parcel 4512")
			wait(3 * time.Second)
			s.keys("0")
			wait(8 * time.Second)
			s.caller.hangUp()
		})
		if said := s.saidBy(r, "bot"); !strings.Contains(said, "One moment please") {
			t.Errorf("no filler: the bot said %q", said)
		}
		if len(r.Handovers) != 1 || r.Handovers[0].Reason != dialog.ReasonKey || r.Handovers[0].Outcome != string(transfer.Joined) {
			t.Errorf("handed over: %+v", r.Handovers)
		}
	})
}

func TestAnAngryCallerIsJoinedWithASeatAndBothHearEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.seats["9"] = s.answers(4*time.Second, "1")
		r := s.run(func() {
			wait(4 * time.Second)
			s.saysInMood("this is a disgrace", 0.95)
			wait(5500 * time.Millisecond)
			if got := s.caller.phone.level(440, 500*time.Millisecond); got < 5000 {
				t.Errorf("while the seat hears the brief the caller hears hold music at %.0f", got)
			}
			wait(3 * time.Second)
			seat := s.legs["9"]
			s.caller.phone.Play(tone(1300, 2*time.Second))
			seat.phone.Play(tone(1700, 2*time.Second))
			wait(1500 * time.Millisecond)
			if got := s.caller.phone.level(1700, time.Second); got < 6000 {
				t.Errorf("the caller hears the seat at %.0f", got)
			}
			if got := seat.phone.level(1300, time.Second); got < 6000 {
				t.Errorf("the seat hears the caller at %.0f", got)
			}
			if got := s.caller.phone.level(440, time.Second); got > 200 {
				t.Errorf("the caller still hears hold music at %.0f", got)
			}
			seat.hangUp()
		})
		if r.Cause != CauseSeat || len(r.Handovers) != 1 {
			t.Fatalf("ended because %q after %+v", r.Cause, r.Handovers)
		}
		h := r.Handovers[0]
		if h.Queue != "complaints" || h.Reason != dialog.ReasonAnger || h.Seat != "9" || h.ToSeat <= 0 {
			t.Errorf("handed over %+v", h)
		}
		if h.ToSeat > 7*time.Second { // the seat answers after four and accepts two later
			t.Errorf("joined after %v: the seat did not ring while the caller was told of it", h.ToSeat)
		}
	})
}

// Each way a seat can fail leads to the next one, and the caller keeps waiting in between.
func TestASeatThatFailsIsFollowedByTheNext(t *testing.T) {
	for name, fails := range map[string]func(s *stage) func(context.Context, *fakeLeg) transfer.Refusal{
		"busy":        func(*stage) func(context.Context, *fakeLeg) transfer.Refusal { return refuses(transfer.Busy) },
		"unreachable": func(*stage) func(context.Context, *fakeLeg) transfer.Refusal { return refuses(transfer.Unreachable) },
		"declines by key": func(s *stage) func(context.Context, *fakeLeg) transfer.Refusal {
			return s.answers(time.Second, "2")
		},
		"presses nothing": func(s *stage) func(context.Context, *fakeLeg) transfer.Refusal { return s.answers(time.Second, "") },
		"hangs up in the brief": func(s *stage) func(context.Context, *fakeLeg) transfer.Refusal {
			return func(_ context.Context, leg *fakeLeg) transfer.Refusal {
				s.people.Go(func() { wait(time.Second); leg.hangUp() })
				return ""
			}
		},
		"rings for ever": func(*stage) func(context.Context, *fakeLeg) transfer.Refusal {
			return func(ctx context.Context, _ *fakeLeg) transfer.Refusal { <-ctx.Done(); return transfer.NoAnswer }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.seats["7"] = fails(s)
				s.seats["9"] = s.answers(time.Second, "1")
				r := s.run(func() {
					wait(4 * time.Second)
					s.says("a person please")
					wait(55 * time.Second)
					s.caller.hangUp()
				})
				if len(r.Handovers) != 1 || r.Handovers[0].Seat != "9" || len(r.Handovers[0].Tried) != 1 {
					t.Errorf("handed over %+v", r.Handovers)
				}
				if strings.Join(s.rang, ",") != "7,9" {
					t.Errorf("rang %v", s.rang)
				}
			})
		})
	}
}

func refuses(why transfer.Refusal) func(context.Context, *fakeLeg) transfer.Refusal {
	return func(context.Context, *fakeLeg) transfer.Refusal { return why }
}

// FIELD 3: whatever moment the caller hangs up at, no leg is left and no seat is stuck; run checks both.
func TestTheCallerMayHangUpAtAnyMoment(t *testing.T) {
	for at := time.Duration(0); at < 16*time.Second; at += 970 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.seats["7"] = s.answers(3*time.Second, "1")
			r := s.run(func() {
				s.people.Go(func() { wait(at); s.caller.hangUp() })
				wait(4 * time.Second)
				s.says("a person please")
				<-s.caller.done
			})
			if r.Cause != CauseCaller && r.Cause != CauseAbandoned {
				t.Errorf("hung up after %v: ended because %q", at, r.Cause)
			}
		})
	}
}

func TestASeatThatAnswersAfterTheCallerLeftIsHungUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.seats["7"] = func(ctx context.Context, _ *fakeLeg) transfer.Refusal {
			<-ctx.Done() // the answer crosses the CANCEL
			return ""
		}
		r := s.run(func() {
			wait(4 * time.Second)
			s.says("a person please")
			wait(5 * time.Second)
			s.caller.hangUp()
		})
		if r.Cause != CauseAbandoned || s.legs["7"] == nil {
			t.Errorf("ended because %q, seat's leg %v", r.Cause, s.legs["7"])
		}
	})
}

func TestWhenNobodyComesTheCallerLeavesAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		r := s.run(func() {
			wait(4 * time.Second)
			s.says("a person please")
			s.untilSaid("To leave a message") // both seats are unreachable
			s.keys("1")
			wait(6 * time.Second)
			s.caller.phone.Play(tone(1300, 3*time.Second))
			wait(3 * time.Second)
			s.keys("#")
		})
		if r.Cause != CauseMessage {
			t.Errorf("ended because %q, lines:\n%s", r.Cause, s.saidBy(r, "bot"))
		}
		if info, err := os.Stat(r.Message); err != nil || info.Size() < 3*64000 {
			t.Errorf("the message is %v, %v", info, err)
		}
	})
}

// FIELD 5: a cough or "mm-hm" ducks the bot for a moment and does not stop it.
func TestABackchannelDoesNotStopTheBot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		r := s.run(func() {
			wait(500 * time.Millisecond)
			s.says("mm-hm")
			wait(800 * time.Millisecond)
			if got := s.caller.phone.level(600, 300*time.Millisecond); got < 6000 {
				t.Errorf("after a backchannel the bot is heard at %.0f", got)
			}
			s.caller.hangUp()
		})
		for _, l := range r.Lines {
			if l.Who == "caller" {
				t.Errorf("taken as a turn: %+v", l)
			}
		}
	})
}

func TestARealInterruptionDucksTheBotAtOnceAndStopsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.run(func() {
			wait(500 * time.Millisecond)
			s.people.Go(func() { s.says("when are you open") })
			wait(200 * time.Millisecond)
			if got := s.caller.phone.level(600, 40*time.Millisecond); got > 3000 {
				t.Errorf("200 ms after the onset the bot is still heard at %.0f", got)
			}
			wait(8 * time.Second)
			s.caller.hangUp()
		})
		if said := strings.Join(s.voice.said, "\n"); !strings.Contains(said, "eight to six") {
			t.Errorf("the interruption was not answered: %q", said)
		}
	})
}

// FIELD 6 and 13: no words, no end of silence, no noise keeps a call open or leaves dead air.
func TestASilentCallerIsAskedAgainAndThenTheCallEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		r := s.run(func() { talkNothing(s) })
		if r.Cause != CauseNoInput || r.Ended.Sub(r.Started) > 2*time.Minute {
			t.Errorf("ended because %q after %v", r.Cause, r.Ended.Sub(r.Started))
		}
	})
}

// talkNothing keeps packets of silence coming until the call has ended.
func talkNothing(s *stage) { <-s.caller.done }

func TestNoiseWithoutWordsLeadsToAPersonWithinABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.seats["7"] = s.answers(time.Second, "1")
		r := s.run(func() {
			for range 12 {
				wait(5 * time.Second)
				if len(s.legs) > 0 || s.caller.ended() {
					break
				}
				s.says("")
			}
			wait(10 * time.Second)
			s.caller.hangUp()
		})
		if len(r.Handovers) != 1 {
			t.Errorf("not handed over: ended because %q:\n%s", r.Cause, s.saidBy(r, "bot"))
		}
	})
}

func TestACallWithoutPacketsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.house.Limits.NoPacket = 5 * time.Second
		r := s.run(func() {
			wait(2 * time.Second)
			s.caller.phone.Close()
		})
		if r.Cause != CauseNoAudio {
			t.Errorf("ended because %q", r.Cause)
		}
	})
}

// FIELD: resuming a long hold must not look like a network that was lost.
func TestACallerWhoHoldsUsForLongAndResumesIsStillThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.house.Limits.NoPacket = 5 * time.Second
		r := s.run(func() {
			wait(2 * time.Second)
			flow := func(ours, theirs bool) {
				p := s.caller.stream.Params()
				p.Send, p.Receive = ours, ours
				s.caller.stream.Start(p)
				p = s.caller.phone.Params()
				p.Send = theirs
				s.caller.phone.Start(p)
			}
			flow(false, false)
			wait(8 * time.Second)
			flow(true, false)
			wait(3 * time.Second) // the first packet takes its time
			flow(true, true)
			wait(3 * time.Second)
			s.caller.hangUp()
		})
		if r.Cause != CauseCaller {
			t.Errorf("ended because %q", r.Cause)
		}
	})
}

// A part of ours that fails leaves the caller with a person, not with silence.
func TestACallerWhomTheVoiceFailsGetsAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.voice.fails = true
		s.seats["7"] = s.answers(time.Second, "1")
		r := s.run(func() {
			wait(15 * time.Second)
			s.caller.hangUp()
		})
		if len(r.Handovers) != 1 || r.Handovers[0].Outcome != string(transfer.Joined) || r.Handovers[0].Reason != dialog.ReasonBackend {
			t.Errorf("handed over %+v", r.Handovers)
		}
	})
}

func TestAPanicEndsItsCallOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.house.Backend = brokenBackend{}
		r := s.run(func() {
			wait(4 * time.Second)
			s.says("where is my parcel 4512")
		})
		if r.Cause != CauseFailed || r.Err == nil || !strings.Contains(r.Err.Error(), "exploded") {
			t.Errorf("ended because %q, %v", r.Cause, r.Err)
		}
	})
}

func TestACallThatIsNotAnsweredLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.caller.answer = errors.New("caller gave up")
		if r := s.run(func() {}); r.Cause != CauseCaller || !r.Answered.IsZero() {
			t.Errorf("ended because %q", r.Cause)
		}
	})
}
