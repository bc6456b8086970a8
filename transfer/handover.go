package transfer

import "time"

// Handover is what the seat must know before the first word.
type Handover struct {
	CallID     string
	Caller     string // number; "" withheld
	Name       string // display name
	Queue      string
	Reason     string            // closed set of dialog.Reason: "anger"
	Detail     string            // in words
	Intent     string            // in words: "where is my parcel"
	Values     map[string]string // "order number": "4512"
	Tried      []string
	Mood       string
	Transcript []Line
}

// Line of the talk so far.
type Line struct {
	Who  string // "caller", "bot"
	Text string
	At   time.Time
}
