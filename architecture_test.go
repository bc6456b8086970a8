package ivr_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the table of ARCHITECTURE.md: which of our packages a package may import. A package is held to the row of the
// longest folder it lies in. Everyone may import internal/strict; tests may also import testaudio and internal/memnet.
var mayImport = map[string][]string{
	"media":                    {},
	"sip":                      {"media"},
	"webrtc":                   {"media"},
	"console":                  {"transfer"},
	"speech":                   {"media"},
	"speech/models":            {},
	"speech/local":             {"speech", "speech/models", "media"},
	"dialog":                   {},
	"understand":               {"speech/local", "speech/models"},
	"transfer":                 {},
	"call":                     {"dialog", "transfer", "speech", "media"},
	"records":                  {},
	"testaudio":                {"media"},
	"rehearsal":                {"dialog", "testaudio", "transfer"},
	"testaudio/clips":          {"testaudio", "dialog", "speech/models", "speech/local"},
	"internal/strict":          {},
	"internal/memnet":          {},
	"examples/courier/parcels": {},
	"tools/load":               {"media", "sip", "speech", "speech/models", "speech/local", "testaudio"},
	"e2e":                      {"media", "sip", "speech", "speech/models", "speech/local", "dialog"},
	"cmd/ivr":                  {"media", "sip", "webrtc", "console", "speech", "speech/models", "speech/local", "dialog", "understand", "transfer", "call", "records", "testaudio", "rehearsal"},
}

// testsMayImport is for any _test.go file beside its package's own row.
var testsMayImport = []string{"testaudio", "internal/memnet", "internal/strict"}

// The sources are parsed here and now: a test that asked the go command would be served from the test cache.
func TestImportsFollowTheTableOfTheHouse(t *testing.T) {
	for path, file := range sources(t, parser.ImportsOnly) {
		dir := filepath.ToSlash(filepath.Dir(path))
		allowed, ok := rowOf(dir)
		if dir != "." && !ok {
			t.Errorf("%s: package %s has no row in the table of imports: add it here and in ARCHITECTURE.md", path, dir)
			continue
		}
		isTest := strings.HasSuffix(path, "_test.go")
		for _, spec := range file.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			ours, isOurs := strings.CutPrefix(name, "ivr/")
			if !isOurs || strings.HasPrefix(dir+"/", ours+"/") || ours == "internal/strict" {
				continue
			}
			if contains(allowed, ours) || isTest && contains(testsMayImport, ours) {
				continue
			}
			t.Errorf("%s imports %s: %s may import only %v", path, name, dir, allowed)
		}
	}
}

func TestNoFileIsLongerThan400LinesAndNoFunctionLongerThan100(t *testing.T) {
	const maxFile, maxFunc = 400, 100
	fset := token.NewFileSet()
	for path := range sources(t, parser.ImportsOnly) {
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		if n := fset.File(file.Pos()).LineCount(); n > maxFile {
			t.Errorf("%s has %d lines: is there a second idea in it?", path, n)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			f, ok := n.(*ast.FuncDecl)
			if ok {
				if lines := fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1; lines > maxFunc {
					t.Errorf("%s: %s has %d lines", path, f.Name.Name, lines)
				}
			}
			return !ok
		})
	}
}

// Rule: no sleeps in tests; they use fake time or wait for the event.
func TestNoTestSleeps(t *testing.T) {
	for path, file := range sources(t, 0) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && fmt.Sprint(s.X) == "time" && s.Sel.Name == "Sleep" {
				t.Errorf("%s sleeps", path)
			}
			return true
		})
	}
}

func sources(t *testing.T, mode parser.Mode) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(path, ".go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, mode)
			if err != nil {
				return err
			}
			files[path] = file
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("only %d sources found: the test looks in the wrong place", len(files))
	}
	return files
}

// rowOf finds the row of the longest folder that holds dir.
func rowOf(dir string) ([]string, bool) {
	for {
		if row, ok := mayImport[dir]; ok {
			return row, true
		}
		i := strings.LastIndexByte(dir, '/')
		if i < 0 {
			return nil, false
		}
		dir = dir[:i]
	}
}

// contains reports that name is one of list or lies in one of its folders.
func contains(list []string, name string) bool {
	for _, l := range list {
		if name == l || strings.HasPrefix(name, l+"/") {
			return true
		}
	}
	return false
}
