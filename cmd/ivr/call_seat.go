package main

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"ivr/sip"
	"ivr/testaudio"
)

// What a seat does with a call.
const (
	seatTalks   = 8 * time.Second // after being joined, unless the caller hangs up first
	briefWithin = 15 * time.Second
	settles     = 300 * time.Millisecond // from the key to the first word: the bot joins within a tick or two
)

// seatDesk is `ivr call --seat`: it answers one call after the other, or several at once.
type seatDesk struct {
	options *callOptions
	phone   *phone
	words   []spoken
	show    *callScreen

	mu     sync.Mutex
	taken  int           // calls so far
	ended  int           // of those
	err    error         // of the calls that went wrong
	enough chan struct{} // closed when --calls have ended
}

// runSeat answers calls until it is interrupted or has had enough.
func runSeat(ctx context.Context, o *callOptions, show *callScreen) (err error) {
	o.phoneOptions.listen = o.address
	if !o.staySet {
		o.stay = seatTalks
	}
	p, err := openPhone(ctx, o.phoneOptions)
	if err != nil {
		return err
	}
	d := &seatDesk{options: o, phone: p, show: show, enough: make(chan struct{})}
	if d.words, err = prepareAll(ctx, o.items, p.with); err != nil {
		return errors.Join(err, p.close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	show.note("", "seat waits for calls on %s", o.address)
	p.serve(ctx, d.takes)
	select {
	case <-ctx.Done():
	case <-d.enough:
	}
	closed := p.close()
	return errors.Join(d.err, closed)
}

// takes is one call, from its ringing to its end.
func (d *seatDesk) takes(ctx context.Context, leg *sip.Leg) {
	d.mu.Lock()
	if d.options.calls > 0 && d.taken >= d.options.calls {
		d.mu.Unlock()
		_ = leg.Reject(486, "Busy Here") // it has had enough
		return
	}
	d.taken++
	number := d.taken
	d.mu.Unlock()

	d.show.note("", "rings: %s", describe(leg))
	err := d.answers(ctx, leg, number)
	if ctx.Err() != nil {
		err = nil // interrupted, and that is no failure
	}
	if err != nil {
		d.show.note("", "failed: %v", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err = errors.Join(d.err, err)
	if d.ended++; d.ended == d.options.calls {
		close(d.enough)
	}
}

// describe is what the display of a phone shows of a call.
func describe(leg *sip.Leg) string {
	text := leg.From()
	if name := leg.DisplayName(); name != "" && name != text {
		text = name + ", " + text
	}
	if queue := leg.Header(testaudio.HeaderQueue); queue != "" {
		text += ", for " + queue
	}
	if reason := leg.Header(testaudio.HeaderReason); reason != "" {
		text += ", because " + reason
	}
	return text
}

func (d *seatDesk) answers(ctx context.Context, leg *sip.Leg, number int) error {
	if d.options.busy {
		return leg.Reject(486, "Busy Here")
	}
	if err := leg.Ring(ctx); err != nil {
		return err
	}
	ring := time.NewTimer(d.options.ring)
	defer ring.Stop()
	if d.options.noAnswer {
		ring.Stop()
	}
	select {
	case <-ring.C:
	case <-leg.Done():
		d.show.note("", "stops ringing: %v", leg.Err())
		return nil
	case <-ctx.Done():
		return nil
	}
	if err := leg.Answer(ctx); err != nil {
		if isDone(leg) { // given up in the same moment
			return nil
		}
		return err
	}
	d.show.start(time.Now())
	d.show.note("", "answers")
	finish := func() error { return nil }
	if path := numbered(d.options.record, number); path != "" {
		finish = record(leg, path)
	}
	return errors.Join(d.talks(ctx, leg), hangUp(leg), finish())
}

// talks listens to the brief, decides, and when joined talks with the caller.
func (d *seatDesk) talks(ctx context.Context, leg *sip.Leg) error {
	person, err := testaudio.NewPerson(leg, d.phone.with, func(t testaudio.Turn) { d.show.turn("", t) })
	if err != nil {
		return err
	}
	running, ended := context.WithCancel(context.WithoutCancel(ctx))
	var wait sync.WaitGroup
	defer wait.Wait()
	defer ended()
	wait.Go(func() { person.Run(running) })

	if _, err := listen(ctx, person, briefWithin, "brief"); err != nil {
		return err
	}
	if d.options.decline {
		if err := person.Press(ctx, "2"); err != nil {
			return err
		}
		return gone(ctx, leg, "the bot does not hang up on a seat that declined")
	}
	if err := person.Press(ctx, "1"); err != nil {
		return err
	}
	err = d.joined(ctx, person, leg)
	if errors.Is(err, testaudio.ErrGone) {
		d.show.note("", "the far end hung up")
		<-leg.Done()
		return nil
	}
	d.show.note("", "hangs up")
	return errors.Join(err, hangUp(leg))
}

// joined is the talk with the caller: the first word at once, the next after an answer.
func (d *seatDesk) joined(ctx context.Context, person *testaudio.Person, leg *sip.Leg) error {
	until, cancel := context.WithTimeout(ctx, d.options.stay)
	defer cancel()
	select {
	case <-time.After(settles):
	case <-leg.Done():
		return testaudio.ErrGone
	}
	for _, s := range d.words {
		if err := s.perform(ctx, person); err != nil {
			return err
		}
		if _, err := person.Listen(until); errors.Is(err, testaudio.ErrGone) {
			return err
		}
	}
	for until.Err() == nil {
		if _, err := person.Listen(until); errors.Is(err, testaudio.ErrGone) {
			return err
		}
	}
	return nil
}

// gone waits for the far end to hang up.
func gone(ctx context.Context, leg *sip.Leg, complaint string) error {
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	select {
	case <-leg.Done():
		return nil
	case <-ctx.Done():
		return nil
	case <-limit.C:
		return errors.New(complaint)
	}
}

// numbered is the recording of one of several calls: "out.wav", "out-2.wav".
func numbered(path string, number int) string {
	if path == "" || number == 1 {
		return path
	}
	return recordingOf(path, strconv.Itoa(number))
}
