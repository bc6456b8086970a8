package understand

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"ivr/internal/strict"
)

// OutOfScope is the intent of sentences that ask for nothing the bot knows.
const OutOfScope = "oos"

// Example is a sentence and what it asks for.
type Example struct {
	Text   string
	Intent string
	Line   int // of its file; 0 if it comes from none
}

// Columns are known by these names.
var (
	textColumns   = []string{"text", "sentence", "utterance"}
	intentColumns = []string{"intent", "category", "label"}
)

// ReadExamples reads a CSV file whose first line names its columns, "text" and "intent" among them. Its error is a
// *strict.Mistakes with all that is wrong, or that of opening the file.
func ReadExamples(path string) ([]Example, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseExamples(path, data)
}

func parseExamples(name string, data []byte) ([]Example, error) {
	var wrong []strict.Mistake
	mistake := func(line int, what, instead string) {
		wrong = append(wrong, strict.Mistake{File: name, Line: line, What: what, Instead: instead})
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	text, intent, columns := -1, -1, 0
	var all []Example
	for {
		row, err := r.Read()
		var syntax *csv.ParseError
		switch {
		case err == io.EOF && columns == 0:
			mistake(1, "the file is empty", "the first line names the columns: text,intent")
			fallthrough
		case err == io.EOF:
			return all, joined(wrong)
		case errors.As(err, &syntax):
			mistake(syntax.StartLine, syntax.Err.Error(), `a text with commas or quotes stands in quotes, and its own quotes twice: "he said ""no"""`)
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		line, _ := r.FieldPos(0)
		if columns == 0 {
			columns, text, intent = len(row), column(row, textColumns), column(row, intentColumns)
			if text < 0 || intent < 0 {
				mistake(line, fmt.Sprintf("the columns are %s", strings.Join(row, ",")), "the first line names the columns: text,intent")
				return nil, joined(wrong)
			}
			continue
		}
		if len(row) != columns {
			mistake(line, fmt.Sprintf("%d fields where the first line has %d", len(row), columns), "put a text that holds a comma in quotes")
			continue
		}
		e := Example{Text: strings.TrimSpace(row[text]), Intent: strings.TrimSpace(row[intent]), Line: line}
		switch {
		case e.Text == "":
			mistake(line, "the text is empty", "a sentence as a caller says it")
		case e.Intent == "":
			mistake(line, "the intent is empty", "an intent, or "+OutOfScope+" for a sentence that asks for none")
		default:
			all = append(all, e)
		}
	}
}

func column(header, names []string) int {
	return slices.IndexFunc(header, func(h string) bool { return slices.Contains(names, strings.ToLower(strings.TrimSpace(h))) })
}

func joined(wrong []strict.Mistake) error {
	if len(wrong) == 0 {
		return nil
	}
	return &strict.Mistakes{List: wrong}
}

// fewestExamples is how many examples an intent needs.
const fewestExamples = 2

// CheckTraining says what keeps examples from being learnt, as a *strict.Mistakes; name stands in it.
func CheckTraining(name string, examples []Example) error {
	count, first := map[string]int{}, map[string]int{}
	for _, e := range examples {
		if count[e.Intent]++; count[e.Intent] == 1 {
			first[e.Intent] = e.Line
		}
	}
	delete(count, OutOfScope)
	var wrong []strict.Mistake
	if len(count) < 2 {
		wrong = append(wrong, strict.Mistake{File: name, Line: 1, What: fmt.Sprintf("there are examples of %d intents", len(count)), Instead: "there must be at least 2"})
	}
	for _, intent := range slices.Sorted(maps.Keys(count)) {
		if count[intent] < fewestExamples {
			wrong = append(wrong, strict.Mistake{File: name, Line: first[intent],
				What: fmt.Sprintf("intent %q has only %d example", intent, count[intent]), Instead: fmt.Sprintf("give it at least %d, better ten", fewestExamples)})
		}
	}
	return joined(wrong)
}

// CheckTest says which sentences to try belong to intents that the training examples do not know, as a *strict.Mistakes.
func CheckTest(name string, test, training []Example) error {
	known := map[string]bool{OutOfScope: true}
	for _, e := range training {
		known[e.Intent] = true
	}
	names := slices.Sorted(maps.Keys(known))
	var wrong []strict.Mistake
	if len(test) == 0 {
		wrong = append(wrong, strict.Mistake{File: name, Line: 1, What: "there are no sentences", Instead: "lines like: where is my parcel,track"})
	}
	for _, e := range test {
		if !known[e.Intent] {
			what, instead := strict.Unknown("intent", e.Intent, names)
			wrong = append(wrong, strict.Mistake{File: name, Line: e.Line, What: what, Instead: instead})
		}
	}
	return joined(wrong)
}
