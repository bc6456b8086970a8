package transfer

import (
	"cmp"
	"slices"
	"time"
)

// claimTime is how long a seat is kept for a ticket that was told and does not come for it.
const claimTime = 3 * time.Second

// byRank orders tickets: priority, then age.
func byRank(a, b *Ticket) int {
	return cmp.Or(cmp.Compare(b.priority, a.priority), a.entered.Compare(b.entered), cmp.Compare(a.number, b.number))
}

// settle brings the desk up to now: what has run out ends, and free seats go to the first in line they suit.
func (d *Desk) settle(now time.Time) {
	for _, s := range d.seats {
		if !s.until.IsZero() && !now.Before(s.until) {
			d.runOut(now, s)
		}
	}
	for _, t := range d.line {
		if !t.claim.IsZero() && !now.Before(t.claim) {
			t.claim = time.Time{}
			t.asking = false
			t.seat.free(now)
		}
	}
	for _, t := range d.line {
		if t.asking {
			d.match(now, t)
		}
	}
	d.keepWatch(now)
}

// keepWatch tells the first of those who ask when there is another moment to wait for, or when it has become the first.
func (d *Desk) keepWatch(now time.Time) {
	var first *Ticket
	if at := slices.IndexFunc(d.line, func(t *Ticket) bool { return t.asking }); at >= 0 {
		first = d.line[at]
	}
	due := d.next(now)
	if first != nil && (first != d.watch || !due.Equal(d.due)) {
		first.wake()
	}
	d.watch, d.due = first, due
}

// runOut ends a state whose time is over.
func (d *Desk) runOut(now time.Time, s *seat) {
	switch s.state {
	case Talking: // its call has died without a word
		d.wrapUp(now, s)
	case WrapUp:
		s.idle = now
		s.free(now)
	case Away:
		s.idle, s.misses = now, 0
		s.free(now)
	default:
		s.free(now)
	}
}

// match gives a ticket the best seat there is for it and tells it so; also, that nobody can come any more.
func (d *Desk) match(now time.Time, t *Ticket) {
	if !t.hasSeats() {
		t.wake()
		return
	}
	s := t.best(now)
	if s == nil {
		return
	}
	s.set(now, Reserved, d.cfg.Lease)
	s.ticket, t.seat = t, s
	t.asking = false
	t.claim = now.Add(claimTime)
	t.wake()
}

// wake tells the ticket that it is worth to ask.
func (t *Ticket) wake() {
	select {
	case t.ready <- struct{}{}:
	default: // it has been told
	}
}

// hasSeats reports that somebody is signed in who could come some time.
func (t *Ticket) hasSeats() bool {
	return t.any(func(s *seat) bool { return s.state != Away && !s.out })
}

// any reports that f holds for a seat of the ticket's queue.
func (t *Ticket) any(f func(*seat) bool) bool {
	if t.queue == nil {
		return false
	}
	return slices.ContainsFunc(t.queue.tiers, func(tier []*seat) bool { return slices.ContainsFunc(tier, f) })
}

// best is the seat to be offered: of the earliest tier, the longest idle. nil: none now.
func (t *Ticket) best(now time.Time) *seat {
	again := !t.any(func(s *seat) bool { return s.state != Away && !s.out && !t.refused[s] })
	for _, tier := range t.queue.tiers {
		var best *seat
		for _, s := range tier {
			if !s.offered(now) || t.refused[s] && !again {
				continue
			}
			if best == nil || s.idle.Before(best.idle) {
				best = s
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// dequeue takes the ticket out of the line.
func (d *Desk) dequeue(t *Ticket) {
	t.asking = false
	t.claim = time.Time{}
	if at := slices.Index(d.line, t); at >= 0 {
		d.line = slices.Delete(d.line, at, at+1)
	}
}

// refuse frees a seat that did not take the ticket's call. One that refused goes to the end and is left alone for a while.
func (d *Desk) refuse(now time.Time, t *Ticket, why Refusal) {
	s := t.seat
	t.claim = time.Time{}
	s.free(now)
	if why == "" {
		return
	}
	t.refused[s] = true
	s.idle, s.rested = now, now.Add(d.cfg.Penalty)
	switch why {
	case Busy, Declined, HungUp: // somebody is there
		s.misses = 0
	default:
		s.misses++
	}
	if s.misses >= d.cfg.Misses && s.state == Free {
		s.set(now, Away, d.cfg.Away)
	}
}

// wrapUp ends the talk of a seat.
func (d *Desk) wrapUp(now time.Time, s *seat) {
	if q := s.ticket.queue; q != nil {
		q.handled(now.Sub(s.since) + max(0, d.cfg.WrapUp))
	}
	s.release()
	if d.cfg.WrapUp < 0 {
		s.idle = now
		s.free(now)
		return
	}
	s.set(now, WrapUp, d.cfg.WrapUp)
}

// handled notes how long one caller kept a seat of the queue.
func (q *queue) handled(took time.Duration) {
	if q.handle == 0 {
		q.handle = took
		return
	}
	q.handle += (took - q.handle) / 8
}
