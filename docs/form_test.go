package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// The width that terminals and reviews show, and the size of a README that is read.
const (
	columns     = 100
	readmeBytes = 6000
)

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestGoIsFormatted(t *testing.T) {
	all, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, b := range p.blocks {
			if err := b.formatted(); err != nil {
				t.Errorf("%s: %v", b, err)
			}
		}
	}
}

func TestPagesAreNarrowAndLinksLead(t *testing.T) {
	all, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if n := len(strings.Join(p.lines, "\n")); p.name == "README.md" && n > readmeBytes {
			t.Errorf("README.md has %d bytes, and at most %d are read", n, readmeBytes)
		}
		for i, line := range p.lines {
			if utf8.RuneCountInString(line) > columns && !strings.HasPrefix(line, "|") && !strings.Contains(line, "](") && !strings.Contains(line, "://") {
				t.Errorf("%s:%d: %d columns", p.name, i+1, utf8.RuneCountInString(line))
			}
			for _, to := range link.FindAllStringSubmatch(line, -1) {
				if _, err := os.Stat(filepath.Join(root, filepath.Dir(p.name), to[1])); err != nil {
					t.Errorf("%s:%d: the link leads nowhere: %v", p.name, i+1, err)
				}
			}
		}
	}
}

// A page that README does not link is found by nobody.
func TestEveryPageIsLinked(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(string(readme), "](docs/"+name+")") {
			t.Errorf("README.md does not link docs/%s", name)
		}
	}
}

var path = regexp.MustCompile("`((?:\\.ci|docs|example_test|fixtures|matchers|safetytest)(?:/[A-Za-z0-9_.*-]+)*/?)`")

// Whoever looks for a file that a page names finds it.
func TestNamedFilesExist(t *testing.T) {
	all, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for i, line := range p.lines {
			for _, found := range path.FindAllStringSubmatch(line, -1) {
				if names, err := filepath.Glob(filepath.Join(root, found[1])); err != nil || len(names) == 0 {
					t.Errorf("%s:%d: there is no %s", p.name, i+1, found[1])
				}
			}
		}
	}
}
