package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ivr/records"
)

// callsOptions is what both commands know of the file of records.
type callsOptions struct {
	data, db string
	json     bool
}

func newCallsCommand() *cobra.Command {
	var o callsOptions
	var f records.Filter
	var since time.Duration
	list := &cobra.Command{
		Use:   "calls",
		Short: "List the calls there were, and show what was said in one",
		Long: `List the calls there were, the newest first: when, who, how long, what was wanted, how fast the replies
came (the median, from the caller's last sound to the bot's first), the hand-over, and why the call ended.`,
		Example: `  ivr calls
  ivr calls --since 1h --reason anger
  ivr calls --json --limit 0 | jq '.[].reply_gap_ms'
  ivr calls show 3f9a`,
		Args: noArgs("to see one call: ivr calls show ID"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case f.Limit < 0:
				return usageError{fmt.Errorf("--limit %d: wants a number of calls, 0 for all", f.Limit)}
			case since < 0:
				return usageError{fmt.Errorf("--since %v: wants a time back from now, as 90m or 24h", since)}
			case since > 0:
				f.Since = time.Now().Add(-since)
			}
			return listCalls(cmd.Context(), cmd.OutOrStdout(), o, f)
		},
	}
	list.PersistentFlags().StringVar(&o.data, "data", "var", "folder of the records, as in the configuration")
	list.PersistentFlags().StringVar(&o.db, "db", "", "file of the records (default ivr.db in the folder of --data)")
	list.PersistentFlags().BoolVar(&o.json, "json", false, "print JSON")
	list.Flags().IntVar(&f.Limit, "limit", 20, "the newest N calls, 0 for all")
	list.Flags().DurationVar(&since, "since", 0, "only calls of this time back from now: 90m, 24h")
	list.Flags().StringVar(&f.Cause, "cause", "", `only calls that ended so: "seat hung up"`)
	list.Flags().StringVar(&f.Reason, "reason", "", `only calls handed over for this reason: "anger"`)
	list.Flags().StringVar(&f.Outcome, "outcome", "", `only calls whose hand-over ended so: "joined"`)
	list.Flags().StringVar(&f.Caller, "caller", "", "only calls from this number")
	list.AddCommand(newCallsShowCommand(&o))
	return list
}

func newCallsShowCommand(o *callsOptions) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one call as a conversation, with times, understanding, hand-over and outcome",
		Example: `  ivr calls show 3f9a        the beginning of the ID is enough
  ivr calls show 3f9a --json`,
		Args: oneArg("the ID of a call or its beginning: ivr calls lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return showCall(cmd.Context(), cmd.OutOrStdout(), *o, args[0])
		},
	}
}

// noArgs refuses arguments with a hint.
func noArgs(hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("%s does not take %q; %s", cmd.CommandPath(), args[0], hint)}
		}
		return nil
	}
}

// path of the file of records.
func (o callsOptions) path() string {
	if o.db != "" {
		return o.db
	}
	return filepath.Join(o.data, "ivr.db")
}

// open opens the records, and makes none where there are none: then the error is fs.ErrNotExist.
func (o callsOptions) open() (*records.Store, error) {
	if _, err := os.Stat(o.path()); err != nil {
		return nil, fmt.Errorf("cannot read the records: %w", err)
	}
	return records.Open(o.path())
}

func listCalls(ctx context.Context, w io.Writer, o callsOptions, f records.Filter) (err error) {
	store, err := o.open()
	if errors.Is(err, os.ErrNotExist) {
		return printCalls(w, o, nil, "")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	calls, err := store.List(ctx, f)
	if err != nil {
		return err
	}
	hint := ""
	if f != (records.Filter{Limit: f.Limit}) {
		hint = "No call matches; ivr calls lists all."
	}
	return printCalls(w, o, calls, hint)
}

func printCalls(w io.Writer, o callsOptions, calls []records.Call, none string) error {
	switch {
	case o.json:
		all := make([]callJSON, len(calls))
		for i, c := range calls {
			all[i] = newCallJSON(c)
		}
		return printJSON(w, all)
	case len(calls) == 0 && none != "":
		_, err := fmt.Fprintln(w, none)
		return err
	case len(calls) == 0:
		_, err := fmt.Fprintf(w, `There are no calls in %s yet. With the demo running (make run), place one:
  bin/ivr call sip:4000@127.0.0.1:5060 --say "where is my parcel four five one two"
`, o.path())
		return err
	}
	ids := shortIDs(calls)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STARTED\tID\tCALLER\tLENGTH\tTURNS\tREPLY\tWANTED\tHAND-OVER\tENDED")
	for i, c := range calls {
		fmt.Fprintln(t, strings.Join([]string{
			c.Started.Local().Format("2006-01-02 15:04:05"), ids[i], or(c.Caller, "withheld"),
			length(c).String(), fmt.Sprint(callerTurns(c)), or(milliseconds(medianGap(c)), "-"), or(wanted(c), "-"),
			or(handedOver(c), "-"), c.Cause,
		}, "\t"))
	}
	return t.Flush()
}

// shortIDs are the beginnings by which the calls can be told apart, eight characters at least.
func shortIDs(calls []records.Call) []string {
	short := make([]string, len(calls))
	for i, c := range calls {
		n := min(8, len(c.ID))
		for j, other := range calls {
			for j != i && n < len(c.ID) && strings.HasPrefix(other.ID, c.ID[:n]) {
				n++
			}
		}
		short[i] = c.ID[:n]
	}
	return short
}

// length of the call from its answer, or of the ringing when there was none, in whole seconds.
func length(c records.Call) time.Duration {
	from := c.Answered
	if from.IsZero() {
		from = c.Started
	}
	return c.Ended.Sub(from).Round(time.Second)
}

func callerTurns(c records.Call) (n int) {
	for _, t := range c.Turns {
		if t.Who == "caller" {
			n++
		}
	}
	return n
}

// medianGap is the median of the reply gaps; 0 when there was no reply.
func medianGap(c records.Call) time.Duration {
	var gaps []time.Duration
	for _, t := range c.Turns {
		if t.Gap.Total > 0 {
			gaps = append(gaps, t.Gap.Total)
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// wanted is the first thing the caller was understood to want.
func wanted(c records.Call) string {
	for _, t := range c.Turns {
		if t.Intent != "" {
			return t.Intent
		}
	}
	return ""
}

// handedOver is the last hand-over in short: "anger: joined seat 9".
func handedOver(c records.Call) string {
	if len(c.Handovers) == 0 {
		return ""
	}
	h := c.Handovers[len(c.Handovers)-1]
	s := h.Reason + ": " + h.Outcome
	if h.Seat != "" {
		s += " seat " + h.Seat
	}
	return s
}

// milliseconds of a duration, "" for none.
func milliseconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
