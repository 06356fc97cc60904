package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/safetyspec/safetyspec/safetytest/internal/jsonschema"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// hostile are texts that are commands to whoever shows them: terminals, CI systems,
// Markdown, HTML, XML, SARIF, shells' copies.
var hostile = []string{
	"\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\u009b31m", "\u009d0;x\u009c", "\u202egnp.exe", "\u2066x\u2069", "a\u200bb", "\x00\x08\x7f", "\xff\xfe", "\u2028x\u2029",
	"\n::error::x", "\r\n::error file=a.go,line=1::x", "::set-output name=a::b", "%0A::error::x", "##[error]x", "##vso[task.setvariable variable=a]b", "x\r::warning::y",
	"| a | b |", "a|b", "[x](http://evil.example)", "![x](http://evil.example/i.png)", "http://evil.example", "www.evil.example", "@everyone", "`code`", "```\n# heading\n```", "~~~\nx", "# heading", "- item", "1. item", "> quote", "*a* _b_ ~c~", "\n\n---\n\n", "a\\", "\\|",
	"<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</details></td></table>", "<!--", "-->", "' onload='x", "\" onload=\"x", "javascript:alert(1)", "&lt;b&gt;", "{{.}}", "</style><style>", "</svg>", "]]>", "<![CDATA[", "{0}", "{{0}}", "[link](1)", "=1+1", "$(touch x)", "$x^2$",
}

// filled is the document with a text in every place that can hold one.
func filled(d report.Document, text string) report.Document {
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			v.SetString(text)
		case reflect.Pointer:
			if !v.IsNil() {
				fill(v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					fill(v.Field(i))
				}
			}
		case reflect.Slice:
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			reflect.Copy(out, v)
			if v.Len() == 0 && v.Type().Elem().Kind() == reflect.String {
				out = reflect.MakeSlice(v.Type(), 2, 2)
			}
			for i := range out.Len() {
				fill(out.Index(i))
			}
			v.Set(out)
		case reflect.Map:
			out := reflect.MakeMap(v.Type())
			for _, k := range v.MapKeys() {
				value := reflect.New(v.Type().Elem()).Elem()
				value.Set(v.MapIndex(k))
				fill(value)
				out.SetMapIndex(reflect.ValueOf(text), value)
			}
			v.Set(out)
		}
	}
	state := []string{}
	for _, e := range d.Verdicts {
		state = append(state, e.State)
	}
	fill(reflect.ValueOf(&d).Elem())
	for i := range d.Verdicts {
		e := &d.Verdicts[i]
		e.State, e.Quantity = state[i], "compliance"
		for k := range e.Bounds {
			e.Bounds[k].State = "holds"
		}
	}
	return d
}

