package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ivr/call"
	"ivr/dialog"
	"ivr/media"
	"ivr/rehearsal"
	"ivr/speech/mood"
	"ivr/testaudio"
)

// testOptions are the flags of ivr test.
type testOptions struct {
	phoneOptions
	over  string
	to    string
	seats map[string]string
	loss  float64
	json  bool
	tap   bool
	junit string
}

func newTestCommand() *cobra.Command {
	var o testOptions
	cmd := &cobra.Command{
		Use:   "test BOT SCRIPT...",
		Short: "Play talk scripts with a bot and see whether they come true",
		Long: `Plays talk scripts, or all *.talk in a folder, with a bot:

  --over text   in no time: texts as they are written (the default)
  --over audio  what the caller says is spoken, sent over a telephone line and recognised
  --over sip    a real call to --to, in real time

What the back end answers stands in the script ("backend answers 200 {...}"); where it does not, and in real calls, the
bot's own is asked. Shows which intents and steps no script reaches.
Exit code 0: all came true, 1: some did not, 2: wrong usage, or the bot or a script has mistakes.`,
		Example: `  ivr test examples/courier/courier.yaml examples/courier/scripts
  ivr test bot.yaml scripts --junit report.xml
  ivr test bot.yaml scripts/angry.talk --over audio --loss 2
  ivr test bot.yaml scripts --over sip --to sip:4000@127.0.0.1:5060 --seats 1=127.0.0.1:5071`,
		RunE: func(cmd *cobra.Command, args []string) error { return runTests(cmd, args, &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.over, "over", "text", "how the talks are played: text, audio or sip")
	f.StringVar(&o.to, "to", "", "sip: the bot's `ADDRESS`, sip:4000@127.0.0.1:5060")
	f.StringToStringVar(&o.seats, "seats", nil, "sip: seats of the scripts and where they answer, `ID=ADDRESS`")
	f.Float64Var(&o.loss, "loss", 0, "audio: packets lost on the line, in percent")
	f.BoolVar(&o.json, "json", false, "print one JSON object a script, the last with a summary")
	f.BoolVar(&o.tap, "tap", false, "print in the Test Anything Protocol")
	f.StringVar(&o.junit, "junit", "", "write a JUnit XML report to `FILE` as well")
	f.StringVar(&o.voice, "voice", "alan", "audio, sip: voice of the caller, alan or jenny")
	f.StringVar(&o.recogniser, "recogniser", "moonshine-base", "audio, sip: moonshine-base or moonshine-tiny")
	f.StringVar(&o.models, "models", "", "folder of the speech models (default: see ivr models)")
	return cmd
}

func (o *testOptions) check(args []string) error {
	switch {
	case len(args) < 2:
		return errors.New("which bot, and which scripts? For example: ivr test bot.yaml scripts")
	case o.over != "text" && o.over != "audio" && o.over != "sip":
		return fmt.Errorf("--over %q: choose text, audio or sip", o.over)
	case o.over == "sip" && !strings.HasPrefix(o.to, "sip:"):
		return errors.New("--over sip calls a running bot: say which, --to sip:4000@127.0.0.1:5060")
	case o.over != "sip" && (o.to != "" || len(o.seats) > 0):
		return errors.New("--to and --seats are for --over sip")
	case o.json && o.tap:
		return errors.New("choose one of --json and --tap")
	case o.loss < 0 || o.loss > 100:
		return fmt.Errorf("--loss %v is not between 0 and 100 percent", o.loss)
	}
	return nil
}

// testRun is one script and what came of it.
type testRun struct {
	talk    *testaudio.Talk
	took    time.Duration
	turns   int
	visited map[string]bool
	told    []string
	err     error
}

// player plays one talk.
type player func(ctx context.Context, run *testRun)

func runTests(cmd *cobra.Command, args []string, o *testOptions) (err error) {
	if err := o.check(args); err != nil {
		return usageError{err}
	}
	bot, err := dialog.Load(args[0])
	if err != nil {
		return err
	}
	talks, err := talksIn(args[1:])
	if err != nil {
		return err
	}
	play, end, err := o.player(cmd.Context(), bot, talks)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	report := newTestReport(cmd.OutOrStdout(), o, bot, len(talks))
	for _, talk := range talks {
		run := &testRun{talk: talk}
		began := time.Now()
		play(cmd.Context(), run)
		run.took = time.Since(began)
		if cmd.Context().Err() != nil {
			return context.Cause(cmd.Context())
		}
		report.add(run)
	}
	return report.end()
}

// talksIn reads scripts, and those in folders. All mistakes of all come together.
func talksIn(paths []string) (talks []*testaudio.Talk, err error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, usageError{fmt.Errorf("there is no script %s", path)}
		case err != nil:
			return nil, err
		case !info.IsDir():
			files = append(files, path)
			continue
		}
		found, err := filepath.Glob(filepath.Join(path, "*.talk"))
		if err != nil || len(found) == 0 {
			return nil, usageError{fmt.Errorf("there is no *.talk in %s", path)}
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return loadTalks(slices.Compact(files))
}

// player makes what plays talks, and what ends it.
func (o *testOptions) player(ctx context.Context, bot *dialog.Bot, talks []*testaudio.Talk) (player, func() error, error) {
	nothing := func() error { return nil }
	switch o.over {
	case "sip":
		return o.callPlayer(ctx, talks)
	case "audio":
		ears, end, err := o.ears()
		if err != nil {
			return nil, nil, err
		}
		return rehearse(bot, ears), end, nil
	}
	return rehearse(bot, nil), nothing, nil
}

// hearing makes ears for one caller.
type hearing func(talk *testaudio.Talk) func(context.Context, testaudio.Act) (rehearsal.Hearing, error)

// rehearse plays without a call.
func rehearse(bot *dialog.Bot, ears hearing) player {
	backend := &call.HTTPBackend{}
	return func(ctx context.Context, run *testRun) {
		stage := rehearsal.Stage{
			Fetch: backend.Fetch,
			Tell: func(who, what string) {
				run.told = append(run.told, strings.TrimSpace(fmt.Sprintf("%-7s %s", who, what)))
			},
		}
		if ears != nil {
			stage.Hear = ears(run.talk)
		}
		result, err := rehearsal.Play(ctx, bot, run.talk, stage)
		run.turns, run.visited, run.err = result.Turns, result.Visited, err
	}
}

// ears speak what a script says, send it over a telephone line, and recognise what arrives.
func (o *testOptions) ears() (hearing, func() error, error) {
	engines, err := o.engines()
	if err != nil {
		return nil, nil, err
	}
	detector, err := mood.NewDetector(o.recogniser)
	if err != nil {
		return nil, nil, errors.Join(err, engines.Close())
	}
	line := testaudio.Line{Loss: o.loss / 100, Seed: 1}
	return func(talk *testaudio.Talk) func(context.Context, testaudio.Act) (rehearsal.Hearing, error) {
		caller := detector.NewCaller()
		return func(ctx context.Context, act testaudio.Act) (rehearsal.Hearing, error) {
			var pcm []int16
			var err error
			switch act := act.(type) {
			case testaudio.Speaks:
				pcm, err = engines.Voice.Speak(ctx, act.Text)
			case testaudio.Plays:
				pcm, err = testaudio.ReadMono(pathIn(talk.Name, act.File))
			}
			if err != nil {
				return rehearsal.Hearing{}, err
			}
			pad := testaudio.Silence(10 * media.FrameDuration)
			pcm = line.Damage(testaudio.Telephone(testaudio.Join(pad, pcm, pad), testaudio.MuLaw), time.Second)
			heard, err := engines.Recogniser.Recognise(ctx, pcm)
			judged := caller.Judge(mood.Utterance{Text: heard.Text, Pooled: heard.Pooled, Audio: pcm})
			return rehearsal.Hearing{Text: heard.Text, Anger: judged.Anger}, err
		}
	}, engines.Close, nil
}

// pathIn is a path in a script: relative to it.
func pathIn(script, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(script), file)
}

// callPlayer plays real calls.
func (o *testOptions) callPlayer(ctx context.Context, talks []*testaudio.Talk) (player, func() error, error) {
	for _, talk := range talks {
		if err := wantSeats(talk, o.seats); err != nil {
			return nil, nil, err
		}
	}
	phone, err := openPhone(ctx, o.phoneOptions)
	if err != nil {
		return nil, nil, err
	}
	stage, err := openStage(ctx, phone, o.seats, nil)
	if err != nil {
		return nil, nil, errors.Join(err, phone.close())
	}
	stage.to, stage.from = o.to, "441130000000"
	play := func(ctx context.Context, run *testRun) {
		told := &strings.Builder{}
		stage.show = newCallScreen(told, false, false)
		performance, err := stage.perform(ctx, run.talk)
		run.err = err
		if performance != nil {
			for _, turn := range performance.Turns["caller"] {
				if turn.Sent {
					run.turns++
				}
			}
		}
		run.told = strings.Split(strings.TrimSpace(told.String()), "\n")
	}
	return play, func() error { stage.close(); return phone.close() }, nil
}
