package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ivr/speech/mood"
)

// newTrainCommand fits what can be fitted to data of one's own.
func newTrainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "train",
		Short:   "Fit a detector to labelled calls of your own",
		Example: "  ivr train anger --manifest calls/moods.tsv --out mood.json",
	}
	cmd.AddCommand(newTrainAngerCommand())
	return cmd
}

func newTrainAngerCommand() *cobra.Command {
	o := trainOptions{angerOptions: angerOptions{}}
	cmd := &cobra.Command{
		Use:   "anger --manifest FILE --out FILE",
		Short: "Fit the anger detector to your own labelled calls",
		Long: `Fits the sound of anger to labelled recordings, beginning with the shipped weights, and says honestly whether the result
tells anger better than those do: each recording is judged by a fit that never heard its speaker, and the difference is drawn
again and again from other speakers. Weights that are not better are not written, unless --anyway is given.

` + angerManifestHelp + `Name the speakers: without them nobody can know whether other callers are told as well.

Use the result with "mood: FILE" under "speech:" in the configuration. With --texts the words are fitted instead, from lines of
text<TAB>anger|other[<TAB>tends to anger, 0 to 1]; that is how the shipped ones were made (docs/mood.md).
Exit code 0: trained, whether better or not, 1: it failed, 2: the manifest is wrong (every bad line is named).`,
		Example: `  ivr train anger --manifest calls/moods.tsv --out mood.json
  ivr train anger --manifest emodb/manifest.tsv --fresh --source "Berlin EmoDB (CC0-1.0)" --out moonshine-base.json`,
		Args: cobra.NoArgs,
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.out, "out", "", "file for the weights")
	cmd.Flags().StringVar(&o.source, "source", "own recordings", "provenance and licence of the recordings, kept in the file")
	cmd.Flags().BoolVar(&o.fresh, "fresh", false, "begin with nothing instead of the shipped weights")
	cmd.Flags().BoolVar(&o.anyway, "anyway", false, "write the weights even if they are not better")
	cmd.Flags().BoolVar(&o.texts, "texts", false, "fit the words, to sentences instead of files")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.out == "" {
			return usageError{errors.New("--out is missing: the file for the weights")}
		}
		if o.texts {
			return o.trainWords(cmd.Context(), cmd.OutOrStdout())
		}
		return o.train(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	return cmd
}

type trainOptions struct {
	angerOptions
	out, source         string
	fresh, anyway, json bool
}

// trainReport is what `ivr train anger` says.
type trainReport struct {
	New     *angerFigures `json:"new"`               // on speakers that the fit did not hear
	Shipped *angerFigures `json:"shipped,omitempty"` // on the same recordings
	Better  bool          `json:"better"`
	Sure    float64       `json:"sure"` // share of draws of the speakers in which the new ones are better
	Written string        `json:"written,omitempty"`
}

func (o *trainOptions) train(ctx context.Context, out, progress io.Writer) error {
	shipped, err := mood.Shipped(o.recogniser)
	if err != nil {
		return err
	}
	clips, err := o.clips(ctx, progress)
	if err != nil {
		return err
	}
	samples := samplesOf(clips)
	from := shipped
	if o.fresh || shipped == nil {
		from = nil
	}
	shown := newBar(progress, "fitting")
	weights, scores, err := mood.Train(samples, from, shown.set)
	shown.end()
	if err != nil {
		return usageError{err}
	}
	r := trainReport{New: figuresOf(scoredOf(samples, scores), mood.VoiceThreshold), Better: true, Sure: 1}
	if shipped != nil && !o.fresh {
		old := make([]float64, len(samples))
		for i, s := range samples {
			old[i] = shipped.Score(s.Features)
		}
		r.Shipped = figuresOf(scoredOf(samples, old), mood.VoiceThreshold)
		r.Sure = sureBetter(samples, scores, old)
		r.Better = r.New.AUC > r.Shipped.AUC && r.Sure >= 0.9
	}
	if r.Better || o.anyway {
		weights.Recogniser, weights.Source = o.recogniser, o.source
		weights.Report = fmt.Sprintf("%d recordings through 8 kHz G.711; AUC %.3f and %.0f %% found at 5 %% false alarms on calm speech, on speakers left out",
			len(samples), r.New.AUC, 100*r.New.RecallAt5)
		if err := writeJSON(o.out, weights); err != nil {
			return err
		}
		r.Written = o.out
	}
	if o.json {
		return printJSON(out, r)
	}
	r.print(out, len(samples), len(clips))
	return nil
}

func (r *trainReport) print(w io.Writer, used, all int) {
	fmt.Fprintf(w, "%d of %d recordings are long enough to judge a voice by\n\n", used, all)
	fmt.Fprintf(w, "new      AUC %.3f, %.1f %% found at 5 %% false alarms (on speakers it did not hear)\n", r.New.AUC, 100*r.New.RecallAt5)
	if r.Shipped != nil {
		fmt.Fprintf(w, "shipped  AUC %.3f, %.1f %% found at 5 %% false alarms\n\n", r.Shipped.AUC, 100*r.Shipped.RecallAt5)
		verdict := "not better: keep the shipped weights, or label more calls of more speakers"
		if r.Better {
			verdict = "better"
		}
		fmt.Fprintf(w, "%s (the new ones win in %.0f %% of the draws of speakers)\n", verdict, 100*r.Sure)
	}
	if r.Written != "" {
		fmt.Fprintf(w, "written: %s\n", r.Written)
	}
}

func samplesOf(clips []angerClip) (samples []mood.Sample) {
	for _, c := range clips {
		if f := mood.Features(c.heard.Pooled, c.heard.Audio); f != nil {
			samples = append(samples, mood.Sample{Features: f, Angry: c.angry, Label: c.label, Speaker: c.speaker})
		}
	}
	return samples
}

func scoredOf(samples []mood.Sample, scores []float64) []mood.Scored {
	scored := make([]mood.Scored, len(samples))
	for i, s := range samples {
		scored[i] = mood.Scored{Score: scores[i], Angry: s.Angry, Label: s.Label}
	}
	return scored
}

// sureBetter draws speakers, with replacement, and counts how often the new scores tell anger better than the old ones.
func sureBetter(samples []mood.Sample, scores, old []float64) float64 {
	const draws = 200
	bySpeaker := map[string][]int{}
	var names []string
	for i, s := range samples {
		name := s.Speaker
		if name == "" {
			name = fmt.Sprint("recording ", i)
		}
		if bySpeaker[name] == nil {
			names = append(names, name)
		}
		bySpeaker[name] = append(bySpeaker[name], i)
	}
	random, wins := rand.New(rand.NewPCG(1, 1)), 0
	for range draws {
		var a, b []mood.Scored
		for range names {
			for _, i := range bySpeaker[names[random.IntN(len(names))]] {
				a = append(a, mood.Scored{Score: scores[i], Angry: samples[i].Angry})
				b = append(b, mood.Scored{Score: old[i], Angry: samples[i].Angry})
			}
		}
		if mood.Measure(a, 0).AUC > mood.Measure(b, 0).AUC {
			wins++
		}
	}
	return float64(wins) / draws
}

func (o *trainOptions) trainWords(ctx context.Context, out io.Writer) error {
	m, err := readManifest(o.manifest, 2, true, "file", "label", "tends")
	if err != nil {
		return err
	}
	var texts []mood.Text
	for _, row := range m.rows {
		t := mood.Text{Text: row.column["file"]}
		if tends := row.column["tends"]; tends != "" {
			if _, err := fmt.Sscanf(tends, "%g", &t.Anger); err != nil || !(t.Anger >= 0 && t.Anger <= 1) {
				m.mistake(row.line, fmt.Sprintf("%q is not from 0 to 1", tends), "how much the text tends to anger")
			}
		}
		if c, ok := labelsOf(m, row); ok && c.angry {
			t.Anger = 1
		}
		texts = append(texts, t)
	}
	if err := m.err(); err != nil {
		return err
	}
	words := mood.TrainWords(texts)
	header := "# Weights of words, of two and three in a row and of pieces of words (#...): what they say of anger.\n# From " + o.source + ".\n"
	if err := os.WriteFile(o.out, []byte(header+words.String()), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "%d sentences, %d weights\nwritten: %s\n", len(texts), len(words.Weights), o.out)
	return ctx.Err()
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.TrimSpace(string(data))+"\n"), 0o644)
}
