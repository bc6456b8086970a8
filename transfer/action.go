package transfer

import "time"

// Action is what the conductor shall do, in the order given. It does it without waiting; what comes of it is an [Event].
// Nothing can hang a hand-over: each action is answered by an event, or the [Limit] named with it runs out.
type Action interface{ action() }

type (
	// PlayHold plays hold music to the caller until the next TellCaller, Bridge or ReturnToBot. Done at once; [WaitLimit].
	PlayHold struct{}
	// TellCaller interrupts the hold music with a sentence about the wait: [Place.Sentence] says it.
	// Answered by [CallerTold]; [WaitLimit].
	TellCaller struct{}
	// ReserveSeat asks [Desk.Reserve] now and whenever [Ticket.Ready] or [Desk.Next] says that it is worth asking again.
	// Answered by [SeatReserved] or [NoSeat]; [WaitLimit].
	ReserveSeat struct{}
	// RingSeat calls a seat. Answered by [SeatAnswered] or [SeatRefused]; [RingLimit].
	RingSeat struct {
		Try  int // counts the seats of this hand-over from 1
		Seat Seat
	}
	// SpeakBrief speaks the [Brief] to the seat alone, and listens to its keys, from now on.
	// Answered by [BriefHeard], [SeatAccepted], [SeatDeclined] or [SeatGone]; [AcceptLimit].
	SpeakBrief struct{ Try int }
	// Bridge joins caller and seat; whatever either was hearing ends. Answered by [Bridged] or [SeatGone]; [JoinLimit].
	Bridge struct{ Try int }
	// HangUpSeat ends the seat's leg in whatever state it is, also when it answers only later. Why is in words, for the
	// Reason header. Answered by [SeatGone], for which nothing waits: the leg's own limits end it (RFC 3261, timers B and F).
	HangUpSeat struct {
		Try int
		Why string
	}
	// ReportSeat tells the desk what its seat does now: [Desk.Report]. Done at once; the lease of the seat is its limit.
	ReportSeat struct {
		State SeatState
		Why   Refusal // with Free: why the seat did not take the call, "" when it was not its fault
	}
	// ReturnToBot gives the caller back: hold music and announcements end. The last action but HangUpSeat.
	ReturnToBot struct{ Outcome Outcome }
	// HangUpCaller ends the caller's leg: the seat hung up. The last action. Answered by [CallerGone], for which nothing waits.
	HangUpCaller struct{}
	// StartTimer starts a timer, or starts it again when it runs. Answered by [Timeout].
	StartTimer struct {
		Timer Timer
		After time.Duration
	}
	// StopTimer stops a timer; nothing happens when it does not run. Done at once.
	StopTimer struct{ Timer Timer }
)

func (PlayHold) action()     {}
func (TellCaller) action()   {}
func (ReserveSeat) action()  {}
func (RingSeat) action()     {}
func (SpeakBrief) action()   {}
func (Bridge) action()       {}
func (HangUpSeat) action()   {}
func (ReportSeat) action()   {}
func (ReturnToBot) action()  {}
func (HangUpCaller) action() {}
func (StartTimer) action()   {}
func (StopTimer) action()    {}

// Timer names one timer of a hand-over: those of a seat are told apart by its Try, so that a late one does no harm.
type Timer struct {
	Limit Limit
	Try   int // 0: not of a seat
}

// Limit is what a timer watches.
type Limit string

const (
	WaitLimit     Limit = "wait"     // the caller waits for a person
	AnnounceLimit Limit = "announce" // the caller has heard nothing but music
	RingLimit     Limit = "ring"     // a seat rings
	AcceptLimit   Limit = "accept"   // a seat has the brief and decides
	JoinLimit     Limit = "join"     // a seat has accepted and is being joined
)

// Limits are the durations of a hand-over. Zero means the default in brackets.
type Limits struct {
	Wait     time.Duration // for a person, before the caller goes back to the bot; a seat being called may still take it [2m]
	Announce time.Duration // of music between two sentences about the wait [30s]
	Ring     time.Duration // one seat [20s]
	Accept   time.Duration // a seat that heard the brief and does nothing; then it hears it once more [8s]
}

// Fixed: no site has a reason to change them.
const (
	speakLimit = 12 * time.Second // making and speaking a brief of at most six seconds
	joinLimit  = 3 * time.Second  // bridging takes one tick of the media clock
)

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{
		{&l.Wait, 2 * time.Minute}, {&l.Announce, 30 * time.Second},
		{&l.Ring, 20 * time.Second}, {&l.Accept, 8 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	return l
}
