package transfer

import (
	"errors"
	"fmt"
	"time"
)

// Seat is one human's phone position.
type Seat struct {
	ID      string // "7"
	Name    string // of the person, for the record: "Ana"
	Address string // whom to dial: "sip:seat7@127.0.0.1:5070"
}

// SeatState is what a seat does.
type SeatState string

const (
	Free     SeatState = "free"
	Reserved SeatState = "reserved" // for one ticket, not called yet
	Ringing  SeatState = "ringing"  // called, or hearing the brief
	Talking  SeatState = "talking"
	WrapUp   SeatState = "wrap-up" // after a talk, before the next
	Away     SeatState = "away"    // signed out, or missed too many calls in a row
)

// SeatStates lists all, for metrics.
func SeatStates() []SeatState {
	return []SeatState{Free, Reserved, Ringing, Talking, WrapUp, Away}
}

// Queue is one waiting line, which is one skill.
type Queue struct {
	Name     string
	Priority int // added to that of its tickets; higher goes first
	// Tiers are the IDs of the seats that serve it: a later tier is asked only while nobody of an earlier one is free.
	Tiers [][]string
}

// Config of a [Desk]. Zero durations and counts mean the default in brackets.
type Config struct {
	Queues []Queue
	Seats  []Seat
	WrapUp time.Duration // after a talk [10s]; negative: none
	// Penalty is how long a seat that did not take a call is left alone [10s].
	Penalty time.Duration
	// Misses is how many calls in a row a seat may let ring, or answer without a person, before it is set Away [3].
	Misses int
	Away   time.Duration // how long, if it does not sign in before [5m]
	Lease  time.Duration // of a seat that is reserved or rings; longer than ringing and briefing ever take [2m]
	Talk   time.Duration // the same for a seat that talks [4h10m]
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&c.WrapUp, 10 * time.Second}, {&c.Penalty, 10 * time.Second}, {&c.Away, 5 * time.Minute},
		{&c.Lease, 2 * time.Minute}, {&c.Talk, 4*time.Hour + 10*time.Minute},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if c.Misses <= 0 {
		c.Misses = 3
	}
	return c
}

// check returns all mistakes.
func (c Config) check() error {
	var errs []error
	seats := map[string]bool{}
	for _, s := range c.Seats {
		switch {
		case s.ID == "":
			errs = append(errs, fmt.Errorf("transfer: a seat has no id (address %q)", s.Address))
		case seats[s.ID]:
			errs = append(errs, fmt.Errorf("transfer: seat %q is there twice", s.ID))
		case s.Address == "":
			errs = append(errs, fmt.Errorf("transfer: seat %q has no address", s.ID))
		}
		seats[s.ID] = true
	}
	queues := map[string]bool{}
	for _, q := range c.Queues {
		if queues[q.Name] {
			errs = append(errs, fmt.Errorf("transfer: queue %q is there twice", q.Name))
		}
		queues[q.Name] = true
		inQueue := map[string]bool{}
		for _, tier := range q.Tiers {
			for _, id := range tier {
				switch {
				case !seats[id]:
					errs = append(errs, fmt.Errorf("transfer: queue %q names seat %q, which there is not", q.Name, id))
				case inQueue[id]:
					errs = append(errs, fmt.Errorf("transfer: queue %q names seat %q twice", q.Name, id))
				}
				inQueue[id] = true
			}
		}
	}
	return errors.Join(errs...)
}

// seat is what the desk knows of one.
type seat struct {
	Seat
	state  SeatState
	since  time.Time // of the state
	until  time.Time // when the state ends by itself; zero: never
	idle   time.Time // since when it has had nothing to do: the longest idle is asked first
	rested time.Time // until when it is left alone
	misses int       // in a row
	out    bool      // signed out; takes effect when it is done with its ticket
	ticket *Ticket   // that it is reserved for, called for, or talks to
}

func (s *seat) set(now time.Time, to SeatState, d time.Duration) {
	s.state, s.since, s.until = to, now, time.Time{}
	if d > 0 {
		s.until = now.Add(d)
	}
}

// offered reports that the seat may be given to a ticket.
func (s *seat) offered(now time.Time) bool { return s.state == Free && !now.Before(s.rested) }

// release parts the seat from its ticket.
func (s *seat) release() {
	if s.ticket != nil {
		s.ticket.seat = nil
		s.ticket = nil
	}
}

// free makes the seat free, or away if it signed out meanwhile.
func (s *seat) free(now time.Time) {
	s.release()
	if s.out {
		s.set(now, Away, 0)
		return
	}
	s.set(now, Free, 0)
}
