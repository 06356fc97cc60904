package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

func entries(states ...string) []report.Entry {
	var out []report.Entry
	for i, s := range states {
		e := report.Entry{Statement: fmt.Sprintf("claim %d", i), State: s, Targets: 130, Population: "130 requests"}
		if s == "violated" {
			e.LogE = 3.2 // 25 to 1: enough for one claim, not for several
		}
		out = append(out, e)
	}
	return out
}

func table(t *testing.T, entries []report.Entry) string {
	t.Helper()
	var b strings.Builder
	if err := report.WriteText(&b, report.Document{Verdicts: entries}, true); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// stored is the document as report.json.
func stored(t *testing.T, d report.Document) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "report.json")
	json, _ := report.FormatOf("json")
	if err := json.WriteFile(path, d); err != nil {
		t.Fatal(err)
	}
	return path
}

// No line about the suite reads as if nothing were wrong beside a violation.
func TestASuiteWideStatementExcusesNoViolation(t *testing.T) {
	strong := entries("violated", "holds", "violated")
	strong[0].LogE = 9
	both := entries("violated", "holds", "violated")
	both[0].LogE, both[2].LogE = 9, 9
	for _, c := range []struct {
		entries []report.Entry
		want    string
		stand   int
	}{
		{entries("violated", "holds", "holds"), "1 of 3 claims VIOLATED: it was proven by itself", 0},
		{entries("violated", "violated", "holds"), "falling short of it excuses none", 0},
		{strong, "for 1 of them the evidence also suffices if all 3 claims together may raise one false alarm in 20 runs, and the rest is violated all the same", 1},
		{both, "2 of 3 claims VIOLATED: each of these was proven by itself, and a claim that is true is called violated in at most 1 of 20 runs; the evidence also suffices", 2},
	} {
		text := table(t, c.entries)
		if !strings.Contains(text, c.want) {
			t.Errorf("lacks %q:\n%s", c.want, text)
		}
		var sum report.Summary
		sum.Add(c.entries)
		line, err := json.Marshal(sum)
		if err != nil || sum.ViolatedInSuite != c.stand {
			t.Errorf("%d stand, want %d: %v", sum.ViolatedInSuite, c.stand, err)
		}
		for _, zero := range []string{"violations: 0", "0 of them", `"violated_in_suite":0`} {
			if strings.Contains(text+string(line), zero) {
				t.Errorf("says %q beside a violation:\n%s%s", zero, text, line)
			}
		}
	}
}

// The table explains a verdict in the words of the failure message.
func TestTheTableExplainsAsTheMessageDoes(t *testing.T) {
	v := claim.Verdict{State: evidence.Inconclusive, Reason: evidence.Curtailed, Pairs: 8, Result: evidence.Result{Needs: 54}}
	e := report.NewEntry(v)
	if e.Because == "" || !strings.Contains(table(t, []report.Entry{e}), e.Because) || !strings.Contains(strings.Join(strings.Fields(v.Details()), " "), e.Because) {
		t.Errorf("entry %q, table\n%s\ndetails\n%s", e.Because, table(t, []report.Entry{e}), v.Details())
	}
}

func TestFewTargetsStandInTheTableAndTheJSON(t *testing.T) {
	e := report.NewEntry(claim.Verdict{State: evidence.Holds, Targets: 2})
	if got := table(t, []report.Entry{e}); !strings.Contains(got, "HOLDS ONLY 2 TARGETS: ") {
		t.Errorf("the table:\n%s", got)
	}
	line, err := json.Marshal(e)
	if err != nil || !strings.Contains(string(line), `"targets":2,"few_targets":"ONLY 2 DISTINCT TARGETS: `) {
		t.Errorf("%v: %s", err, line)
	}
	var sum report.Summary
	sum.Add([]report.Entry{e, report.NewEntry(claim.Verdict{State: evidence.Holds, Targets: claim.LeastTargets})})
	if sum.TooFew != 1 {
		t.Errorf("%d of one and three targets are too few", sum.TooFew)
	}
}

