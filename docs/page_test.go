package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// root is the module's directory, seen from this one.
const root = ".."

// A page is a Markdown file and what stands in it that can be executed.
type page struct {
	name   string // from the module's directory: "docs/tutorial.md"
	lines  []string
	blocks []block
}

// A block is what stands between two fences, and what the comments before it say.
//
//	not run: WHY     it is not executed, because it needs what a test has not
//	exit status N    its commands end with this status instead of 0
//	in your module   its commands run in the page's own module, not in the repository
//	file: NAME       it is this file of the page's own module
//	compiled         it is compiled and not run
type block struct {
	page     string
	line     int // of the opening fence, from 1
	language string
	text     string

	notRun   string
	status   int
	yours    bool
	file     string
	compiled bool
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

var comment = regexp.MustCompile(`^<!-- (.*) -->$`)

// pages reads README.md, CONTRIBUTING.md and the pages of this directory.
func pages() ([]page, error) {
	names, err := filepath.Glob("*.md")
	if err != nil {
		return nil, err
	}
	var out []page
	for _, name := range append([]string{"../README.md", "../CONTRIBUTING.md"}, names...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p := page{name: strings.TrimPrefix(filepath.ToSlash(filepath.Join("docs", name)), "../"), lines: strings.Split(string(text), "\n")}
		if p.blocks, err = blocks(p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// blocks finds the blocks of a page. A comment belongs to the block that follows with
// nothing but other comments and empty lines in between.
func blocks(p page) (out []block, err error) {
	var marks []string
	for i := 0; i < len(p.lines); i++ {
		line := p.lines[i]
		language, opens := strings.CutPrefix(line, "```")
		switch found := comment.FindStringSubmatch(line); {
		case found != nil:
			marks = append(marks, found[1])
		case opens:
			b := block{page: p.name, line: i + 1, language: language}
			end := i + 1
			for end < len(p.lines) && p.lines[end] != "```" {
				end++
			}
			if end == len(p.lines) {
				return nil, fmt.Errorf("%s: the block has no end", b)
			}
			b.text = strings.Join(p.lines[i+1:end], "\n") + "\n"
			for _, m := range marks {
				if err := b.mark(m); err != nil {
					return nil, fmt.Errorf("%s: %w", b, err)
				}
			}
			out, marks, i = append(out, b), nil, end
		case strings.TrimSpace(line) != "":
			marks = nil
		}
	}
	return out, nil
}

// mark takes in what a comment says.
func (b *block) mark(said string) (err error) {
	what, value, _ := strings.Cut(said, ": ")
	status, isStatus := strings.CutPrefix(said, "exit status ")
	switch {
	case isStatus:
		b.status, err = strconv.Atoi(status)
	case what == "not run" && strings.TrimSpace(value) != "":
		b.notRun = value
	case what == "file" && value != "" && filepath.IsLocal(value):
		b.file = value
	case said == "in your module":
		b.yours = true
	case said == "compiled":
		b.compiled = true
	default:
		return fmt.Errorf("the comment %q says nothing that this test knows", said)
	}
	return err
}

// claimsListed marks tables whose first column holds claims.
const claimsListed = "<!-- each of these is compiled -->"

var code = regexp.MustCompile("`([^`]+)`")

// tables turns the rows of marked tables into blocks of Go that state their claims.
func tables(p page) (out []block) {
	for i := 0; i < len(p.lines); i++ {
		if p.lines[i] != claimsListed {
			continue
		}
		for i++; i < len(p.lines) && (p.lines[i] == "" || strings.HasPrefix(p.lines[i], "|")); i++ {
			claims, _, _ := strings.Cut(strings.TrimPrefix(p.lines[i], "| "), " | ")
			text := ""
			for _, found := range code.FindAllStringSubmatch(claims, -1) {
				text += found[1] + "\n"
			}
			if text != "" {
				out = append(out, block{page: p.name, line: i + 1, language: "go", text: text})
			}
		}
	}
	return out
}
