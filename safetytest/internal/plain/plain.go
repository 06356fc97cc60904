// Package plain makes other people's text fit to be shown: what an endpoint, a
// data file or the name of a spec says may reach a terminal, the log of a CI
// system or a page, where some characters and words are commands.
//
// [Text] is for a piece within a line, [Line] for a line, [Lines] for a whole message,
// [Writer] for all that a program prints, and [Markdown] for its pages; pages of HTML
// escape it by their template. What is changed stays readable: a control character
// becomes the escape that Go writes for it. [Shown] is for what is kept and compared
// before it is printed, such as the name of a model: there what cannot be seen is left
// out. Whoever changes such a text afterwards, as by masking a key, calls [Inert] behind
// that. [At] names a line of a file, and [List] writes a list as English does.
package plain

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds on foreign text, in characters.
const (
	// mostText is the most that Text keeps of one piece.
	mostText = 600
	// mostLine and mostLines bound what Lines keeps of a message.
	mostLine  = 4000
	mostLines = 400
	// lastLines are those that Lines keeps of the end of a longer message, where
	// what to do stands.
	lastLines = 20
)

// Text returns s as a piece of one line: no line breaks, no control characters,
// nothing that changes the direction of writing or cannot be seen, no command of
// a CI system, and at most [mostText] characters.
func Text(s string) string { return clean(s, false, mostText) }

// Line is Text for a line of our own that may hold others' pieces: it may be
// longer, but not endless.
func Line(s string) string { return clean(s, false, mostLine) }

// Lines returns a message of several lines, each fit to be printed. Very long
// lines and messages are cut, messages before their last lines, and say so.
func Lines(s string) string {
	lines := strings.Split(s, "\n")
	if left := len(lines) - mostLines; left > 0 {
		end := lines[len(lines)-lastLines:]
		lines = append(lines[:mostLines-lastLines:mostLines-lastLines], fmt.Sprintf("… (%d more lines)", left))
		lines = append(lines, end...)
	}
	for i, l := range lines {
		lines[i] = clean(l, true, mostLine)
	}
	return strings.Join(lines, "\n")
}

// Error returns err with a message that is fit to be printed. It unwraps to err,
// and is nil where err is.
func Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	if said := Lines(text); said != text {
		return foreign{said, err}
	}
	return err
}

type foreign struct {
	text string
	err  error
}

func (e foreign) Error() string { return e.text }
func (e foreign) Unwrap() error { return e.err }

// GomegaString keeps Gomega's printer from looking into err.
func (e foreign) GomegaString() string { return e.text }

// Markdown returns s as text within a line or a table's cell of a Markdown page,
// where nothing in it is markup.
func Markdown(s string) string { return markup.Replace(html.EscapeString(Text(s))) }

// Markup characters of Markdown that mean something within a line. Those of HTML
// are escaped before: what is left of them are entities, which stay.
var markup = strings.NewReplacer("\\", `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"~", `\~`, "$", `\$`, "://", ":&#47;&#47;", "@", "&#64;", "www.", "www&#46;")

// terminalSequence is a command to a terminal, with its parameters.
var terminalSequence = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\x1b\\]|\u009d)[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)?|\x1b[ -/]*[0-~]")

// Shown returns s in one line without what steers a terminal, turns the direction of
// text or cannot be seen, with single blanks for white space, and without commands of
// CI systems. Unlike [Text] it leaves out what it takes away and cuts nothing.
func Shown(s string) string {
	s = terminalSequence.ReplaceAllString(strings.ToValidUTF8(s, ""), "")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !shown(r):
			return -1
		}
		return r
	}, s)
	return Inert(strings.Join(strings.Fields(s), " "))
}

// Commands of CI systems: "##[error]" and "##vso[...]" wherever they stand in a
// line, "::error::" where only white space or other marks stand before it, and the
// older "::set-output name=x::".
var (
	bracketCommand = regexp.MustCompile(`##+([\w.-]*\[)`)
	colonCommand   = regexp.MustCompile(`(^|[^\pL\pN_:])::+\s*([A-Za-z])`)
)

// Inert returns s with the marks of CI systems' commands pulled apart, so that they
// stay readable and command nothing. It looks at nothing else: a command that is
// hidden by characters that cannot be seen is found by the other functions only.
func Inert(s string) string {
	if strings.Contains(s, "##") {
		s = bracketCommand.ReplaceAllString(s, "# # $1")
	}
	if strings.Contains(s, "::") {
		s = colonCommand.ReplaceAllString(s, "$1: : $2")
	}
	return s
}

// clean makes one line of s. tabs says whether they stay.
func clean(s string, tabs bool, most int) string {
	s, cut := bound(s, most)
	if !fit(s) {
		s = visible(s, tabs)
	}
	s = Inert(s)
	if cut > 0 {
		s += fmt.Sprintf("… (%d more bytes)", cut)
	}
	return s
}

// bound keeps the first characters of s and says how many bytes it left out. It
// does not read what it leaves out.
func bound(s string, most int) (kept string, cut int) {
	if len(s) <= most {
		return s, 0
	}
	n := 0
	for i := range s {
		if n == most {
			return s[:i], len(s) - i
		}
		n++
	}
	return s, 0
}

// fit says whether s is printable ASCII, as nearly all text is.
func fit(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// visible writes what cannot be seen, or makes other text look like something
// else, as escapes.
func visible(s string, tabs bool) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t' && tabs:
			b.WriteByte('\t')
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case !shown(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case !shown(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// shown says whether a character can be seen and leaves others where they are.
// Control characters, bidirectional marks, zero-width ones, tags, separators of
// lines, and letters without a shape are not; a joiner within an emoji or a word of
// some scripts is the price.
func shown(r rune) bool {
	switch r {
	case '\u2028', '\u2029', '\u115f', '\u1160', '\u3164', '\uffa0', '\u034f':
		return false
	}
	return !unicode.Is(unicode.Cc, r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Co, r)
}

// Writer returns a writer that passes on to w what is fit to be printed. Line
// breaks and tabs stay, and nothing is cut or held back.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ w io.Writer }

// Write reports len(p), not how many bytes came of it.
func (w writer) Write(p []byte) (int, error) {
	lines := strings.Split(string(p), "\n")
	for i, l := range lines {
		lines[i] = clean(l, true, len(l))
	}
	if _, err := io.WriteString(w.w, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// At names the line of a file's text at an offset: "prices.json:3".
func At(name string, text []byte, offset int) string {
	return fmt.Sprintf("%s:%d", Text(name), 1+bytes.Count(text[:min(max(offset, 0), len(text))], []byte("\n")))
}

// List writes a list as English does: "a", "a and b", "a, b and c".
func List(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}
