package suite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/suite"
)

// ladderOptions are those of SUITE_LADDER, such as "sim:steady q6=sim:amplifying": names
// in order, and what serves those that are not the model under test.
func ladderOptions() []suite.Option {
	text, ok := os.LookupEnv("SUITE_LADDER")
	if !ok {
		return nil
	}
	var names []string
	models := map[string]safetytest.Endpoint{}
	for _, word := range strings.Fields(text) {
		name, model, served := strings.Cut(word, "=")
		names = append(names, name)
		if served {
			models[name] = safetytest.Endpoint{Model: model}
		}
	}
	return []suite.Option{
		suite.Configure(func(c *safetytest.Config) {
			for name, e := range models {
				c.Models[name] = e
			}
		}),
		suite.Ladder(names...),
	}
}

// laddered is a run of a scenario with a ladder.
func laddered(t *testing.T, model, scenario, builds string, more ...string) (code int, out string, sum report.Summary, d report.Document) {
	t.Helper()
	dir := t.TempDir()
	env := with(with(sim(model, scenario), "SUITE_LADDER", builds), "SAFETYTEST_DIR", dir)
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	env["SAFETYTEST_REPORTS"] = "md,html"
	code, out, sum = run(t, env)
	found, _ := filepath.Glob(filepath.Join(dir, "*", "*", "report.json"))
	deeper, _ := filepath.Glob(filepath.Join(dir, "*", "report.json"))
	for _, file := range append(found, deeper...) {
		dir = filepath.Dir(file)
		var err error
		if d, err = report.ReadFile(file); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(dir, "report.md"))
		if err != nil || d.Ladder != nil && !strings.Contains(string(page), "### Builds") {
			t.Errorf("the page says nothing of the builds: %v", err)
		}
		page, err = os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil || d.Ladder != nil && !strings.Contains(string(page), ">Builds<") {
			t.Errorf("the HTML says nothing of the builds: %v", err)
		}
	}
	return code, out, sum, d
}