func render(t *testing.T, write func(*bytes.Buffer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Nothing that stands in a document is a command, in no format.
func TestHostileTexts(t *testing.T) {
	raced.Skip(t)
	docs := documents(t)
	base := docs["violation"]
	base.Verdicts = append(base.Verdicts, docs["cut"].Verdicts...)
	base.Summary.Missed = []report.NotRun{{Spec: "s", Claim: "c", Statement: "x", Why: "w"}}
	harmless := filled(base, "harmless")
	for _, text := range hostile {
		d := filled(base, text)
		for _, r := range report.Formats() {
			t.Run(fmt.Sprintf("%s %q", r.Name, text), func(t *testing.T) {
				write := func(d report.Document) string {
					return render(t, func(b *bytes.Buffer) error { return r.Write(b, d) })
				}
				out := write(d)
				commands(t, out)
				if check := shapes[r.Name]; check != nil {
					check(t, out, write(harmless))
				}
			})
		}
		t.Run(fmt.Sprintf("annotations %q", text), func(t *testing.T) {
			out := render(t, func(b *bytes.Buffer) error { return report.WriteAnnotations(b, d) })
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if len(lines) != 2 {
				t.Errorf("%d annotations of 2:\n%q", len(lines), out)
			}
			for _, line := range lines {
				if !annotation.MatchString(line) {
					t.Errorf("no annotation of ours: %q", line)
				}
				unprintable(t, line)
			}
		})
	}
}

// annotation is a command of ours: its properties hold no mark that ends them.
var annotation = regexp.MustCompile(`^::error file=[^:,]*,line=\d+,title=[^:,]*::`)

// command is what CI systems act on, wherever a line begins.
var command = regexp.MustCompile(`(?m)^\s*::|##\[|##vso\[`)

func commands(t *testing.T, out string) {
	t.Helper()
	if found := command.FindString(out); found != "" {
		t.Errorf("a command: %q\n%s", found, out)
	}
	unprintable(t, out)
}

func unprintable(t *testing.T, out string) {
	t.Helper()
	for _, r := range out {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			t.Errorf("%U is left in\n%q", r, out)
			return
		}
	}
}

// shapes are what a hostile document must have in common with a harmless one.
var shapes = map[string]func(t *testing.T, hostile, harmless string){
	"json": func(t *testing.T, hostile, _ string) {
		if err := jsonschema.ValidateAll(report.JSONSchema(), []byte(hostile)); err != nil {
			t.Error(err)
		}
	},
	"sarif": func(t *testing.T, hostile, _ string) {
		var log struct {
			Runs []struct {
				Results []struct{ Message struct{ Text string } }
			}
		}
		if err := json.Unmarshal([]byte(hostile), &log); err != nil {
			t.Fatal(err)
		}
		for _, r := range log.Runs[0].Results {
			text := strings.NewReplacer("{{", "", "}}", "", `\[`, "", `\]`, "").Replace(r.Message.Text)
			if strings.ContainsAny(text, "{}[]") {
				t.Errorf("a placeholder or a link: %s", r.Message.Text)
			}
		}
	},
	"junit": func(t *testing.T, hostile, harmless string) {
		if a, b := elements(t, hostile), elements(t, harmless); a != b {
			t.Errorf("other elements than of a harmless document:\n%s\n%s", a, b)
		}
	},
	"md": func(t *testing.T, hostile, harmless string) {
		if a, b := blocks(hostile), blocks(harmless); a != b {
			t.Errorf("other blocks than of a harmless document:\n%s\n%s\n%s", a, b, hostile)
		}
		outside := fenced.ReplaceAllString(hostile, "")
		for _, markup := range []string{"<script", "<img", "](", "![", "://", "www.", "@everyone", "<!--"} {
			if strings.Contains(strings.ReplaceAll(outside, `\](`, ""), markup) {
				t.Errorf("markup %q:\n%s", markup, hostile)
			}
		}
	},
	"html": func(t *testing.T, hostile, harmless string) {
		if a, b := tags(t, hostile), tags(t, harmless); a != b {
			t.Errorf("other elements than of a harmless document:\n%s\n%s", a, b)
		}
	},
}

func elements(t *testing.T, text string) string {
	t.Helper()
	var names []string
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := d.Token()
		if token == nil {
			if err.Error() != "EOF" {
				t.Error(err)
			}
			return strings.Join(names, " ")
		}
		if e, ok := token.(xml.StartElement); ok {
			names = append(names, e.Name.Local)
		}
	}
}

var (
	fenced = regexp.MustCompile("(?ms)^(`{3,})[a-z]*\n.*?\n(`{3,})$")
	pipes  = regexp.MustCompile(`\\.|\|`)
)

// blocks are the kinds of the lines of a page: its headings, rows with their number of
// cells, fences and tags.
func blocks(page string) string {
	var kinds []string
	for _, line := range strings.Split(fenced.ReplaceAllString(page, "FENCE"), "\n") {
		switch {
		case strings.HasPrefix(line, "|"):
			n := 0
			for _, p := range pipes.FindAllString(line, -1) {
				if p == "|" {
					n++
				}
			}
			kinds = append(kinds, fmt.Sprint("row", n))
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, "- "):
			kinds = append(kinds, line[:strings.Index(line, " ")])
		case strings.Contains(line, "<"):
			kinds = append(kinds, line)
		case line == "FENCE":
			kinds = append(kinds, line)
		case strings.HasPrefix(line, ">"), strings.HasPrefix(line, "~~~"), strings.HasPrefix(line, "="), strings.HasPrefix(line, "---"):
			kinds = append(kinds, "markup "+line)
		}
	}
	return strings.Join(kinds, " ")
}

// tags are the elements of a page, which is well-formed XML, with the names of their
// attributes.
func tags(t *testing.T, page string) string {
	t.Helper()
	var names []string
	d := xml.NewDecoder(strings.NewReader(strings.Replace(page, "<!doctype html>", "", 1)))
	d.Entity = xml.HTMLEntity
	for {
		token, err := d.Token()
		if token == nil {
			if err.Error() != "EOF" {
				t.Error(err)
			}
			return strings.Join(names, " ")
		}
		switch e := token.(type) {
		case xml.StartElement:
			names = append(names, e.Name.Local)
			for _, a := range e.Attr {
				names = append(names, a.Name.Local+"=")
			}
		case xml.Comment, xml.ProcInst:
			names = append(names, fmt.Sprintf("%T", e))
		}
	}
}
