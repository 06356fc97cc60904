package plain

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// Foreign text of every kind that some sink takes for a command.
var hostile = map[string]string{
	"colour":                 "\x1b[31mred\x1b[0m",
	"terminal title":         "\x1b]0;owned\x07",
	"hyperlink":              "\x1b]8;;http://example.invalid\x1b\\here\x1b]8;;\x1b\\",
	"C1 CSI":                 "a\u009b31mb",
	"C1 OSC":                 "a\u009d0;title\u009cb",
	"raw C1 byte":            "a\x9b31mb",
	"carriage return":        "FAIL\rPASS",
	"backspaces":             "FAIL\b\b\b\bPASS",
	"NUL":                    "a\x00b",
	"DEL":                    "a\x7fb",
	"line break":             "name\n::error::broken",
	"Windows line break":     "name\r\n::warning file=a,line=1::broken",
	"NEL":                    "name\u0085::error::broken",
	"line separator":         "name\u2028::error::broken",
	"paragraph separator":    "name\u2029::error::broken",
	"vertical tab":           "name\v::error::broken",
	"override":               "abc\u202etxt.exe",
	"isolates":               "\u2066\u2067abc\u2069",
	"marks":                  "\u200e\u200f\u061cabc",
	"zero width":             "##\u200b[error]a\ufeffb",
	"tags":                   "a\U000e0041b",
	"workflow command":       "::error::broken",
	"with properties":        "::set-output name=passed::true",
	"indented":               "  \t::add-mask::e",
	"in brackets":            "(::stop-commands::x)",
	"Azure log":              "##[error]broken",
	"Azure log, in the line": "it says ##[section]Starting",
	"Azure command":          "##vso[task.setvariable variable=passed]true",
	"more marks":             "###[error]broken",
	"TeamCity":               "##teamcity[testFailed name='x']",
	"three colons":           ":::error::broken",
	"after a dash":           "- ::group::x",
	"with a blank":           ":: error::x",
	"shapeless letters":      "##\u3164[error]\u115f\u034f",
	"name with marks":        "##build-step.1[x]",
}

var startsCommand = regexp.MustCompile(`^[^\pL\pN]*::[A-Za-z]`)

// harmless says what is wrong with one printed line.
func harmless(line string) error {
	for _, r := range line {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune("\u2028\u2029\u115f\u1160\u3164\uffa0\u034f", r)) {
			return fmt.Errorf("holds %U", r)
		}
	}
	for _, command := range []string{"##[", "##vso[", "##teamcity[", "##build-step.1["} {
		if strings.Contains(line, command) {
			return fmt.Errorf("holds %q", command)
		}
	}
	if startsCommand.MatchString(line) {
		return fmt.Errorf("begins a workflow command")
	}
	return nil
}

func TestEveryFormIsHarmless(t *testing.T) {
	forms := map[string]func(string) string{
		"Text": Text, "Shown": Shown, "Lines": Lines, "Markdown": Markdown,
		"Writer": func(s string) string {
			var b strings.Builder
			if n, err := io.WriteString(Writer(&b), s); n != len(s) || err != nil {
				t.Errorf("wrote %d of %d: %v", n, len(s), err)
			}
			return b.String()
		},
	}
	for name, s := range hostile {
		for form, f := range forms {
			got := f(s)
			if form != "Lines" && form != "Writer" && strings.Contains(got, "\n") {
				t.Errorf("%s of %s: more than one line: %q", form, name, got)
			}
			for line := range strings.SplitSeq(got, "\n") {
				if err := harmless(line); err != nil {
					t.Errorf("%s of %s: %v: %q", form, name, err, got)
				}
			}
			if again := f(got); (form == "Text" || form == "Shown") && again != got {
				t.Errorf("%s of %s changes when repeated: %q, %q", form, name, got, again)
			}
		}
	}
}

// What people write stays as it is.
func TestOrdinaryTextStays(t *testing.T) {
	for _, s := range []string{
		"", "sauces-08/d1 (2 against 0 of 2)", "warning: 3 % of 40 [a, b]", "std::vector of a::b", "# heading", "## heading", "10:30::45",
		"Überprüfung: 90 % – 料理の依頼 ", "naïve \"quotes\" 'and' `marks`", "C:\\dir\\file", "https://example.org/a?b=c#[d]",
		`{"schema":1,"suite":"gate"}`,
	} {
		if got := Text(s); got != s {
			t.Errorf("Text(%q) = %q", s, got)
		}
		if got := Shown(s); got != strings.TrimSpace(s) {
			t.Errorf("Shown(%q) = %q", s, got)
		}
		if got := Lines(s); got != s {
			t.Errorf("Lines(%q) = %q", s, got)
		}
	}
	if got := Lines("a\tb\n\tc\n"); got != "a\tb\n\tc\n" {
		t.Errorf("Lines changed tabs or breaks: %q", got)
	}
}

func TestMarkdownHoldsNoMarkup(t *testing.T) {
	for _, s := range []string{
		"<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "a | b", "`code`", "![x](http://h/p.png)", "[x](javascript:y)",
		"*bold* _it_ ~~gone~~", "<!-- hidden", "&lt;b&gt;", "http://h.invalid/", "@everybody", "www.h.invalid", "x\" onclick=\"y",
	} {
		got := Markdown(s)
		if strings.ContainsAny(got, "<>\"") {
			t.Errorf("Markdown(%q) = %q holds a tag or ends an attribute", s, got)
		}
		for i, r := range got {
			if strings.ContainsRune("|`*[]~", r) && (i == 0 || got[i-1] != '\\') {
				t.Errorf("Markdown(%q) = %q: %q is markup", s, got, r)
			}
		}
		if strings.Contains(got, "://") || strings.Contains(got, "@") || strings.Contains(got, "www.") {
			t.Errorf("Markdown(%q) = %q becomes a link", s, got)
		}
	}
}

func TestLengthIsBounded(t *testing.T) {
	huge := strings.Repeat("é\x1b", 1<<20)
	if got := Text(huge); len(got) > 10*mostText || !strings.Contains(got, "more bytes") {
		t.Errorf("Text kept %d bytes: %.80q", len(got), got)
	}
	if got := Lines(strings.Repeat("line\n", 10_000)); strings.Count(got, "\n") > mostLines || !strings.Contains(got, "more lines") {
		t.Errorf("Lines kept %d lines", strings.Count(got, "\n"))
	}
	if got := Lines(strings.Repeat("line\n", 10_000) + "what to do"); strings.Count(got, "\n") > mostLines || !strings.HasSuffix(got, "\nwhat to do") {
		t.Errorf("Lines kept %d lines and not the last: %.80q", strings.Count(got, "\n"), got[len(got)-80:])
	}
	if got := Lines(huge); len(got) > 10*mostLine {
		t.Errorf("Lines kept %d bytes", len(got))
	}
}

func FuzzText(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, got := range []string{Text(s), Shown(s), Markdown(s)} {
			if err := harmless(got); err != nil {
				t.Errorf("%q: %v: %q", s, err, got)
			}
		}
	})
}

func TestListsAndLines(t *testing.T) {
	for want, parts := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := List(parts); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	text := []byte("one\ntwo\nthree")
	for offset, want := range map[int]string{-1: "f.json:1", 0: "f.json:1", 3: "f.json:1", 4: "f.json:2", 8: "f.json:3", 99: "f.json:3"} {
		if got := At("f.json", text, offset); got != want {
			t.Errorf("offset %d: %q, want %q", offset, got, want)
		}
	}
}