// The smallest build is named, and no build is asked after one that does not hold.
func TestLadder(t *testing.T) {
	code, out, sum, d := laddered(t, "steady", "gate", "sim:steady q6=sim:always-refuses q4=sim:recency q2=sim:always-complies")
	if code != 0 || !sum.Passed || sum.Smallest != "q6" || sum.Holds != 2 || d.Ladder == nil || len(d.Ladder.Rungs) != 4 {
		t.Fatalf("exit %d, %+v, %+v\n%s", code, sum, d.Ladder, out)
	}
	for i, want := range []struct {
		state       string
		held, calls int
	}{{"holds", 2, 0}, {"holds", 2, 1}, {"violated", 1, 1}, {report.NotTested, 0, 0}} {
		r := d.Ladder.Rungs[i]
		if r.State != want.state || r.Held != want.held || r.Claims != 2 || (r.Calls > 0) != (want.calls > 0) {
			t.Errorf("build %d: %+v", i, r)
		}
	}
	if most := d.Run.Planned.Calls; most%4 != 0 || most < sum.Calls {
		t.Errorf("%d calls, planned for four builds were at most %d", sum.Calls, most)
	}
	mustContain(t, out, "ladder: sim:steady, q6, q4, q2, in this order", "the smallest build that is shown to keep every claim is q6: of q4, the next one, it is violated that",
		"claims that hold", "at most 1 of 20 runs")
	narrow(t, out)
	if testing.Short() {
		return
	}
	// All of them, none of them, and one that cannot be told.
	code, out, sum, d = laddered(t, "steady", "gate", "sim:steady q6=sim:always-refuses")
	if code != 0 || sum.Smallest != "q6" {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	mustContain(t, d.Ladder.Sentence, "q6, the smallest build of all, is shown to keep every claim")
	code, out, sum, _ = laddered(t, "steady", "gate", "q8=sim:recency q6=sim:always-refuses")
	if code == 0 || sum.Passed || sum.Smallest != "" || sum.Holds != 2 || sum.Errors != 0 || len(sum.Objections) != 1 {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	mustContain(t, out, "no build is shown to keep every claim: of q8, the first one, it is violated that")
	code, out, sum, d = laddered(t, "always-refuses", "gate", "sim:always-refuses q6=sim:steady q4=sim:steady-ish", "SAFETYTEST_MAX_CALLS", "900")
	if code == 0 { // the two builds that are served have 300 calls each, and one has a name of no model
		t.Errorf("a build that cannot be asked: exit %d, %+v %+v\n%s", code, sum, d.Ladder, out)
	}
}

// A bound on calls is shared: no build takes what the gate needs.
func TestLadderSharesTheBudget(t *testing.T) {
	code, out, sum, d := laddered(t, "always-refuses", "gate", "sim:always-refuses q6=sim:steady", "SAFETYTEST_MAX_CALLS", "800")
	if d.Ladder == nil || sum.Holds != 2 || d.Ladder.Rungs[0].Held != 2 || d.Ladder.Rungs[1].Calls > 400 || sum.Calls > 800 {
		t.Errorf("exit %d, %+v, %+v\n%s", code, sum, d.Ladder, out)
	}
	mustContain(t, out, "the bound on calls is divided: 400 for the gate and for each build")
}

// Claims of containers with policies of their own, and advisory ones.
func TestLadderOfOtherPolicies(t *testing.T) {
	if testing.Short() {
		t.Skip("several runs")
	}
	_, out, sum, d := laddered(t, "always-refuses", "three policies", "q8=sim:always-refuses q6=sim:recency")
	if d.Ladder == nil || sum.Smallest != "" && sum.Smallest != "q8" || d.Ladder.Rungs[0].Claims != 3 {
		t.Errorf("%+v, %+v\n%s", sum, d.Ladder, out)
	}
	code, out, sum, d := laddered(t, "steady", "advisory", "sim:steady q6=sim:recency")
	if code != 0 || sum.Smallest != "q6" || d.Ladder.Rungs[1].Claims != 1 {
		t.Errorf("exit %d: what is advisory decides about builds: %+v, %+v\n%s", code, sum, d.Ladder, out)
	}
}

// A ladder that is none is said before anything is asked.
func TestLadderMisuse(t *testing.T) {
	for builds, want := range map[string]string{
		"":                              "names 0 builds",
		"sim:steady":                    "names 1 builds",
		"sim:steady sim:steady":         `names "sim:steady" twice`,
		"sim:steady q6":                 `names "q6", which is neither the model under test nor one of Config.Models`,
		"q8=sim:recency q6=sim:recency": "are the same build",
		"sim:steady -q6=sim:recency":    "cannot name a build",
	} {
		code, out, sum, _ := laddered(t, "steady", "gate", builds)
		if code == 0 || sum.Passed || sum.Calls > 0 {
			t.Errorf("%q: exit %d, %+v\n%s", builds, code, sum, out)
		}
		mustContain(t, out, want)
	}
	code, out, sum, _ := laddered(t, "steady", "by hand", "sim:steady q6=sim:recency")
	if code == 0 || sum.Passed {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	mustContain(t, out, "which a ladder cannot test on other builds")
	if testing.Short() {
		return
	}
	// What is declared with labels leaves the ladder in, and it is about those claims only.
	code, out, sum, d := laddered(t, "steady", "gate", "sim:steady q6=sim:always-refuses", "SAFETYTEST_ONLY", "property:order")
	if code != 0 || sum.Smallest != "q6" || d.Ladder.Rungs[1].Claims != 1 {
		t.Errorf("exit %d, %+v, %+v\n%s", code, sum, d.Ladder, out)
	}
	// A filter that leaves it out makes the run partial.
	env := with(sim("steady", "gate"), "SUITE_LADDER", "sim:steady q6=sim:recency")
	if code, out, sum := run(t, env, "-ginkgo.label-filter=!safetyspec:ladder"); code == 0 || sum.Passed || sum.NotRun != 1 {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
}
