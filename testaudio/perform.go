package testaudio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Stage is what a [Talk] is performed with. The transport is joined here: it places the caller's call and brings those that
// reach a seat.
type Stage struct {
	Dial  func(ctx context.Context, number string) (Leg, error) // number "" is the usual one
	Seats <-chan SeatCall                                       // nil: there are no seats
	With  Engines
	Clip  func(file string) ([]int16, error) // of Plays; nil: [ReadMono]

	Patience time.Duration // for what a script waits for [20s]
	Tell     func(Told)    // everything as it happens; may be nil
}

// SeatCall is a call that reached a seat. Whoever sent it on [Stage.Seats] keeps the leg until it is done.
type SeatCall struct {
	Seat string // its id
	Leg  SeatLeg
}

// SeatLeg is a call that was not answered yet; *sip.Leg is one.
type SeatLeg interface {
	Leg
	Ring(ctx context.Context) error
	Answer(ctx context.Context) error
	Reject(code int, reason string) error
	Header(name string) string // of the INVITE
}

// The headers of a call to a seat that tell its phone, and a [Talk], why it rings.
const (
	HeaderQueue  = "X-Ivr-Queue"
	HeaderReason = "X-Ivr-Reason"
)

// Told is one thing that happened in a performance.
type Told struct {
	At   time.Time
	Who  string // "caller", "seat 7"
	What string // "rings", "answers"; "" when Turn is set
	Turn *Turn
}

// FailedStep is a step that did not come true. It is always a pointer.
type FailedStep struct {
	Talk string
	Step Step
	Why  error
}

func (e *FailedStep) Error() string {
	return fmt.Sprintf("%s:%d: %s: %v", e.Talk, e.Step.Line, e.Step, e.Why)
}

func (e *FailedStep) Unwrap() error { return e.Why }

// Performance is what came of a talk.
type Performance struct {
	Began, Ended time.Time
	Done         int               // steps of the talk that came true
	Turns        map[string][]Turn // by party: "caller", "seat 7"
}

// Perform plays a talk in real time and returns what was said and heard. The error is the first [*FailedStep], or that of ctx.
// When it returns every leg has ended, and every goroutine it started.
func Perform(ctx context.Context, talk *Talk, stage Stage) (*Performance, error) {
	if stage.Patience == 0 {
		stage.Patience = 20 * time.Second
	}
	if stage.Clip == nil {
		stage.Clip = ReadMono
	}
	ctx, cancel := context.WithCancel(ctx)
	p := &play{Stage: stage, talk: talk, people: map[string]*Person{}, calls: map[string]SeatLeg{}, spoken: map[string][]int16{}}
	p.result.Turns = map[string][]Turn{}
	defer p.wait.Wait()
	defer cancel()
	err := p.all(ctx)
	p.clear()
	for who, person := range p.people {
		p.result.Turns[who] = person.Turns()
	}
	p.result.Ended = time.Now()
	return &p.result, err
}

// play is one performance. It belongs to the goroutine of Perform.
type play struct {
	Stage
	talk   *Talk
	result Performance
	wait   sync.WaitGroup
	tellMu sync.Mutex

	people map[string]*Person
	calls  map[string]SeatLeg // to seats, by id, the latest
	last   SeatLeg
	spoken map[string][]int16 // texts, ready before the call
	ended  string             // who hung up first: "caller", "seat"
}

func (p *play) all(ctx context.Context) error {
	for _, text := range p.talk.Texts() {
		pcm, err := p.With.Speak(ctx, text)
		if err != nil {
			return fmt.Errorf("testaudio: the voice failed at %q: %w", text, err)
		}
		p.spoken[text] = pcm
	}
	p.result.Began = time.Now()
	for _, step := range p.talk.Steps {
		if err := p.step(ctx, step); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return &FailedStep{Talk: p.talk.Name, Step: step, Why: err}
		}
		p.result.Done++
	}
	return nil
}

func (p *play) step(ctx context.Context, step Step) error {
	switch act := step.Act.(type) {
	case Replies, At:
		return nil // of talks in text
	case Dials:
		return p.dial(ctx, act.Number)
	case HandsOver:
		return p.handsOver(ctx, act)
	case Rings:
		return p.rings(ctx, step.Who, act.For)
	case Answers:
		_, err := p.person(ctx, step.Who)
		return err
	case Refuses:
		return p.refuses(ctx, step.Who, act.How)
	case Bridge:
		return p.bridge(ctx, act.Seat)
	case End:
		return p.end(ctx, act)
	case HangsUp:
		if step.Who == "bot" {
			return p.end(ctx, End{By: "bot"})
		}
	}
	person, err := p.person(ctx, step.Who)
	if err != nil {
		return err
	}
	return p.does(ctx, step.Who, person, step.Act)
}

