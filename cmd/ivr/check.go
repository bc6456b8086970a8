package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ivr/dialog"
	"ivr/internal/strict"
)

func newCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check CONFIG",
		Short: "Check a configuration and its bots without starting anything",
		Long: `Check a configuration and every bot it names without starting anything.
All mistakes are reported at once, a line each: file, line, what is wrong, what would be right.
What is allowed and not wise, such as a password in the file, is told as advice.
Exit code 0 when all is well, 2 when there are mistakes.`,
		Example: "  ivr check examples/courier/ivr.yaml",
		Args:    oneArg("the configuration file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			u := newUnderstanding(cmd.Context(), cmd.ErrOrStderr(), byWordsAlone(cmd.ErrOrStderr()))
			defer u.close()
			cfg, bots, err := loadAll(args[0], u)
			if err != nil {
				return err
			}
			for _, a := range cfg.advice {
				fmt.Fprintln(cmd.OutOrStdout(), "advice: "+a)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: well formed (bots: %d, queues: %d, seats: %d, trunks: %d)\n",
				args[0], len(bots), len(cfg.Queues), len(cfg.Seats), len(cfg.Trunks))
			return nil
		},
	}
}

// oneArg wants exactly one argument and says what it is.
func oneArg(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("%s wants one argument, %s; see: %s --help", cmd.CommandPath(), what, cmd.CommandPath())}
		}
		return nil
	}
}

// loadAll reads a configuration and its bots, by bot file as the configuration names it, and teaches them to understand. All mistakes of
// all files come together.
func loadAll(path string, u *understanding) (*config, map[string]*dialog.Bot, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("cannot read the configuration: %w", err)}
	}
	file := strict.Parse(path, data)
	cfg := readConfig(path, file)
	u.folder = cfg.path(cfg.Speech.Models)
	bots := map[string]*dialog.Bot{}
	var botErrs []error
	for _, number := range slices.Sorted(maps.Keys(cfg.Bots)) {
		name := cfg.Bots[number]
		if _, seen := bots[name]; seen {
			continue
		}
		bot, err := dialog.Load(cfg.path(name), dialog.WithTrainer(u.train))
		bots[name] = bot
		switch {
		case os.IsNotExist(err):
			file.Mistake("bots."+number, fmt.Sprintf("there is no file %s", cfg.path(name)), "paths are relative to "+path)
		case err != nil:
			botErrs = append(botErrs, err)
		default:
			missingQueues(file, cfg, number, bot)
		}
	}
	return cfg, bots, strict.Join(append([]error{file.Err()}, botErrs...)...)
}

// missingQueues: a bot that hands over to a queue which does not exist would strand its callers.
func missingQueues(f *strict.File, cfg *config, number string, bot *dialog.Bot) {
	for _, q := range bot.Queues() {
		if _, ok := cfg.Queues[q]; !ok && q != "" {
			f.Mistake("bots."+number, fmt.Sprintf("the bot hands over to queue %q, which is not configured", q),
				"add it under queues; there are "+strings.Join(cfg.queueNames(), ", "))
		}
	}
}
