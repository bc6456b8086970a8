// Command ivr is the voice bot: it serves calls, and has the tools to make, check and try a bot.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"ivr/internal/strict"
)

// Exit codes of every command.
const (
	exitFailed = 1 // it did not work
	exitUsage  = 2 // the command line, a configuration or a bot is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, message(err))
	stop()
	os.Exit(exitCode(err))
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ivr",
		Short: "A telephony voice bot that hands over warm to a person",
		Long: `ivr answers phone calls, talks with the caller, and hands the caller to a person
without making them repeat themselves.

  make run                  sets up and starts the demo contact centre
  ivr serve CONFIG          serves calls
  ivr doctor CONFIG         tries its trunks and says what to change
  ivr call sip:4000@127.0.0.1:5060 --say "where is my parcel"
                            places a real call and prints the conversation`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see: %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(
		newServeCommand(),
		newCheckCommand(),
		newChatCommand(),
		newTestCommand(),
		newModelsCommand(),
		newCallCommand(),
		newDemoCommand(),
		newCallsCommand(),
		newTrunksCommand(),
		newDoctorCommand(),
		newEvalCommand(),
		newPasswordCommand(),
	)
	return root
}

// usageError is a mistake in what the user typed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(err error) int {
	var usage usageError
	var mistakes *strict.Mistakes
	if errors.As(err, &usage) || errors.As(err, &mistakes) {
		return exitUsage
	}
	return exitFailed
}

// message prints mistakes a line each, as compilers do, and every other error with the program's name.
func message(err error) string {
	var mistakes *strict.Mistakes
	if errors.As(err, &mistakes) {
		return mistakes.Error()
	}
	return "ivr: " + err.Error()
}
