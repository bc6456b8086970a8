package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ivr/internal/strict"
	"ivr/testaudio"
)

// manifestOf writes a manifest beside a recording of a second of silence, a.wav, and returns its path.
func manifestOf(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	if err := testaudio.WriteWAV(filepath.Join(dir, "a.wav"), make([]int16, 16000)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "m.tsv")
	for name, content := range map[string]string{path: content, filepath.Join(dir, "text.wav"): "no audio"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestAllBadLinesOfAManifestAreNamedAtOnce(t *testing.T) {
	path := manifestOf(t, "# words\na.wav\thello\n\na.wav\nmissing.wav\thello\n.\thello\na.wav\t...\ntext.wav\thello\n")
	root := newRoot()
	root.SetArgs([]string{"eval", "speech", "--manifest", path})
	err := root.Execute()
	var mistakes *strict.Mistakes
	if !errors.As(err, &mistakes) || exitCode(err) != exitUsage {
		t.Fatalf("got %v", err)
	}
	var lines []int
	for _, m := range mistakes.List {
		lines = append(lines, m.Line)
		if m.File != path || m.What == "" || m.Instead == "" {
			t.Errorf("%+v", m)
		}
	}
	if !slices.Equal(lines, []int{4, 5, 6, 7, 8}) {
		t.Errorf("lines %v in %v", lines, err)
	}
}

func TestAManifestMayNameItsColumns(t *testing.T) {
	m, err := readManifest(manifestOf(t, "file\tseconds\ttext\na.wav\t1\thello there\n"), 2, false, "file", "text")
	if err != nil || m.err() != nil || len(m.rows) != 1 || m.rows[0].column["text"] != "hello there" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestAManifestThatIsMissingOrEmptyIsAMistakeOfUsage(t *testing.T) {
	for _, args := range [][]string{{"eval", "speech"}, {"eval", "speech", "--manifest", "nowhere.tsv"}, {"eval", "speech", "--manifest", manifestOf(t, "\n")}} {
		root := newRoot()
		root.SetArgs(args)
		if err := root.Execute(); err == nil || exitCode(err) != exitUsage {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestLabelsOfAngerAreCheckedLineByLine(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		lines   []int
	}{
		"unknown label, no label": {"a.wav\tfurious\na.wav\tanger\tanger\tMaria\na.wav\n", []int{1, 3}},
		"only one kind":           {"a.wav\tanger\na.wav\tanger\n", []int{0}},
		"named columns":           {"file\tspeaker\temotion\na.wav\t1\tneutral\na.wav\t2\t\n", []int{3}},
	} {
		o := angerOptions{manifest: manifestOf(t, c.content)}
		_, err := o.clips(t.Context(), io.Discard)
		var mistakes *strict.Mistakes
		var lines []int
		if errors.As(err, &mistakes) {
			for _, m := range mistakes.List {
				lines = append(lines, m.Line)
			}
		}
		if !slices.Equal(lines, c.lines) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAngerInTextsIsMeasuredWithoutAudio(t *testing.T) {
	o := angerOptions{texts: true, manifest: manifestOf(t, "this is a disgrace, I am furious\tanger\nthank you, that is lovely\tother\n")}
	f, err := evalAnger(t.Context(), &o, io.Discard)
	if err != nil || f.AUC != 1 || f.Recall != 1 || f.FalseAlarm != 0 || f.ByLabel["anger"].Files != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestWhoTrainsWithAFileThatIsNoWeightsIsToldSo(t *testing.T) {
	path := manifestOf(t, "a.wav\tanger\na.wav\tother\n")
	root := newRoot()
	root.SetArgs([]string{"eval", "anger", "--manifest", path, "--weights", path})
	if err := root.Execute(); err == nil || exitCode(err) != exitUsage || !strings.Contains(err.Error(), "ivr train anger") {
		t.Error(err)
	}
}
