package transfer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Place is where a ticket stands.
type Place struct {
	Ahead int           // tickets of the same queue before it that have no seat yet
	Wait  time.Duration // expected; 0 unknown
}

// Position says where t stands; zero when it is not waiting any more.
func (d *Desk) Position(now time.Time, t *Ticket) (p Place) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle(now)
	at := slices.Index(d.line, t)
	if at < 0 || t.queue == nil {
		return Place{}
	}
	for _, other := range d.line[:at] {
		if other.queue == t.queue && other.seat == nil {
			p.Ahead++
		}
	}
	seats := 0
	t.any(func(s *seat) bool {
		if s.state != Away && !s.out {
			seats++
		}
		return false
	})
	if seats > 0 {
		p.Wait = t.queue.handle * time.Duration(p.Ahead+1) / time.Duration(seats)
	}
	return p
}

// Sentence tells the waiting caller.
func (p Place) Sentence() string {
	var s string
	switch {
	case p.Ahead == 0:
		s = "You are next in line."
	case p.Ahead == 1:
		s = "There is one caller before you."
	case p.Ahead <= 10:
		s = fmt.Sprintf("There are %s callers before you.", number(p.Ahead))
	default:
		s = "There are more than ten callers before you."
	}
	switch minutes := int(p.Wait.Round(time.Minute) / time.Minute); {
	case minutes == 1:
		s += " It takes about one minute."
	case minutes > 10:
		s += " It may take more than ten minutes."
	case minutes > 1:
		s += fmt.Sprintf(" It takes about %s minutes.", number(minutes))
	}
	return s + " Please stay on the line."
}

// Snapshot is the whole desk at one moment, for a page and for metrics.
type Snapshot struct {
	Seats  []SeatStatus  // by ID
	Queues []QueueStatus // by name
}

// SeatStatus is one seat of a [Snapshot].
type SeatStatus struct {
	Seat
	State  SeatState
	Since  time.Time // of the state; zero: since the desk opened
	CallID string    // of the caller it is reserved for, called for or talks to; "" none
}

// QueueStatus is one queue of a [Snapshot].
type QueueStatus struct {
	Name    string
	Waiting int
	Oldest  time.Time // when the one who waits longest came; zero: nobody waits
	Seats   map[SeatState]int
}

// Snapshot says how things stand.
func (d *Desk) Snapshot(now time.Time) (snap Snapshot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle(now)
	for s := range maps.Values(d.seats) {
		status := SeatStatus{Seat: s.Seat, State: s.state, Since: s.since}
		if s.ticket != nil {
			status.CallID = s.ticket.Handover.CallID
		}
		snap.Seats = append(snap.Seats, status)
	}
	for q := range maps.Values(d.queues) {
		status := QueueStatus{Name: q.Name, Seats: map[SeatState]int{}}
		for _, tier := range q.tiers {
			for _, s := range tier {
				status.Seats[s.state]++
			}
		}
		for _, t := range d.line {
			if t.queue != q {
				continue
			}
			status.Waiting++
			if status.Oldest.IsZero() || t.entered.Before(status.Oldest) {
				status.Oldest = t.entered
			}
		}
		snap.Queues = append(snap.Queues, status)
	}
	slices.SortFunc(snap.Seats, func(a, b SeatStatus) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(snap.Queues, func(a, b QueueStatus) int { return cmp.Compare(a.Name, b.Name) })
	return snap
}
