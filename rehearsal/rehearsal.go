package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ivr/dialog"
	"ivr/testaudio"
	"ivr/transfer"
)

// Stage is what a bot needs around it. Nil functions have the meaning that stands beside them.
type Stage struct {
	Now   time.Time                                             // of the call, where the script does not say
	Fetch func(context.Context, dialog.Fetch) dialog.Fetched    // the back end, where the script does not say what it answers; nil: it fails
	Hear  func(context.Context, testaudio.Act) (Hearing, error) // what arrives of what the caller speaks or plays; nil: texts as they stand
	Tell  func(who, what string)                                // what happens; may be nil
}

// Hearing is what was understood of something said.
type Hearing struct {
	Text  string
	Anger float64 // of the voice, 0 to 1
}

// Result is what came of a rehearsal.
type Result struct {
	Turns   int             // of the caller
	Visited map[string]bool // intents and steps, by name
}

// Play plays a talk with a bot. The error is a [*testaudio.FailedStep], or that of ctx.
func Play(ctx context.Context, bot *dialog.Bot, talk *testaudio.Talk, stage Stage) (Result, error) {
	p := &play{Stage: stage, bot: bot, session: bot.Start(), heard: map[string]string{}}
	err := p.all(ctx, talk)
	p.result.Visited = map[string]bool{}
	for _, part := range append(bot.Intents(), bot.Steps()...) {
		if p.session.Visited(part.Name) {
			p.result.Visited[part.Name] = true
		}
	}
	return p.result, err
}

// play is one rehearsal.
type play struct {
	Stage
	bot     *dialog.Bot
	session *dialog.Session
	begun   bool
	wait    dialog.Action
	heard   map[string]string // by party, since it last did something
	silence time.Duration     // of the caller, so far
	seat    string            // that was rung, "" none
	joined  bool              // with it
	ended   string            // who hung up
	result  Result
}

func (p *play) all(ctx context.Context, talk *testaudio.Talk) error {
	for _, step := range talk.Steps {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := p.step(ctx, step); err != nil {
			return &testaudio.FailedStep{Talk: talk.Name, Step: step, Why: err}
		}
	}
	return nil
}

func (p *play) tell(who, what string) {
	if p.Tell != nil && what != "" {
		p.Tell(who, what)
	}
}

func (p *play) step(ctx context.Context, step testaudio.Step) error {
	switch act := step.Act.(type) {
	case testaudio.At:
		p.Now = act.Time
		return nil
	case testaudio.Dials:
		p.begin()
		return nil
	case testaudio.Replies:
		return p.replies(act)
	}
	p.begin()
	p.fetch(ctx)
	switch act := step.Act.(type) {
	case testaudio.HandsOver:
		return p.handsOver(act)
	case testaudio.Rings:
		return p.rings(step.Who)
	case testaudio.Answers:
		return p.rings(step.Who)
	case testaudio.Refuses:
		err := p.rings(step.Who)
		p.seat = ""
		return err
	case testaudio.Bridge:
		if !p.joined || p.seat != "seat "+act.Seat {
			return errors.New("they are not joined")
		}
		return nil
	case testaudio.End:
		return p.end(act)
	case testaudio.HangsUp:
		return p.hangsUp(step.Who)
	case testaudio.Hears:
		return p.hears(step.Who, act.Fragments)
	case testaudio.Listens:
		if p.heard[step.Who] == "" {
			return errors.New("nothing was said")
		}
		return nil
	}
	if step.Who == "caller" && !p.joined {
		return p.caller(ctx, step.Act)
	}
	return p.talks(step.Who, step.Act)
}

// begin places the call.
func (p *play) begin() {
	if p.begun {
		return
	}
	p.begun = true
	if p.Now.IsZero() {
		p.Now = time.Now()
	}
	p.did(dialog.Begin{Caller: "+441130000000", Now: p.Now})
}

// did lets the session know what happened, and notes what it does.
func (p *play) did(event dialog.Event) {
	acts := p.session.Step(event)
	for _, act := range acts {
		switch act := act.(type) {
		case dialog.Say:
			p.tell("bot", act.Text)
			p.heard["caller"] = strings.TrimSpace(p.heard["caller"] + " " + act.Text)
		case dialog.Note:
		default:
			p.wait = act
			p.tell("", describe(act))
		}
	}
}

// describe says what the bot does beside talking.
func describe(act dialog.Action) string {
	switch act := act.(type) {
	case dialog.Fetch:
		return "looks up " + act.Method + " " + act.URL
	case dialog.HandOver:
		return fmt.Sprintf("hands over to %s, because %s: %s", act.Queue, act.Reason, act.Detail)
	case dialog.TakeMessage:
		return "takes a message"
	case dialog.End:
		return "hangs up: " + act.Cause
	}
	return ""
}

