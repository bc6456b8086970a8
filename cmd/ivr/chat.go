package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ivr/call"
	"ivr/dialog"
)

// chatOptions are the flags of ivr chat.
type chatOptions struct {
	json   bool
	noSeat bool
	caller string
	now    string
	models string
}

// newChatCommand talks with a bot in text.
func newChatCommand() *cobra.Command {
	var options chatOptions
	cmd := &cobra.Command{
		Use:   "chat BOT",
		Short: "Talk with a bot in text",
		Long: `Talk with a bot in the terminal through the engine that serves calls: the same understanding, flows,
look-ups over HTTP and hand-over, without sound. What you type is what the caller says. Also:

  #4512      presses keys (#4512# ends with the hash key)
  !text      says it with an angry voice
  (nothing)  is silent until the bot asks again

After each line, what was understood is shown: intent, score, values. The chat ends when the bot hangs up or hands over,
or when the input ends. Exit code 0: done, 1: it did not work, 2: the bot file has mistakes.`,
		Example: `  ivr chat examples/courier/courier.yaml
  echo "where is my parcel four five one two" | ivr chat examples/courier/courier.yaml --json`,
		Args: oneArg("the bot file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return chat(cmd, args[0], options)
		},
	}
	cmd.Flags().BoolVar(&options.json, "json", false, "print one JSON object an action")
	cmd.Flags().BoolVar(&options.noSeat, "no-seat", false, "a hand-over finds nobody, and the bot gets the caller back")
	cmd.Flags().StringVar(&options.caller, "caller", "+441130000000", "number of the caller")
	cmd.Flags().StringVar(&options.now, "now", "", "time of the call, such as 2026-11-21T10:30 (default: the present)")
	cmd.Flags().StringVar(&options.models, "models", "", "folder of the models (default: ivr/models in the user's cache)")
	return cmd
}

func chat(cmd *cobra.Command, path string, options chatOptions) error {
	now := time.Now
	if options.now != "" {
		at, err := time.ParseInLocation("2006-01-02T15:04", options.now, time.Local)
		if err != nil {
			return usageError{fmt.Errorf("--now %q is not like 2026-11-21T10:30", options.now)}
		}
		now = func() time.Time { return at }
	}
	u := newUnderstanding(cmd.Context(), cmd.ErrOrStderr(), byWordsAlone(cmd.ErrOrStderr()))
	defer u.close()
	u.folder = options.models
	bot, err := dialog.Load(path, dialog.WithTrainer(u.train))
	if err != nil {
		return err
	}
	in, isFile := cmd.InOrStdin().(*os.File)
	c := &chatter{
		session: bot.Start(), backend: &call.HTTPBackend{}, now: now, noSeat: options.noSeat,
		in: bufio.NewScanner(cmd.InOrStdin()), typing: isFile && term.IsTerminal(int(in.Fd())),
		show: &textScreen{out: cmd.OutOrStdout()},
	}
	if options.json {
		c.show = &jsonScreen{json.NewEncoder(cmd.OutOrStdout())}
		c.typing = false
	}
	return c.run(cmd.Context(), cmd.OutOrStdout(), options.caller)
}

// chatter performs a session's actions in a terminal.
type chatter struct {
	session *dialog.Session
	backend call.Backend
	now     func() time.Time
	noSeat  bool
	in      *bufio.Scanner
	typing  bool // by a person
	show    screen
}

// run feeds events until the session ends or the input does.
func (c *chatter) run(ctx context.Context, out io.Writer, caller string) error {
	next := []dialog.Event{dialog.Begin{Caller: caller, Now: c.now()}}
	for len(next) > 0 {
		var wait dialog.Action
		for len(next) > 0 {
			if _, unasked := wait.(dialog.Listen); wait != nil && !unasked {
				break // keys typed ahead of a look-up are lost, as they are in a call
			}
			wait = c.step(next[0], wait)
			next = next[1:]
		}
		switch wait := wait.(type) {
		case dialog.Fetch:
			next = []dialog.Event{c.fetch(ctx, wait)}
		case dialog.HandOver:
			if !c.noSeat {
				return nil
			}
			next = []dialog.Event{dialog.HandoverEnded{Outcome: "no seat"}}
		case dialog.End:
			return nil
		default:
			if c.typing {
				fmt.Fprint(out, "you    ")
			}
			if !c.in.Scan() {
				return c.in.Err()
			}
			next = c.events(c.in.Text(), wait)
		}
	}
	return nil
}

// step shows what the session does with an event and returns what it waits for then.
func (c *chatter) step(event dialog.Event, wait dialog.Action) dialog.Action {
	if !c.typing {
		c.show.event(event)
	}
	for _, action := range c.session.Step(event) {
		c.show.action(action, c.session)
		switch action.(type) {
		case dialog.Say, dialog.Note:
		default:
			wait = action
		}
	}
	return wait
}

