package dialog

import (
	"time"

	"ivr/internal/strict"
)

// botFile is a bot as its author writes it; docs/bots.md explains each key.
type botFile struct {
	Name     string
	Language string
	Greeting []string
	Backend  string // base of relative fetch URLs; ${NAME:-default} is taken from the environment
	Headers  map[string]string
	Timeouts timeouts
	Synonyms map[string][]string
	Slots    map[string]*slot
	Intents  map[string]*intent
	Flows    map[string][]step
	HandOver handOver `yaml:"hand_over"`
	NoInput  string   `yaml:"no_input"` // what the third silence does: "goodbye" or "hand over"
	Wording  map[string][]string
}

// timeouts are how long a Listen waits in silence.
type timeouts struct {
	Listen  time.Duration // for an answer
	Digits  time.Duration // for the first digit of a number
	Keys    time.Duration // between keys
	Hold    time.Duration // after "hold on"
	Message time.Duration // longest message
}

// slot is a value that the bot needs.
type slot struct {
	Line    strict.Line
	Label   string // for people: "parcel number"
	Type    string // digits, day, yes-no, choice or text
	Ask     []string
	Help    []string // said when the caller cannot answer
	Keys    []string // how to key it in; a default for each type
	Confirm bool     // read back and ask whether it is right
	Keep    bool     // known for the rest of the call, for other flows too

	Length  int // digits: exactly so many ...
	Min     int // ... or from Min
	Max     int // to Max
	Pattern string

	Earliest int      // day: so many days from today, from
	Latest   int      // to
	Except   []string // weekdays that do not suit

	Choices map[string][]string // choice: value to other words for it
}

// intent is what a caller may want.
type intent struct {
	Line     strict.Line
	Label    string // for the seat and the record: "where a parcel is"
	Examples []string
	Meant    []string // asked when it is not quite sure: "Do you want to know where your parcel is?"
	Answer   []string
	AskMore  *bool `yaml:"ask_more"` // after the answer, ask for more; true when absent
	Flow     string
}

// step is one step of a flow; exactly one of its kinds is set.
type step struct {
	Line     strict.Line
	Say      []string
	Ask      string // a slot
	Confirm  *confirmStep
	Fetch    *fetchStep
	Decide   *decideStep
	Menu     *menuStep
	HandOver *handOverStep `yaml:"hand_over"`
	Message  *messageStep
	Forget   []string // slots
	Go       string   // a flow
	Done     *bool    // the flow ends; the caller is asked for more
	End      []string // goodbye

	HeardOut bool `yaml:"heard_out"` // with say: speech does not interrupt it
	at       string
}

// confirmStep reads back and goes on with a yes.
type confirmStep struct {
	Line strict.Line
	Say  []string
	No   []step // with a no; without it the values named in Say are asked for again
}

// fetchStep asks the back end.
type fetchStep struct {
	Line    strict.Line
	Method  string
	URL     string `yaml:"url"`
	Headers map[string]string
	Body    map[string]string
	Timeout time.Duration
	Tries   int
	Filler  []string
	Values  map[string]string // value to its path in the result: place: address.city
	On      map[string][]step // by status
	Failed  []step
	Tried   []string // for the seat: "looked up parcel {{parcel}}"
}

// decideStep goes on by a value.
type decideStep struct {
	Line  strict.Line
	Value string
	Cases map[string][]step
	Else  []step
}

// menuStep offers a choice of ways on keys and by words.
type menuStep struct {
	Line    strict.Line
	Say     []string
	Options map[string]option
}

type option struct {
	Line  strict.Line
	Words []string
	Do    []step
}

type handOverStep struct {
	Line   strict.Line
	Queue  string
	Say    []string
	Detail string
}

type messageStep struct {
	Line strict.Line
	Say  []string
}

// handOver says when and where to people take over.
type handOver struct {
	Queue     string
	Say       []string
	Anger     angerRule
	Unmatched unmatchedRule
	Asked     handOverRule
	Key       handOverRule
	Backend   handOverRule
	Sensitive map[string]*sensitiveRule
}

type handOverRule struct {
	Line  strict.Line
	Queue string
	Say   []string
}

type angerRule struct {
	handOverRule
	Threshold float64
	Words     []string
}

type unmatchedRule struct {
	handOverRule
	After int
}

type sensitiveRule struct {
	handOverRule
	Label    string
	Examples []string
	Words    []string
}
