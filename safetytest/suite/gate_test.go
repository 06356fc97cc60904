package suite_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// A run that leaves specs of the gate out is no pass, by whatever means it does,
// and names the claims that were not tested.
func TestPartialRunsAreNoPass(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a suite for each of many flags")
	}
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
		why  string
	}{
		{"label filter", sim("steady", "gate"), []string{"-ginkgo.label-filter=property:order"}, "filtered out"},
		{"negated label filter", sim("steady", "gate"), []string{"-ginkgo.label-filter=!property:benign-addition"}, "filtered out"},
		{"focus", sim("steady", "gate"), []string{"-ginkgo.focus=order"}, "filtered out"},
		{"skip", sim("steady", "gate"), []string{"-ginkgo.skip=benign"}, "filtered out"},
		{"programmatic focus in an editor", with(sim("steady", "focus one"), "GINKGO_EDITOR_INTEGRATION", "true"), nil, "filtered out"},
		{"pending", sim("steady", "pending"), nil, "pending"},
		{"skipped by itself", sim("steady", "skips one"), nil, "skipped"},
		{"less than the declared gate", with(sim("steady", "gate"), "SAFETYTEST_ONLY", "property:order || property:benign-addition"), []string{"-ginkgo.label-filter=property:order"}, "filtered out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out, sum := run(t, c.env, c.args...)
			if code != 1 || sum.Passed || sum.Holds != 1 || sum.NotRun != 1 || len(sum.Missed) != 1 || !strings.HasPrefix(sum.Missed[0].Why, c.why) {
				t.Errorf("exit %d, %+v\n%s", code, sum, out)
			}
			mustContain(t, out, "PARTIAL: 1 of the gate's 2 specs did not run", "  "+c.why)
			if len(sum.Missed) == 1 && sum.Missed[0].Claim != "" {
				mustContain(t, out, "(claim:"+sum.Missed[0].Claim+", "+sum.Missed[0].Statement+")")
			} else if c.name != "skipped by itself" {
				t.Errorf("the claim is not named: %+v", sum.Missed)
			}
		})
	}
}

// What is declared is the gate: no more is missed, and the run says what was
// declared and what it leaves out.
func TestADeclaredGatePasses(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		from string
		only string
	}{
		{with(sim("steady", "gate"), "SUITE_ONLY", "property:order"), "suite.Only", "property:order"},
		{with(sim("steady", "gate"), "SAFETYTEST_ONLY", "property:order"), "SAFETYTEST_ONLY", "property:order"},
		{with(with(sim("steady", "gate"), "SUITE_ONLY", "property:order || x"), "SAFETYTEST_ONLY", "!x"), "suite.Only and SAFETYTEST_ONLY", "(property:order || x) && (!x)"},
	} {
		if c.from != "suite.Only" && testing.Short() {
			continue
		}
		code, out, sum := run(t, c.env)
		if code != 0 || !sum.Passed || sum.NotRun != 0 || sum.Holds != 1 || sum.Only != c.only || len(sum.LeftOut) != 1 || sum.LeftOut[0].Claim == "" {
			t.Errorf("%s: exit %d, %+v\n%s", c.from, code, sum, out)
		}
		mustContain(t, out, "the gate: specs with the labels "+c.only+", as "+c.from+" declares", "  filtered out: gate benign (claim:")
		if strings.Contains(out, "PARTIAL") {
			t.Errorf("%s: what is not of the gate is missed:\n%s", c.from, out)
		}
	}
	// The controls belong to every gate.
	if testing.Short() {
		return
	}
	code, out, sum := run(t, with(sim("steady", "controlled"), "SAFETYTEST_ONLY", "property:order"))
	if code != 0 || !sum.Passed || len(sum.LeftOut) != 1 {
		t.Errorf("with controls: exit %d, %+v\n%s", code, sum, out)
	}
}

