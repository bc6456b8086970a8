package transfer

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What callers and seats of other systems met in the field: a caller gone while the seat still rings, a seat talking to
// nobody, silence instead of music, seats reserved for ever, callers served out of order, tickets forgotten.
func TestWhateverHappensNobodyIsStranded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		callers := rapid.IntRange(1, 50).Draw(t, "callers")
		for range rapid.IntRange(20, 300).Draw(t, "happenings") {
			w.happening(callers)
			w.checkAlways()
		}
		w.finish()
		w.checkEnd()
	})
}

// happening is one random thing: a caller comes, time passes, a seat signs in or out, or something befalls a call.
func (w *world) happening(callers int) {
	kind := rapid.IntRange(0, 9).Draw(w.t, "kind")
	switch {
	case kind < 2 && len(w.calls) < callers:
		w.arrive()
	case kind == 2:
		w.pass()
	case kind == 3:
		w.now = w.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(w.t, "ms")) * time.Millisecond)
		w.checkOrder()
	case kind == 4:
		id := rapid.SampledFrom(w.ids).Draw(w.t, "seat")
		if rapid.Bool().Draw(w.t, "in") {
			_ = w.desk.SignIn(w.now, id)
		} else {
			_ = w.desk.SignOut(w.now, id)
		}
		w.checkOrder()
	case len(w.calls) > 0:
		v := rapid.SampledFrom(w.calls).Draw(w.t, "call")
		if all := v.chances(); len(all) > 0 {
			c := all[rapid.IntRange(0, len(all)-1).Draw(w.t, "chance")]
			w.t.Log(v.ticket.Handover.CallID, c.name)
			c.do()
		}
	}
}

// finish lets everybody hang up or give up, and every phone that still rings end by itself.
func (w *world) finish() {
	for _, v := range w.calls {
		if rapid.Bool().Draw(w.t, "hangs up") && !v.gone {
			v.gone = true
			v.happen(CallerGone{})
		}
	}
	for range 100000 {
		for _, v := range w.calls {
			for try := 1; try <= len(v.legs); try++ {
				p := v.legs[try]
				switch {
				case p.state == "dialling" && p.cancelled: // the answer that crosses our CANCEL
					p.state = "up"
					v.happen(SeatAnswered{try})
				case p.state == "up" && p.bridging:
					p.bridging = false
					v.happen(Bridged{try})
				case p.state == "up" && v.warm.State() == Connected:
					p.state = "down"
					v.happen(SeatGone{try})
				}
			}
		}
		if !w.pass() {
			return
		}
	}
	w.t.Fatal("time never ends")
}

// checkAlways holds after every happening.
func (w *world) checkAlways() {
	for _, v := range w.calls {
		live := 0
		for _, p := range v.legs {
			if p.state != "down" && !p.cancelled {
				live++
			}
		}
		state := v.warm.State()
		waiting := state == Queued || state == Consulting || state == Briefing || state == Reminding
		switch {
		case live != 0 && (state == Queued || v.warm.Over()), live != 1 && state != Queued && !v.warm.Over():
			w.t.Fatalf("%d live seat legs while %s", live, state)
		case v.gone != (state == Ended) && state != Returned:
			w.t.Fatalf("the caller is gone: %v, but the hand-over is %s", v.gone, state)
		case state == Connected && v.hears != "seat", state == Returned && v.hears != "bot",
			waiting && v.hears != "hold" && v.hears != "sentence":
			w.t.Fatalf("while %s the caller hears %q", state, v.hears)
		case (state == Connected || v.warm.Over()) && len(v.timers) > 0:
			w.t.Fatalf("while %s the timers %v run", state, v.timers)
		case state == Queued && v.ticket.seat != nil && v.ticket.claim.IsZero(), v.warm.Over() && v.ticket.seat != nil:
			w.t.Fatalf("while %s seat %s is %s for the ticket", state, v.ticket.seat.ID, v.ticket.seat.state)
		case v.asking && !v.ticket.asking && len(v.ticket.ready) == 0:
			w.t.Fatal("a ticket that the desk has an answer for was not told")
		}
	}
}

// checkOrder is called after whatever the desk was told: no free seat while somebody asks for it, and no seat went past somebody who was before in line.
func (w *world) checkOrder() {
	w.desk.Snapshot(w.now)
	for _, asks := range w.desk.line {
		if !asks.asking {
			continue
		}
		if s := asks.best(w.now); asks.queue != nil && s != nil {
			w.t.Fatalf("seat %s is free while %s asks", s.ID, asks.Handover.CallID)
		}
		for _, got := range w.desk.line {
			s := got.seat
			if s != nil && w.was[s.ID] != got && s.state == Reserved && asks.before(got) && asks.suits(s) {
				w.t.Fatalf("seat %s went to %s past %s", s.ID, got.Handover.CallID, asks.Handover.CallID)
			}
		}
	}
	for id, s := range w.desk.seats {
		w.was[id] = s.ticket
	}
}

// checkWatch: when nobody has anything to do, one of those who ask wakes up when the desk changes by itself.
func (w *world) checkWatch() {
	due, asking := w.desk.Next(w.now), false
	for _, v := range w.calls {
		if v.asking && v.alarm.Equal(due) {
			return
		}
		asking = asking || v.asking
	}
	if asking && !due.IsZero() {
		w.t.Fatalf("the desk changes at %v, and nobody who asks knows", due)
	}
}

// before is the order of service.
func (t *Ticket) before(other *Ticket) bool {
	if t.priority != other.priority {
		return t.priority > other.priority
	}
	return t.number < other.number
}

// suits reports that the ticket would have taken the seat.
func (t *Ticket) suits(s *seat) bool {
	return !t.refused[s] && t.any(func(other *seat) bool { return other == s })
}

// checkEnd holds when everything is over.
func (w *world) checkEnd() {
	if n := len(w.desk.line); n > 0 {
		w.t.Fatalf("%d tickets still in line", n)
	}
	for _, s := range w.desk.Snapshot(w.now.Add(time.Hour)).Seats {
		if s.State != Free && s.State != Away {
			w.t.Fatalf("seat %s is left %s", s.ID, s.State)
		}
	}
	for _, v := range w.calls {
		if !v.warm.Over() || v.warm.Outcome() == "" {
			w.t.Fatalf("%s ends %s with outcome %q", v.ticket.Handover.CallID, v.warm.State(), v.warm.Outcome())
		}
		for try, p := range v.legs {
			if p.state != "down" && !(p.state == "dialling" && p.cancelled) {
				w.t.Fatalf("%s leaves the leg of try %d %s", v.ticket.Handover.CallID, try, p.state)
			}
		}
		if len(v.timers) > 0 {
			w.t.Fatalf("%s leaves timers %s", v.ticket.Handover.CallID, fmt.Sprint(v.timers))
		}
	}
}
