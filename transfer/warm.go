package transfer

// State of a [Warm].
type State string

const (
	Idle       State = "idle"       // not started
	Queued     State = "queued"     // the caller waits, no seat
	Consulting State = "consulting" // a seat is being called
	Briefing   State = "briefing"   // the seat hears the brief and decides
	Reminding  State = "reminding"  // the same for the second and last time
	Joining    State = "joining"    // the seat accepted
	Connected  State = "connected"  // caller and seat hear each other
	Returned   State = "returned"   // the bot has the caller again
	Ended      State = "ended"      // the call is over
)

type edge struct {
	from State
	on   Event
}

// next is the whole machine. A pair that is not here changes no state; what it leaves behind is cleaned up by stray.
var next = map[edge]State{
	{Idle, Started{}}:    Queued,
	{Idle, CallerGone{}}: Ended,

	{Queued, SeatReserved{}}:     Consulting,
	{Queued, NoSeat{}}:           Returned,
	{Queued, CallerAsked{}}:      Returned,
	{Queued, CallerGone{}}:       Ended,
	{Queued, timeout(WaitLimit)}: Returned,

	{Consulting, SeatAnswered{}}:     Briefing,
	{Consulting, SeatRefused{}}:      Queued,
	{Consulting, SeatGone{}}:         Queued,
	{Consulting, timeout(RingLimit)}: Queued,
	{Consulting, CallerAsked{}}:      Returned,
	{Consulting, CallerGone{}}:       Ended,

	{Briefing, SeatAccepted{}}:       Joining,
	{Briefing, SeatDeclined{}}:       Queued,
	{Briefing, SeatRefused{}}:        Queued,
	{Briefing, SeatGone{}}:           Queued,
	{Briefing, timeout(AcceptLimit)}: Reminding,
	{Briefing, CallerAsked{}}:        Returned,
	{Briefing, CallerGone{}}:         Ended,

	{Reminding, SeatAccepted{}}:       Joining,
	{Reminding, SeatDeclined{}}:       Queued,
	{Reminding, SeatRefused{}}:        Queued,
	{Reminding, SeatGone{}}:           Queued,
	{Reminding, timeout(AcceptLimit)}: Queued,
	{Reminding, CallerAsked{}}:        Returned,
	{Reminding, CallerGone{}}:         Ended,

	{Joining, Bridged{}}:          Connected,
	{Joining, SeatGone{}}:         Queued,
	{Joining, timeout(JoinLimit)}: Queued,
	{Joining, CallerGone{}}:       Ended,

	{Connected, SeatGone{}}:   Ended,
	{Connected, CallerGone{}}: Ended,
}

func timeout(l Limit) Event { return Timeout{Timer{Limit: l}} }

// Warm is the machine of one hand-over, from the caller's first note of hold music to the end of the talk with a seat. It is
// pure and belongs to one goroutine.
type Warm struct {
	limits  Limits
	state   State
	try     int  // of the seat below; counts on
	seat    Seat // reserved, called, or talking; zero: none
	overdue bool // WaitLimit ran out: the seat being called is the last
	outcome Outcome
	tried   []Attempt
}

// Attempt is a seat that did not take the call.
type Attempt struct {
	Seat Seat
	Why  Refusal
}

// NewWarm prepares a hand-over; it begins with [Started].
func NewWarm(l Limits) *Warm { return &Warm{limits: l.withDefaults(), state: Idle} }

// State the machine is in.
func (w *Warm) State() State { return w.state }

// Outcome is how it ended; [Joined] from the moment caller and seat hear each other.
func (w *Warm) Outcome() Outcome { return w.outcome }

// Seat is the one reserved, being called or talking; also, after the end, the one that talked.
func (w *Warm) Seat() Seat { return w.seat }

// Tried lists the seats that did not take the call, in order.
func (w *Warm) Tried() []Attempt { return w.tried }

// Over reports that nothing is to be done any more.
func (w *Warm) Over() bool { return w.state == Returned || w.state == Ended }

// Step takes one event and returns what to do: no I/O, no clock.
func (w *Warm) Step(ev Event) []Action {
	if try, ok := tryOf(ev); ok && try != w.try {
		return w.stray(ev)
	}
	to, ok := next[edge{w.state, ev.bare()}]
	if !ok {
		return append(w.stay(ev), w.stray(ev)...)
	}
	if to == Queued && w.overdue {
		to = Returned
	}
	do := w.leave(to, ev)
	w.state = to
	return append(do, w.enter(ev)...)
}

// leave ends what belongs to the present state and the seat that does not go along.
func (w *Warm) leave(to State, ev Event) (do []Action) {
	if l := seatLimit[w.state]; l != "" {
		do = append(do, StopTimer{Timer{l, w.try}})
	}
	if to == Queued || to == Returned || to == Ended {
		do = append(do, w.dropSeat(ev)...)
	}
	if to == Returned || to == Ended || to == Connected {
		do = append(do, StopTimer{Timer{Limit: WaitLimit}}, StopTimer{Timer{Limit: AnnounceLimit}})
	}
	if w.state == Joining && to == Queued { // bridging ended what the caller heard
		do = append(do, PlayHold{}, StartTimer{Timer{Limit: AnnounceLimit}, w.limits.Announce})
	}
	return do
}

