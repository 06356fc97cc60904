package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Bounds on how wide lines are, in columns.
const (
	mostColumns  = 100
	leastColumns = 40
)

// screen is where a command prints. What is written to it is made fit to be printed;
// our own colours go beside that, and only to a terminal.
type screen struct {
	io.Writer
	raw    io.Writer
	colour bool
	width  int
}

// onScreen is the standard output as a screen.
func onScreen(out *os.File) *screen {
	s := &screen{Writer: plain.Writer(out), raw: out, width: mostColumns}
	info, err := out.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return s
	}
	s.colour = !environment.NoColor.IsSet() && !environment.Dumb()
	if n := cmp.Or(columnsOf(out), environment.Columns()); n > 0 {
		s.width = min(max(n, leastColumns), mostColumns)
	}
	return s
}

// screenOf is out as a screen: without colour unless it is one.
func screenOf(out io.Writer) *screen {
	if s, ok := out.(*screen); ok {
		c := *s
		return &c
	}
	return &screen{Writer: out, raw: out, width: mostColumns}
}

// style is how a piece of a line looks on a terminal that has colours.
type style string

const (
	usual  style = ""
	strong style = "1"
	faint  style = "2"
	differ style = "33"
	bad    style = "1;31"
	good   style = "32"
)

// span is a piece of a line; its text is fit to be printed and holds no line break.
type span struct {
	text  string
	style style
}

// put writes a line. The texts of its spans are made fit to be printed once more, so that
// no caller can forget it.
func (s *screen) put(spans ...span) error {
	var b strings.Builder
	for _, x := range spans {
		text := plain.Line(x.text)
		if s.colour && x.style != usual && text != "" {
			fmt.Fprintf(&b, "\x1b[%sm%s\x1b[0m", x.style, text)
		} else {
			b.WriteString(text)
		}
	}
	_, err := io.WriteString(s.raw, strings.TrimRight(b.String(), " ")+"\n")
	return err
}

// columns is how many columns a text takes in a terminal.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += columnsOfRune(r)
	}
	return n
}

func columnsOfRune(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// wrapped is a text of several lines, each fit to be printed and at most n columns wide.
// It breaks lines at blanks where there are any.
func wrapped(text string, n int) []string {
	var out []string
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		out = append(out, wrapLine(plain.Line(strings.ReplaceAll(strings.TrimRight(line, " "), "\t", "    ")), n)...)
	}
	return out
}

func wrapLine(line string, n int) []string {
	var out []string
	for columns(line) > n {
		used, at, blank := 0, 0, -1
		for i, r := range line {
			if used += columnsOfRune(r); used > n && i > 0 {
				at = i
				break
			}
			if r == ' ' && i > 0 {
				blank = i
			}
		}
		if at == 0 { // one wide letter
			return append(out, line)
		}
		if line[at] == ' ' {
			blank = at
		}
		if blank > 0 {
			out, line = append(out, strings.TrimRight(line[:blank], " ")), strings.TrimLeft(line[blank:], " ")
		} else {
			out, line = append(out, line[:at]), line[at:]
		}
	}
	return append(out, line)
}

// folded is a text in one line of at most n columns.
func folded(text string, n int) string {
	line := plain.Line(strings.Join(strings.Fields(text), " "))
	if columns(line) <= n {
		return line
	}
	used := 0
	for i, r := range line {
		if used += columnsOfRune(r); used > n-3 {
			return strings.TrimRight(line[:i], " ") + "..."
		}
	}
	return line
}

// padded is a text filled with blanks to n columns.
func padded(text string, n int) string {
	return text + strings.Repeat(" ", max(0, n-columns(text)))
}