// does what a person at an answered call can do.
func (p *play) does(ctx context.Context, who string, person *Person, act Act) error {
	switch act := act.(type) {
	case Speaks:
		return person.Play(ctx, act.Text, p.spoken[act.Text])
	case Plays:
		pcm, err := p.Clip(act.File)
		if err != nil {
			return err
		}
		return person.Play(ctx, act.File, pcm)
	case Keys:
		return person.Press(ctx, act.Keys)
	case Silent:
		if err := p.listens(ctx, person); err != nil {
			return err
		}
		person.StaySilent()
		return nil
	case Waits:
		return pause(ctx, act.For)
	case Hears:
		return p.hears(ctx, person, act.Fragments)
	case Listens:
		return p.listens(ctx, person)
	case HangsUp:
		p.hungUp(who)
		return person.HangUp(ctx)
	}
	return fmt.Errorf("%s cannot do this", who)
}

// hungUp notes who did it first.
func (p *play) hungUp(who string) {
	if party, _, _ := strings.Cut(who, " "); p.ended == "" {
		p.ended = party
	}
	p.say(who, "hangs up")
}

// hears waits until all fragments were said since the person last did something.
func (p *play) hears(ctx context.Context, person *Person, fragments []string) error {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	for {
		said := person.sinceLast()
		missing := ""
		for _, f := range fragments {
			if !Says(said, f) {
				missing = f
				break
			}
		}
		if missing == "" {
			return nil
		}
		if _, err := person.Listen(ctx); err != nil {
			if said == "" {
				said = "nothing"
			}
			return fmt.Errorf("%q was not said within %v; heard: %s%s", missing, p.Patience, said, because(err))
		}
	}
}

// because explains an error that is more than impatience.
func because(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}

// listens waits until the far end has said something and is silent.
func (p *play) listens(ctx context.Context, person *Person) error {
	if person.sinceLast() != "" && !person.FarEndTalks() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	if _, err := person.Listen(ctx); err != nil {
		return fmt.Errorf("nothing was said within %v%s", p.Patience, because(err))
	}
	return nil
}

func (p *play) dial(ctx context.Context, number string) error {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	p.say("caller", strings.TrimSpace("dials "+number))
	leg, err := p.Dial(ctx, number)
	if err != nil {
		return err
	}
	p.say("caller", "is answered")
	return p.enter(ctx, "caller", leg)
}

// enter makes a person of an answered leg.
func (p *play) enter(ctx context.Context, who string, leg Leg) error {
	person, err := NewPerson(leg, p.With, func(t Turn) { p.tell(Told{At: time.Now(), Who: who, Turn: &t}) })
	if err != nil {
		return err
	}
	p.people[who] = person
	p.wait.Go(func() { person.Run(context.WithoutCancel(ctx)) }) // ends with its leg, which clear ends
	return nil
}

// person finds a party, who comes to the phone when needed for the first time: the caller dials, a seat answers.
func (p *play) person(ctx context.Context, who string) (*Person, error) {
	if person := p.people[who]; person != nil && !person.ended() {
		return person, nil
	}
	if who == "caller" {
		if p.people[who] != nil {
			return nil, p.people[who].gone()
		}
		if err := p.dial(ctx, ""); err != nil {
			return nil, err
		}
		return p.people[who], nil
	}
	return p.answer(ctx, who)
}

// clear ends every leg: of seats that were never answered too.
func (p *play) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	legs := []Leg{}
	for _, person := range p.people {
		legs = append(legs, person.leg)
	}
	for _, leg := range p.calls {
		legs = append(legs, leg)
	}
	for _, leg := range legs {
		_ = leg.Hangup(ctx, "end of the talk") // the peer may be gone already
		select {
		case <-leg.Done():
		case <-ctx.Done():
		}
	}
}

func (p *play) say(who, what string) { p.tell(Told{At: time.Now(), Who: who, What: what}) }

func (p *play) tell(t Told) {
	if p.Tell == nil {
		return
	}
	p.tellMu.Lock() // people tell from goroutines of their own
	defer p.tellMu.Unlock()
	p.Tell(t)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
