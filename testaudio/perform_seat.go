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

// call waits until a seat is called; "" any seat.
func (p *play) call(ctx context.Context, who string) (SeatLeg, error) {
	if p.Seats == nil {
		return nil, errors.New("there are no seats in this run: perform the script where seats are, see ivr call --help")
	}
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	id := strings.TrimPrefix(who, "seat ")
	for {
		if leg := p.calls[id]; leg != nil && !isDone(leg) {
			return leg, nil
		}
		if who == "" && p.last != nil {
			return p.last, nil
		}
		select {
		case c := <-p.Seats:
			p.calls[c.Seat], p.last = c.Leg, c.Leg
		case <-p.callerDone():
			return nil, fmt.Errorf("the caller's call ended first: %w", p.people["caller"].gone())
		case <-ctx.Done():
			return nil, fmt.Errorf("it was not called within %v", p.Patience)
		}
	}
}

func (p *play) callerDone() <-chan struct{} {
	if caller := p.people["caller"]; caller != nil {
		return caller.leg.Done()
	}
	return nil
}

func isDone(leg Leg) bool {
	select {
	case <-leg.Done():
		return true
	default:
		return false
	}
}

func (p *play) rings(ctx context.Context, who string, d time.Duration) error {
	leg, err := p.call(ctx, who)
	if err != nil {
		return err
	}
	p.say(who, "rings")
	if err := leg.Ring(ctx); err != nil {
		return err
	}
	return pause(ctx, d)
}

// answer takes the call that is ringing at a seat, or that comes next.
func (p *play) answer(ctx context.Context, who string) (*Person, error) {
	leg, err := p.call(ctx, who)
	if err != nil {
		return nil, err
	}
	if err := leg.Answer(ctx); err != nil {
		return nil, err
	}
	p.say(who, "answers")
	if err := p.enter(ctx, who, leg); err != nil {
		return nil, err
	}
	return p.people[who], nil
}

func (p *play) refuses(ctx context.Context, who string, how Refusal) error {
	leg, err := p.call(ctx, who)
	if err != nil {
		return err
	}
	p.say(who, Refuses{how}.String())
	switch how {
	case Busy:
		return leg.Reject(486, "Busy Here")
	case Declined:
		return leg.Reject(603, "Decline")
	}
	if err := leg.Ring(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*p.Patience) // longer than any bot should let it ring
	defer cancel()
	select {
	case <-leg.Done():
		return nil
	case <-ctx.Done():
		return errors.New("the bot lets it ring for ever")
	}
}

// handsOver compares what the bot should do with what the call that reached a seat says.
func (p *play) handsOver(ctx context.Context, want HandsOver) error {
	leg, err := p.call(ctx, "")
	if err != nil {
		return err
	}
	queue, reason := leg.Header(HeaderQueue), leg.Header(HeaderReason)
	p.say("bot", HandsOver{queue, reason}.String())
	if queue != want.Queue || want.Because != "" && reason != want.Because {
		return fmt.Errorf("it handed over %q, because %q", queue, reason)
	}
	return nil
}

// The tones by which caller and seat find each other: no keys, no harmonics of each other, inside the telephone band.
const (
	callerTone = 1300.0
	seatTone   = 1750.0
	toneLength = 100 * time.Millisecond
	toneShare  = 0.5 // of the energy of a frame
)

// bridge sends a short tone from each side until the other has heard it.
func (p *play) bridge(ctx context.Context, seat string) error {
	caller, err := p.person(ctx, "caller")
	if err != nil {
		return err
	}
	other, err := p.person(ctx, "seat "+seat)
	if err != nil {
		return err
	}
	atCaller, atSeat := listenForTone(caller.leg, seatTone), listenForTone(other.leg, callerTone)
	defer atCaller.stop()
	defer atSeat.stop()
	deadline := time.NewTimer(p.Patience)
	defer deadline.Stop()
	again := time.NewTicker(4 * toneLength)
	defer again.Stop()
	fromCaller, fromSeat := media.NewPrompt(Tone(toneLength, callerTone)), media.NewPrompt(Tone(toneLength, seatTone))
	began := time.Now()
	for !atCaller.has() || !atSeat.has() {
		select {
		case <-again.C:
			if !atSeat.has() {
				caller.leg.Media().Play(fromCaller)
			}
			if !atCaller.has() {
				other.leg.Media().Play(fromSeat)
			}
		case <-caller.leg.Done():
			return caller.gone()
		case <-other.leg.Done():
			return other.gone()
		case <-deadline.C:
			return fmt.Errorf("within %v the seat heard the caller: %v, the caller heard the seat: %v", p.Patience, atSeat.has(), atCaller.has())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	p.say("seat "+seat, fmt.Sprintf("and caller hear each other, after %v", time.Since(began).Round(10*time.Millisecond)))
	return nil
}

// toneEar waits for a tone.
type toneEar struct {
	hz   float64
	stop func()

	mu    sync.Mutex
	heard bool
}

func listenForTone(leg Leg, hz float64) *toneEar {
	e := &toneEar{hz: hz}
	e.stop = leg.Media().Listen(e)
	return e
}

func (e *toneEar) Hear(h *media.Heard) {
	frame := Heard(h.Frame[:])
	if media.Audible(frame) && frame.Tone(e.hz) > toneShare {
		e.mu.Lock()
		e.heard = true
		e.mu.Unlock()
	}
}

func (e *toneEar) has() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard
}

// end waits until the caller's call and all others are over.
func (p *play) end(ctx context.Context, want End) error {
	ctx, cancel := context.WithTimeout(ctx, p.Patience)
	defer cancel()
	for who, person := range p.people {
		select {
		case <-person.leg.Done():
		case <-ctx.Done():
			return fmt.Errorf("the call of %s goes on %v later", who, p.Patience)
		}
	}
	by := p.ended
	if by == "" {
		by = "bot"
	}
	lasted := time.Since(p.result.Began).Round(100 * time.Millisecond)
	p.say("", fmt.Sprintf("end: %s hung up, after %v", by, lasted))
	if want.By != "" && want.By != by {
		return fmt.Errorf("%s hung up", by)
	}
	if off := max(3*time.Second, want.After/3); want.After != 0 && (lasted < want.After-off || lasted > want.After+off) {
		return fmt.Errorf("it lasted %v", lasted)
	}
	return nil
}
