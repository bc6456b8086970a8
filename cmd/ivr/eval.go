package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ivr/dialog"
	"ivr/internal/strict"
	"ivr/speech/models"
	"ivr/understand"
)

// newEvalCommand measures the parts of a bot on data.
func newEvalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "eval",
		Short:   "Measure on data how well a bot understands",
		Args:    noArgs("see: ivr eval intents --help"),
		Example: "  ivr eval intents --bot examples/courier/courier.yaml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEvalIntentsCommand())
	return cmd
}

// evalOptions are the flags of ivr eval intents.
type evalOptions struct {
	train, test, bot, models string
	json                     bool
	worst                    int
}

func newEvalIntentsCommand() *cobra.Command {
	var o evalOptions
	cmd := &cobra.Command{
		Use:   "intents (--train FILE [--test FILE] | --bot FILE)",
		Short: "Measure how well intents are understood, and what is out of scope is found",
		Long: `Learns from examples and tries sentences that are none of them:

  --train T --test U   learns from T, tries U
  --train T            tries each example of T by what was learnt from the others (five folds)
  --bot FILE           the same with the examples of a bot

Files are CSV. The first line names the columns: text,intent. A sentence that asks for nothing the bot
knows has the intent oos; in T such sentences may be missing. The threshold, the score below which a
sentence is out of scope, comes from the examples learnt alone: no sentence that is tried moves it.

Figures, from 0 to 1, at that threshold:
  in_scope_accuracy   sentences in scope that got their intent, not rejected nor taken for another
  oos_recall          sentences out of scope that were rejected
  oos_precision       rejected sentences that were out of scope
  auroc               how often a sentence in scope has a higher score than one out of scope
  mcc                 Matthews' correlation over all intents and out of scope
  median_ms           one sentence, on one core
In JSON, what there are no sentences for is null. What was learnt is kept in the user's cache.
Exit code 0: measured, 1: it did not work, 2: wrong usage or mistakes in a file, all of them at once.`,
		Example: `  ivr eval intents --train train.csv --test test.csv
  ivr eval intents --train train.csv --test test.csv --json | jq .oos_recall
  ivr eval intents --bot examples/courier/courier.yaml --worst 20`,
		Args: noArgs("files go with --train, --test and --bot"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case (o.train == "") == (o.bot == ""):
				return usageError{errors.New("wants either --train or --bot; see: ivr eval intents --help")}
			case o.bot != "" && o.test != "":
				return usageError{errors.New("--bot tries the bot's own examples and takes no --test")}
			case o.worst < 0:
				return usageError{fmt.Errorf("--worst %d: wants how many confusions to show", o.worst)}
			}
			return evalIntents(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), o)
		},
	}
	cmd.Flags().StringVar(&o.train, "train", "", "CSV file of the examples to learn from")
	cmd.Flags().StringVar(&o.test, "test", "", "CSV file of the sentences to try")
	cmd.Flags().StringVar(&o.bot, "bot", "", "bot file whose examples to learn from and try")
	cmd.Flags().StringVar(&o.models, "models", "", "folder of the models (default: ivr/models in the user's cache)")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.Flags().IntVar(&o.worst, "worst", 10, "how many confusions to print, the most frequent first")
	return cmd
}

func evalIntents(ctx context.Context, out, progress io.Writer, o evalOptions) error {
	training, test, err := o.examples()
	if err != nil {
		return err
	}
	set, err := models.Open(o.models)
	if err != nil {
		return err
	}
	engine, err := understand.Open(set, "")
	if err != nil {
		return err
	}
	defer engine.Close()
	const sparing = 25 // learning makes much garbage: collect it early
	defer debug.SetGCPercent(debug.SetGCPercent(sparing))
	bar := newBar(progress, "learning")
	defer bar.end()
	figures, err := engine.Evaluate(ctx, training, test, bar.set)
	if err != nil {
		return err
	}
	bar.end()
	if o.json {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(figures)
	}
	return printFigures(out, figures, o.worst)
}

// examples reads the files. All mistakes of both come at once.
func (o evalOptions) examples() (training, test []understand.Example, err error) {
	if o.bot != "" {
		bot, err := dialog.Load(o.bot)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil, usageError{err}
		}
		if err != nil {
			return nil, nil, err
		}
		return labelled(bot.Examples()), nil, nil
	}
	training, err = understand.ReadExamples(o.train)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usageError{err}
	}
	if err == nil {
		err = understand.CheckTraining(o.train, training)
	}
	if o.test == "" {
		return training, nil, err
	}
	test, testErr := understand.ReadExamples(o.test)
	if errors.Is(testErr, fs.ErrNotExist) {
		return nil, nil, usageError{testErr}
	}
	if err == nil && testErr == nil {
		testErr = understand.CheckTest(o.test, test, training)
	}
	return training, test, strict.Join(err, testErr)
}

func printFigures(out io.Writer, f understand.Figures, worst int) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "sentences\t%d in scope, %d out of scope\n", f.InScope, f.OutOfScope)
	fmt.Fprintf(table, "in-scope accuracy\t%s\t(%s if nothing were rejected)\n", percent(f.InScopeAccuracy), percent(f.NeverRejecting))
	fmt.Fprintf(table, "out of scope found\t%s\t(%s of what was rejected)\n", percent(f.OOSRecall), percent(f.OOSPrecision))
	fmt.Fprintf(table, "AUROC\t%s\n", decimal(f.AUROC))
	fmt.Fprintf(table, "MCC\t%.3f\n", f.MCC)
	fmt.Fprintf(table, "threshold\t%.3f\n", f.Threshold)
	fmt.Fprintf(table, "a sentence\t%.1f ms\n", f.MedianMS)
	fmt.Fprintf(table, "\nTHRESHOLD\tIN SCOPE RIGHT\tOUT OF SCOPE FOUND\n")
	for _, p := range f.Curve {
		fmt.Fprintf(table, "%.2f\t%s\t%s\n", p.Threshold, percent(p.InScopeAccuracy), percent(p.OOSRecall))
	}
	if n := min(worst, len(f.Confusions)); n > 0 {
		fmt.Fprintf(table, "\nTIMES\tINTENT\tTAKEN FOR\n")
		for _, c := range f.Confusions[:n] {
			fmt.Fprintf(table, "%d\t%s\t%s\n", c.Count, c.Intent, c.TakenFor)
		}
	}
	return table.Flush()
}

func percent(share *float64) string {
	if share == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", *share*100)
}

func decimal(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}
