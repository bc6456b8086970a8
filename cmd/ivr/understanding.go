package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"ivr/dialog"
	"ivr/speech/models"
	"ivr/understand"
)

// understanding gives bots their classifiers.
type understanding struct {
	engine   *understand.Engine // nil: by words alone
	ctx      context.Context
	progress io.Writer
	degraded func(error) // hears why a bot understands by words alone
}

// openUnderstanding loads the sentence encoder. Where its model is not there, bots understand by words alone, and degraded says so once.
func openUnderstanding(ctx context.Context, folder string, progress io.Writer, degraded func(error)) (*understanding, error) {
	u := &understanding{ctx: ctx, progress: progress, degraded: degraded}
	set, err := models.Open(folder)
	var incomplete *models.FolderError
	if errors.As(err, &incomplete) {
		degraded(err)
		return u, nil
	}
	if err != nil {
		return nil, err
	}
	u.engine, err = understand.Open(set, "")
	return u, err
}

func (u *understanding) close() error {
	if u.engine == nil {
		return nil
	}
	return u.engine.Close()
}

// option makes a bot understand so.
func (u *understanding) option() dialog.Option { return dialog.WithTrainer(u.train) }

// train is the bots' [dialog.Trainer].
func (u *understanding) train(examples map[string][]string) dialog.Classifier {
	if u.engine == nil {
		return nil
	}
	bar := newBar(u.progress, "learning what callers want")
	defer bar.end()
	learnt, err := u.engine.Learn(u.ctx, labelled(examples), bar.set)
	if err != nil {
		u.degraded(err)
		return nil
	}
	return &classifier{learnt}
}

// labelled lists a bot's examples one by one.
func labelled(examples map[string][]string) []understand.Example {
	var all []understand.Example
	for _, class := range slices.Sorted(maps.Keys(examples)) {
		intent := class
		if class == dialog.OutOfScope {
			intent = understand.OutOfScope
		}
		for _, sentence := range examples[class] {
			all = append(all, understand.Example{Text: sentence, Intent: intent})
		}
	}
	return all
}

// classifier serves a bot.
type classifier struct{ *understand.Classifier }

var _ dialog.Classifier = (*classifier)(nil)

// Classify gives no candidates for a sentence that could not be judged: it is taken as not understood.
func (c *classifier) Classify(sentence string) []dialog.Candidate {
	found, err := c.Classifier.Classify(context.Background(), sentence)
	if err != nil {
		slog.Error("a sentence could not be understood", "err", err)
		return nil
	}
	candidates := make([]dialog.Candidate, len(found))
	for i, f := range found {
		candidates[i] = dialog.Candidate{Class: f.Intent, Score: f.Score}
	}
	return candidates
}

// byWordsAlone says on w that bots understand worse than they could, and why.
func byWordsAlone(w io.Writer) func(error) {
	return func(err error) { fmt.Fprintf(w, "ivr: bots understand by words alone: %v\n", err) }
}
