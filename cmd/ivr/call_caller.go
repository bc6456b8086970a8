package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ivr/sip"
	"ivr/testaudio"
)

// How long a caller waits before giving up, and for the first word.
const (
	greetingWithin = 15 * time.Second
	replyWithin    = 20 * time.Second
)

// spoken is one item with its audio ready, so that speaking takes no time from the call.
type spoken struct {
	text, keys string
	pcm        []int16
}

func (i callItem) prepare(ctx context.Context, with testaudio.Engines) (spoken, error) {
	switch {
	case i.keys != "":
		return spoken{text: "keys " + i.keys, keys: i.keys}, nil
	case i.wav != "":
		pcm, err := testaudio.ReadMono(i.wav)
		return spoken{text: i.wav, pcm: pcm}, err
	}
	pcm, err := with.Speak(ctx, i.say)
	return spoken{text: i.say, pcm: pcm}, err
}

func prepareAll(ctx context.Context, items []callItem, with testaudio.Engines) (all []spoken, err error) {
	for _, item := range items {
		s, err := item.prepare(ctx, with)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (s spoken) perform(ctx context.Context, p *testaudio.Person) error {
	if s.keys != "" {
		return p.Press(ctx, s.keys)
	}
	return p.Play(ctx, s.text, s.pcm)
}

// runCaller places one call and talks.
func runCaller(ctx context.Context, o *callOptions, to string, show *callScreen) (err error) {
	p, err := openPhone(ctx, o.phoneOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	all, err := prepareAll(ctx, o.items, p.with)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("the call took longer than --timeout %v", o.timeout))
	defer cancel()
	began := time.Now()
	leg, err := p.dial(ctx, to, o.from)
	if err != nil {
		show.summary(err, "")
		return err
	}
	show.start(time.Now())
	show.note("", "%s answered after %d ms", to, time.Since(began).Milliseconds())
	finish := func() error { return nil }
	if o.record != "" {
		finish = record(leg, o.record)
	}
	err = converse(ctx, p.with, leg, all, o.stay, show)
	err = errors.Join(err, finish())
	show.summary(err, o.record)
	return err
}

// converse talks on an answered call and ends it.
func converse(ctx context.Context, with testaudio.Engines, leg *sip.Leg, all []spoken, stay time.Duration, show *callScreen) error {
	person, err := testaudio.NewPerson(leg, with, func(t testaudio.Turn) { show.turn("", t) })
	if err != nil {
		return errors.Join(err, hangUp(leg))
	}
	var wait sync.WaitGroup
	defer wait.Wait()
	wait.Go(func() { person.Run(context.WithoutCancel(ctx)) }) // ends with the leg
	err = talk(ctx, person, all, stay)
	if errors.Is(err, testaudio.ErrGone) || isDone(leg) {
		show.note("", "the far end hung up")
	} else {
		show.note("", "hangs up")
	}
	return errors.Join(err, hangUp(leg))
}

// talk says one thing after the other, each after the answer to the one before, and stays a while.
func talk(ctx context.Context, person *testaudio.Person, all []spoken, stay time.Duration) error {
	if _, err := listen(ctx, person, greetingWithin, "greeting"); err != nil && len(all) == 0 {
		return err
	} else if errors.Is(err, testaudio.ErrGone) || ctx.Err() != nil {
		return err // without a greeting a caller just begins
	}
	for _, s := range all {
		if err := s.perform(ctx, person); err != nil {
			return fmt.Errorf("%q was not said: %w", s.text, err)
		}
		if _, err := listen(ctx, person, replyWithin, fmt.Sprintf("answer to %q", s.text)); err != nil {
			return err
		}
	}
	stayOn, cancel := context.WithTimeout(ctx, stay)
	defer cancel()
	for stayOn.Err() == nil {
		if _, err := person.Listen(stayOn); errors.Is(err, testaudio.ErrGone) {
			return nil // it has said all, and so have we
		}
	}
	return context.Cause(ctx)
}

// listen waits for a turn; what names it in the error.
func listen(ctx context.Context, person *testaudio.Person, within time.Duration, what string) (testaudio.Turn, error) {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	turn, err := person.Listen(limited)
	switch {
	case err == nil:
		return turn, nil
	case ctx.Err() != nil:
		return turn, context.Cause(ctx)
	case errors.Is(err, testaudio.ErrGone):
		return turn, fmt.Errorf("no %s: %w", what, err)
	}
	return turn, fmt.Errorf("no %s within %v", what, within)
}

// hangUp ends a leg in good order, also after Ctrl-C.
func hangUp(leg *sip.Leg) error {
	if isDone(leg) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return leg.Hangup(ctx, "")
}

func isDone(leg testaudio.Leg) bool {
	select {
	case <-leg.Done():
		return true
	default:
		return false
	}
}
