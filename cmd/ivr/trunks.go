package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"ivr/sip"
)

// trunksJSON is what /trunks of a running house answers and ivr trunks --json prints.
type trunksJSON struct {
	Trunks   []trunkJSON   `json:"trunks"`
	Refusals []refusalJSON `json:"refusals"`
	Bans     []banJSON     `json:"bans"`
}

type trunkJSON struct {
	Name            string     `json:"name"`
	Address         string     `json:"address,omitempty"`
	Up              bool       `json:"up"`
	Why             string     `json:"why,omitempty"` // it is not
	Since           *time.Time `json:"since,omitempty"`
	Server          string     `json:"server,omitempty"` // in use
	Registered      bool       `json:"registered"`
	RegisteredUntil *time.Time `json:"registered_until,omitempty"`
	Calls           int        `json:"calls"` // in progress
	In              int        `json:"in"`    // since the start
	Out             int        `json:"out"`
	Refused         int        `json:"refused"`
}

type refusalJSON struct {
	Trunk   string    `json:"trunk,omitempty"`
	Source  string    `json:"source"`
	Reason  string    `json:"reason"`
	Setting string    `json:"setting"` // that decides it
	What    string    `json:"what,omitempty"`
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

type banJSON struct {
	Source string    `json:"source"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
	Times  int       `json:"times"` // it was banned within a day
}

// trunks tells what /trunks shows.
func (s *server) trunks() trunksJSON {
	out := trunksJSON{Trunks: []trunkJSON{}, Refusals: []refusalJSON{}, Bans: []banJSON{}}
	for _, t := range s.ua.Trunks() {
		out.Trunks = append(out.Trunks, newTrunkJSON(t))
	}
	for _, r := range s.ua.Refusals() {
		out.Refusals = append(out.Refusals, refusalJSON{r.Trunk, r.Source.String(), r.Reason, r.Setting, r.What, r.Count, r.First, r.Last})
	}
	for _, b := range s.ua.Bans() {
		out.Bans = append(out.Bans, banJSON{b.Addr.String(), b.Why, b.Until, b.Times})
	}
	return out
}

func newTrunkJSON(t sip.TrunkState) trunkJSON {
	moment := func(at time.Time) *time.Time {
		if at.IsZero() {
			return nil
		}
		return &at
	}
	return trunkJSON{
		Name: t.Name, Address: t.Address, Up: t.Up, Why: t.Why, Since: moment(t.Since), Server: t.Hop, Registered: t.Registered,
		RegisteredUntil: moment(t.Until), Calls: t.Calls, In: t.In, Out: t.Out, Refused: t.Refused,
	}
}

// trunksOptions are the flags of ivr trunks.
type trunksOptions struct {
	web  string
	json bool
}

func newTrunksCommand() *cobra.Command {
	var o trunksOptions
	cmd := &cobra.Command{
		Use:   "trunks",
		Short: "Show the trunks of the running house, and whom it refused and why",
		Long: `Show the state of each trunk of the house that runs on this machine, what it refused lately (reason, source,
and the setting that decides it), and who is banned. Times are those of this machine.
Exit code 0 when the house answered, 1 when it did not, 2 for wrong usage.`,
		Example: `  ivr trunks
  ivr trunks --web 127.0.0.1:8081
  ivr trunks --json | jq '.trunks[] | select(.up | not) | .name, .why'
  ivr trunks --json | jq '.refusals[] | [.count, .source, .reason, .setting]'`,
		Args: noArgs("it asks the running house: see --web"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := askTrunks(cmd.Context(), o.web)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(cmd.OutOrStdout(), all)
			}
			return printTrunks(cmd.OutOrStdout(), all, time.Now())
		},
	}
	cmd.Flags().StringVar(&o.web, "web", "127.0.0.1:8080", "`ADDRESS` of the house's web listener: web.listen in its configuration")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return cmd
}

// askTrunks asks the running house.
func askTrunks(ctx context.Context, web string) (all trunksJSON, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+web+"/trunks", nil)
	if err != nil {
		return all, usageError{fmt.Errorf("--web %s: want an address like 127.0.0.1:8080", web)}
	}
	resp, err := http.DefaultClient.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return all, fmt.Errorf("nobody listens at %s: is the house running, and is that its web.listen?", web)
	}
	if err != nil {
		return all, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return all, fmt.Errorf("%s answers %s: is it a house of this version?", web, resp.Status)
	}
	return all, json.NewDecoder(resp.Body).Decode(&all)
}

func printTrunks(w io.Writer, all trunksJSON, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }
	if len(all.Trunks) == 0 {
		fmt.Fprintln(w, "There are no trunks: calls come from the addresses in sip.allow. docs/trunks.md says how to add one.")
	} else {
		row("TRUNK", "STATE", "SINCE", "SERVER", "REGISTERED", "CALLS", "IN", "OUT", "REFUSED", "WHY")
	}
	for _, k := range all.Trunks {
		state, since := "down", "-"
		if k.Up {
			state = "up"
		}
		if k.Since != nil {
			since = ago(now, *k.Since)
		}
		row(k.Name, state, since, or(k.Server, "-"), registration(k, now), fmt.Sprint(k.Calls), fmt.Sprint(k.In), fmt.Sprint(k.Out),
			fmt.Sprint(k.Refused), or(k.Why, "-"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(all.Refusals) > 0 {
		fmt.Fprintln(w)
		row("REFUSED", "LAST", "SOURCE", "TRUNK", "REASON", "DECIDED BY", "WHAT")
	}
	for _, r := range all.Refusals {
		row(fmt.Sprint(r.Count), ago(now, r.Last), r.Source, or(r.Trunk, "-"), r.Reason, r.Setting, or(r.What, "-"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(all.Bans) > 0 {
		fmt.Fprintln(w)
		row("BANNED", "FOR", "REASON", "TIMES")
	}
	for _, b := range all.Bans {
		row(b.Source, b.Until.Sub(now).Round(time.Second).String(), b.Reason, fmt.Sprint(b.Times))
	}
	return t.Flush()
}

func registration(k trunkJSON, now time.Time) string {
	switch {
	case k.Registered && k.RegisteredUntil != nil:
		return "for " + k.RegisteredUntil.Sub(now).Round(time.Second).String()
	case k.Registered:
		return "yes"
	}
	return "-"
}

// ago is how long something is back, in whole seconds.
func ago(now, then time.Time) string { return now.Sub(then).Round(time.Second).String() + " ago" }