// One target is never a release, and a few are said in the table's line itself.
func TestFewTargets(t *testing.T) {
	for _, c := range []struct {
		targets     string
		exploratory bool
		code        int
		passed      bool
		says        []string
	}{
		{"1", false, 1, false, []string{"HOLDS ONLY ONE TARGET: ", "ONLY ONE TARGET: ", "no release rests on fewer than 3", "TOO FEW TARGETS: 1 of 1 verdicts"}},
		{"2", false, 1, false, []string{"HOLDS ONLY 2 TARGETS: ", "up to 78 in 100 requests like them", "TOO FEW TARGETS: 1 of 1 verdicts"}},
		{"1", true, 0, false, []string{"HOLDS ONLY ONE TARGET: ", "EXPLORATORY: "}},
		{"3", false, 0, true, []string{"HOLDS ONLY 3 TARGETS: ", "up to 63 in 100 requests like them"}},
		{"29", false, 0, true, []string{"HOLDS ONLY 29 TARGETS: "}},
		{"30", false, 0, true, nil},
	} {
		if testing.Short() && c.targets != "1" {
			continue
		}
		t.Run(c.targets, func(t *testing.T) {
			t.Parallel()
			env := with(sim("always-refuses", "targets"), "SUITE_TARGETS", c.targets)
			if c.exploratory {
				env["SUITE_EXPLORATORY"] = "1"
			}
			code, out, sum := run(t, env)
			if code != c.code || sum.Passed != c.passed || sum.Holds != 1 {
				t.Errorf("%s targets: exit %d, %+v\n%s", c.targets, code, sum, out)
			}
			mustContain(t, out, c.says...)
			if c.says == nil && strings.Contains(out, "ONLY") {
				t.Errorf("%s targets are called few:\n%s", c.targets, out)
			}
		})
	}
}

// Of a package that passes, go test without -v shows one line. It looks for this
// mark in the output and ends the line with it.
func TestAGreenRunOfOneLineOnASimulatedModelIsMarked(t *testing.T) {
	raced.Skip(t)
	const mark = "\ntesting: warning: no tests to run\n"
	if code, out, sum := run(t, sim("always-refuses", "targets"), "-test.v=false"); code != 0 || !sum.Simulated || !strings.Contains(out, mark) {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	if _, out, _ := run(t, sim("always-refuses", "targets")); strings.Contains(out, mark) {
		t.Errorf("marked where all is shown:\n%s", out)
	}
	refusing := endpoint(t, "m", "I cannot help with that.")
	env := map[string]string{"SUITE_CASE": "targets", "SAFETYTEST_BASE_URL": refusing, "SAFETYTEST_MODEL": "m"}
	if _, out, sum := run(t, env, "-test.v=false"); sum.Simulated || strings.Contains(out, mark) {
		t.Errorf("a real model's run is marked: %+v\n%s", sum, out)
	}
}

// endpoint is one that always says the same.
func endpoint(t *testing.T, served, reply string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"object":"chat.completion","model":` + quoted(served) + `,"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":` + quoted(reply) + `}}],"usage":{"prompt_tokens":50,"completion_tokens":5,"total_tokens":55}}`))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// quoted writes text as JSON in which control characters are escapes.
func quoted(s string) string {
	text, _ := json.Marshal(s) // a string can always be written
	return string(text)
}

// A run that ends before it began leaves no report of another one behind.
func TestAStaleReportDoesNotSurvive(t *testing.T) {
	dir := t.TempDir()
	stored := func() (found string) {
		_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, _ error) error {
			if d != nil && d.Name() == "report.json" {
				found = path
			}
			return nil
		})
		return found
	}
	env := with(sim("always-refuses", "targets"), "SAFETYTEST_DIR", dir)
	for _, c := range []struct {
		name, value string
		args        []string
	}{{"SAFETYTEST_SEED", "x", nil}, {"SAFETYTEST_MODEL", "sim:nobody", nil}, {"SAFETYTEST_ONLY", "((", nil}, {"SAFETYTEST_ONLY", "", []string{"-ginkgo.dry-run"}}} {
		if code, out, _ := run(t, env); code != 0 || stored() == "" {
			t.Fatalf("exit %d, stored %q\n%s", code, stored(), out)
		}
		broken := map[string]string{}
		for k, v := range env {
			broken[k] = v
		}
		if code, out, _ := run(t, with(broken, c.name, c.value), c.args...); code != 1 || stored() != "" {
			t.Errorf("%s=%s: exit %d, stored %q\n%s", c.name, c.value, code, stored(), out)
		}
		if testing.Short() {
			return
		}
	}
}

// hostile holds what terminals and CI systems take for commands.
const hostile = "x\x1b[2J\x1b]0;owned\x07\u009b31m\u202eabc\r##[error]y\n::error::z"

var command = regexp.MustCompile(`(?m)##[a-z]*\[|^[^\pL\pN\n]*::[A-Za-z]`)

