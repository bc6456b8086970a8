package dialog

import (
	"fmt"
	"slices"
	"time"
)

// limits keep a call from going round for ever.
const (
	mostFruitless = 12  // turns that brought nothing new, then a person
	mostTurns     = 200 // whatever they brought, then goodbye
	mostHandovers = 3   // that ended without a seat, then only a message
	mostSteps     = 200 // performed without waiting, then the flow is broken
	mostUnmatched = 4   // requests of a call not understood, not necessarily in a row
)

// zeroAlone is how long a first 0 may stay alone where a number may begin with it: then it was for a person.
const zeroAlone = 2 * time.Second

// state is what a session waits for.
type state int

const (
	listening state = iota
	fetching
	seatWaiting // for a seat, or for the news that there is none
	messageWaiting
	ended
)

// Session is one caller's progress through a [Bot]. It belongs to one goroutine.
type Session struct {
	bot    *Bot
	now    time.Time
	state  state
	out    []Action
	turn   Turn
	values map[string]string // slots, and what the back end said
	proven map[string]bool   // slots that were read back and found right

	stack    []frame
	flow     string   // running or last
	asked    []string // slots asked for in this flow, in order
	question question
	misses   int // failures of this question
	silences int
	keys     string // keyed so far for this question
	partial  string // digits said so far for this question

	fetch   *step // running
	fetchID string
	fetches int

	intent    string
	tried     []string
	saying    []string        // of this Step
	said      []string        // of the last, for "repeat"
	visited   map[string]bool // intents and steps, for coverage; nil in a look ahead
	used      map[string]int  // how often a wording was used, so that several take turns
	unmatched int             // in a row
	requests  []string        // not understood, in the whole call
	refused   int             // read-backs answered with no, in this flow
	handovers int
	messages  int
	fruitless int
	turns     int
	mood      float64 // the highest anger so far
	cause     string  // of the end
}

// frame is a place in a list of steps.
type frame struct {
	steps []step
	next  int
}

// Start begins a call's session; its first event is [Begin].
func (b *Bot) Start() *Session {
	return &Session{bot: b, values: map[string]string{}, proven: map[string]bool{}, used: map[string]int{}, visited: map[string]bool{}}
}

// Step takes what happened and returns what to do: a [Note] first when the caller did something, then what to say, and
// last exactly one action that waits: [Listen], [Fetch], [HandOver], [TakeMessage] or [End]. No waiting action means that the
// event changed nothing: what was awaited is awaited still (a key other than 0 while a fetch runs, a late [Fetched]).
// A Note without an Outcome is a key of a number that is not complete yet.
func (s *Session) Step(event Event) []Action {
	s.out, s.saying, s.turn = nil, nil, Turn{}
	if s.state == ended {
		return []Action{End{Cause: s.cause}}
	}
	switch event := event.(type) {
	case Begin:
		s.begin(event)
	case Heard:
		s.noted(event.Now, event.Text, func() { s.heard(event) })
		s.turn.Anger = event.Anger
	case Keyed:
		s.noted(event.Now, "keys "+string(event.Key), func() { s.keyed(event.Key) })
	case NoInput:
		s.noted(event.Now, "", s.silent)
	case Fetched:
		s.fetched(event)
	case HandoverEnded:
		s.handoverEnded()
	case MessageLeft:
		s.messageLeft(event)
	}
	if len(s.saying) > 0 {
		s.said = s.saying
	}
	if _, isNote := first(s.out).(Note); isNote {
		s.out[0] = Note{Turn: s.turn}
	}
	return s.out
}

func first(actions []Action) Action {
	if len(actions) == 0 {
		return nil
	}
	return actions[0]
}

// Values are what the caller has said so far, by human label: "parcel number": "4512".
func (s *Session) Values() map[string]string {
	values := map[string]string{}
	for name, slot := range s.bot.file.Slots {
		if value := s.values[name]; value != "" {
			values[slot.Label] = value
		}
	}
	return values
}

func (s *Session) begin(event Begin) {
	s.now = event.Now
	s.values["caller"], s.values["caller_name"] = event.Caller, event.Name
	s.say(s.bot.file.Greeting)
	s.wait(&openQuestion{})
}

// noted does what a caller's event leads to, under the guard that no call goes on for ever.
func (s *Session) noted(now time.Time, said string, do func()) {
	s.out = append(s.out, Note{})
	s.turn.Said = said
	if !now.IsZero() {
		s.now = now
	}
	if s.state == listening && s.question != nil {
		s.turn.Step = s.question.where()
	}
	s.turns++
	if s.turns > mostTurns && s.state == listening {
		s.turn.Outcome = "unmatched"
		s.goodbye("done")
		return
	}
	do()
	if s.fruitless > mostFruitless && s.state == listening {
		s.out, s.saying = s.out[:1], nil
		s.giveUp("nothing led on for " + fmt.Sprint(s.fruitless) + " turns")
	}
}

// heard takes an utterance: anger first, then what may be said at any moment, then the answer to the question, then a
// new wish, and at last the ladder of what was not understood.
func (s *Session) heard(event Heard) {
	if s.state != listening {
		return
	}
	s.keys = ""
	s.silences = 0
	if s.angry(event) || s.sensitiveWords(event.Text) {
		return
	}
	if s.obey(heardCommand(event.Text), event.Text) || s.question.heard(s, event.Text) {
		return
	}
	if s.wish(event.Text) || s.corrected(event.Text) {
		return
	}
	s.miss(event.Text)
}

