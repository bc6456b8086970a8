package transfer

// Event is what happened to a hand-over. Those of a seat carry the Try of the [RingSeat] they belong to, so that news of a
// seat that was given up are never taken for news of the next one.
type Event interface {
	// bare is the event without its data: the key of the machine's table.
	bare() Event
}

type (
	// Started is the first event: the caller was told that a person is coming.
	Started struct{}
	// SeatReserved answers [ReserveSeat].
	SeatReserved struct{ Seat Seat }
	// NoSeat answers [ReserveSeat]: [ErrNoSeat], nobody could ever come.
	NoSeat struct{}
	// SeatAnswered answers [RingSeat].
	SeatAnswered struct{ Try int }
	// SeatRefused answers [RingSeat], or says after the seat answered that nobody is there ([Voicemail]).
	SeatRefused struct {
		Try int
		Why Refusal
	}
	// BriefHeard answers [SpeakBrief]: it was spoken to its end, or could not be spoken.
	BriefHeard struct{ Try int }
	// SeatAccepted says that the seat pressed [KeyAccept].
	SeatAccepted struct{ Try int }
	// SeatDeclined says that the seat pressed [KeyDecline].
	SeatDeclined struct{ Try int }
	// Bridged answers [Bridge]: caller and seat hear each other.
	Bridged struct{ Try int }
	// SeatGone says that an answered seat's leg has ended, from either side.
	SeatGone struct{ Try int }
	// CallerTold answers [TellCaller]: it was heard, or could not be said.
	CallerTold struct{}
	// CallerAsked says that the waiting caller pressed a key to go back to the bot.
	CallerAsked struct{}
	// CallerGone says that the caller's leg has ended, from either side.
	CallerGone struct{}
	// Timeout says that a started timer ran out.
	Timeout struct{ Timer Timer }
)

// Keys of the seat, as the brief names them.
const (
	KeyAccept  = '1'
	KeyDecline = '2'
)

func (Started) bare() Event      { return Started{} }
func (SeatReserved) bare() Event { return SeatReserved{} }
func (NoSeat) bare() Event       { return NoSeat{} }
func (SeatAnswered) bare() Event { return SeatAnswered{} }
func (SeatRefused) bare() Event  { return SeatRefused{} }
func (BriefHeard) bare() Event   { return BriefHeard{} }
func (SeatAccepted) bare() Event { return SeatAccepted{} }
func (SeatDeclined) bare() Event { return SeatDeclined{} }
func (Bridged) bare() Event      { return Bridged{} }
func (SeatGone) bare() Event     { return SeatGone{} }
func (CallerTold) bare() Event   { return CallerTold{} }
func (CallerAsked) bare() Event  { return CallerAsked{} }
func (CallerGone) bare() Event   { return CallerGone{} }
func (e Timeout) bare() Event    { return Timeout{Timer{Limit: e.Timer.Limit}} }

// tryOf returns the Try of a seat's event.
func tryOf(ev Event) (try int, ofSeat bool) {
	switch e := ev.(type) {
	case SeatAnswered:
		return e.Try, true
	case SeatRefused:
		return e.Try, true
	case BriefHeard:
		return e.Try, true
	case SeatAccepted:
		return e.Try, true
	case SeatDeclined:
		return e.Try, true
	case Bridged:
		return e.Try, true
	case SeatGone:
		return e.Try, true
	case Timeout:
		return e.Timer.Try, e.Timer.Try != 0
	}
	return 0, false
}

// Refusal says why a seat did not take a call, a closed set; "" is no refusal.
type Refusal string

const (
	Busy        Refusal = "busy"
	NoAnswer    Refusal = "no answer"
	Declined    Refusal = "declined"      // by key or by the phone
	Unreachable Refusal = "unreachable"   // its network or phone fails
	Voicemail   Refusal = "voicemail"     // something answered, nobody is there
	Ignored     Refusal = "did not react" // heard the brief twice and pressed nothing
	HungUp      Refusal = "hung up"       // after answering, before the caller was joined
)

// Outcome says how a hand-over ended, a closed set: it is a metric label. "" is not ended.
type Outcome string

const (
	Joined    Outcome = "joined"          // caller and seat talked
	Nobody    Outcome = "no seat"         // nobody could ever come
	WaitedOut Outcome = "gave up waiting" // nobody came in time
	Left      Outcome = "left the queue"  // the caller went back to the bot by key
	Abandoned Outcome = "abandoned"       // the caller hung up while waiting
)
