package dialog

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// talk plays a script of lines "who does what" against a session: see testdata/*.talk. Lines of the bot are judged against
// what it did since the caller's last.
type talk struct {
	*testing.T
	bot     *Bot
	session *Session
	now     time.Time
	did     []Action
	wait    Action
}

func TestTalks(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.talk")
	if err != nil || len(scripts) < 30 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	bots := map[string]*Bot{}
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".talk"), func(t *testing.T) {
			script, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			(&talk{T: t, now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}).play(path, string(script), bots)
		})
	}
}

func (k *talk) play(path, script string, bots map[string]*Bot) {
	file := courier
	for number, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		who, what, _ := strings.Cut(line, " ")
		what = strings.TrimSpace(what)
		at := fmt.Sprintf("%s:%d: %s", path, number+1, line)
		if who == "with" {
			file = filepath.Join("testdata", what)
			continue
		}
		if k.session == nil {
			k.open(file, bots)
		}
		if problem := k.line(who, what); problem != "" {
			k.Fatalf("%s: %s\nit did: %s", at, problem, shown(k.did))
		}
	}
}

func (k *talk) open(file string, bots map[string]*Bot) {
	if bots[file] == nil {
		bot, err := Load(file)
		if err != nil {
			k.Fatal(err)
		}
		bots[file] = bot
	}
	k.bot, k.session = bots[file], bots[file].Start()
	k.step(Begin{Caller: "+441132000000", Now: k.now})
}

// step keeps the rule of every Step: a Note first for the caller's doing, and one waiting action last or none at all.
func (k *talk) step(event Event) {
	k.did = k.session.Step(event)
	if problem := disorder(event, k.did); problem != "" {
		k.Fatalf("%s after %#v: %s", problem, event, shown(k.did))
	}
	if wait := waiting(k.did); wait != nil {
		k.wait = wait
	}
}

// waiting is the action that a Step ended with, nil if it changed nothing.
func waiting(actions []Action) Action {
	if len(actions) == 0 {
		return nil
	}
	switch last := actions[len(actions)-1].(type) {
	case Note, Say:
		return nil
	default:
		return last
	}
}

// disorder says what is wrong in the order of a Step's actions.
func disorder(event Event, actions []Action) string {
	for i, action := range actions {
		switch action := action.(type) {
		case Note:
			if i > 0 {
				return "a note that is not first"
			}
		case Say:
			if action.Text == "" || strings.ContainsAny(action.Text, "{}0123456789") || strings.Contains(action.Text, "  ") {
				return fmt.Sprintf("not ready for the voice: %q", action.Text)
			}
			if i == len(actions)-1 {
				return "says without waiting"
			}
		default:
			if i != len(actions)-1 {
				return fmt.Sprintf("%T is not last", action)
			}
		}
	}
	switch event.(type) {
	case Heard, Keyed, NoInput:
		if _, over := first(actions).(End); over {
			return ""
		}
		if _, ok := first(actions).(Note); !ok {
			return "no note"
		}
	}
	return ""
}

func (k *talk) line(who, what string) string {
	verb, rest, _ := strings.Cut(what, " ")
	rest = strings.TrimSpace(rest)
	switch who {
	case "at":
		now, err := time.Parse("2006-01-02T15:04", what)
		k.now = now
		k.step(Begin{Caller: "+441132000000", Now: k.now})
		return errText(err)
	case "caller":
		return k.caller(verb, rest)
	case "backend":
		return k.backend(verb, rest)
	case "seat":
		k.step(HandoverEnded{Outcome: "no seat"})
		return ""
	case "bot":
		return k.judge(verb, rest)
	}
	return "nobody knows " + who
}

func errText(err error) string {
	if err != nil {
		return err.Error()
	}
	return ""
}

func (k *talk) caller(verb, rest string) string {
	switch verb {
	case "says":
		text, anger := rest, 0.0
		if said, angry, ok := strings.Cut(rest, ", anger "); ok {
			text = said
			anger, _ = strconv.ParseFloat(angry, 64)
		}
		k.step(Heard{Text: strings.Trim(text, `"`), Anger: anger, Now: k.now})
	case "keys":
		for _, key := range strings.ReplaceAll(rest, " ", "") {
			k.step(Keyed{Key: key, Now: k.now})
		}
	case "is":
		k.step(NoInput{Now: k.now})
	case "leaves":
		length, err := time.ParseDuration(rest)
		k.step(MessageLeft{Duration: length})
		return errText(err)
	default:
		return "callers cannot " + verb
	}
	return ""
}

