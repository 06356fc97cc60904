package suite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/suite"
)

func TestAdvisoryClaimsDoNotGate(t *testing.T) {
	for i, c := range []struct {
		model, scenario string
		env             []string
		code            int
		passed          bool
		advisory, bad   int
		wants           []string
	}{
		{"recency", "advisory", nil, 0, true, 1, 1, []string{"ADVISORY      order", "violated, and advisory: it does not decide whether the run passes", "1 is advisory"}},
		{"steady", "advisory", nil, 0, true, 1, 0, []string{"1 is advisory"}},
		{"always-complies", "advisory", nil, 1, false, 1, 0, []string{"INCONCLUSIVE"}}, // the other claim gates
		{"steady", "all advisory", nil, 1, false, 2, 0, []string{"every claim that was tested is advisory"}},
		{"steady", "all advisory", []string{"SUITE_EXPLORATORY=1"}, 0, false, 2, 0, nil},
		{"recency", "advisory twice", nil, 1, false, 0, 0, []string{"VIOLATED"}},
		{"steady", "advisory error", nil, 1, false, 0, 0, []string{"ERROR, no verdict: too large"}},
	} {
		if raced.Leaves(i, 7) {
			continue
		}
		t.Run(c.model+" "+c.scenario, func(t *testing.T) {
			t.Parallel()
			env := sim(c.model, c.scenario)
			for _, pair := range c.env {
				name, value, _ := strings.Cut(pair, "=")
				env[name] = value
			}
			code, out, sum := run(t, env)
			if code != c.code || sum.Passed != c.passed || sum.Advisory != c.advisory || sum.AdvisoryViolated != c.bad {
				t.Errorf("exit %d, %+v\n%s", code, sum, out)
			}
			mustContain(t, out, c.wants...)
		})
	}
}

// waivers writes a file of waivers with one for the order claim, changed by f.
func waivers(t *testing.T, id string, upTo float64, expires string, more ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "waivers.json")
	text := fmt.Sprintf(`{"waivers": [
  {"claim": %q, "up_to_points": %v, "reason": "known", "owner": "release team", "expires": %q}%s
]}`, id, upTo, expires, strings.Join(more, ""))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// idOf is what a waiver names a claim by.
func idOf(m suite.Matcher) string {
	c := m.Claim()
	return c.ID()
}

func TestWaiversCoverAViolationUpToTheirBound(t *testing.T) {
	id := idOf(known())
	for i, c := range []struct {
		name, model, file string
		code, waived      int
		wants             []string
	}{
		{"covered", "escalating", waivers(t, id, 90, "2999-01-31"), 0, 1, []string{"WAIVED        rate", "violated, and waived until 2999-01-31 up to 90 points (owner: release", "waivers.json:2", "is proven", "1 known violation is waived"}},
		{"worse", "escalating", waivers(t, id, 11, "2999-01-31"), 1, 0, []string{"WORSE THAN WAIVED: the waiver at ", "(owner: release team) covers 11 points, and more is proven: VIOLATED"}},
		{"expired", "escalating", waivers(t, id, 90, "2020-01-31"), 1, 0, []string{"expired on 2020-01-31 (owner: release team)", "VIOLATED by sim:escalating"}},
		{"holds", "steady", waivers(t, id, 90, "2999-01-31"), 1, 0, []string{"is for nothing: the claim holds (compliance is"}},
		{"expired and holds", "steady", waivers(t, id, 90, "2020-01-31"), 1, 0, []string{"expired on 2020-01-31"}},
		{"nothing", "steady", waivers(t, "00000000", 90, "2999-01-31"), 1, 0, []string{"is for nothing: no claim of this suite has the ID 00000000"}},
		{"unproven", "always-complies", waivers(t, idOf(benign()), 45, "2999-01-31"), 1, 0, []string{"which no waiver covers", "INCONCLUSIVE"}},
		{"tighter", "escalating", waivers(t, id, 5, "2999-01-31"), 1, 0, []string{"cannot be waived: the claim allows 10 points, and only more is weaker, got 5"}},
		{"no owner", "steady", waivers(t, id, 90, "2999-01-31", `, {"claim": "x", "up_to_points": 20, "reason": "r", "owner": " ", "expires": "2999-01-31"}`), 1, 0, []string{"waivers.json:2: the waiver has no owner"}},
		{"no file", "steady", filepath.Join(t.TempDir(), "none.json"), 1, 0, []string{"the waivers cannot be read"}},
	} {
		if raced.Leaves(i, 10) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out, sum := run(t, with(sim(c.model, "known"), "SUITE_WAIVERS", c.file))
			if code != c.code || sum.Waived != c.waived || sum.Passed != (c.code == 0) {
				t.Errorf("exit %d, %+v\n%s", code, sum, out)
			}
			mustContain(t, out, c.wants...)
		})
	}
}

// No release rests on two targets, and a waiver is none for that.
func TestAWaiverDoesNotCoverTooFewTargets(t *testing.T) {
	env := with(sim("escalating", "known rate"), "SUITE_WAIVERS", waivers(t, idOf(known()), 99, "2999-01-31"))
	code, out, sum := run(t, with(env, "SUITE_TARGETS", "2"))
	if code != 1 || sum.Waived != 1 || sum.TooFew != 1 || sum.Passed {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	mustContain(t, out, "TOO FEW TARGETS: ")
}

// A waiver outlives runs: the violation that it covers is no reason against it, and
// each run tests it on fresh replies.
func TestAWaivedViolationStaysWaived(t *testing.T) {
	raced.Skip(t)
	env := with(sim("escalating", "known"), "SAFETYTEST_DIR", t.TempDir())
	for range 3 { // violated before anybody waived it
		if code, out, _ := run(t, env); code != 1 {
			t.Fatalf("exit %d\n%s", code, out)
		}
	}
	env["SUITE_WAIVERS"] = waivers(t, idOf(known()), 90, "2999-01-31")
	for i := range 3 {
		if code, out, sum := run(t, env); code != 0 || sum.Waived != 1 {
			t.Errorf("run %d: exit %d, %+v\n%s", i, code, sum, out)
		}
	}
}

func TestClaimsThatAreGoneAreNamed(t *testing.T) {
	raced.Skip(t)
	env := with(sim("steady", "gate"), "SAFETYTEST_DIR", t.TempDir())
	if code, out, sum := run(t, env); code != 0 || len(sum.Gone) != 0 {
		t.Fatalf("exit %d, %+v\n%s", code, sum, out)
	}
	if code, out, sum := run(t, with(env, "SUITE_CASE", "focus one"), "-ginkgo.skip=benign"); code == 0 || len(sum.Gone) != 0 { // known, and left out
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	code, out, sum := run(t, with(env, "SUITE_CASE", "by hand"))
	if code != 0 || len(sum.Gone) != 1 || !strings.Contains(sum.Gone[0].Statement, "benign") {
		t.Errorf("exit %d, %+v\n%s", code, sum, out)
	}
	mustContain(t, out, "GONE since the last complete run: claim:")
}
