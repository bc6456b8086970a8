package testaudio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"ivr/media"
)

// Leg is one answered call as a person has it; *sip.Leg is one.
type Leg interface {
	Media() *media.Stream
	Hangup(ctx context.Context, reason string) error
	Done() <-chan struct{} // closed when it has ended, from either side
	Err() error            // then why
}

// Engines are what a person speaks and hears with.
type Engines struct {
	Speak func(ctx context.Context, text string) ([]int16, error)
	Hear  func(ctx context.Context, pcm []int16) (text string, err error)
	// Activity makes a judge of whether 512 samples are voice, 0 to 1, for one stream. May be nil: then all sound is.
	Activity func() (func(pcm []int16) (float32, error), error)
}

// Turn is one thing said on a leg.
type Turn struct {
	Sent         bool          // by the person here; else heard from the far end
	Text         string        // as spoken, or as recognised
	Keys         string        // pressed, instead of Text
	Began, Ended time.Time     // when its first and its last voiced packet were sent, or arrived
	Gap          time.Duration // of a heard turn that answers: last voiced packet sent to its first; else 0
	Err          error         // why a heard turn has no text
}

// ErrGone says that the call ended before what was waited for came. Its error says why.
var ErrGone = errors.New("testaudio: the call has ended")

// Person is at one end of a call: a caller or a seat. Methods are for one goroutine; Run for another.
type Person struct {
	leg    Leg
	with   Engines
	tell   func(Turn)
	ears   *ears
	detach func()
	cut    cutter
	heard  chan Turn // closed when Run ends

	mu       sync.Mutex
	turns    []Turn
	lastSent time.Time // last voiced packet
	answered bool      // a turn has been heard since
	talking  bool      // the far end is in the middle of a turn
}

// NewPerson joins a person to a leg; the ears are open from now on, but nothing is understood before Run. tell is told every
// turn when it is complete, in order, from whichever goroutine it happens on; it may be nil.
func NewPerson(leg Leg, with Engines, tell func(Turn)) (*Person, error) {
	p := &Person{leg: leg, with: with, tell: tell, ears: newEars(), heard: make(chan Turn, 1024)}
	if with.Activity != nil {
		judge, err := with.Activity()
		if err != nil {
			return nil, err
		}
		p.cut.activity = judge
	}
	p.detach = leg.Media().Listen(p.ears)
	return p, nil
}

// Run hears until the leg has ended or ctx is done, recognising each turn as it ends.
func (p *Person) Run(ctx context.Context) {
	defer close(p.heard)
	defer p.detach()
	for {
		select {
		case h := <-p.ears.frames:
			p.understand(ctx, p.cut.hear(h))
		case <-p.leg.Done():
			for len(p.ears.frames) > 0 {
				p.understand(ctx, p.cut.hear(<-p.ears.frames))
			}
			p.understand(ctx, p.cut.end())
			return
		case <-ctx.Done():
			return
		}
	}
}

// understand makes a turn of a stretch; nil is none.
func (p *Person) understand(ctx context.Context, s *stretch) {
	p.mu.Lock()
	p.talking = p.cut.turn != nil || s != nil
	p.mu.Unlock()
	if s == nil {
		return
	}
	t := Turn{Began: s.began, Ended: s.ended}
	t.Text, t.Err = p.with.Hear(ctx, s.pcm)
	p.mu.Lock()
	if !p.answered && !p.lastSent.IsZero() && t.Began.After(p.lastSent) {
		t.Gap, p.answered = t.Began.Sub(p.lastSent), true
	}
	p.talking = false
	p.mu.Unlock()
	p.keep(t)
	select {
	case p.heard <- t:
	default: // nobody has listened for a thousand turns
	}
}

// keep adds a turn to the record.
func (p *Person) keep(t Turn) {
	p.mu.Lock()
	p.turns = append(p.turns, t)
	p.mu.Unlock()
	if p.tell != nil {
		p.tell(t)
	}
}

// Turns are all so far, in the order in which they were complete.
func (p *Person) Turns() []Turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Turn(nil), p.turns...)
}

