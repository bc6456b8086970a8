package records

import "time"

// Call is a call detail record.
type Call struct {
	ID       string // SIP Call-ID
	Caller   string // number, "" withheld
	Name     string // display name
	Called   string // number
	Bot      string // file of the bot
	Started  time.Time
	Answered time.Time // zero: never
	Ended    time.Time
	Cause    string // why it ended, a closed set of package call
	Error    string // what of ours failed, "" nothing

	Turns     []Turn
	Handovers []Handover
	Mood      float64 // highest anger heard, 0 to 1
	Recording string  // path, "" none
	Message   string  // path, "" none
	RTP       RTP
}

// Turn is one thing said, by whom, and how it was understood.
type Turn struct {
	At      time.Time
	Who     string // "caller", "bot", "seat 7"
	Text    string
	Intent  string  // "" none
	Score   float64 // 0 to 1 of that intent
	Outcome string  // "intent", "slot", "unmatched", "" not judged
	Step    string  // where in the flow: "tracking.order"
	Anger   float64 // 0 to 1
	Gap     Gap     // before the reply to it
}

// Gap is how long a reply took, and where the time went; zero: there was no reply in words.
type Gap struct {
	Total      time.Duration // last voiced caller packet to first packet of the reply
	Decided    time.Duration // of that: to the end of the turn decided
	Recognised time.Duration // to the words
	Meant      time.Duration // to the dialog's answer
	Spoken     time.Duration // to its first packet
}

// Handover is one attempt to reach a person.
type Handover struct {
	At      time.Time
	Queue   string
	Reason  string        // a closed set of package dialog: "anger"
	Detail  string        // in words
	Seat    string        // that took it, "" none
	Outcome string        // a closed set of package transfer: "joined"
	Brief   string        // as spoken to the seat
	Waited  time.Duration // from the decision to its outcome
	ToSeat  time.Duration // from the decision to both hearing each other; 0: they never did
	Tried   []string      // seats that did not take it, with why: "7: busy"
}

// RTP says how the audio of the caller's leg went, in packets.
type RTP struct {
	Sent, SentLate                                int
	Received, Lost, Late, Duplicate, Dropped, Bad int
	Jitter                                        time.Duration // RFC 3550, 6.4.1
	RoundTrip                                     time.Duration // by RTCP; 0: not known
	// Mean opinion scores, 1 to 4.5 by the E-model: what we heard, its worst five seconds, and what the far end did. 0: not known.
	MOS, WorstMOS, FarMOS float64
	Crypto                string // SRTP suite; empty: nothing was protected
}
