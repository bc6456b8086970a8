package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"ivr/speech"
	"ivr/speech/mood"
	"ivr/testaudio"
)

func newEvalAngerCommand() *cobra.Command {
	var o angerOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "anger --manifest FILE",
		Short: "How well anger is told on your labelled recordings",
		Long: `Has the mood detector judge labelled recordings, each as a telephone line carries it (8 kHz, G.711), and says how well
it tells anger from the rest.

` + angerManifestHelp + `
  auc                         the chance that an angry recording scores higher than another
  recall, false_alarm         found, and falsely taken for angry, at the detector's own threshold
  recall_at_5pct_false_alarm  found at the threshold that takes 5 % of the neutral or calm for angry (of all others
                              when no finer label says neutral or calm)
  by_label                    for each finer label: how many, and the share taken for angry

Each recording is judged for itself, as the first words of a stranger are. The sound counts, and in English the words.
Exit code 0: measured, 1: the engine failed, 2: the manifest is wrong (every bad line is named).`,
		Example: `  ivr eval anger --manifest calls/moods.tsv
  ivr eval anger --manifest calls/moods.tsv --weights own.json --json
  ivr eval anger --manifest comments.tsv --texts          lines of text<TAB>anger|other, without audio`,
		Args: cobra.NoArgs,
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.weights, "weights", "", "weights that ivr train anger wrote (default: the shipped ones)")
	cmd.Flags().BoolVar(&o.texts, "texts", false, "the manifest has sentences instead of files")
	cmd.Flags().Float64Var(&o.gain, "gain", 0, "judge the recordings this much louder, in dB: it should change nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		figures, err := evalAnger(cmd.Context(), &o, cmd.ErrOrStderr())
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), figures)
		}
		return figures.print(cmd.OutOrStdout())
	}
	return cmd
}

const angerManifestHelp = `A line of the manifest is file<TAB>anger|other[<TAB>finer label[<TAB>speaker]]; files are WAV or FLAC of any rate and lie
relative to the manifest.
`

// angerOptions are the flags of `ivr eval anger` and `ivr train anger`.
type angerOptions struct {
	engineOptions
	manifest string
	weights  string
	texts    bool
	gain     float64 // dB
}

func (o *angerOptions) flags(cmd *cobra.Command) {
	o.engineOptions.flags(cmd)
	cmd.Flags().StringVar(&o.manifest, "manifest", "", "lines of file<TAB>anger|other[<TAB>finer label[<TAB>speaker]]")
}

// detectorOf makes the detector for a recogniser, by weights of one's own; weights "" are the shipped ones.
func detectorOf(weights, recogniser string) (*mood.Detector, error) {
	if weights == "" {
		return mood.NewDetector(recogniser)
	}
	w, err := mood.ReadWeights(weights)
	if err != nil {
		return nil, usageError{err}
	}
	if w.Recogniser != recogniser {
		return nil, usageError{fmt.Errorf("%s is trained for %s, and the recogniser is %s", weights, w.Recogniser, recogniser)}
	}
	return mood.NewDetectorWith(w), nil
}

// angerFigures are what `ivr eval anger` measures.
type angerFigures struct {
	AUC        float64               `json:"auc"`
	Recall     float64               `json:"recall"`
	FalseAlarm float64               `json:"false_alarm"`
	RecallAt5  float64               `json:"recall_at_5pct_false_alarm"`
	ByLabel    map[string]labelCount `json:"by_label"`
	Angry      int                   `json:"angry"`
	Others     int                   `json:"others"`
	Threshold  float64               `json:"threshold"`
}

type labelCount struct {
	Files int     `json:"files"`
	Taken float64 `json:"taken_for_angry"` // share
	Mean  float64 `json:"mean_score"`
}

func (f *angerFigures) print(w io.Writer) error {
	fmt.Fprintf(w, "%d angry, %d others\n\nAUC           %.3f\nfound         %5.1f %% at the detector's own threshold, with %.1f %% false alarms\n              %5.1f %% at 5 %% false alarms\n\n",
		f.Angry, f.Others, f.AUC, 100*f.Recall, 100*f.FalseAlarm, 100*f.RecallAt5)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LABEL\tFILES\tTAKEN FOR ANGRY\tMEAN SCORE")
	for _, label := range slices.Sorted(maps.Keys(f.ByLabel)) {
		c := f.ByLabel[label]
		fmt.Fprintf(table, "%s\t%d\t%.1f %%\t%.2f\n", label, c.Files, 100*c.Taken, c.Mean)
	}
	return table.Flush()
}

// angerClip is a labelled recording, as a telephone carries it, and what was heard in it.
type angerClip struct {
	angry          bool
	label, speaker string
	heard          mood.Utterance
}

