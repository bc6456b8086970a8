package testaudio

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ivr/media"
)

// world is a bot that answers, hands over to seats in turn, and joins; its words are fixed.
type world struct {
	*exchange
	seats chan SeatCall
	order []string // of the seats it calls
	deaf  bool     // it "joins" caller and seat without joining their audio
}

// dial is answered by the bot.
func (w *world) dial(context.Context, string) (Leg, error) {
	ctx := context.Background() // it goes on until the caller hangs up
	caller, leg := w.call()
	bot, err := NewPerson(leg, tones(), nil)
	if err != nil {
		return nil, err
	}
	go bot.Run(context.Background())
	go func() {
		defer func() { _ = leg.Hangup(context.Background(), "") }()
		select {
		case <-time.After(time.Second):
		case <-leg.done:
		}
		if bot.Say(ctx, "welcome") != nil {
			return
		}
		for {
			heard, err := bot.Listen(ctx)
			if err != nil {
				return
			}
			if strings.Contains(heard.Text, "disgrace") {
				w.handOver(ctx, leg)
				return
			}
			if bot.Say(ctx, "you said "+heard.Text) != nil {
				return
			}
		}
	}()
	return caller, nil
}

func (w *world) handOver(ctx context.Context, caller *fakeLeg) {
	caller.stream.Loop(media.NewPrompt(Tone(2*time.Second, 440)))
	for _, id := range w.order {
		leg, seat := w.call()
		seat.header = map[string]string{HeaderQueue: "complaints", HeaderReason: "anger"}
		w.seats <- SeatCall{id, seat}
		select {
		case <-leg.answered:
		case <-leg.done:
			continue
		case <-caller.done:
			_ = leg.Hangup(ctx, "")
			return
		case <-time.After(8 * time.Second):
			_ = leg.Hangup(ctx, "")
			continue
		}
		brief, _ := tones().Speak(ctx, "angry caller")
		leg.stream.Play(media.NewPrompt(brief))
		<-leg.stream.Digits()
		caller.stream.Clear()
		if !w.deaf {
			media.Bridge(caller.stream, leg.stream)
		}
		select {
		case <-leg.done:
		case <-caller.done:
		}
		_ = leg.Hangup(ctx, "")
		return
	}
}

// perform plays a script against the world and returns what it told, a line each.
func (w *world) perform(t *testing.T, script string) (told string, err error) {
	w.exchange, w.seats = newExchange(t), make(chan SeatCall, 9)
	talk, err := ParseTalk("test.talk", strings.NewReader(script))
	if err != nil {
		t.Fatal(err)
	}
	with := tones()
	with.Activity = noMusic
	var lines []string
	_, err = Perform(t.Context(), talk, Stage{Dial: w.dial, Seats: w.seats, With: with, Tell: func(x Told) {
		switch {
		case x.Turn == nil:
			lines = append(lines, x.Who+" "+x.What)
		case x.Turn.Sent:
			lines = append(lines, x.Who+" said "+x.Turn.Text+x.Turn.Keys)
		default:
			lines = append(lines, x.Who+" heard "+x.Turn.Text)
		}
	}})
	return strings.Join(lines, "\n"), err
}

func TestATalkIsPerformedFromDiallingToTheLastHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{order: []string{"7", "8", "9"}}
		told, err := w.perform(t, `
caller dials 4000
bot    says welcome, listens
caller says "disgrace"
bot    hands over complaints, because anger
seat 7 is busy
seat 8 does not answer
seat 9 rings 2s, answers, hears "angry caller", presses 1
bridge caller + seat 9
seat   says "hello"
caller hears hello, says "good day"
seat   hears "good day", hangs up
end    seat hung up, after 35s
`)
		if err != nil {
			t.Fatalf("%v\n%s", err, told)
		}
		for _, want := range []string{"caller heard welcome", "bot hands over complaints, because anger", "seat 7 is busy",
			"seat 8 does not answer", "seat 9 heard angry caller", "seat 9 said 1", "caller heard hello", "seat 9 heard good day", "seat 9 hangs up"} {
			if !strings.Contains(told, want) {
				t.Errorf("%q is not told:\n%s", want, told)
			}
		}
	})
}

func TestAStepThatDoesNotComeTrueIsNamedWithItsLineAndEverythingEnds(t *testing.T) {
	for name, c := range map[string]struct {
		script, want string
		deaf         bool
	}{
		"other words":   {script: "caller listens, says \"abc\"\nbot says xyz", want: `test.talk:2: caller hears "xyz": "xyz" was not said within 20s; heard: you said abc`},
		"other queue":   {script: "caller listens, says \"disgrace\"\nbot hands over service", want: `test.talk:2: bot hands over service: it handed over "complaints", because "anger"`},
		"no call":       {script: "caller says \"abc\"\nseat 7 answers", want: "test.talk:2: seat 7 answers: it was not called within 20s"},
		"not joined":    {script: "caller listens, says \"disgrace\"\nseat 7 answers, presses 1\nbridge", want: "the seat heard the caller: false, the caller heard the seat: false", deaf: true},
		"call goes on":  {script: "caller says \"abc\"\nend", want: "the call of caller goes on 20s later"},
		"other end":     {script: "caller listens, hangs up\nend seat hung up", want: "end seat hung up: caller hung up"},
		"too short":     {script: "caller listens, hangs up\nend after 1m", want: "it lasted"},
		"silence":       {script: "caller listens\ncaller listens, says \"disgrace\", listens", want: "nothing was said within 20s"},
		"no such file":  {script: "caller plays nothing.wav", want: "nothing.wav"},
		"bot goes on":   {script: "caller listens\nbot hangs up", want: "goes on"},
		"gone too soon": {script: "caller listens, hangs up\ncaller says \"abc\"", want: "the call has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{order: []string{"7"}, deaf: c.deaf}
				told, err := w.perform(t, c.script)
				var failed *FailedStep
				if !errors.As(err, &failed) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %q\n%s", err, c.want, told)
				}
			})
		})
	}
}

func TestATalkWithSeatsSaysWhenThereAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{exchange: newExchange(t)}
		talk, err := ParseTalk("test.talk", strings.NewReader("seat 7 answers"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Perform(t.Context(), talk, Stage{Dial: w.dial, With: tones()}); err == nil || !strings.Contains(err.Error(), "no seats") {
			t.Errorf("error %v", err)
		}
	})
}

func TestAPerformanceEndsAtOnceWhenItIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{exchange: newExchange(t)}
		talk, err := ParseTalk("test.talk", strings.NewReader("caller listens, waits 1h"))
		if err != nil {
			t.Fatal(err)
		}
		why := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, why)
		defer cancel()
		began := time.Now()
		if _, err := Perform(ctx, talk, Stage{Dial: w.dial, With: tones()}); !errors.Is(err, why) {
			t.Errorf("error %v", err)
		}
		if d := time.Since(began); d > 11*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestAFileIsPlayedAsItIs(t *testing.T) {
	pcm, err := tones().Speak(t.Context(), "abc")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "abc.wav")
	if err := WriteWAV(path, pcm); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		told, err := (&world{}).perform(t, "caller listens, plays "+path+"\nbot says you said abc\ncaller hangs up\nend caller hung up")
		if err != nil {
			t.Errorf("%v\n%s", err, told)
		}
	})
}