// events are what a typed line means.
func (c *chatter) events(line string, wait dialog.Action) []dialog.Event {
	line = strings.TrimSpace(line)
	if _, message := wait.(dialog.TakeMessage); message {
		return []dialog.Event{dialog.MessageLeft{Duration: time.Duration(len(strings.Fields(line))) * time.Second}}
	}
	switch {
	case line == "":
		return []dialog.Event{dialog.NoInput{Now: c.now()}}
	case strings.HasPrefix(line, "#"):
		var keys []dialog.Event
		for _, key := range strings.TrimPrefix(line, "#") {
			if strings.ContainsRune("0123456789*#", key) {
				keys = append(keys, dialog.Keyed{Key: key, Now: c.now()})
			}
		}
		if len(keys) == 0 {
			keys = append(keys, dialog.Keyed{Key: '#', Now: c.now()})
		}
		return keys
	case strings.HasPrefix(line, "!"):
		return []dialog.Event{dialog.Heard{Text: strings.TrimSpace(line[1:]), Anger: 0.9, Now: c.now()}}
	}
	return []dialog.Event{dialog.Heard{Text: line, Now: c.now()}}
}

// fetch asks the back end; the filler is shown when the answer is late.
func (c *chatter) fetch(ctx context.Context, request dialog.Fetch) dialog.Fetched {
	answer := make(chan dialog.Fetched, 1)
	go func() { answer <- c.backend.Fetch(ctx, request) }()
	late := time.NewTimer(1200 * time.Millisecond)
	defer late.Stop()
	select {
	case result := <-answer:
		return result
	case <-late.C:
		if request.Filler != "" {
			c.show.action(dialog.Say{Text: request.Filler}, c.session)
		}
	}
	return <-answer
}

// screen shows a chat.
type screen interface {
	event(dialog.Event)
	action(dialog.Action, *dialog.Session)
}

// textScreen shows it to a person.
type textScreen struct{ out io.Writer }

func (s *textScreen) event(event dialog.Event) {
	switch event := event.(type) {
	case dialog.Heard:
		fmt.Fprintf(s.out, "you    %s\n", event.Text)
	case dialog.Keyed:
		fmt.Fprintf(s.out, "you    key %c\n", event.Key)
	case dialog.NoInput:
		fmt.Fprintln(s.out, "you    (silence)")
	}
}

func (s *textScreen) action(action dialog.Action, session *dialog.Session) {
	switch a := action.(type) {
	case dialog.Say:
		fmt.Fprintf(s.out, "bot    %s\n", a.Text)
	case dialog.Note:
		s.note(a.Turn, session)
	case dialog.Fetch:
		fmt.Fprintf(s.out, "       [%s %s]\n", a.Method, a.URL)
	case dialog.HandOver:
		fmt.Fprintf(s.out, "       [hands over to %s because %s: %s]\n", a.Queue, a.Reason, a.Detail)
		fmt.Fprintf(s.out, "       [wants: %s; knows: %s; tried: %s; mood: %s]\n", dash(a.Intent), pairs(a.Values), dash(strings.Join(a.Tried, ", ")), a.Mood)
	case dialog.TakeMessage:
		fmt.Fprintln(s.out, "       [records a message]")
	case dialog.End:
		fmt.Fprintf(s.out, "       [hangs up: %s]\n", a.Cause)
	}
}

func (s *textScreen) note(turn dialog.Turn, session *dialog.Session) {
	if turn.Outcome == "" {
		return
	}
	understood := turn.Outcome
	if turn.Intent != "" {
		understood += fmt.Sprintf(" %s %.2f", turn.Intent, turn.Score)
	}
	if values := session.Values(); len(values) > 0 {
		understood += ", " + pairs(values)
	}
	fmt.Fprintf(s.out, "       (%s)\n", understood)
}

func pairs(values map[string]string) string {
	var all []string
	for _, label := range slices.Sorted(maps.Keys(values)) {
		all = append(all, label+" "+values[label])
	}
	return dash(strings.Join(all, ", "))
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// jsonScreen shows it to a program: {"heard": ...}, {"say": ...}.
type jsonScreen struct{ out *json.Encoder }

func (s *jsonScreen) event(event dialog.Event) { s.print(event) }

func (s *jsonScreen) action(action dialog.Action, _ *dialog.Session) { s.print(action) }

// print writes one object; field names are in lower case and durations in seconds.
func (s *jsonScreen) print(what any) {
	_, name, _ := strings.Cut(fmt.Sprintf("%T", what), ".")
	if note, ok := what.(dialog.Note); ok {
		what = note.Turn
	}
	fields := map[string]any{}
	v := reflect.ValueOf(what)
	for i := range v.NumField() {
		value := v.Field(i).Interface()
		switch typed := value.(type) {
		case time.Duration:
			value = typed.Seconds()
		case rune:
			value = string(typed)
		case time.Time:
			continue
		}
		fields[strings.ToLower(v.Type().Field(i).Name)] = value
	}
	_ = s.out.Encode(map[string]any{strings.ToLower(name): fields})
}
