package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ivr/testaudio"
)

// demoScripts are performed when no others are named.
const demoScripts = "examples/courier/scripts/demo-*.talk"

// demoOptions are the flags of ivr demo.
type demoOptions struct {
	phoneOptions
	url        string
	recordings string
	seats      map[string]string
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo [SCRIPT...]",
		Short: "Call the demo contact centre, with people at its seats, printed live",
		Long: `Performs talk scripts one after the other as real SIP calls to what ` + "`make run`" + ` started, and takes the seats that it
hands over to: a routine question answered, an angry caller handed over, an unmatched request handed over. Every
party's both sides are recorded, and what had to be heard is looked for once more in the recordings.
Exit code 0: everything was heard, 1: something was not, 2: wrong usage.`,
		Example: `  ivr demo
  ivr demo --recordings var/demo
  ivr demo --url sip:4000@192.0.2.1:5060 --seats 1=192.0.2.9:5071 my.talk`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runDemo(cmd.Context(), cmd.OutOrStdout(), args, &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.url, "url", "sip:4000@127.0.0.1:5060", "the `ADDRESS` to call")
	f.StringVar(&o.recordings, "recordings", "", "keep stereo recordings of every party in `FOLDER`")
	f.StringToStringVar(&o.seats, "seats", map[string]string{"1": "127.0.0.1:5071", "2": "127.0.0.1:5072"}, "seats and where they answer, `ID=ADDRESS`")
	f.StringVar(&o.voice, "voice", "alan", "voice of callers and seats: alan or jenny")
	f.StringVar(&o.recogniser, "recogniser", "moonshine-base", "moonshine-base or moonshine-tiny")
	f.StringVar(&o.models, "models", "", "folder of the speech models (default: see ivr models)")
	return cmd
}

// demoRow is what came of one script.
type demoRow struct {
	title  string
	err    error
	heard  string
	gaps   string
	brief  string
	joined string
	files  []string
}

func runDemo(ctx context.Context, out io.Writer, scripts []string, o *demoOptions) (err error) {
	talks, err := loadTalks(scripts)
	if err != nil {
		return err
	}
	folder := o.recordings
	if folder == "" {
		if folder, err = os.MkdirTemp("", "ivr-demo-*"); err != nil {
			return err
		}
		defer os.RemoveAll(folder)
	} else if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	o.name = "Mary Miller"
	p, err := openPhone(ctx, o.phoneOptions)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	show := newCallScreen(out, false, false)
	s, err := openStage(ctx, p, o.seats, show)
	if err != nil {
		return err
	}
	defer s.close()
	s.to, s.from = o.url, "441130000000"
	var rows []demoRow
	for i, talk := range talks {
		fmt.Fprintf(out, "\n%s\n", show.paint(bold, fmt.Sprintf("%d. %s", i+1, titleOf(talk))))
		rows = append(rows, demoCall(ctx, s, talk, folder))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if o.recordings == "" {
		for i := range rows {
			rows[i].files = nil
		}
	}
	return demoSummary(out, rows)
}

func loadTalks(scripts []string) (talks []*testaudio.Talk, err error) {
	if len(scripts) == 0 {
		if scripts, err = filepath.Glob(demoScripts); err != nil || len(scripts) == 0 {
			return nil, usageError{fmt.Errorf("there is no %s here: run ivr demo in the repository, or name scripts", demoScripts)}
		}
	}
	for _, path := range scripts {
		talk, err := testaudio.LoadTalk(path)
		if os.IsNotExist(err) {
			return nil, usageError{fmt.Errorf("there is no script %s", path)}
		}
		if err != nil {
			return nil, err
		}
		talks = append(talks, talk)
	}
	return talks, nil
}

func titleOf(talk *testaudio.Talk) string {
	if talk.Title != "" {
		return talk.Title
	}
	return filepath.Base(talk.Name)
}

// demoCall performs one talk and listens to its recordings.
func demoCall(ctx context.Context, s *stage, talk *testaudio.Talk, folder string) demoRow {
	base := strings.TrimSuffix(filepath.Base(talk.Name), filepath.Ext(talk.Name))
	s.record = func(who string) string {
		return filepath.Join(folder, base+"-"+strings.ReplaceAll(who, " ", "-")+".wav")
	}
	s.show.forget()
	performance, err := s.perform(ctx, talk)
	files, recordErr := s.recordings()
	err = errors.Join(err, recordErr)
	row := demoRow{title: titleOf(talk), err: err, files: files, gaps: s.show.gapText()}
	found, wanted, recordErr := heardInRecordings(ctx, s, talk, performance)
	row.err = errors.Join(row.err, recordErr)
	row.heard = fmt.Sprintf("%d of %d", found, wanted)
	row.brief, row.joined = "-", "-"
	for i, step := range talk.Steps {
		done := map[bool]string{true: "yes", false: "NO"}[i < performance.Done]
		switch step.Act.(type) {
		case testaudio.Bridge:
			row.joined = done
		case testaudio.Hears:
			if strings.HasPrefix(step.Who, "seat") && row.joined == "-" {
				row.brief = done
			}
		}
	}
	if row.err != nil {
		fmt.Fprintln(s.show.out, s.show.paint(red, "not as it should be: "+row.err.Error()))
	}
	return row
}

// heardInRecordings looks for everything that a party had to hear in what its recording says it heard.
func heardInRecordings(ctx context.Context, s *stage, talk *testaudio.Talk, performance *testaudio.Performance) (found, wanted int, err error) {
	texts := map[string]string{}
	for _, step := range talk.Steps {
		hears, ok := step.Act.(testaudio.Hears)
		if !ok {
			continue
		}
		wanted += len(hears.Fragments)
		if _, joined := performance.Turns[step.Who]; !joined {
			continue // it never came to the phone
		}
		if _, read := texts[step.Who]; !read {
			text, readErr := s.listenAgain(ctx, s.record(step.Who))
			texts[step.Who], err = text, errors.Join(err, readErr)
		}
		for _, f := range hears.Fragments {
			if testaudio.Says(texts[step.Who], f) {
				found++
			} else {
				err = errors.Join(err, fmt.Errorf("the recording of %s does not say %q; it says: %s", step.Who, f, texts[step.Who]))
			}
		}
	}
	return found, wanted, err
}

// listenAgain is all that was heard in a recording, recognised.
func (s *stage) listenAgain(ctx context.Context, path string) (string, error) {
	channels, err := testaudio.ReadWAV(path)
	if err != nil {
		return "", err
	}
	if len(channels) != 2 {
		return "", fmt.Errorf("%s has %d channels instead of 2", path, len(channels))
	}
	passages, err := s.caller.with.Transcribe(ctx, channels[1])
	var all []string
	for _, p := range passages {
		all = append(all, p.Text)
	}
	return strings.Join(all, " "), err
}

// demoSummary prints the table and says what was not heard.
func demoSummary(out io.Writer, rows []demoRow) error {
	fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "CALL\tFACTS IN THE RECORDINGS\tREPLY GAP\tBRIEF HEARD\tBOTH WAYS\tRESULT")
	failed := 0
	for _, r := range rows {
		result := "ok"
		if r.err != nil {
			result = "FAILED"
			failed++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.title, r.heard, r.gaps, r.brief, r.joined, result)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i, r := range rows {
		if i == 0 && len(r.files) > 0 {
			fmt.Fprintln(out, "\nrecordings, left what the party said, right what it heard:")
		}
		for _, f := range r.files {
			fmt.Fprintln(out, "  "+f)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d calls did not go as they should: see above", failed, len(rows))
	}
	return nil
}
