package transfer

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Errors of [Desk].
var (
	ErrNoSeat      = errors.New("transfer: no seat is signed in for the queue")
	ErrWait        = errors.New("transfer: all seats are busy")
	ErrLeft        = errors.New("transfer: the ticket has left the queue")
	ErrUnknownSeat = errors.New("transfer: no such seat")
)

// Desk owns all seats and queues. Times are arguments; whatever has run out by then is dealt with first, in every method, so
// that a seat or ticket whose call has died becomes free without anybody's help.
//
// Tickets are served by priority, then age. A ticket gets the seat of the earliest tier that is free, of these the longest
// idle. A seat that refused a ticket is not offered to it again, unless every seat signed in for the queue has refused it.
// No seat is kept for a ticket that is not asking.
type Desk struct {
	mu     sync.Mutex
	cfg    Config
	queues map[string]*queue
	seats  map[string]*seat
	line   []*Ticket // not served yet, first in line first
	issued int

	watch *Ticket   // first of those asking: it has been told of due, and asks for all when that has come
	due   time.Time // when something changes by itself
}

type queue struct {
	Queue
	tiers  [][]*seat
	handle time.Duration // moving average of talk and wrap-up; 0 unknown
}

// Ticket is one caller's place in a queue. It keeps the place until the caller talks to a seat or leaves.
type Ticket struct {
	Handover Handover
	ready    chan struct{}

	// What follows belongs to the desk.
	queue    *queue // nil: unknown to the desk
	priority int
	entered  time.Time
	number   int       // order of issue
	asking   bool      // wants a seat and has none
	seat     *seat     // reserved, called or talking
	claim    time.Time // until when the seat reserved for it must be asked for; zero: it was
	refused  map[*seat]bool
	left     bool
}

// Ready tells when it is worth to call [Desk.Reserve] again. It is buffered and never closed.
func (t *Ticket) Ready() <-chan struct{} { return t.ready }

// NewDesk opens the desk with all seats signed in, or reports all mistakes of cfg.
func NewDesk(cfg Config) (*Desk, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	d := &Desk{cfg: cfg.withDefaults(), queues: map[string]*queue{}, seats: map[string]*seat{}}
	for _, s := range cfg.Seats {
		d.seats[s.ID] = &seat{Seat: s, state: Free}
	}
	for _, q := range cfg.Queues {
		dq := &queue{Queue: q}
		for _, tier := range q.Tiers {
			seats := make([]*seat, len(tier))
			for i, id := range tier {
				seats[i] = d.seats[id]
			}
			dq.tiers = append(dq.tiers, seats)
		}
		d.queues[q.Name] = dq
	}
	return d, nil
}

// Enter takes a place in the queue of h. Whoever enters must [Desk.Leave], whatever happens.
func (d *Desk) Enter(now time.Time, h Handover, priority int) *Ticket {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.issued++
	t := &Ticket{
		Handover: h, ready: make(chan struct{}, 1), queue: d.queues[h.Queue],
		priority: priority, entered: now, number: d.issued, refused: map[*seat]bool{},
	}
	if t.queue != nil {
		t.priority += t.queue.Priority
	}
	at, _ := slices.BinarySearchFunc(d.line, t, byRank)
	d.line = slices.Insert(d.line, at, t)
	return t
}

// Reserve asks for a seat: [ErrWait] says to ask again when [Ticket.Ready] or [Desk.Next] says so, [ErrNoSeat] that nobody
// could ever come. A ticket that has a seat gets the same again.
func (d *Desk) Reserve(now time.Time, t *Ticket) (Seat, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.left {
		return Seat{}, ErrLeft
	}
	t.asking = t.seat == nil
	d.settle(now)
	switch {
	case t.seat != nil:
		t.claim = time.Time{}
		return t.seat.Seat, nil
	case !t.hasSeats():
		t.asking = false
		return Seat{}, fmt.Errorf("%w %q", ErrNoSeat, t.Handover.Queue)
	}
	return Seat{}, ErrWait
}

// Report says what the ticket's seat does now: [Ringing]; [Talking], which serves the ticket; [WrapUp] after it; or [Free]
// when it did not take the call, with why, or "" when it was not its fault. All else, and news of a seat that is the
// ticket's no more, change nothing.
func (d *Desk) Report(now time.Time, t *Ticket, state SeatState, why Refusal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.settle(now)
	s := t.seat
	if s == nil {
		return
	}
	switch {
	case state == Ringing && s.state != Talking:
		s.set(now, Ringing, d.cfg.Lease)
	case state == Talking && s.state != Talking:
		s.misses = 0
		s.set(now, Talking, d.cfg.Talk)
		d.dequeue(t)
	case state == WrapUp && s.state == Talking:
		d.wrapUp(now, s)
	case state == Free && s.state != Talking:
		d.refuse(now, t, why)
	}
}

// Leave gives up the place and whatever seat the ticket has: a talk ends in wrap-up. Safe to call twice.
func (d *Desk) Leave(now time.Time, t *Ticket) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dequeue(t)
	t.left = true
	switch s := t.seat; {
	case s == nil:
	case s.state == Talking:
		d.wrapUp(now, s)
	default:
		s.free(now)
	}
	d.settle(now)
}

// SignIn makes a seat available. One that is in a call or wraps up stays so; one that missed calls is forgiven.
func (d *Desk) SignIn(now time.Time, id string) error {
	return d.sign(now, id, func(s *seat) {
		s.out, s.misses = false, 0
		if s.state == Away {
			s.idle, s.rested = now, time.Time{}
			s.free(now)
		}
	})
}

// SignOut takes a seat away until it signs in, if it is in a call when that ends.
func (d *Desk) SignOut(now time.Time, id string) error {
	return d.sign(now, id, func(s *seat) {
		s.out = true
		if s.ticket == nil {
			s.free(now)
		}
	})
}

func (d *Desk) sign(now time.Time, id string, do func(*seat)) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.seats[id]
	if s == nil {
		return fmt.Errorf("%w: %q", ErrUnknownSeat, id)
	}
	do(s)
	d.settle(now)
	return nil
}

// Next is when something changes by itself after now, so that asking again may help; zero: never. Ask for it after each
// [Desk.Reserve] that says [ErrWait]: when it changes, [Ticket.Ready] tells the first in line.
func (d *Desk) Next(now time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.next(now)
}

func (d *Desk) next(now time.Time) (at time.Time) {
	earlier := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, s := range d.seats {
		earlier(s.until)
		if s.state == Free {
			earlier(s.rested)
		}
	}
	for _, t := range d.line {
		earlier(t.claim)
	}
	return at
}
