package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ivr/console"
)

// passwordLeast is how many octets a seat's password has at least.
const passwordLeast = 8

func newPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "password",
		Short: "Prints what the configuration keeps of a seat's password",
		Long: `Reads a password, from the terminal without showing it or else as one line of standard input, and prints
its hash (bcrypt), which goes into the configuration as the password of a seat with a browser.`,
		Example: "  ivr password\n  echo 'open sesame' | ivr password",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if len(password) < passwordLeast {
				return fmt.Errorf("the password is too short: use at least %d characters", passwordLeast)
			}
			hash, err := console.HashPassword(password)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), hash)
			return nil
		},
	}
}

func readPassword(in io.Reader, prompt io.Writer) (string, error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(prompt, "password: ")
		typed, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(prompt)
		return string(typed), err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}