func (k *talk) backend(verb, rest string) string {
	fetch, ok := k.wait.(Fetch)
	if !ok {
		return "no fetch is running"
	}
	result := Fetched{ID: fetch.ID}
	switch verb {
	case "answers":
		status, body, _ := strings.Cut(rest, " ")
		result.Status, _ = strconv.Atoi(status)
		if result.Status >= 500 || result.Status == 429 { // after the last try
			result.Err = "status " + status
		}
		if body != "" {
			if err := json.Unmarshal([]byte(body), &result.Body); err != nil {
				return err.Error()
			}
		}
	case "fails":
		result.Err = orDefault(rest, "timeout")
	}
	k.step(result)
	return ""
}

func (k *talk) judge(verb, rest string) string {
	switch verb {
	case "says":
		if !strings.Contains(k.said(), strings.ToLower(rest)) {
			return "it did not say that"
		}
	case "omits":
		if strings.Contains(k.said(), strings.ToLower(rest)) {
			return "it said that"
		}
	case "listens":
		listen, ok := k.wait.(Listen)
		if !ok || rest != "" && string(listen.Expect) != rest {
			return fmt.Sprintf("it waits for %#v", k.wait)
		}
	case "fetches":
		fetch, ok := k.wait.(Fetch)
		method, url, _ := strings.Cut(rest, " ")
		url, body, _ := strings.Cut(url, " with ")
		if !ok || fetch.Method != method || !strings.HasSuffix(fetch.URL, url) {
			return fmt.Sprintf("it waits for %#v", k.wait)
		}
		if sent, _ := json.Marshal(fetch.Body); body != "" && string(sent) != body {
			return "it sent " + string(sent)
		}
	case "hands":
		return k.judgeHandOver(rest)
	case "tells":
		h, _ := k.wait.(HandOver)
		card := fmt.Sprintf("%s; %s; %v; %s; %s", h.Intent, h.Detail, h.Values, strings.Join(h.Tried, ", "), h.Mood)
		if !strings.Contains(strings.ToLower(card), strings.ToLower(rest)) {
			return "it told: " + card
		}
	case "takes":
		if _, ok := k.wait.(TakeMessage); !ok {
			return fmt.Sprintf("it waits for %#v", k.wait)
		}
	case "notes":
		note, _ := first(k.did).(Note)
		if got := fmt.Sprintf("%s %s", note.Turn.Outcome, note.Turn.Intent); strings.TrimSpace(got) != rest {
			return "it noted " + got
		}
	case "hangs":
		end, ok := k.wait.(End)
		if cause := strings.TrimPrefix(rest, "up, "); !ok || rest != "up" && end.Cause != cause {
			return fmt.Sprintf("it waits for %#v", k.wait)
		}
	default:
		return "bots cannot " + verb
	}
	return ""
}

var handsOver = regexp.MustCompile(`^over ([\w-]+), because (\w+)$`)

func (k *talk) judgeHandOver(rest string) string {
	want := handsOver.FindStringSubmatch(rest)
	h, ok := k.wait.(HandOver)
	switch {
	case want == nil:
		return "write: bot hands over QUEUE, because REASON"
	case !ok:
		return fmt.Sprintf("it waits for %#v", k.wait)
	case h.Queue != want[1] || string(h.Reason) != want[2]:
		return fmt.Sprintf("it hands over to %s because %s", h.Queue, h.Reason)
	case len(k.did) < 2:
		return "no sentence before the hand-over"
	}
	return ""
}

func (k *talk) said() string {
	var all []string
	for _, action := range k.did {
		if say, ok := action.(Say); ok {
			all = append(all, strings.ToLower(say.Text))
		}
	}
	return strings.Join(all, " ")
}

func shown(actions []Action) string {
	var out strings.Builder
	for _, action := range actions {
		fmt.Fprintf(&out, "\n  %#v", action)
	}
	return out.String()
}