// Missed is how many frames could not be heard because this process was too busy.
func (p *Person) Missed() int { return int(p.ears.dropped.Load()) }

// Say speaks a text and returns when its last packet was sent.
func (p *Person) Say(ctx context.Context, text string) error {
	pcm, err := p.with.Speak(ctx, text)
	if err != nil {
		return fmt.Errorf("testaudio: the voice failed at %q: %w", text, err)
	}
	return p.Play(ctx, text, pcm)
}

// Play sends audio that says text, and returns when its last packet was sent.
func (p *Person) Play(ctx context.Context, text string, pcm []int16) error {
	first, last := voicedFrames(pcm)
	pb := p.leg.Media().Play(media.NewPrompt(pcm))
	select {
	case <-pb.Done():
	case <-p.leg.Done():
		return p.gone()
	case <-ctx.Done():
		p.leg.Media().Clear()
		return context.Cause(ctx)
	}
	if !pb.Finished() {
		<-p.leg.Done() // nobody but its end cuts us short
		return p.gone()
	}
	at := func(frame int) time.Time { return pb.StartedAt().Add(time.Duration(frame) * media.FrameDuration) }
	p.mu.Lock()
	p.lastSent, p.answered = at(last), false
	p.mu.Unlock()
	p.keep(Turn{Sent: true, Text: text, Began: at(first), Ended: at(last)})
	return nil
}

// Press presses keys (RFC 4733) and returns when the last was released.
func (p *Person) Press(ctx context.Context, keys string) error {
	began := time.Now()
	if err := p.leg.Media().SendDigits(ctx, keys); err != nil {
		if p.ended() {
			return p.gone()
		}
		return fmt.Errorf("testaudio: keys %s: %w", keys, err)
	}
	p.mu.Lock()
	p.lastSent, p.answered = began, true // the answer may begin before the key is released; a key is no voice: no gap is measured from it
	p.mu.Unlock()
	p.keep(Turn{Sent: true, Keys: keys, Began: began, Ended: time.Now()})
	return nil
}

// StaySilent lets the person do nothing: what the far end says from now on counts.
func (p *Person) StaySilent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastSent, p.answered = time.Now(), true
}

// Listen returns the next turn of the far end, with words, that began after the person last did something. The error is
// [ErrGone] when the call ends first.
func (p *Person) Listen(ctx context.Context) (Turn, error) {
	for {
		select {
		case t, ok := <-p.heard:
			if !ok {
				return Turn{}, p.gone()
			}
			p.mu.Lock()
			since := p.lastSent
			p.mu.Unlock()
			if t.Began.After(since) && (t.Text != "" || t.Err != nil) {
				return t, nil
			}
		case <-ctx.Done():
			return Turn{}, context.Cause(ctx)
		}
	}
}

// FarEndTalks reports that a turn has begun and not ended.
func (p *Person) FarEndTalks() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.talking
}

// HangUp ends the call.
func (p *Person) HangUp(ctx context.Context) error { return p.leg.Hangup(ctx, "") }

func (p *Person) ended() bool {
	select {
	case <-p.leg.Done():
		return true
	default:
		return false
	}
}

func (p *Person) gone() error {
	if !p.ended() {
		return ErrGone
	}
	return fmt.Errorf("%w: %w", ErrGone, p.leg.Err())
}

// voicedFrames are the first and the last frame of pcm with a voice in it.
func voicedFrames(pcm []int16) (first, last int) {
	sent := Telephone(pcm, MuLaw) // a telephone line takes what is above 3.4 kHz, most of an s
	first = -1
	for at := 0; at < len(sent); at += media.FrameSamples {
		if frame := at / media.FrameSamples; media.Audible(sent[at:min(at+media.FrameSamples, len(sent))]) {
			if first < 0 {
				first = frame
			}
			last = frame
		}
	}
	return max(0, first), last
}

// sinceLast is all that was heard since the person last did something.
func (p *Person) sinceLast() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var said []string
	for _, t := range p.turns {
		if !t.Sent && t.Began.After(p.lastSent) {
			said = append(said, t.Text)
		}
	}
	return strings.Join(said, " ")
}
