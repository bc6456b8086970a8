package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"ivr/testaudio"
)

// callScreen prints a conversation as it goes. Safe for concurrent use.
type callScreen struct {
	out   io.Writer
	json  *json.Encoder // nil: text
	quiet bool
	color bool

	mu    sync.Mutex
	began time.Time
	gaps  []time.Duration // of the bot's replies to the caller
	human bool            // a person has spoken: replies are not the bot's any more
}

func newCallScreen(out io.Writer, asJSON, quiet bool) *callScreen {
	s := &callScreen{out: out, quiet: quiet, began: time.Now()}
	if asJSON {
		s.json = json.NewEncoder(out)
	}
	f, isFile := out.(*os.File)
	s.color = isFile && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == ""
	return s
}

// start sets the zero of the times printed: the call was answered.
func (s *callScreen) start(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = at
}

// forget begins to count reply gaps anew.
func (s *callScreen) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps, s.human = nil, false
}

// gapText is the median of the reply gaps, in words.
func (s *callScreen) gapText() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.gaps) == 0 {
		return "-"
	}
	median, _ := medianOf(s.gaps)
	return fmt.Sprintf("median %d ms of %d", median.Milliseconds(), len(s.gaps))
}

// jsonEvent is one line of --json.
type jsonEvent struct {
	At    float64 `json:"at"`              // seconds since the call was answered
	Party string  `json:"party,omitempty"` // "caller", "seat 7"
	Event string  `json:"event"`           // "said", "heard", "keyed", or in words
	Text  string  `json:"text,omitempty"`
	Until float64 `json:"until,omitempty"`
	GapMS int64   `json:"gap_ms,omitempty"`
	Error string  `json:"error,omitempty"`
}

// turn shows what was said, heard or keyed; party may be "".
func (s *callScreen) turn(party string, t testaudio.Turn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fromSeat := strings.HasPrefix(party, "seat")
	s.human = s.human || fromSeat && t.Sent && t.Keys == ""
	if t.Gap != 0 && !fromSeat && !s.human {
		s.gaps = append(s.gaps, t.Gap)
	}
	e := jsonEvent{At: s.since(t.Began), Until: s.since(t.Ended), Party: party, Event: "heard", Text: t.Text, GapMS: t.Gap.Milliseconds()}
	switch {
	case t.Keys != "":
		e.Event, e.Text = "keyed", t.Keys
	case t.Sent:
		e.Event = "said"
	case t.Err != nil:
		e.Error = t.Err.Error()
	}
	s.event(e)
}

// note shows anything else that happened, now.
func (s *callScreen) note(party, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.event(jsonEvent{At: s.since(time.Now()), Party: party, Event: fmt.Sprintf(format, args...)})
}

func (s *callScreen) since(t time.Time) float64 {
	return max(0, t.Sub(s.began).Round(time.Millisecond).Seconds())
}

func (s *callScreen) event(e jsonEvent) {
	switch {
	case s.quiet:
	case s.json != nil:
		_ = s.json.Encode(e) // a broken pipe ends the process, as it should
	default:
		s.line(e)
	}
}

// The colours of a terminal.
const (
	dim, bold, red, green, yellow, plain = "\x1b[2m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
)

func (s *callScreen) paint(code, text string) string {
	if !s.color || text == "" {
		return text
	}
	return code + text + plain
}

func (s *callScreen) line(e jsonEvent) {
	out := s.paint(dim, fmt.Sprintf("%6.1f s ", e.At))
	if e.Party != "" {
		out += fmt.Sprintf(" %-7s", e.Party)
	}
	text := e.Text
	switch e.Event {
	case "said", "keyed":
		text = s.paint(bold, text)
	case "heard":
		if text == "" {
			text = "(no words)"
		}
		text = s.paint(green, text)
	default:
		fmt.Fprintf(s.out, "%s %s\n", out, s.paint(dim, e.Event))
		return
	}
	out += fmt.Sprintf(" %-6s %s", e.Event, text)
	if e.GapMS != 0 {
		out += s.paint(yellow, fmt.Sprintf("   (after %d ms)", e.GapMS))
	}
	if e.Error != "" {
		out += "   (" + e.Error + ")"
	}
	fmt.Fprintln(s.out, out)
}

// jsonSummary is the last line of --json.
type jsonSummary struct {
	Summary     bool    `json:"summary"` // always true: tells it from events
	OK          bool    `json:"ok"`
	Error       string  `json:"error,omitempty"`
	Seconds     float64 `json:"seconds"`
	Replies     int     `json:"replies"`
	MedianGapMS int64   `json:"median_gap_ms"`
	WorstGapMS  int64   `json:"worst_gap_ms"`
	Recording   string  `json:"recording,omitempty"`
}

// summary ends the conversation.
func (s *callScreen) summary(err error, recording string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	median, worst := medianOf(s.gaps)
	if s.json != nil {
		sum := jsonSummary{Summary: true, OK: err == nil, Seconds: s.since(time.Now()), Replies: len(s.gaps),
			MedianGapMS: median.Milliseconds(), WorstGapMS: worst.Milliseconds(), Recording: recording}
		if err != nil {
			sum.Error = err.Error()
		}
		_ = s.json.Encode(sum)
		return
	}
	if len(s.gaps) > 0 {
		fmt.Fprintf(s.out, "reply gap: median %d ms, worst %d ms, of %d\n", median.Milliseconds(), worst.Milliseconds(), len(s.gaps))
	}
	if recording != "" {
		fmt.Fprintf(s.out, "recording: %s (left what was said here, right what was heard)\n", recording)
	}
}

func medianOf(d []time.Duration) (median, worst time.Duration) {
	if len(d) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2], sorted[len(sorted)-1]
}