// replies answers the look-up that is running.
func (p *play) replies(act testaudio.Replies) error {
	fetch, ok := p.wait.(dialog.Fetch)
	if !ok {
		return errors.New("the bot has not asked the back end")
	}
	result := dialog.Fetched{ID: fetch.ID, Status: act.Status, Body: act.Body}
	switch {
	case act.Status == 0:
		result.Err = "the back end fails"
	case act.Status >= 500 || act.Status == 429:
		result.Err = fmt.Sprintf("status %d", act.Status)
	}
	p.did(result)
	return nil
}

// fetch asks the real back end when the script is silent about what it answers.
func (p *play) fetch(ctx context.Context) {
	for range 10 { // a bot may look up one thing after the other
		fetch, ok := p.wait.(dialog.Fetch)
		if !ok {
			return
		}
		result := dialog.Fetched{ID: fetch.ID, Err: "there is no back end"}
		if p.Fetch != nil {
			result = p.Fetch(ctx, fetch)
		}
		p.did(result)
	}
}

// acts begins something that a party does: what it hears from now on counts.
func (p *play) acts(who string) { p.heard[who] = "" }

// caller is what the caller does while the bot has them.
func (p *play) caller(ctx context.Context, act testaudio.Act) error {
	if _, over := p.wait.(dialog.End); over {
		return errors.New("the bot has hung up")
	}
	if w, ok := act.(testaudio.Waits); ok {
		return p.waits(w.For)
	}
	p.nobody()
	p.acts("caller")
	p.result.Turns++
	p.silence = 0
	if _, message := p.wait.(dialog.TakeMessage); message {
		return p.message(act)
	}
	switch act := act.(type) {
	case testaudio.Speaks, testaudio.Plays:
		heard, err := p.hear(ctx, act)
		if err != nil {
			return err
		}
		p.tell("caller", heard.Text)
		p.did(dialog.Heard{Text: heard.Text, Anger: heard.Anger, Now: p.Now})
	case testaudio.Keys:
		p.tell("caller", act.String())
		for _, key := range act.Keys {
			p.did(dialog.Keyed{Key: key, Now: p.Now})
		}
	case testaudio.Silent:
		p.tell("caller", "(silence)")
		p.did(dialog.NoInput{Now: p.Now})
	default:
		return fmt.Errorf("callers cannot do this in text")
	}
	return nil
}

func (p *play) hear(ctx context.Context, act testaudio.Act) (Hearing, error) {
	if p.Hear != nil {
		return p.Hear(ctx, act)
	}
	say, ok := act.(testaudio.Speaks)
	if !ok {
		return Hearing{}, errors.New("audio cannot be played in text")
	}
	return Hearing{Text: say.Text}, nil
}

// waits is a caller who does nothing for a while: after the time that the bot allows it is silence.
func (p *play) waits(d time.Duration) error {
	listen, ok := p.wait.(dialog.Listen)
	if !ok {
		return nil
	}
	if p.silence += d; p.silence >= listen.Timeout {
		p.silence = 0
		p.acts("caller")
		p.tell("caller", "(silence)")
		p.did(dialog.NoInput{Now: p.Now})
	}
	return nil
}

// message is what is said after the tone: half a second a word.
func (p *play) message(act testaudio.Act) error {
	length := time.Duration(0)
	switch act := act.(type) {
	case testaudio.Speaks:
		length = time.Duration(len(strings.Fields(act.Text))) * 500 * time.Millisecond
	case testaudio.Plays:
		length = 3 * time.Second
	}
	p.tell("caller", "leaves a message of "+length.String())
	p.did(dialog.MessageLeft{Duration: length})
	return nil
}

// talks is what joined parties do, and a seat that decides.
func (p *play) talks(who string, act testaudio.Act) error {
	other := p.seat
	if who == p.seat {
		other = "caller"
	}
	switch act := act.(type) {
	case testaudio.Speaks:
		if !p.joined {
			return errors.New("nobody is joined with it")
		}
		p.tell(who, act.Text)
		p.acts(who)
		p.heard[other] = strings.TrimSpace(p.heard[other] + " " + act.Text)
	case testaudio.Keys:
		if who == p.seat && !p.joined {
			return p.decides(act.Keys)
		}
	case testaudio.Plays, testaudio.Waits, testaudio.Silent:
	}
	return nil
}

// decides is the seat's key after the brief.
func (p *play) decides(keys string) error {
	switch keys {
	case string(transfer.KeyAccept):
		p.joined = true
		p.acts("caller")
		p.acts(p.seat)
	case string(transfer.KeyDecline):
		p.seat = ""
	default:
		return fmt.Errorf("a seat accepts with %c and declines with %c", transfer.KeyAccept, transfer.KeyDecline)
	}
	return nil
}
