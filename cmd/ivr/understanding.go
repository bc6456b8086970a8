package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"

	"ivr/dialog"
	"ivr/speech/models"
	"ivr/understand"
)

// understanding gives bots their classifiers: of sentence embeddings, or, where their model is not there, of words alone.
type understanding struct {
	ctx      context.Context
	folder   string // of the models, "" for that in the user's cache
	progress io.Writer
	degraded func(error) // hears once why bots understand by words alone

	opened bool
	engine *understand.Engine // opened with the first bot; nil: by words alone
}

func newUnderstanding(ctx context.Context, progress io.Writer, degraded func(error)) *understanding {
	return &understanding{ctx: ctx, progress: progress, degraded: degraded}
}

// train is the bots' [dialog.Trainer].
func (u *understanding) train(examples map[string][]string) dialog.Classifier {
	if !u.opened {
		u.opened = true
		if err := u.open(); err != nil {
			u.degraded(err)
		}
	}
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

func (u *understanding) open() error {
	set, err := models.Open(u.folder)
	if err != nil {
		return err
	}
	u.engine, err = understand.Open(set, "")
	return err
}

// close frees the encoder; no bot may be asked anything after it.
func (u *understanding) close() {
	if u.engine == nil {
		return
	}
	if err := u.engine.Close(); err != nil {
		slog.Error("the sentence encoder could not be freed", "err", err)
	}
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

// leastToAsk is the probability from which it is worth a caller's time to ask whether something is meant.
const leastToAsk = 0.3

// Thresholds implements [dialog.Classifier].
func (c *classifier) Thresholds() (ask, act float64) {
	ask, act = c.Classifier.Thresholds()
	return max(ask, leastToAsk), max(act, leastToAsk)
}

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