// No text of an entry is a command to whoever shows it.
func TestEntriesAreFitToBePrinted(t *testing.T) {
	for _, bad := range []string{"\x1b[31m", "\u009b31m", "\u202e", "\n::error::x", "##[error]x", "##vso[task.x]"} {
		e := report.NewEntry(claim.Verdict{
			Claim: claim.Claim{Statement: bad}, State: evidence.Violated, Model: bad, Served: []string{bad}, Policy: bad, Population: bad,
			Warnings: []string{bad}, Reproduce: bad, Worst: []claim.CellCount{{ID: bad}},
			Result: evidence.Result{Arms: []evidence.ArmResult{{Name: bad, N: 1}}},
		})
		stored, err := os.ReadFile(stored(t, report.Document{Verdicts: []report.Entry{e}}))
		if err != nil {
			t.Fatal(err)
		}
		var back struct{ Verdicts []report.Entry }
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%#v", back) + fmt.Sprint(e) + table(t, []report.Entry{e}); strings.Contains(text, bad) {
			t.Errorf("%q is left in\n%s", bad, text)
		}
	}
}

// A line of JSON stays a line that can be read; the stored report names all.
func TestTheLineNamesSomeOfWhatDidNotRun(t *testing.T) {
	sum := report.Summary{NotRun: 900}
	for i := range sum.NotRun {
		sum.Missed = append(sum.Missed, report.NotRun{Spec: fmt.Sprint("spec ", i), Why: "filtered out"})
	}
	var b strings.Builder
	if err := sum.WriteJSON(&b); err != nil || strings.Count(b.String(), `"spec":`) != 20 || !strings.Contains(b.String(), `"not_run":900`) || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("%v: %s", err, b.String())
	}
	path := stored(t, report.Document{Summary: sum})
	if stored, err := os.ReadFile(path); err != nil || strings.Count(string(stored), `"spec":`) != 900 {
		t.Errorf("%v: %d named", err, strings.Count(string(stored), `"spec":`))
	}
}

