package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// world is a contact centre in virtual time: callers, phones, and a conductor for each call that performs what its machine
// says. Chance decides what happens next; after each happening the world checks what must always be true.
type world struct {
	t     *rapid.T
	now   time.Time
	desk  *Desk
	ids   []string
	calls []*visit
	was   map[string]*Ticket // who had which seat at the last check
}

// visit is one call with its conductor.
type visit struct {
	world  *world
	warm   *Warm
	ticket *Ticket
	legs   map[int]*phone
	timers map[Timer]time.Time
	events []Event // not stepped yet

	alarm   time.Time // while asking: when to ask again; zero: never
	asking  bool      // ReserveSeat was not answered yet
	telling bool      // TellCaller was not answered yet
	hears   string    // the caller: "hold", "sentence", "seat", "bot", "" nothing
	gone    bool      // the caller
	left    bool      // the ticket
	limit   time.Time // when the call ends at the latest
}

// phone is the leg to a seat.
type phone struct {
	seat      string
	state     string // "dialling", "up", "down"
	cancelled bool   // we gave it up while it was dialling; it may still answer
	briefing  bool
	bridging  bool
}

func newWorld(t *rapid.T) *world {
	w := &world{t: t, now: t0, was: map[string]*Ticket{}}
	for i := range rapid.IntRange(1, 10).Draw(t, "seats") {
		w.ids = append(w.ids, fmt.Sprint(i+1))
	}
	cfg := Config{Seats: seats(w.ids...)}
	for i := range rapid.IntRange(1, 3).Draw(t, "queues") {
		q := Queue{Name: fmt.Sprint("q", i), Priority: i}
		tiers := make([][]string, 2)
		for _, id := range w.ids {
			if n := rapid.IntRange(0, 2).Draw(t, "tier"); n < 2 {
				tiers[n] = append(tiers[n], id)
			}
		}
		q.Tiers = tiers
		cfg.Queues = append(cfg.Queues, q)
	}
	var err error
	if w.desk, err = NewDesk(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

// arrive begins a call.
func (w *world) arrive() {
	v := &visit{world: w, warm: NewWarm(Limits{}), legs: map[int]*phone{}, timers: map[Timer]time.Time{}, limit: w.now.Add(4 * time.Hour)}
	h := Handover{CallID: fmt.Sprint("call ", len(w.calls)), Queue: fmt.Sprint("q", rapid.IntRange(0, 3).Draw(w.t, "queue"))}
	v.ticket = w.desk.Enter(w.now, h, rapid.IntRange(0, 2).Draw(w.t, "priority"))
	w.calls = append(w.calls, v)
	v.happen(Started{})
}

// happen steps the machine and performs what it says, until nothing is left to do.
func (v *visit) happen(ev Event) {
	for v.events = append(v.events, ev); len(v.events) > 0; {
		ev, v.events = v.events[0], v.events[1:]
		for _, a := range v.warm.Step(ev) {
			v.perform(a)
		}
		v.asking = v.asking && v.warm.State() == Queued
		if v.warm.Over() && !v.left {
			v.left = true
			v.world.desk.Leave(v.world.now, v.ticket)
			v.world.checkOrder()
		}
	}
}

func (v *visit) perform(a Action) {
	w := v.world
	switch a := a.(type) {
	case PlayHold:
		v.hears = "hold"
	case TellCaller:
		v.hears, v.telling = "sentence", true
	case ReserveSeat:
		v.asking = true
		v.reserve()
	case RingSeat:
		w.checkNotRungTwice(a.Seat.ID)
		v.legs[a.Try] = &phone{seat: a.Seat.ID, state: "dialling"}
	case SpeakBrief:
		v.legs[a.Try].briefing = true
	case Bridge:
		v.legs[a.Try].bridging = true
		v.hears, v.telling = "", false
	case HangUpSeat:
		v.hangUpSeat(v.legs[a.Try])
	case ReportSeat:
		w.desk.Report(w.now, v.ticket, a.State, a.Why)
		w.checkOrder()
	case ReturnToBot:
		v.hears, v.telling = "bot", false
	case HangUpCaller:
		v.gone = true
	case StartTimer:
		v.timers[a.Timer] = w.now.Add(a.After)
	case StopTimer:
		delete(v.timers, a.Timer)
	default:
		w.t.Fatalf("the world cannot perform %T", a)
	}
}

// hangUpSeat ends an answered leg; one that is dialling is cancelled, and may cross with the answer.
func (v *visit) hangUpSeat(p *phone) {
	if p.state == "up" {
		p.state = "down"
	}
	p.cancelled = true
}

func (v *visit) reserve() {
	w := v.world
	seat, err := w.desk.Reserve(w.now, v.ticket)
	w.checkOrder()
	switch {
	case errors.Is(err, ErrWait):
		v.alarm = w.desk.Next(w.now)
	case errors.Is(err, ErrNoSeat):
		v.asking = false
		v.events = append(v.events, NoSeat{})
	case err != nil:
		w.t.Fatal(err)
	default:
		v.asking = false
		v.events = append(v.events, SeatReserved{seat})
	}
}

// checkNotRungTwice: no phone is called for two callers at once.
func (w *world) checkNotRungTwice(id string) {
	for _, v := range w.calls {
		for _, p := range v.legs {
			if p.seat == id && p.state != "down" && !p.cancelled {
				w.t.Fatalf("seat %s is called while it has a call", id)
			}
		}
	}
}

// chance is something that may happen next.
type chance struct {
	name string
	do   func()
}

// chances are all that may happen to a call now, other than by time.
func (v *visit) chances() (all []chance) {
	on := func(name string, do func()) { all = append(all, chance{name, do}) }
	if !v.gone {
		on("caller hangs up", func() { v.gone = true; v.happen(CallerGone{}) })
		on("caller asks", func() { v.happen(CallerAsked{}) })
	}
	if v.telling {
		on("sentence heard", func() { v.telling = false; v.happen(CallerTold{}) })
	}
	if v.asking {
		select {
		case <-v.ticket.Ready():
			v.ticket.wake() // seen, not taken
			on("desk says ready", func() {
				<-v.ticket.Ready()
				v.reserve()
				v.flush()
			})
		default:
		}
	}
	for try := 1; try <= len(v.legs); try++ {
		p := v.legs[try]
		switch {
		case p.state == "dialling":
			on("seat answers", func() { p.state = "up"; v.happen(SeatAnswered{try}) })
			on("seat refuses", func() { p.state = "down"; v.happen(SeatRefused{try, Busy}) })
			on("seat unreachable", func() { p.state = "down"; v.happen(SeatRefused{try, Unreachable}) })
		case p.state == "up":
			on("seat hangs up", func() { p.state = "down"; v.happen(SeatGone{try}) })
			on("seat presses 1", func() { v.happen(SeatAccepted{try}) })
			on("seat presses 2", func() { v.happen(SeatDeclined{try}) })
			on("voicemail", func() { v.happen(SeatRefused{try, Voicemail}) })
			if p.briefing {
				on("brief heard", func() { p.briefing = false; v.happen(BriefHeard{try}) })
			}
			if p.bridging {
				on("bridged", func() {
					p.bridging = false
					v.hears = "seat"
					v.happen(Bridged{try})
				})
			}
		default:
			on("late news", func() {
				v.happen(rapid.SampledFrom([]Event{
					SeatGone{try}, SeatAccepted{try}, SeatDeclined{try}, BriefHeard{try}, Bridged{try},
					Timeout{Timer{AcceptLimit, try}}, Timeout{Timer{RingLimit, try}}, SeatRefused{try, Declined},
				}).Draw(v.world.t, "late news"))
			})
		}
	}
	return all
}

// flush steps what reserve found out.
func (v *visit) flush() {
	events := v.events
	v.events = nil
	for _, ev := range events {
		v.happen(ev)
	}
}

// pass lets time go by to the next moment at which something is due, and has it happen.
func (w *world) pass() bool {
	w.askAgain(func(v *visit) bool { return len(v.ticket.ready) > 0 })
	w.checkWatch()
	next := w.nextAlarm()
	if next.IsZero() {
		return false
	}
	if next.After(w.now) {
		w.now = next
	}
	for _, v := range w.calls {
		for _, timer := range v.due() {
			delete(v.timers, timer)
			v.happen(Timeout{timer})
		}
		if !v.gone && !w.now.Before(v.limit) {
			v.gone = true
			v.happen(CallerGone{})
		}
	}
	w.askAgain(func(v *visit) bool { return !v.alarm.IsZero() && !w.now.Before(v.alarm) })
	return true
}

// askAgain has all those ask whose time it is, until it is nobody's.
func (w *world) askAgain(when func(*visit) bool) {
	for again := true; again; {
		again = false
		for _, v := range w.calls {
			if v.asking && when(v) {
				select {
				case <-v.ticket.Ready():
				default:
				}
				again = true
				v.reserve()
				v.flush()
			}
		}
	}
}

// nextAlarm is the earliest moment that a conductor waits for; zero when none does.
func (w *world) nextAlarm() (next time.Time) {
	earlier := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, v := range w.calls {
		for _, at := range v.timers {
			earlier(at)
		}
		if v.asking {
			earlier(v.alarm)
		}
		if !v.gone {
			earlier(v.limit)
		}
	}
	return next
}

// due are the timers that have run out, in a fixed order.
func (v *visit) due() (all []Timer) {
	for timer, due := range v.timers {
		if !v.world.now.Before(due) {
			all = append(all, timer)
		}
	}
	slices.SortFunc(all, func(a, b Timer) int {
		return cmp.Or(cmp.Compare(a.Limit, b.Limit), cmp.Compare(a.Try, b.Try))
	})
	return all
}
