package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ivr/internal/strict"
)

// newEvalCommand measures what the bot hears and understands, on labelled data.
func newEvalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "eval",
		Short: "Measure hearing and understanding on labelled data of your own",
		Long: `Measures how well the bot hears and understands, on labelled data: yours, or what the project's own
figures in docs/eval/ were measured on.

A manifest is a text file with one recording a line and tabs between the fields; files are named relative to it.
Empty lines and lines that begin with # are skipped. If its first line begins with "file", it names the columns.`,
		Example: `  ivr eval speech --manifest calls/words.tsv
  ivr eval anger --manifest calls/moods.tsv --json
  ivr eval intents --bot examples/courier/courier.yaml`,
	}
	cmd.AddCommand(newEvalSpeechCommand(), newEvalAngerCommand(), newEvalIntentsCommand())
	return cmd
}

// labelled is one line of a manifest: a file and its labels, by column.
type labelled struct {
	line   int
	path   string
	column map[string]string
}

// manifest is a list of labelled files, and all that is wrong with it.
type manifest struct {
	name     string
	texts    bool // in the place of files
	rows     []labelled
	mistakes strict.Mistakes
}

// readManifest reads lines of fields with tabs between them. columns are the names of the fields where the file does not name
// its own; the first of them is "file", and the first least of them must be there. The files are looked for, unless texts stand in
// their place.
func readManifest(name string, least int, texts bool, columns ...string) (*manifest, error) {
	if name == "" {
		return nil, usageError{errors.New("--manifest is missing: the file that lists the recordings and their labels")}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, usageError{fmt.Errorf("cannot read the manifest: %w", err)}
	}
	m := &manifest{name: name, texts: texts}
	number, first, want := 0, true, columns[:least]
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if first && fields[0] == "file" {
			first, columns, want = false, fields, want[:1]
			continue
		}
		first = false
		m.add(number, fields, columns, want)
	}
	if len(m.rows) == 0 && len(m.mistakes.List) == 0 {
		m.mistake(0, "there is nothing in it", "a line is: "+strings.Join(want, "<TAB>"))
	}
	return m, nil
}

func (m *manifest) add(number int, fields, columns, want []string) {
	row := labelled{line: number, column: map[string]string{}}
	for i, f := range fields[:min(len(fields), len(columns))] {
		row.column[columns[i]] = strings.TrimSpace(f)
	}
	for _, c := range want {
		if row.column[c] == "" {
			m.mistake(number, fmt.Sprintf("there is no %s in it", c), "a line is: "+strings.Join(want, "<TAB>"))
			return
		}
	}
	if m.texts {
		m.rows = append(m.rows, row)
		return
	}
	row.path = row.column["file"]
	if !filepath.IsAbs(row.path) {
		row.path = filepath.Join(filepath.Dir(m.name), row.path)
	}
	switch info, err := os.Stat(row.path); {
	case err != nil:
		m.mistake(number, fmt.Sprintf("there is no file %s", row.path), "files are named relative to the manifest")
	case info.IsDir():
		m.mistake(number, row.path+" is a folder", "name a WAV or FLAC file")
	default:
		m.rows = append(m.rows, row)
	}
}

func (m *manifest) mistake(line int, what, instead string) {
	m.mistakes.List = append(m.mistakes.List, strict.Mistake{File: m.name, Line: line, What: what, Instead: instead})
}

// err is all that is wrong with the manifest, by line, or nil.
func (m *manifest) err() error {
	if len(m.mistakes.List) == 0 {
		return nil
	}
	slices.SortStableFunc(m.mistakes.List, func(a, b strict.Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return &m.mistakes
}
