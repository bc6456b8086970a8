package rehearsal_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ivr/dialog"
	"ivr/rehearsal"
	"ivr/testaudio"
)

const courier = "../examples/courier/"

func load(t *testing.T) *dialog.Bot {
	t.Helper()
	bot, err := dialog.Load(courier + "courier.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return bot
}

// Every talk of the courier comes true, and together they reach every step of its flows.
func TestTheTalksOfTheCourierComeTrue(t *testing.T) {
	bot := load(t)
	var scripts []string
	for _, folder := range []string{"scripts", "talks"} {
		found, err := filepath.Glob(courier + folder + "/*.talk")
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, found...)
	}
	if len(scripts) < 60 {
		t.Fatalf("%d scripts", len(scripts))
	}
	visited := map[string]bool{}
	for _, path := range scripts {
		talk, err := testaudio.LoadTalk(path)
		if err != nil {
			t.Fatal(err)
		}
		result, err := rehearsal.Play(t.Context(), bot, talk, rehearsal.Stage{})
		if err != nil {
			t.Error(err)
		}
		for name := range result.Visited {
			visited[name] = true
		}
	}
	for _, step := range bot.Steps() {
		if !visited[step.Name] {
			t.Errorf("no talk reaches %s, line %d", step.Name, step.Line)
		}
	}
}

func TestATalkThatDoesNotComeTrueSaysWhereAndWhy(t *testing.T) {
	bot := load(t)
	for _, c := range []struct{ name, script, line, why string }{
		{"other words", "bot says good evening", ":1:", `"good evening" was not said; heard: Hello`},
		{"no hand-over", "caller says \"what are your opening hours\"\nbot hands over service", ":2:", "it does not: it listens to the caller"},
		{"another queue", "caller keys 0\nbot hands over claims", ":2:", "it hands over to service"},
		{"another reason", "caller keys 0\nbot hands over service, because anger", ":2:", "because key"},
		{"nobody calls the seat", "seat 1 answers", ":1:", "nobody calls it: it listens"},
		{"not joined", "caller keys 0\nseat 1 answers\nbridge caller + seat 1", ":3:", "not joined"},
		{"a key that means nothing to a seat", "caller keys 0\nseat 1 answers, presses 5", ":2:", "accepts with 1"},
		{"the call goes on", "caller keys 0\nend", ":2:", "hands over"},
		{"the call is over", "caller says \"goodbye\"\ncaller says \"hello\"", ":2:", "has hung up"},
		{"nothing was asked", "backend answers 200", ":1:", "has not asked"},
		{"sound", "caller plays x.wav", ":1:", "cannot be played in text"},
		{"somebody else hung up", "caller hangs up\nend seat hung up", ":2:", "the caller hung up"},
		{"the seat hears another brief", "caller keys 0\nseat 1 answers, hears damaged parcel", ":2:", `"damaged parcel" was not said`},
	} {
		talk, err := testaudio.ParseTalk("x.talk", strings.NewReader(c.script))
		if err != nil {
			t.Fatal(c.name, err)
		}
		_, err = rehearsal.Play(t.Context(), bot, talk, rehearsal.Stage{})
		var failed *testaudio.FailedStep
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "x.talk"+c.line) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSilenceIsWhatLastsLongerThanTheBotWaits(t *testing.T) {
	talk, err := testaudio.ParseTalk("x.talk", strings.NewReader("caller waits 2s\ncaller waits 5s\nbot says how can I help\ncaller is silent\nbot says press zero"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rehearsal.Play(t.Context(), load(t), talk, rehearsal.Stage{}); err != nil {
		t.Error(err)
	}
}

func TestWhatArrivesOfAVoiceIsWhatTheBotHears(t *testing.T) {
	talk, err := testaudio.ParseTalk("x.talk", strings.NewReader("caller says \"what are your opening hours\"\nbot hands over complaints, because anger"))
	if err != nil {
		t.Fatal(err)
	}
	angry := func(_ context.Context, act testaudio.Act) (rehearsal.Hearing, error) {
		return rehearsal.Hearing{Text: "whatever", Anger: 0.95}, nil
	}
	if _, err := rehearsal.Play(t.Context(), load(t), talk, rehearsal.Stage{Hear: angry, Now: time.Now()}); err != nil {
		t.Error(err)
	}
}

func TestTheBackEndIsAskedWhereTheScriptIsSilent(t *testing.T) {
	talk, err := testaudio.ParseTalk("x.talk", strings.NewReader("at 2026-11-21T10:00\ncaller says \"where is my parcel four five one two\"\nbot says out for delivery, today"))
	if err != nil {
		t.Fatal(err)
	}
	asked := ""
	fetch := func(_ context.Context, f dialog.Fetch) dialog.Fetched {
		asked = f.URL
		return dialog.Fetched{ID: f.ID, Status: 200, Body: map[string]any{"status": "out_for_delivery", "expected": "2026-11-21", "window": "soon"}}
	}
	if _, err := rehearsal.Play(t.Context(), load(t), talk, rehearsal.Stage{Fetch: fetch}); err != nil || !strings.HasSuffix(asked, "/parcels/4512") {
		t.Errorf("asked %q: %v", asked, err)
	}
}
