package report

import (
	"io"
	"strings"
)

// colours begin the words that open a line about a verdict or the decision, as
// terminals understand them: green, red, yellow.
var colours = []struct{ word, begins string }{
	{"ERROR, no verdict", "\x1b[31m"}, {"HOLDS", "\x1b[32m"}, {"PASSED", "\x1b[32m"}, {"VIOLATED", "\x1b[31m"}, {"FAILED", "\x1b[31m"}, {"INCONCLUSIVE", "\x1b[33m"}, {"NO DECISION", "\x1b[33m"}, {"SIMULATED MODEL", "\x1b[33m"},
}

// Coloured returns a writer that passes on to w what it is given, with the words of
// [WriteText] that open lines in colours. Whatever foreign text does is done before:
// put it below plain text, not above.
func Coloured(w io.Writer) io.Writer { return coloured{w} }

type coloured struct{ w io.Writer }

// Write expects whole lines.
func (c coloured) Write(p []byte) (int, error) {
	lines := strings.Split(string(p), "\n")
	for i, line := range lines {
		for _, x := range colours {
			if rest, ok := strings.CutPrefix(line, x.word); ok {
				lines[i] = x.begins + x.word + "\x1b[0m" + rest
			}
		}
	}
	if _, err := io.WriteString(c.w, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(p), nil
}
