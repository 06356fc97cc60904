package environment

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func printed(t *testing.T) (string, error) {
	t.Helper()
	var b strings.Builder
	err := Print(&b)
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > width || line != strings.TrimRight(line, " ") {
			t.Errorf("%d columns: %q", utf8.RuneCountInString(line), line)
		}
	}
	return b.String(), err
}

func TestPrintNamesEveryVariable(t *testing.T) {
	unset(t)
	out, err := printed(t)
	if err != nil {
		t.Error(err)
	}
	flat := strings.Join(strings.Fields(out), " ")
	for _, r := range table {
		if !strings.Contains(out, "\n"+r.Name+"  ") {
			t.Errorf("%s is not printed", r.Name)
		}
	}
	for _, want := range []string{"variable default meaning", "SAFETYTEST_MAX_TOKENS 256 tokens a reply", "read by package suite only: SAFETYTEST_ONLY all", `read by "safetytest judge" and "safetytest audit": SAFETYTEST_JUDGE_BASE_URL`} {
		if !strings.Contains(flat, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "`") || strings.Contains(out, "\n  = ") {
		t.Errorf("it holds marks, or values where none is set:\n%s", out)
	}
}

func TestPrintShowsWhatIsSetAndNoSecret(t *testing.T) {
	unset(t)
	for name, value := range map[string]string{
		"SAFETYTEST_MODEL": " sim:steady ", "SAFETYTEST_BASE_URL": "https://me:s3cr3t@h.test/v1", "SAFETYTEST_JUDGE_BASE_URL": "http://j.test/v1?key=s3cr3t",
		"SAFETYTEST_BASELINE_BASE_URL": "s3cr3t@h.test", "SAFETYTEST_API_KEY": "s3cr3t", "OPENAI_API_KEY": "s3cr3t", "SAFETYTEST_HEADERS": `{"X-Key":"s3cr3t"}`,
		"SAFETYTEST_QUERY": "code=s3cr3t", "SAFETYTEST_DIR": "/" + strings.Repeat("long-name/", 30), "SAFETYTEST_RUN": strings.Repeat("料理 ", 60), "SAFETYTEST_RELEASE": "a\x1b[31m\nb",
	} {
		t.Setenv(name, value)
	}
	out, err := printed(t)
	if err != nil || strings.Contains(out, "s3cr3t") || strings.Contains(out, "me:") || strings.Contains(out, "\x1b") {
		t.Errorf("error %v\n%s", err, out)
	}
	for _, want := range []string{"  = sim:steady\n", "  = https://h.test/v1 and more, not shown because it may hold a secret\n", "  = http://j.test/v1 and more, not shown", "  = set, and not shown", `  = a\x1b[31m\nb`} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
	if n := strings.Count(out, "  = set\n"); n != 4 {
		t.Errorf("%d secrets are set, want 4:\n%s", n, out)
	}
}

func TestPrintSaysWhatWouldStopARun(t *testing.T) {
	unset(t)
	t.Setenv("SAFETYTEST_MODLE", "s3cr3t")
	t.Setenv("SAFETYTEST_KEEP_ALL_LOGS", "s3cr3t")
	t.Setenv("SAFETYTEST_TEMPERATURE", "warm")
	t.Setenv("SAFETYTEST_HEADERS", "s3cr3t")
	out, err := printed(t)
	if !errors.Is(err, ErrMistakes) || strings.Contains(out, "s3cr3t") {
		t.Errorf("error %v\n%s", err, out)
	}
	flat := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"did you mean SAFETYTEST_MODEL?", "SAFETYTEST_KEEP_ALL_LOGS is set, but there is no such variable", `SAFETYTEST_TEMPERATURE="warm" is not a number`, "SAFETYTEST_HEADERS is not a JSON object"} {
		if !strings.Contains(flat, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
}

// The table of docs/environment.md is the generated one, and the page says which
// variables only the suite reads.
func TestTheDocumentedTable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "environment.md"))
	if err != nil {
		t.Fatal(err)
	}
	before, after, begun := strings.Cut(string(text), "<!-- environment: made by \"safetytest env -markdown\" -->\n")
	table, _, ended := strings.Cut(after, "<!-- environment: end -->")
	if !begun || !ended || strings.TrimSpace(table) != strings.TrimSpace(Markdown()) {
		t.Errorf(`the table of docs/environment.md is not what "safetytest env -markdown" prints: paste that between the two comments; it prints
%s`, Markdown())
	}
	_, sentence, said := strings.Cut(before, "`safetytest.FromEnv()` reads these variables, but for")
	if !said {
		t.Fatal("docs/environment.md does not say which variables safetytest.FromEnv leaves to the suite")
	}
	for _, r := range Rows() {
		if only := r.Readers == Suite; only != strings.Contains(sentence, "`"+r.Name+"`") {
			t.Errorf("only the suite reads %s: %v, and docs/environment.md says:%s", r.Name, only, sentence)
		}
	}
}