// seatLimit is the limit each state has for its seat.
var seatLimit = map[State]Limit{
	Consulting: RingLimit, Briefing: AcceptLimit, Reminding: AcceptLimit, Joining: JoinLimit,
}

// enter begins what belongs to the state just reached.
func (w *Warm) enter(ev Event) []Action {
	switch w.state {
	case Queued:
		return w.seek(ev)
	case Consulting:
		w.try++
		w.seat = ev.(SeatReserved).Seat
		return []Action{
			ReportSeat{State: Ringing},
			StartTimer{Timer{RingLimit, w.try}, w.limits.Ring},
			RingSeat{w.try, w.seat},
		}
	case Briefing, Reminding:
		return []Action{
			StartTimer{Timer{AcceptLimit, w.try}, speakLimit + w.limits.Accept},
			SpeakBrief{w.try},
		}
	case Joining:
		return []Action{StartTimer{Timer{JoinLimit, w.try}, joinLimit}, Bridge{w.try}}
	case Connected:
		w.outcome = Joined
		return []Action{ReportSeat{State: Talking}}
	case Returned:
		w.outcome = returned(ev)
		return []Action{ReturnToBot{w.outcome}}
	case Ended:
		return w.finish(ev)
	}
	return nil
}

// seek begins the wait, or goes on with it after a seat that did not take the call: the ticket has kept its place.
func (w *Warm) seek(ev Event) []Action {
	if ev == (Started{}) {
		return []Action{
			PlayHold{},
			StartTimer{Timer{Limit: WaitLimit}, w.limits.Wait},
			StartTimer{Timer{Limit: AnnounceLimit}, w.limits.Announce},
			ReserveSeat{},
		}
	}
	return []Action{ReserveSeat{}}
}

func (w *Warm) finish(ev Event) []Action {
	if w.outcome == "" {
		w.outcome = Abandoned
	}
	if ev.bare() == (SeatGone{}) {
		return []Action{HangUpCaller{}}
	}
	return nil
}

// returned is the outcome of the event that gave the caller back to the bot.
func returned(ev Event) Outcome {
	switch ev.(type) {
	case NoSeat:
		return Nobody
	case CallerAsked:
		return Left
	}
	return WaitedOut
}

// dropSeat ends the seat's leg, if it has one, and gives the seat back to the desk.
func (w *Warm) dropSeat(ev Event) (do []Action) {
	if w.seat == (Seat{}) {
		return nil
	}
	why := refusal(ev)
	_, gone := ev.(SeatGone)
	if _, refused := ev.(SeatRefused); refused && w.state == Consulting {
		gone = true // there never was a leg
	}
	if !gone {
		do = append(do, HangUpSeat{w.try, reason(ev, why)})
	}
	if w.state == Connected {
		return append(do, ReportSeat{State: WrapUp})
	}
	if why != "" {
		w.tried = append(w.tried, Attempt{w.seat, why})
	}
	w.seat = Seat{}
	return append(do, ReportSeat{Free, why})
}

// refusal says how an event that ends an attempt counts against the seat; "" not at all.
func refusal(ev Event) Refusal {
	switch e := ev.(type) {
	case SeatRefused:
		return e.Why
	case SeatDeclined:
		return Declined
	case SeatGone:
		return HungUp
	case Timeout:
		switch e.Timer.Limit {
		case RingLimit:
			return NoAnswer
		case AcceptLimit:
			return Ignored
		case JoinLimit:
			return Unreachable
		}
	}
	return ""
}

// reason is what the seat's phone is told when we end its leg.
func reason(ev Event, why Refusal) string {
	switch {
	case why != "":
		return string(why)
	case ev == (CallerAsked{}):
		return "caller left the queue"
	}
	return "caller hung up"
}

// stay answers what changes no state.
func (w *Warm) stay(ev Event) []Action {
	if w.state == Idle || w.state == Connected || w.Over() {
		return nil
	}
	announce := Timer{Limit: AnnounceLimit}
	switch ev.bare() {
	case timeout(WaitLimit):
		w.overdue = true
	case timeout(AnnounceLimit):
		if w.state == Queued || w.state == Consulting {
			return []Action{TellCaller{}}
		}
		return []Action{StartTimer{announce, w.limits.Announce}} // a seat is about to take the call: no sentence to cut off
	case Event(CallerTold{}):
		if w.state == Joining { // the caller hears the seat at any moment
			return nil
		}
		return []Action{PlayHold{}, StartTimer{announce, w.limits.Announce}}
	case Event(BriefHeard{}):
		if w.state == Briefing || w.state == Reminding {
			return []Action{StartTimer{Timer{AcceptLimit, w.try}, w.limits.Accept}}
		}
	}
	return nil
}

// stray cleans up after what came too late: a seat that answers when nobody waits for it, a reservation nobody needs.
func (w *Warm) stray(ev Event) []Action {
	switch e := ev.(type) {
	case SeatAnswered:
		if e.Try != w.try || w.seat == (Seat{}) || w.Over() {
			return []Action{HangUpSeat{e.Try, "answered too late"}}
		}
	case SeatReserved:
		if w.Over() {
			return []Action{ReportSeat{State: Free}}
		}
	}
	return nil
}
