package dialog

import "time"

// Event is what happened to a session: [Begin], [Heard], [Keyed], [NoInput], [Fetched], [HandoverEnded] or [MessageLeft].
type Event interface{ event() }

type (
	// Begin opens the call.
	Begin struct {
		Caller string // number, "" if withheld
		Name   string // display name
		Now    time.Time
	}
	// Heard is a finished utterance; empty Text is speech without words, a no-match.
	Heard struct {
		Text  string
		Anger float64 // 0 to 1, from the voice and the words
		// Evidence names what speaks for it: `a raised voice (0.91), "disgrace"`; "" none.
		Evidence    string
		Interrupted bool // it stopped the bot in the middle of a sentence
		Now         time.Time
	}
	// Keyed is one key press: 0-9 * #.
	Keyed struct {
		Key rune
		Now time.Time
	}
	// NoInput says that the Listen's timeout passed in silence.
	NoInput struct{ Now time.Time }
	// Fetched is the result of a [Fetch].
	Fetched struct {
		ID     string         // of the Fetch
		Status int            // HTTP status; 0 when there was no answer
		Body   map[string]any // decoded JSON
		Err    string         // "" or what failed, for the record: "parcels: timeout after 2s, tried twice"
	}
	// HandoverEnded comes only when the caller was not joined to a seat: the bot has the caller again.
	HandoverEnded struct{ Outcome string } // "no seat", "gave up waiting"
	// MessageLeft ends a [TakeMessage].
	MessageLeft struct{ Duration time.Duration }
)

func (Begin) event()         {}
func (Heard) event()         {}
func (Keyed) event()         {}
func (NoInput) event()       {}
func (Fetched) event()       {}
func (HandoverEnded) event() {}
func (MessageLeft) event()   {}

// Action is what the conductor shall do: [Say], [Listen], [Fetch], [HandOver], [TakeMessage], [End] or [Note].
type Action interface{ action() }

type (
	// Say speaks Text. Actions after it wait until it was heard, except [Listen], which hears from its beginning on
	// when Interruptible.
	Say struct {
		Text          string // ready for the voice: numbers and dates already in words
		Interruptible bool   // by speech; keys always interrupt
	}
	// Listen waits for [Heard], [Keyed] or, after Timeout of silence, [NoInput].
	Listen struct {
		Expect  Expect
		Timeout time.Duration
	}
	// Fetch asks the back end over HTTP; the answer is a [Fetched] with the same ID, always.
	Fetch struct {
		ID      string
		Method  string
		URL     string            // complete; values escaped
		Headers map[string]string // as in the bot file; secrets are ${ENV} references that the conductor's client resolves
		Body    map[string]any    // sent as JSON; nil: none
		Timeout time.Duration     // of each try
		Tries   int
		Filler  string // spoken once when the answer is late
	}
	// HandOver gives the caller to a person. The sentence for the caller was said before it.
	HandOver struct {
		Queue  string
		Reason Reason
		Detail string            // in words, with what the mood was told by: `said "this is a disgrace"; a raised voice (0.91), "disgrace"`
		Intent string            // what the caller wants, as a human label; "" unknown
		Values map[string]string // collected, by human label: "order number": "4512"
		Tried  []string          // what the bot did, in words
		Mood   string            // "calm", "tense", "angry": the worst of the call
	}
	// TakeMessage records what the caller says after a tone, until silence, # or MaxLength.
	TakeMessage struct{ MaxLength time.Duration }
	// End hangs up.
	End struct{ Cause string } // "done", "no input", "message left"
	// Note tells the record how the last event was understood. It comes first.
	Note struct{ Turn Turn }
)

func (Say) action()         {}
func (Listen) action()      {}
func (Fetch) action()       {}
func (HandOver) action()    {}
func (TakeMessage) action() {}
func (End) action()         {}
func (Note) action()        {}

// Expect says what a Listen waits for, so that the ears can give a dictated number time and a "yes" none.
type Expect string

const (
	ExpectAny    Expect = "any"
	ExpectYesNo  Expect = "yes or no"
	ExpectDigits Expect = "digits"
	ExpectDate   Expect = "date"
)

// Reason of a hand-over, a closed set: it is a metric label.
type Reason string

const (
	ReasonAnger     Reason = "anger"
	ReasonUnmatched Reason = "unmatched"
	ReasonAsked     Reason = "asked"
	ReasonKey       Reason = "key"
	ReasonSensitive Reason = "sensitive"
	ReasonBackend   Reason = "backend"
	ReasonFlow      Reason = "flow" // a step of the bot says so
)

// Turn is one exchange, for the record and the metrics.
type Turn struct {
	Said     string  // by the caller; keys as "keys 4512"
	Intent   string  // name in the bot file; "" none
	Score    float64 // 0 to 1 of that intent
	Outcome  string  // "intent", "slot", "yes", "no", "unmatched", "repair", "hand-over", "no input"; "" changes nothing yet
	Step     string  // where in the flow it was heard: "tracking.order"
	Anger    float64 // 0 to 1, with what is carried from the utterances before
	Mood     Mood    // after it; "" for keys and silence
	Evidence string  // what speaks for it, in words
}
