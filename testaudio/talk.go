package testaudio

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"ivr/internal/strict"
)

// Talk is the script of one call: what each party does, and what it must hear, in order. It reads as one would tell it:
//
//	# an angry caller gets a person
//	caller  dials 4000
//	bot     says welcome, listens
//	caller  says "this is the third time I call, it is a disgrace"
//	bot     hands over complaints, because anger
//	seat 7  is busy
//	seat 9  rings 4s, answers, hears "complaint, parcel 4512", presses 1
//	bridge  caller + seat 9
//	seat 9  says "hello, this is Ben"
//	caller  hears "this is Ben"
//	seat 9  hangs up
//	end     seat hung up, after 31s
//
// A line is a party and what it does, separated by commas. Texts in double quotes are spoken as they stand. What is to be
// heard are fragments, separated by commas too, matched as [Says] does; quotes keep one from being read as a verb. The lines
// "bot says ..." and "caller hears ..." are the same.
//
//	caller, seat ID   says "...", plays FILE.wav, keys DIGITS, presses DIGIT, waits 2s, hangs up, hears FRAGMENTS, listens
//	caller            dials NUMBER
//	seat ID           rings 4s, answers, is busy, declines, does not answer; without ID: the seat spoken of last
//	bot               says FRAGMENTS, listens, hands over QUEUE, because REASON, hangs up
//	bridge            caller + seat ID: each must hear the other
//	end               WHO hung up, after 31s: the call must be over
//	caller            is silent
//	backend           answers 404 {"error": "unknown"}, fails
//	at                2026-11-21T10:30: the day and time of the call
//
// The lines of the back end and of the time are for talks in text; in a real call the back end is the house's own, and the time the
// present.
//
// Lines that are empty or begin with # mean nothing.
type Talk struct {
	Name  string
	Title string // the first comment: "an angry caller gets a person"
	Steps []Step
}

// Step is one thing one party does.
type Step struct {
	Line int    // in the script, from 1
	Who  string // "caller", "bot", "seat 7", "backend"; "" for Bridge, End and At
	Act  Act
}

// Act is what a party of a [Talk] does: one of the types below. As text it is what a script says.
type Act interface{ fmt.Stringer }

type (
	// Dials places the call; without it, the first thing anyone does places it.
	Dials struct{ Number string }
	// Speaks a text in the party's own voice.
	Speaks struct{ Text string }
	// Plays a WAV file; the path is relative to the script.
	Plays struct{ File string }
	// Keys presses keys.
	Keys struct{ Keys string }
	// Waits does nothing for a while.
	Waits struct{ For time.Duration }
	// HangsUp ends the party's leg; of the bot, it is what the caller must see.
	HangsUp struct{}
	// Hears wants fragments in what the far end says, from the last thing the party did on.
	Hears struct{ Fragments []string }
	// Silent says nothing until the far end speaks again.
	Silent struct{}
	// Listens lets the far end finish.
	Listens struct{}
	// HandsOver is what the bot must do: known from the call that reaches a seat. Because may be "".
	HandsOver struct{ Queue, Because string }
	// Rings lets the seat's phone ring for a while.
	Rings struct{ For time.Duration }
	// Answers takes the call.
	Answers struct{}
	// Refuses does not.
	Refuses struct{ How Refusal }
	// Bridge wants caller and seat joined.
	Bridge struct{ Seat string }
	// End wants the call over: By is "caller", "seat", "bot" or "" for anyone; After is about how long it lasted, 0 any.
	End struct {
		By    string
		After time.Duration
	}
	// Replies is what the back end does when it is asked next: Status 0 fails.
	Replies struct {
		Status int
		Body   map[string]any
	}
	// At is when the call takes place.
	At struct{ Time time.Time }
)

// Refusal is how a seat does not take a call.
type Refusal string

const (
	Busy     Refusal = "busy"      // 486
	Declined Refusal = "declined"  // 603
	NoAnswer Refusal = "no answer" // it rings until the bot gives up
)

func (a Dials) String() string   { return `dials "` + a.Number + `"` }
func (a Speaks) String() string  { return `says "` + a.Text + `"` }
func (a Plays) String() string   { return `plays "` + a.File + `"` }
func (a Keys) String() string    { return "keys " + a.Keys }
func (a Waits) String() string   { return "waits " + a.For.String() }
func (a HangsUp) String() string { return "hangs up" }
func (a Hears) String() string   { return `hears "` + strings.Join(a.Fragments, ", ") + `"` }
func (a Listens) String() string { return "listens" }
func (a Silent) String() string  { return "is silent" }
func (a At) String() string      { return "at " + a.Time.Format(atForm) }
func (a Rings) String() string   { return "rings " + a.For.String() }
func (a Answers) String() string { return "answers" }
func (a Bridge) String() string  { return "bridge caller + seat " + a.Seat }

func (a HandsOver) String() string {
	if a.Because == "" {
		return "hands over " + a.Queue
	}
	return "hands over " + a.Queue + ", because " + a.Because
}

func (a Replies) String() string {
	if a.Status == 0 {
		return "fails"
	}
	if a.Body == nil {
		return "answers " + strconv.Itoa(a.Status)
	}
	body, _ := json.Marshal(a.Body) // it was read from JSON
	return fmt.Sprintf("answers %d %s", a.Status, body)
}

func (a Refuses) String() string {
	switch a.How {
	case Busy:
		return "is busy"
	case Declined:
		return "declines"
	}
	return "does not answer"
}

func (a End) String() string {
	s := "end"
	if a.By != "" {
		s += " " + a.By + " hung up"
	}
	if a.After != 0 {
		s += ", after " + a.After.String()
	}
	return s
}

func (s Step) String() string { return strings.TrimSpace(s.Who + " " + s.Act.String()) }

// LoadTalk reads a script. The error is a *strict.Mistakes with all that is wrong, or that of opening the file.
func LoadTalk(path string) (*Talk, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ParseTalk(path, f)
}

// ParseTalk is [LoadTalk] of anything; name stands in the mistakes.
func ParseTalk(name string, r io.Reader) (*Talk, error) {
	p := &talkParser{talk: &Talk{Name: name}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		p.at++
		text := strings.TrimSpace(lines.Text())
		switch comment, isComment := strings.CutPrefix(text, "#"); {
		case isComment && p.talk.Title == "":
			p.talk.Title = strings.TrimSpace(comment)
		case text != "" && !isComment:
			p.line(text)
		}
	}
	if err := lines.Err(); err != nil {
		p.mistake(fmt.Sprintf("cannot be read further: %v", err), "")
	}
	if len(p.talk.Steps) == 0 && len(p.mistakes) == 0 {
		p.at = 0
		p.mistake("nobody does anything", `begin with: caller says "hello"`)
	}
	if len(p.mistakes) > 0 {
		return nil, &strict.Mistakes{List: p.mistakes}
	}
	return p.talk, nil
}

// Seats are the seats of the talk, in order of appearance: "7".
func (t *Talk) Seats() (ids []string) {
	for _, s := range t.Steps {
		if id, ok := strings.CutPrefix(s.Who, "seat "); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Texts are all that the parties speak: a voice can make them before the call.
func (t *Talk) Texts() (texts []string) {
	for _, s := range t.Steps {
		if say, ok := s.Act.(Speaks); ok {
			texts = append(texts, say.Text)
		}
	}
	return texts
}
