package call

import (
	"fmt"
	"time"

	"ivr/dialog"
	"ivr/media"
)

// Cause says why a call ended: a closed set, a metric label.
type Cause string

const (
	CauseCaller    Cause = "caller hung up"
	CauseAbandoned Cause = "caller gave up waiting" // hung up while a seat was sought
	CauseSeat      Cause = "seat hung up"
	CauseDone      Cause = "done" // the bot said goodbye
	CauseNoInput   Cause = "no input"
	CauseMessage   Cause = "message left"
	CauseNoAudio   Cause = "no audio" // RTP stopped
	CauseTooLong   Cause = "too long"
	CauseShutdown  Cause = "shutdown"
	CauseFailed    Cause = "failed" // a part of ours
)

// Q850 is the cause value sent in the Reason header of the BYE (RFC 3326, ITU-T Q.850).
func (c Cause) Q850() int {
	switch c {
	case CauseNoAudio:
		return 41 // temporary failure
	case CauseTooLong, CauseNoInput:
		return 102 // recovery on timer expiry
	case CauseShutdown, CauseFailed:
		return 41
	default:
		return 16 // normal call clearing
	}
}

// Report is all that is known of a call when it has ended.
type Report struct {
	ID, Caller, Name         string
	Started, Answered, Ended time.Time
	Cause                    Cause
	Err                      error // what failed, when Cause is CauseFailed
	Lines                    []Line
	Handovers                []HandedOver
	Recording, Message       string  // paths, "" none
	Mood                     float64 // highest anger heard, 0 to 1
	Media                    media.Stats
}

// Line is one thing said, by whom, and how it was understood.
type Line struct {
	At   time.Time
	Who  string // "caller", "bot", "seat 7"
	Text string
	Turn *dialog.Turn // of the caller's lines the dialog judged
	Gap  Gap
}

// Gap is how long a reply took, broken down; all zero when there was no reply in words.
type Gap struct {
	Total      time.Duration // last voiced caller packet to first audible packet of the reply
	Decided    time.Duration // last voiced packet to the end of the turn decided
	Recognised time.Duration // end of the turn to the words
	Meant      time.Duration // words to the dialog's answer
	Spoken     time.Duration // answer to its first audible packet
}

// HandedOver is one attempt to reach a person.
type HandedOver struct {
	At      time.Time
	Queue   string
	Reason  dialog.Reason
	Detail  string
	Seat    string        // that took it, "" none
	Outcome string        // closed set of transfer
	Brief   string        // as spoken to the seat
	Waited  time.Duration // from the decision to the outcome
	ToSeat  time.Duration // decision to both hearing each other
	Tried   []string      // seats that did not take it, with why: "7: busy"
}

// reason is the Reason header of the BYE: protocol, cause value, text.
func reason(c Cause) string { return fmt.Sprintf("Q.850;cause=%d;text=%q", c.Q850(), string(c)) }
