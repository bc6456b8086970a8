package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ivr/testaudio"
)

// callOptions are the flags of ivr call.
type callOptions struct {
	phoneOptions
	items    []callItem // --say, --wav, --keys in the order given
	script   string
	seats    map[string]string // of --script
	from     string
	record   string
	json     bool
	quiet    bool
	timeout  time.Duration
	stay     time.Duration
	staySet  bool
	seat     bool
	address  string // --listen
	ring     time.Duration
	decline  bool
	busy     bool
	noAnswer bool
	calls    int
}

// callItem is one thing the person at the phone does.
type callItem struct{ say, wav, keys string }

func newCallCommand() *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:   "call SIP-ADDRESS",
		Short: "Call a bot, or answer as a seat, and print the conversation",
		Long: `Places a real SIP call and talks: each --say, --wav and --keys comes in the order given, the first after the
greeting, the next when the answer has ended. Prints the conversation as it is heard: what was said, what came
back as a recogniser understands it, and how long each answer took, from the last packet with a voice in it
that was sent to the first that was received.

With --seat it is a seat instead: it answers calls, listens to the brief, accepts with 1 and talks.
With --script it plays a talk script: lines such as
    caller says "where is my parcel 4512"
    bot    says out for delivery
Exit code 0: all went as it should, 1: the call failed, no answer came or the script did not come true, 2: wrong usage.`,
		Example: `  ivr call sip:4000@127.0.0.1:5060 --say "where is my parcel four five one two"
  ivr call sip:4000@127.0.0.1:5060 --say "where is my parcel" --keys 4512 --record out.wav
  ivr call sip:4000@127.0.0.1:5060 --wav question.wav --json
  ivr call sip:4000@127.0.0.1:5060 --script examples/courier/scripts/demo-1-routine.talk
  ivr call sip:4000@127.0.0.1:5060 --script examples/courier/scripts/demo-2-angry.talk --seats 2=127.0.0.1:5072
  ivr call --seat --listen 127.0.0.1:5071 --say "hello, this is Ann, I see your parcel is late"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.staySet = cmd.Flags().Changed("hang-up-after")
			return runCall(cmd, args, &o)
		},
	}
	f := cmd.Flags()
	f.Var(itemFlag{&o.items, func(s string) callItem { return callItem{say: s} }, "text"}, "say", "speak `TEXT`; repeatable")
	f.Var(itemFlag{&o.items, func(s string) callItem { return callItem{wav: s} }, "file"}, "wav", "play `FILE`, a WAV of any rate; repeatable, in order with --say")
	f.Var(itemFlag{&o.items, func(s string) callItem { return callItem{keys: s} }, "keys"}, "keys", "press `KEYS`, 0-9 * #; repeatable, in order with --say")
	f.StringVar(&o.script, "script", "", "play the talk script `FILE`")
	f.StringToStringVar(&o.seats, "seats", nil, "seats of the script and where they answer, `ID=ADDRESS`: 2=127.0.0.1:5072")
	f.StringVar(&o.from, "from", "441130000000", "number of the caller")
	f.StringVar(&o.name, "name", "", "name of the caller, as a display shows it")
	f.StringVar(&o.record, "record", "", "keep both sides in the stereo WAV `FILE`: left what was said here, right what was heard")
	f.StringVar(&o.voice, "voice", "alan", "voice of --say: alan or jenny")
	f.StringVar(&o.recogniser, "recogniser", "moonshine-base", "recogniser of what is heard: moonshine-base or moonshine-tiny")
	f.StringVar(&o.models, "models", "", "folder of the speech models (default: see ivr models)")
	f.BoolVar(&o.json, "json", false, "print one JSON object an event, the last with a summary")
	f.BoolVar(&o.quiet, "quiet", false, "print the summary only")
	f.DurationVar(&o.timeout, "timeout", 3*time.Minute, "give the whole call up after this")
	f.DurationVar(&o.stay, "hang-up-after", 0, "stay on the line this long after the last answer, or until the far end hangs up; a seat: after being joined [8s]")
	f.BoolVar(&o.seat, "seat", false, "answer calls as a seat does")
	f.StringVar(&o.address, "listen", "127.0.0.1:5071", "seat: where SIP listens, UDP and TCP")
	f.DurationVar(&o.ring, "ring", time.Second, "seat: ring this long before answering")
	f.BoolVar(&o.decline, "decline", false, "seat: decline with 2 after the brief")
	f.BoolVar(&o.busy, "busy", false, "seat: be busy")
	f.BoolVar(&o.noAnswer, "no-answer", false, "seat: ring and never answer")
	f.IntVar(&o.calls, "calls", 0, "seat: exit after this many calls (default: go on until interrupted)")
	return cmd
}

// itemFlag adds to a list that several flags share, so that their order is kept.
type itemFlag struct {
	items *[]callItem
	make  func(string) callItem
	kind  string
}

func (f itemFlag) String() string { return "" }
func (f itemFlag) Type() string   { return f.kind }
func (f itemFlag) Set(s string) error {
	if strings.TrimSpace(s) == "" {
		return fmt.Errorf("it is empty")
	}
	if item := f.make(s); item.keys != "" {
		if _, err := testaudio.DTMF(s); err != nil {
			return fmt.Errorf("%q are not telephone keys: use 0-9 * # A-D", s)
		}
	}
	*f.items = append(*f.items, f.make(s))
	return nil
}

// runCall checks how the flags go together and does what they say.
func runCall(cmd *cobra.Command, args []string, o *callOptions) error {
	if err := o.check(args); err != nil {
		return usageError{err}
	}
	show := newCallScreen(cmd.OutOrStdout(), o.json, o.quiet)
	switch {
	case o.seat:
		return runSeat(cmd.Context(), o, show)
	case o.script != "":
		talk, err := testaudio.LoadTalk(o.script)
		if os.IsNotExist(err) {
			return usageError{fmt.Errorf("there is no script %s", o.script)}
		}
		if err != nil {
			return err
		}
		return runScript(cmd.Context(), o, args[0], talk, show)
	}
	return runCaller(cmd.Context(), o, args[0], show)
}

func (o *callOptions) check(args []string) error {
	switch {
	case o.seat && len(args) > 0:
		return fmt.Errorf("a seat calls nobody: leave out %s, or --seat", args[0])
	case o.seat && o.script != "":
		return fmt.Errorf("--seat and --script do not go together: use --script with --seats ID=ADDRESS")
	case o.seat && moreThanOne(o.decline, o.busy, o.noAnswer):
		return fmt.Errorf("choose one of --decline, --busy and --no-answer")
	case o.seat:
		return wantAddress("--listen", o.address)
	case len(args) != 1:
		return fmt.Errorf("whom shall I call? For example: ivr call sip:4000@127.0.0.1:5060 --say \"where is my parcel\"")
	case !strings.HasPrefix(args[0], "sip:"):
		return fmt.Errorf("%q is not a SIP address: write it like sip:4000@127.0.0.1:5060", args[0])
	case o.script != "" && len(o.items) > 0:
		return fmt.Errorf("--script says all that is said: leave out --say, --wav and --keys")
	case o.script == "" && len(o.seats) > 0:
		return fmt.Errorf("--seats are those of a --script; for a seat alone use --seat")
	}
	for id, addr := range o.seats {
		if err := wantAddress("--seats "+id+"=", addr); err != nil {
			return err
		}
	}
	if o.voice != "alan" && o.voice != "jenny" {
		return fmt.Errorf("there is no voice %q: choose alan or jenny", o.voice)
	}
	return nil
}

func moreThanOne(flags ...bool) bool {
	n := 0
	for _, f := range flags {
		if f {
			n++
		}
	}
	return n > 1
}