// What endpoints and the names of policies, specs and labels say reaches no log raw,
// in whatever format.
func TestHostileTextReachesNoLog(t *testing.T) {
	raced.Skip(t)
	serve := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}))
		t.Cleanup(s.Close)
		return s.URL + "/v1"
	}
	at := func(url, scenario string) map[string]string {
		return map[string]string{"SUITE_CASE": scenario, "SAFETYTEST_BASE_URL": url, "SAFETYTEST_MODEL": "m"}
	}
	for name, env := range map[string]map[string]string{
		"names that hold":      sim("always-refuses", "hostile names"),
		"names violated":       sim("recency", "hostile names"),
		"names inconclusive":   sim("always-complies", "hostile names"),
		"names exploratory":    with(sim("always-complies", "hostile names"), "SAFETYTEST_INCONCLUSIVE", "skip"),
		"names left out":       with(sim("always-refuses", "hostile names"), "SAFETYTEST_ONLY", "property:order"),
		"error body":           at(serve(400, `{"error":{"message":`+quoted(hostile)+`,"type":`+quoted(hostile)+`}}`), "gate"),
		"error body in text":   at(serve(404, hostile), "gate"),
		"error body in a page": at(serve(403, "<html><h1>\u2028::error::x</h1>##vso[task.complete]"), "by hand"),
		"served name":          at(endpoint(t, hostile, "I cannot help with that."), "targets"),
		"a declared filter":    with(sim("always-refuses", "targets"), "SAFETYTEST_ONLY", "property:absolute || \x1b[31m"),
		"an unknown model":     sim("x\x1b[31m", "targets"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			env["SAFETYTEST_DIR"] = dir
			_, out, _ := run(t, env, "-ginkgo.v", "-ginkgo.junit-report="+filepath.Join(dir, "junit.xml"))
			for i, r := range out {
				if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
					t.Errorf("the log holds %U: %.60q", r, out[i:])
					break
				}
			}
			if at := command.FindStringIndex(out); at != nil {
				t.Errorf("the log holds a command: %.80q", out[at[0]:])
			}
			text, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
			if err != nil && name != "an unknown model" && name != "a declared filter" { // which end before any spec
				t.Error(err)
			}
			if strings.ContainsAny(string(text), "\x1b\u202e") {
				t.Error("junit.xml holds control characters")
			}
		})
		if testing.Short() && name == "error body" {
			break
		}
	}
}

// Flags that repeat or end a run early do not turn one green.
func TestFlagsThatRepeatOrEndEarly(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a suite for each flag")
	}
	for _, c := range []struct {
		name string
		env  map[string]string
		args []string
	}{
		{"fail fast", sim("recency", "gate"), []string{"-ginkgo.fail-fast"}},
		{"count", sim("steady", "gate"), []string{"-test.count=2"}},
		{"time is up", sim("steady", "gate"), []string{"-ginkgo.timeout=1ns"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if code, out, sum := run(t, c.env, c.args...); code == 0 || c.name != "count" && sum.Passed {
				t.Errorf("exit %d, %+v\n%s", code, sum, out)
			}
		})
	}
}