// keyed takes one key. Zero is a person at any moment, but inside a number that was begun; where a number may begin with it, it is
// a person when no other key follows.
func (s *Session) keyed(key rune) {
	switch {
	case key == '0' && s.keys == "" && s.zeroMayBegin():
		s.silences = 0
		s.keys = "0"
		s.listen(zeroAlone)
		return
	case key == '0' && s.keys == "" && s.state != seatWaiting:
		s.pressedZero()
		return
	case s.state != listening:
		return
	}
	s.silences = 0
	switch {
	case key == '#' && s.keys == "": // the end of a number that was complete without it
		s.fruitless++
		s.listen(0)
	case key == '*' && s.keys == "":
		s.turn.Outcome = "repair"
		s.repeat()
	case key == '*':
		s.keys = ""
		s.turn.Outcome = "repair"
		s.fruitless++
		s.prompt("once_more")
		s.ask()
	default:
		s.question.keyed(s, key)
	}
}

// zeroMayBegin says whether a number is asked for that may begin with 0.
func (s *Session) zeroMayBegin() bool {
	q, ok := s.question.(*slotQuestion)
	return ok && s.state == listening && s.bot.leadingZero(q.slot)
}

func (s *Session) pressedZero() {
	s.keys = ""
	s.handOver(ReasonKey, &s.bot.file.HandOver.Key, "pressed zero")
}

// silent climbs the ladder of silence: ask again, ask again with keys, then goodbye or a person.
func (s *Session) silent() {
	if s.state != listening {
		return
	}
	s.turn.Outcome = "no input"
	if s.keys != "" {
		keys := s.keys
		s.keys = ""
		s.question.ended(s, keys)
		return
	}
	s.silences++
	s.fruitless++
	switch {
	case s.silences == 1:
		if s.partial == "" {
			s.prompt("no_input_1")
		}
		s.ask()
	case s.silences == 2:
		s.prompt("no_input_2")
		s.question.offerKeys(s)
		s.listen(0)
	case s.bot.file.NoInput == "hand over" && s.handovers == 0:
		s.handOver(ReasonUnmatched, &s.bot.file.HandOver.Unmatched.handOverRule, "was silent three times")
	default:
		s.prompt("no_input_3")
		s.end("no input")
	}
}

// wait makes q the question that the caller is to answer now.
func (s *Session) wait(q question) {
	s.question, s.misses, s.silences, s.keys, s.partial = q, 0, 0, "", ""
	s.listen(0)
}

// put asks q for the first time.
func (s *Session) put(q question) {
	s.question, s.misses, s.silences, s.keys, s.partial = q, 0, 0, "", ""
	s.ask()
}

// ask says the question at hand (again) and listens.
func (s *Session) ask() {
	s.question.ask(s)
	s.listen(0)
}

// listen ends a Step by hearing the caller; timeout 0 is what the question needs.
func (s *Session) listen(timeout time.Duration) {
	expect := s.question.expect(s)
	if timeout == 0 {
		timeout = s.bot.file.Timeouts.Listen
		if expect == ExpectDigits {
			timeout = s.bot.file.Timeouts.Digits
		}
	}
	s.state = listening
	s.out = append(s.out, Listen{Expect: expect, Timeout: timeout})
}

// say speaks one of the wordings, each in its turn.
func (s *Session) say(wordings []string) { s.sayWith(wordings, nil) }

// prompt speaks a built-in wording; values fill its own places, in pairs of name and value.
func (s *Session) prompt(key string, values ...string) {
	own := map[string]string{"topics": s.bot.topics()}
	for pair := range slices.Chunk(values, 2) {
		own[pair[0]] = pair[1]
	}
	s.sayWith(s.bot.wording(key), own)
}

func (s *Session) sayWith(wordings []string, own map[string]string) {
	if words := s.words(wordings, own); words != "" {
		s.saying = append(s.saying, words)
		s.out = append(s.out, Say{Text: words, Interruptible: true})
	}
}

// words picks the next of several wordings and fills it in, ready for the voice.
func (s *Session) words(wordings []string, own map[string]string) string {
	if len(wordings) == 0 {
		return ""
	}
	pick := wordings[s.used[wordings[0]]%len(wordings)]
	s.used[wordings[0]]++
	return speakable(s.fill(pick, own))
}

// fill puts the values of the call into a wording; those in own go before.
func (s *Session) fill(wording string, own map[string]string) string {
	return s.bot.texts[wording].fill(func(name, as string) string {
		value, ok := own[name]
		if !ok {
			value = s.value(name)
		}
		if as == "" && !ok {
			as = s.bot.format(name)
		}
		if format := formats[as]; format != nil {
			return format(value, s.now)
		}
		return value
	})
}

// value is what is known under a name.
func (s *Session) value(name string) string {
	switch name {
	case "today":
		return s.now.Format(time.DateOnly)
	case "daytime":
		switch hour := s.now.Hour(); {
		case hour < 12:
			return "morning"
		case hour < 18:
			return "afternoon"
		}
		return "evening"
	}
	return s.values[name]
}

// format is how a value is said when its place does not say.
func (b *Bot) format(name string) string {
	if name == "today" {
		return "day"
	}
	if slot, ok := b.file.Slots[name]; ok {
		switch slot.Type {
		case "digits":
			return "digits"
		case "day":
			return "day"
		}
	}
	return ""
}

// more asks what else the caller wants.
func (s *Session) more() {
	s.stack = nil
	s.put(&openQuestion{more: true})
}

func (s *Session) goodbye(cause string) {
	s.prompt("goodbye")
	s.end(cause)
}

func (s *Session) end(cause string) {
	s.state, s.cause, s.question = ended, cause, nil
	s.out = append(s.out, End{Cause: cause})
}
