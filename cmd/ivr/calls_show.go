package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"ivr/records"
)

func showCall(ctx context.Context, w io.Writer, o callsOptions, id string) (err error) {
	store, err := o.open()
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there are no calls in %s yet", o.path())
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	c, err := store.Get(ctx, id)
	switch {
	case errors.Is(err, records.ErrAmbiguous):
		return usageError{err}
	case errors.Is(err, records.ErrNotFound):
		return fmt.Errorf("%w; ivr calls lists them", err)
	case err != nil:
		return err
	case o.json:
		return printJSON(w, newCallJSON(c))
	}
	_, err = io.WriteString(w, conversation(c))
	return err
}

// conversation is a call as it went, line by line.
func conversation(c records.Call) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Call %s\n", c.ID)
	facts := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fact := func(name, format string, values ...any) {
		if text := strings.TrimSpace(fmt.Sprintf(format, values...)); text != "" {
			fmt.Fprintf(facts, "  %s\t%s\n", name, text)
		}
	}
	who := or(c.Caller, "number withheld")
	if c.Name != "" && c.Name != c.Caller {
		who = c.Name + ", " + who
	}
	fact("caller", "%s", who)
	fact("called", "%s %s", c.Called, inBrackets(c.Bot))
	fact("started", "%s, %s", c.Started.Local().Format("2006-01-02 15:04:05"), answered(c))
	fact("ended", "%s after %v", c.Cause, length(c))
	fact("failed", "%s", c.Error)
	if gap := medianGap(c); gap > 0 {
		fact("replies", "%s in the median", milliseconds(gap))
	}
	if c.Mood > 0 {
		fact("anger", "%.2f at the highest", c.Mood)
	}
	fact("audio", "%s", audio(c.RTP))
	fact("recording", "%s", c.Recording)
	fact("message", "%s", c.Message)
	_ = facts.Flush() // into memory
	b.WriteByte('\n')
	for _, line := range timeline(c) {
		fmt.Fprintf(&b, "%8s  %s\n", clock(line.at.Sub(c.Started)), line.text)
	}
	return b.String()
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func answered(c records.Call) string {
	if c.Answered.IsZero() {
		return "never answered"
	}
	return fmt.Sprintf("answered after %.1f s", c.Answered.Sub(c.Started).Seconds())
}

// clock is a time within a call: 1:02.3.
func clock(d time.Duration) string {
	d = max(0, d).Round(100 * time.Millisecond)
	return fmt.Sprintf("%d:%04.1f", int(d.Minutes()), (d % time.Minute).Seconds())
}

func audio(r records.RTP) string {
	if r == (records.RTP{}) {
		return ""
	}
	lost := 0.0
	if all := r.Received + r.Lost; all > 0 {
		lost = 100 * float64(r.Lost) / float64(all)
	}
	text := fmt.Sprintf("received %d packets, lost %d (%.2f %%), late %d, jitter %.1f ms; sent %d, late %d",
		r.Received, r.Lost, lost, r.Late, r.Jitter.Seconds()*1000, r.Sent, r.SentLate)
	if r.MOS > 0 {
		text += fmt.Sprintf("; MOS %.1f, at worst %.1f", r.MOS, r.WorstMOS)
	}
	if r.FarMOS > 0 {
		text += fmt.Sprintf(", at the far end %.1f, round trip %.0f ms", r.FarMOS, r.RoundTrip.Seconds()*1000)
	}
	if r.Crypto != "" {
		text += "; " + r.Crypto
	}
	return text
}

// happening is one line of a call.
type happening struct {
	at   time.Time
	text string
}

// timeline is what was said and done, in order.
func timeline(c records.Call) (all []happening) {
	width := len("hand-over")
	for _, t := range c.Turns {
		width = max(width, len(t.Who))
	}
	indent := strings.Repeat(" ", 10+width+2)
	for _, t := range c.Turns {
		text := fmt.Sprintf("%-*s  %s", width, t.Who, or(t.Text, "(no words)"))
		for _, note := range []string{understood(t), replied(t.Gap)} {
			if note != "" {
				text += "\n" + indent + "- " + note
			}
		}
		all = append(all, happening{t.At, text})
	}
	for _, h := range c.Handovers {
		text := fmt.Sprintf("%-*s  to %s because %s", width, "hand-over", h.Queue, because(h))
		for _, note := range append(prefixed("tried seat ", h.Tried), told(h.Brief), result(h)) {
			if note != "" {
				text += "\n" + indent + "- " + note
			}
		}
		all = append(all, happening{h.At, text})
	}
	slices.SortStableFunc(all, func(a, b happening) int { return a.at.Compare(b.at) })
	return all
}

// understood is how a turn was judged: "intent tracking 0.93, at start, anger 0.10".
func understood(t records.Turn) string {
	var words []string
	switch {
	case t.Intent != "":
		words = append(words, fmt.Sprintf("%s %s %.2f", t.Outcome, t.Intent, t.Score))
	case t.Outcome != "":
		words = append(words, t.Outcome)
	}
	if t.Step != "" {
		words = append(words, "at "+t.Step)
	}
	if t.Anger > 0 {
		words = append(words, fmt.Sprintf("anger %.2f", t.Anger))
	}
	return strings.TrimSpace(strings.Join(words, ", "))
}

// replied is how long the reply took and why.
func replied(g records.Gap) string {
	if g.Total == 0 {
		return ""
	}
	return fmt.Sprintf("reply after %s: end of turn %s, words %s, meaning %s, voice %s", milliseconds(g.Total),
		or(milliseconds(g.Decided), "0 ms"), or(milliseconds(g.Recognised), "0 ms"),
		or(milliseconds(g.Meant), "0 ms"), or(milliseconds(g.Spoken), "0 ms"))
}

func because(h records.Handover) string {
	if h.Detail == "" {
		return h.Reason
	}
	return h.Reason + ", " + h.Detail
}

func prefixed(prefix string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = prefix + s
	}
	return out
}

func told(brief string) string {
	if brief == "" {
		return ""
	}
	return fmt.Sprintf("told the seat %q", brief)
}

func result(h records.Handover) string {
	s := or(h.Outcome, "not ended")
	if h.Seat != "" {
		s += " seat " + h.Seat
	}
	switch {
	case h.ToSeat > 0:
		s += fmt.Sprintf(" after %.1f s", h.ToSeat.Seconds())
	case h.Waited > 0:
		s += fmt.Sprintf(" after a wait of %.1f s", h.Waited.Seconds())
	}
	return s
}
