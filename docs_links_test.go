package ivr_test

import (
	"go/ast"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

func TestEveryRelativeLinkOfTheDocumentsLeadsSomewhere(t *testing.T) {
	documents, _ := filepath.Glob("*.md")
	for _, deeper := range []string{"docs/*.md", "docs/*/*.md"} {
		more, _ := filepath.Glob(deeper)
		documents = append(documents, more...)
	}
	checked := 0
	for _, document := range documents {
		for _, found := range link.FindAllStringSubmatch(prose(t, document), -1) {
			target, err := url.Parse(found[1])
			if err != nil {
				t.Errorf("%s: %v", document, err)
				continue
			}
			if target.IsAbs() {
				continue
			}
			checked++
			if problem := follow(t, document, target); problem != "" {
				t.Errorf("%s links to %s: %s", document, found[1], problem)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d links found: the test looks in the wrong place", checked)
	}
}

// prose is a document without its blocks of code.
func prose(t *testing.T, document string) string {
	t.Helper()
	data, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	return fence.ReplaceAllString(string(data), "")
}

// follow says what is wrong with a link, "" if nothing.
func follow(t *testing.T, document string, target *url.URL) string {
	t.Helper()
	path := document
	if target.Path != "" {
		path = filepath.Join(filepath.Dir(document), filepath.FromSlash(target.Path))
	}
	if _, err := os.Stat(path); err != nil {
		return "there is no such file"
	}
	if target.Fragment == "" || filepath.Ext(path) != ".md" {
		return ""
	}
	for _, found := range heading.FindAllStringSubmatch(prose(t, path), -1) {
		if anchor(found[1]) == target.Fragment {
			return ""
		}
	}
	return "there is no such heading"
}

// anchor is the fragment that a heading gets on the web: small letters, digits, hyphens for spaces.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

var testName = regexp.MustCompile("`(Test[A-Z0-9]\\w+)`")

func TestEveryTestThatADocumentNamesExists(t *testing.T) {
	tests := map[string]bool{}
	for path, file := range sources(t, 0) {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				tests[f.Name.Name] = true
			}
		}
	}
	named := 0
	documents, _ := filepath.Glob("docs/*.md")
	for _, document := range documents {
		for _, found := range testName.FindAllStringSubmatch(prose(t, document), -1) {
			if named++; !tests[found[1]] {
				t.Errorf("%s names %s: there is no such test", document, found[1])
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d tests are named: the test looks in the wrong place", named)
	}
}