func evalAnger(ctx context.Context, o *angerOptions, progress io.Writer) (f *angerFigures, err error) {
	detector, err := detectorOf(o.weights, o.recogniser)
	if err != nil {
		return nil, err
	}
	judge, threshold := detector.Score, mood.ScoreThreshold
	if o.texts {
		judge, threshold = func(u mood.Utterance) float64 { return detector.TextScore(u.Text) }, mood.TextThreshold
	}
	clips, err := o.clips(ctx, progress)
	if err != nil {
		return nil, err
	}
	scored := make([]mood.Scored, len(clips))
	for i, c := range clips {
		scored[i] = mood.Scored{Score: judge(c.heard), Angry: c.angry, Label: c.label}
	}
	return figuresOf(scored, threshold), nil
}

func figuresOf(scored []mood.Scored, threshold float64) *angerFigures {
	m := mood.Measure(scored, threshold)
	f := &angerFigures{AUC: rounded(m.AUC), Recall: rounded(m.Recall), FalseAlarm: rounded(m.FalseAlarm), RecallAt5: rounded(m.RecallAt5),
		ByLabel: map[string]labelCount{}, Angry: m.Angry, Others: m.Others, Threshold: threshold}
	for _, s := range scored {
		label := cmp.Or(s.Label, map[bool]string{true: "anger", false: "other"}[s.Angry])
		c := f.ByLabel[label]
		if s.Score >= threshold {
			c.Taken++
		}
		c.Mean += s.Score
		c.Files++
		f.ByLabel[label] = c
	}
	for label, c := range f.ByLabel {
		c.Taken, c.Mean = rounded(c.Taken/float64(c.Files)), rounded(c.Mean/float64(c.Files))
		f.ByLabel[label] = c
	}
	return f
}

// clips reads the manifest and has the recogniser hear each recording through a telephone.
func (o *angerOptions) clips(ctx context.Context, progress io.Writer) (clips []angerClip, err error) {
	m, err := readManifest(o.manifest, 2, o.texts, "file", "label", "finer", "speaker")
	if err != nil {
		return nil, err
	}
	kinds := map[bool]int{}
	for _, row := range m.rows {
		c, ok := labelsOf(m, row)
		if !ok {
			continue
		}
		if o.texts {
			c.heard.Text = row.column["file"]
		} else if c.heard.Audio, err = testaudio.ReadMono(row.path); err != nil || len(c.heard.Audio) == 0 {
			m.mistake(row.line, notAudio(row.path, err), "files are WAV or FLAC")
			continue
		}
		kinds[c.angry]++
		clips = append(clips, c)
	}
	if len(m.mistakes.List) == 0 && (kinds[true] == 0 || kinds[false] == 0) {
		m.mistake(0, fmt.Sprintf("%d angry and %d others are in it", kinds[true], kinds[false]), "both kinds are needed")
	}
	if err := m.err(); err != nil || o.texts {
		return clips, err
	}
	engines, err := o.open()
	if err != nil {
		return nil, err
	}
	defer engines.Close()
	shown := newBar(progress, "listening")
	defer shown.end()
	for i := range clips {
		if err := hearClip(ctx, engines.Recogniser, &clips[i], math.Pow(10, o.gain/20)); err != nil {
			return nil, err
		}
		shown.set(i+1, len(clips))
	}
	return clips, nil
}

func hearClip(ctx context.Context, r speech.Recogniser, c *angerClip, gain float64) error {
	for i, s := range c.heard.Audio {
		c.heard.Audio[i] = int16(max(-32768, min(32767, math.Round(gain*float64(s)))))
	}
	c.heard.Audio = testaudio.Telephone(c.heard.Audio, testaudio.MuLaw)
	t, err := r.Recognise(ctx, c.heard.Audio)
	c.heard.Text, c.heard.Pooled = t.Text, t.Pooled
	return err
}

// labelsOf reads the labels of a line. A manifest that names its columns may have "emotion" for them.
func labelsOf(m *manifest, row labelled) (c angerClip, ok bool) {
	label := strings.ToLower(row.column["label"])
	if emotion := strings.ToLower(row.column["emotion"]); label == "" && emotion != "" {
		c.label, label = emotion, "other"
		if emotion == "anger" || emotion == "angry" {
			label = "anger"
		}
	}
	if label != "anger" && label != "other" {
		m.mistake(row.line, fmt.Sprintf("the label %q is not known", label), "labels are anger and other; a finer one may follow")
		return c, false
	}
	c.angry, c.speaker = label == "anger", row.column["speaker"]
	c.label = strings.ToLower(cmp.Or(row.column["finer"], c.label))
	return c, true
}
