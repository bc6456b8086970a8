package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ivr/speech"
	"ivr/speech/local"
	"ivr/speech/models"
	"ivr/testaudio"
)

// engineOptions are the flags of commands that load the speech engines.
type engineOptions struct{ recogniser, models string }

func (o *engineOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.recogniser, "recogniser", "moonshine-base", "moonshine-base or moonshine-tiny")
	cmd.Flags().StringVar(&o.models, "models", "", "folder of the models (default: ivr/models in the user's cache)")
}

func (o *engineOptions) open() (*local.Engines, error) {
	set, err := models.Open(o.models)
	if err != nil {
		return nil, err
	}
	return local.Open(set, local.Options{Recogniser: o.recogniser})
}

func newEvalSpeechCommand() *cobra.Command {
	var o engineOptions
	var path string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "speech --manifest FILE",
		Short: "Word error rate and speed of the recogniser on your recordings",
		Long: `Has the recogniser hear recordings whose words are known, as they are (16 kHz) and as a telephone line
carries them (8 kHz, G.711 mu-law), and counts the words that are wrong.

A line of the manifest is file<TAB>text; files are WAV or FLAC of any rate and lie relative to the manifest.

  wer        words misheard, left out and put in, by the words said, at 16 kHz
  wer_phone  the same through G.711
  rtf        engine time by audio time, on one core: 0.1 is ten times faster than real time

Before words are compared, both texts become what they sound like: small letters, no punctuation, no um and er;
numbers digit by digit ("512" is "five one two" is "five hundred and twelve"); contractions written out ("don't" is
"do not"); American spelling; words written together or apart ("voice mail") are the same.

Exit code 0: measured, 1: the engine failed, 2: the manifest is wrong (every bad line is named).`,
		Example: `  ivr eval speech --manifest calls/words.tsv
  ivr eval speech --manifest calls/words.tsv --errors     every sentence with a wrong word
  ivr eval speech --manifest calls/words.tsv --json`,
		Args: cobra.NoArgs,
	}
	errors := cmd.Flags().Bool("errors", false, "print every sentence with a wrong word")
	cmd.Flags().StringVar(&path, "manifest", "", "lines of file<TAB>text")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	o.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		wrong := io.Discard
		if *errors {
			wrong = cmd.OutOrStdout()
			if asJSON {
				wrong = cmd.ErrOrStderr()
			}
		}
		figures, err := evalSpeech(cmd.Context(), path, &o, cmd.ErrOrStderr(), wrong)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(cmd.OutOrStdout(), figures)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d recordings, %d words, %.0f s of audio, %s\n\nwords wrong   16 kHz %5.2f %%\n              phone  %5.2f %%\nspeed         %.3f of real time on one core (an utterance: median %.0f ms, p95 %.0f ms)\n",
			figures.Files, figures.Words, figures.Seconds, figures.Recogniser, 100*figures.WER, 100*figures.WERPhone, figures.RTF, figures.Median, figures.P95)
		return nil
	}
	return cmd
}

// speechFigures are what `ivr eval speech` measures.
type speechFigures struct {
	WER        float64 `json:"wer"`
	WERPhone   float64 `json:"wer_phone"`
	RTF        float64 `json:"rtf"`
	Files      int     `json:"files"`
	Words      int     `json:"words"`
	Seconds    float64 `json:"seconds"`
	Recogniser string  `json:"recogniser"`
	Median     float64 `json:"median_ms"` // engine time an utterance
	P95        float64 `json:"p95_ms"`
}

// spokenClip is a recording and its words.
type spokenClip struct {
	text string
	pcm  []int16
}

func evalSpeech(ctx context.Context, path string, o *engineOptions, progress, wrong io.Writer) (f speechFigures, err error) {
	m, err := readManifest(path, 2, false, "file", "text")
	if err != nil {
		return f, err
	}
	clips := make([]spokenClip, 0, len(m.rows))
	for _, row := range m.rows {
		text := row.column["text"]
		if len(testaudio.Words(text)) == 0 {
			m.mistake(row.line, fmt.Sprintf("there are no words in %q", text), "the text is what is said, in words")
			continue
		}
		pcm, err := testaudio.ReadMono(row.path)
		if err != nil || len(pcm) == 0 {
			m.mistake(row.line, notAudio(row.path, err), "files are WAV or FLAC")
			continue
		}
		clips = append(clips, spokenClip{text, pcm})
	}
	if err := m.err(); err != nil {
		return f, err
	}
	engines, err := o.open()
	if err != nil {
		return f, err
	}
	defer engines.Close()
	return hearAll(ctx, engines.Recogniser, o.recogniser, clips, newBar(progress, "listening"), wrong)
}

func notAudio(path string, err error) string {
	if err != nil {
		return err.Error()
	}
	return path + " holds no audio"
}

func hearAll(ctx context.Context, r speech.Recogniser, name string, clips []spokenClip, progress *bar, wrong io.Writer) (f speechFigures, err error) {
	defer progress.end()
	f.Recogniser, f.Files = name, len(clips)
	var took []time.Duration
	var errs [2]int
	for i, clip := range clips {
		for side, pcm := range [][]int16{clip.pcm, testaudio.Telephone(clip.pcm, testaudio.MuLaw)} {
			began := time.Now()
			heard, err := r.Recognise(ctx, pcm)
			if err != nil {
				return f, err
			}
			took = append(took, time.Since(began))
			n, words := testaudio.WordErrors(clip.text, heard.Text)
			errs[side] += n
			if n > 0 {
				fmt.Fprintf(wrong, "%s, %d of %d words wrong\n  said   %s\n  heard  %s\n", []string{"16 kHz", "phone"}[side], n, words, clip.text, heard.Text)
			}
			if side == 0 {
				f.Words += words
				f.Seconds += float64(len(pcm)) / 16000
			}
		}
		progress.set(i+1, len(clips))
	}
	var all time.Duration
	for _, d := range took {
		all += d
	}
	slices.Sort(took)
	f.WER, f.WERPhone = share(errs[0], f.Words), share(errs[1], f.Words)
	f.RTF = rounded(all.Seconds() / (2 * f.Seconds))
	f.Median, f.P95 = rounded(took[len(took)/2].Seconds()*1000), rounded(took[len(took)*95/100].Seconds()*1000)
	return f, nil
}

func share(part, whole int) float64 { return rounded(float64(part) / float64(whole)) }

// rounded keeps as much of a figure as it is worth.
func rounded(x float64) float64 { return math.Round(x*1e4) / 1e4 }
