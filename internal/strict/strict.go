// Package strict reads YAML files that people write, and tells them everything that is wrong at once.
//
// A [File] is decoded into plain structs (field names by the yaml tag, else the field name in lower case). Nothing is
// guessed: a key that no field takes, a key given twice, a value of the wrong type is a [Mistake] with its line and what
// would be right; decoding goes on to find the next. Validators add theirs by path: file.Mistake("intents.track", ...).
//
// Durations are written "2s" or "500ms". A field of type [Line] is filled with the line of its mapping. A single text or
// mapping is taken for a list of one where a list of texts or of structs is wanted. Types with UnmarshalText read their own scalars.
package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Mistake is one thing that is wrong in a file.
type Mistake struct {
	File    string
	Line    int    // from 1; 0 when the file as a whole is meant
	What    string // "intents.track: unknown key \"exmples\""
	Instead string // what would be right; "" if there is nothing to say
}

func (m Mistake) String() string {
	s := m.File + ": "
	if m.Line > 0 {
		s = fmt.Sprintf("%s:%d: ", m.File, m.Line)
	}
	s += m.What
	if m.Instead != "" {
		s += "; " + m.Instead
	}
	return s
}

// Mistakes is all that is wrong in one or more files, by file and line. It is always a pointer and never empty.
type Mistakes struct{ List []Mistake }

// Error is one mistake a line.
func (m *Mistakes) Error() string {
	lines := make([]string, len(m.List))
	for i, one := range m.List {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// Join makes one error of several files' mistakes; other errors become mistakes without a line. nil when there are none.
func Join(errs ...error) error {
	var all Mistakes
	for _, err := range errs {
		switch err := err.(type) {
		case nil:
		case *Mistakes:
			all.List = append(all.List, err.List...)
		default:
			all.List = append(all.List, Mistake{What: err.Error()})
		}
	}
	if len(all.List) == 0 {
		return nil
	}
	return &all
}

// Line is the line of a mapping in its file, from 1.
type Line int

// File is one parsed YAML file and what was found wrong in it so far.
type File struct {
	name  string
	root  *yaml.Node // nil when there is nothing to decode
	lines map[string]int
	found []Mistake
}

// Parse reads the syntax of one YAML document. name is used in the mistakes.
func Parse(name string, data []byte) *File {
	f := &File{name: name, lines: map[string]int{"": 1}}
	decoder := yaml.NewDecoder(strings.NewReader(string(data)))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if len(strings.TrimSpace(string(data))) == 0 || err.Error() == "EOF" {
			f.add(0, "the file is empty", "")
		} else {
			f.syntax(err)
		}
		return f
	}
	f.root = doc.Content[0]
	var second yaml.Node
	if decoder.Decode(&second) == nil {
		f.add(second.Line, "a second document begins here", "one file holds one document: remove the \"---\"")
	}
	return f
}

// Decode parses data and fills out, a pointer to a struct whose values so far are the defaults.
// The error is a *Mistakes, or nil.
func Decode(name string, data []byte, out any) error {
	f := Parse(name, data)
	f.Decode(out)
	return f.Err()
}

// Mistake adds what a validator found at path, such as "intents.track.examples[2]". A path that is not in the file
// takes the line of its nearest parent that is. In a file that could not be read nothing else is worth saying.
func (f *File) Mistake(path, what, instead string) {
	if f.root == nil {
		return
	}
	if path != "" {
		what = path + ": " + what
	}
	f.add(f.Line(path), what, instead)
}

// Line returns the line of path, or of its nearest parent in the file.
func (f *File) Line(path string) int {
	for {
		if line, ok := f.lines[path]; ok {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

// Name of the file, as in its mistakes.
func (f *File) Name() string { return f.name }

// Has says whether path is written in the file.
func (f *File) Has(path string) bool { _, ok := f.lines[path]; return ok }

// Err returns nil, or all mistakes so far as a *Mistakes sorted by line.
func (f *File) Err() error {
	if len(f.found) == 0 {
		return nil
	}
	list := slices.Clone(f.found)
	slices.SortStableFunc(list, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return &Mistakes{List: list}
}

func (f *File) add(line int, what, instead string) {
	f.found = append(f.found, Mistake{File: f.name, Line: line, What: what, Instead: instead})
}

// syntax turns the parser's "yaml: line 3: did not find ..." into a mistake at line 3.
func (f *File) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 0
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if n, err := fmt.Sscanf(rest, "%d:", &line); n == 1 && err == nil {
			_, text, _ = strings.Cut(rest, ": ")
		}
	}
	if strings.HasPrefix(text, "did not find expected") {
		line++ // of these the parser counts lines from 0
	}
	instead := ""
	switch {
	case strings.Contains(text, "expected ','"):
		instead = "inside { } and [ ] put texts that hold , : ? or brackets in quotes"
	case strings.Contains(text, "cannot start any token"):
		instead = "indent with spaces, never tabs; put texts that begin with @ ` or % in quotes"
	case strings.Contains(text, "mapping values are not allowed"):
		instead = "put texts that contain \": \" in quotes, and check the indentation"
	}
	f.add(line, "not YAML: "+text, instead)
}