// Every format but report.json can be asked for by SAFETYTEST_REPORTS, and no other.
func TestFormatsCanBeAskedFor(t *testing.T) {
	var names []string
	for _, f := range report.Formats()[1:] {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	t.Setenv(environment.Reports.Name, strings.Join(names, ","))
	if _, err := environment.Reports.Value(); err != nil {
		t.Error(err)
	}
	t.Setenv(environment.Reports.Name, "nonsense")
	_, err := environment.Reports.Value()
	if err == nil {
		t.Fatal("nonsense can be asked for")
	}
	_, known, _ := strings.Cut(err.Error(), "out of ")
	known, _, _ = strings.Cut(known, ";")
	given := strings.Split(known, ", ")
	slices.Sort(given)
	if !slices.Equal(given, names) {
		t.Errorf("%q can be asked for, and there are %q", given, names)
	}
}

// The decision of a run says what it rests on, and no run that is no pass reads as one.
func TestDecision(t *testing.T) {
	for _, c := range []struct {
		sum  report.Summary
		want string
	}{
		{report.Summary{Holds: 2, Passed: true}, "PASSED: 2 hold"},
		{report.Summary{Holds: 1, Passed: true, Simulated: true}, "PASSED, ON A SIMULATED MODEL: 1 holds"},
		{report.Summary{Holds: 2, Violated: 1, Inconclusive: 3}, "FAILED: 1 claim is violated, 3 claims are not proven, 2 hold"},
		{report.Summary{Errors: 1, NotRun: 2}, "FAILED: 1 spec failed without a verdict, 2 specs of the gate did not run"},
		{report.Summary{Holds: 1, TooFew: 1}, "FAILED: 1 holds, 1 verdict rests on too few requests"},
		{report.Summary{Holds: 3}, "FAILED: 3 hold; something beside the claims failed"},
		{report.Summary{}, "FAILED: no claim was tested"},
		{report.Summary{Holds: 3, Exploratory: true}, "NO DECISION: 3 hold; the run was declared exploratory"},
		{report.Summary{Holds: 3, Replayed: true}, "NO DECISION: 3 hold; no model was asked, replies of an earlier run were read again"},
	} {
		if got := c.sum.Decision(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// Colours stand around our own words at the beginning of a line, and nowhere else.
func TestColoured(t *testing.T) {
	var b strings.Builder
	if _, err := fmt.Fprint(report.Coloured(&b), "HOLDS  VIOLATED\n  VIOLATED\nFAILED: x\n"); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[32mHOLDS\x1b[0m  VIOLATED\n  VIOLATED\n\x1b[31mFAILED\x1b[0m: x\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

// The page draws what is filled and leaves out what is not.
func TestThePageShowsWhatIsKnown(t *testing.T) {
	html, _ := report.FormatOf("html")
	page := func(d report.Document) string {
		var b strings.Builder
		if err := html.Write(&b, d); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	two, five, limit := 2, 5, 20.0
	e := report.Entry{
		State: "holds", Statement: "s", Quantity: "compliance", Effect: &limit, Lower: &limit, Upper: &limit, AllowedTo: &limit, Rate: true, Pairs: 9,
		Arms:    []report.Arm{{Name: "a", N: 10, Percent: 1, Added: new(int), Kind: "harmful", Mix: "m", Order: "o1"}, {Name: "b", N: 10, Percent: 2, Added: &two, Kind: "harmful", Mix: "m", Order: "o2"}, {Name: "c", N: 10, Percent: 30, Upper: 40, Added: &five, Kind: "harmful", Mix: "m", Order: "o2"}},
		Markers: []report.Marker{{Arm: "a", Refused: 7, RefusedAdopted: 3, Answered: 5, AnsweredAdopted: 1}},
		Looks:   []report.Look{{Pairs: 4, Estimate: 10, Upper: 60}, {Pairs: 9, Estimate: 12, Upper: 40}},
	}
	full := page(report.Document{Verdicts: []report.Entry{e}, Run: report.Run{Planned: report.Amount{Calls: 5, Money: 1.5, Currency: "EUR"}, Spent: report.Amount{Calls: 4, Money: 0.5, Currency: "EUR"}}})
	for _, want := range []string{"demonstrations added</text>", "limit 20 %", "<td>3</td><td>4</td><td>1</td><td>4</td>", "The path of the evidence", "9 pairs", "at most 1.50 EUR", "Share by number of harmful demonstrations added: 0: 1.0 %, 2: 2.0 %, 5: 30.0 %"} {
		if !strings.Contains(full, want) {
			t.Errorf("the page lacks %q:\n%s", want, full)
		}
	}
	empty := page(report.Document{})
	for _, never := range []string{"The path of the evidence", "Worst cells", "What moves the answers", "calls"} {
		if strings.Contains(empty[strings.Index(empty, "<body>"):], never) {
			t.Errorf("the page of nothing says %q:\n%s", never, empty)
		}
	}
	for _, want := range []string{"No claim was tested", "Unknown: the report does not say who read the replies."} {
		if !strings.Contains(empty, want) {
			t.Errorf("the page of nothing lacks %q", want)
		}
	}
}

// A record knows only what was begun: a run that left specs out looks like one that
// passed, and is not called so.
func TestARecordThatHoldsIsNoPass(t *testing.T) {
	for _, c := range []struct {
		summary report.Summary
		want    string
	}{
		{report.Summary{FromRecord: true, Holds: 2}, "NO DECISION: 2 hold; a record does not know"},
		{report.Summary{FromRecord: true, Holds: 2, Violated: 1}, "FAILED: 1 claim is violated, 2 hold"},
		{report.Summary{Passed: true, Holds: 2}, "PASSED: 2 hold"},
	} {
		if got := c.summary.Decision(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.summary, got, c.want)
		}
	}
}

// Whatever made a run red is red in JUnit and in SARIF, too, for those who read nothing else.
func TestNothingRedLooksGreen(t *testing.T) {
	for name, s := range map[string]report.Summary{
		"a spec that failed":             {Errors: 1, Failed: []report.Failure{{Spec: "low", Why: "no such model"}}},
		"one that is not named":          {Errors: 1},
		"a gate in parts":                {Holds: 1, NotRun: 1, Missed: []report.NotRun{{Spec: "low", Why: "filtered out or not reached"}}},
		"an objection":                   {Holds: 1, Objections: []string{"no spec states the claim"}},
		"something beside it":            {Holds: 1},
		"no claim":                       {},
		"a record that was not complete": {FromRecord: true, Holds: 1, NotRun: 1, Missed: []report.NotRun{{Spec: "low", Why: "no verdict: the run ended before"}}},
	} {
		d := report.Document{Summary: s}
		for format, wants := range map[string][]string{"junit": {"<error "}, "sarif": {`"toolExecutionNotifications"`, `"level": "error"`}} {
			f, ok := report.FormatOf(format)
			if !ok {
				t.Fatalf("there is no format %q", format)
			}
			said := render(t, func(b *bytes.Buffer) error { return f.Write(b, d) })
			for _, want := range wants {
				if !strings.Contains(said, want) {
					t.Errorf("%s: %s lacks %s:\n%s", name, format, want, said)
				}
			}
			if format == "junit" && strings.Contains(said, `failures="0" errors="0"`) {
				t.Errorf("%s counts nothing:\n%s", name, said)
			}
		}
	}
}
