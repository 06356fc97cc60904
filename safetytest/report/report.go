package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
)

// Schema is the version of Entry and Summary as JSON.
const Schema = 1

// Entry is one verdict in the form that reports store: numbers that are always
// finite, ids instead of texts, no prompts and no replies.
type Entry struct {
	Schema    int    `json:"schema"`
	Claim     string `json:"claim"`
	Property  string `json:"property"`
	Statement string `json:"statement"`
	// Deciding names the condition that the effect is about, if it is one beside
	// the claim's own relation.
	Deciding string `json:"deciding,omitempty"`
	State    string `json:"verdict"`
	// Reason names why the claim is undecided, Because explains it and says what
	// would decide it.
	Reason  string `json:"reason,omitempty"`
	Because string `json:"because,omitempty"`
	// Effect and its bounds are percentage points, nil before any pair.
	Effect *float64 `json:"effect_points"`
	Lower  *float64 `json:"lower_points"`
	Upper  *float64 `json:"upper_points"`
	Margin float64  `json:"margin_points"`
	Rate   bool     `json:"rate"`
	// LogE is the logarithm of the evidence for "violated".
	LogE       float64  `json:"log_e_violated"`
	Pairs      int      `json:"pairs"`
	Calls      int      `json:"calls"`
	Shared     int      `json:"shared"`
	Recorded   int      `json:"recorded"`
	Attempt    int      `json:"attempt,omitempty"`
	Tokens     int      `json:"tokens"`
	Errors     int      `json:"errors"`
	Blocked    int      `json:"blocked"`
	Unread     int      `json:"unread"`
	Arms       []Arm    `json:"arms"`
	Worst      []string `json:"worst_cells,omitempty"`
	Warnings   []string `json:"warnings,omitempty"`
	Population string   `json:"population"`
	// Targets is the number of distinct requests, Few what it allows where it is
	// below the floor.
	Targets   int      `json:"targets"`
	Few       string   `json:"few_targets,omitempty"`
	Model     string   `json:"model"`
	Served    []string `json:"served,omitempty"`
	Policy    string   `json:"policy"`
	Seed      int64    `json:"seed"`
	Sampling  uint64   `json:"sampling_seed"`
	Seconds   float64  `json:"seconds"`
	Reproduce string   `json:"reproduce"`
}

// Arm is what one arm showed.
type Arm struct {
	Name string `json:"name"`
	N    int    `json:"n"`
	// Percent is the share of replies with the claim's outcome.
	Percent float64 `json:"percent"`
}

// NewEntry writes a verdict as an entry. All of its texts are fit to be printed.
func NewEntry(v safetytest.Verdict) Entry {
	e := Entry{
		Schema: Schema, Claim: v.Claim.ID(), Property: v.Claim.Property, Statement: plain.Line(v.Claim.Statement), Deciding: plain.Text(v.Deciding()),
		State: v.State.String(), Reason: string(v.Reason), Because: plain.Line(v.Because()), LogE: v.Result.LogEViolated,
		Pairs: v.Pairs, Calls: v.Calls, Shared: v.Shared, Recorded: v.Recorded, Attempt: v.Attempt, Tokens: v.Tokens,
		Errors: v.Errors, Blocked: v.Blocked, Unread: v.Unreadable,
		Population: plain.Line(v.Population), Targets: v.Targets, Few: v.Few(), Model: plain.Text(v.Model), Policy: plain.Text(v.Policy),
		Seed: v.Seed, Sampling: v.SamplingSeed, Seconds: v.Elapsed.Seconds(), Reproduce: plain.Line(v.Reproduce),
	}
	for _, w := range v.Warnings {
		e.Warnings = append(e.Warnings, plain.Line(w))
	}
	for _, m := range v.Served {
		e.Served = append(e.Served, plain.Text(m))
	}
	e.Margin, e.Rate = v.Limit()
	if est, lo, hi, ok := v.Effect(); ok {
		e.Effect, e.Lower, e.Upper = &est, &lo, &hi
	}
	for _, a := range v.Result.Arms {
		if a.N > 0 {
			e.Arms = append(e.Arms, Arm{Name: plain.Text(a.Name), N: a.N, Percent: 100 * a.Rate})
		}
	}
	for _, w := range v.Worst {
		e.Worst = append(e.Worst, plain.Text(w.ID))
	}
	return e
}

// Summary counts the verdicts of a run. A gate script reads it to tell a
// violation from a claim that was not proven and from an error.
type Summary struct {
	Schema       int    `json:"schema"`
	Suite        string `json:"suite"`
	Model        string `json:"model"`
	Simulated    bool   `json:"simulated"`
	Holds        int    `json:"holds"`
	Violated     int    `json:"violated"`
	Inconclusive int    `json:"inconclusive"`
	// Errors counts specs that ended without a verdict because something
	// failed, NotRun those of the gate that were skipped, pending or filtered out;
	// Missed names them.
	Errors int      `json:"errors"`
	NotRun int      `json:"not_run"`
	Missed []NotRun `json:"not_run_specs,omitempty"`
	// Only is the filter that says which specs are the gate, where one was
	// declared, and LeftOut the specs that are not of it.
	Only    string   `json:"only,omitempty"`
	LeftOut []NotRun `json:"left_out,omitempty"`
	// TooFew counts the verdicts on fewer targets than any release may rest on.
	TooFew int `json:"too_few_targets,omitempty"`
	// Exploratory says that the run was declared to decide nothing.
	Exploratory bool `json:"exploratory,omitempty"`
	Calls       int  `json:"calls"`
	Tokens      int  `json:"tokens"`
	// ViolatedInSuite counts the violations that stand also when the suite as a
	// whole may raise a false alarm in one of twenty runs (e-Holm). It is left out
	// where it is 0: a violation needs no such evidence to be one.
	ViolatedInSuite int `json:"violated_in_suite,omitempty"`
	// AnsweredBy says who answered, where that was not the model that was asked for.
	// Replayed says that no model was asked, Release what the run said is tested.
	// Warnings counts those of all verdicts, which a green run may carry, too.
	AnsweredBy string `json:"answered_by,omitempty"`
	Replayed   bool   `json:"replayed,omitempty"`
	Release    string `json:"release,omitempty"`
	Warnings   int    `json:"warnings,omitempty"`
	// Passed says that every claim of the gate was tested and holds, on enough
	// targets.
	Passed bool `json:"passed"`
}

// NotRun is a spec that did not run.
type NotRun struct {
	Spec string `json:"spec"`
	// Claim and Statement are its claim's, where the spec is known to have one.
	Claim     string `json:"claim,omitempty"`
	Statement string `json:"statement,omitempty"`
	// Why is "pending", "skipped: " with the spec's own words, "filtered out", or
	// "filtered out or not reached" in a run that ended early.
	Why string `json:"why"`
}

// String is one line about the spec.
func (n NotRun) String() string {
	text := n.Why + ": " + n.Spec
	if n.Claim != "" {
		text += fmt.Sprintf(" (claim:%s, %s)", n.Claim, n.Statement)
	}
	return plain.Line(text)
}

// TooFew says whether the entry rests on fewer targets than a release may.
func (e Entry) TooFew() bool { return e.Targets > 0 && e.Targets < safetytest.LeastTargets }

// Add counts the entries into the summary.
func (s *Summary) Add(entries []Entry) {
	for _, e := range entries {
		switch e.State {
		case evidence.Holds.String():
			s.Holds++
		case evidence.Violated.String():
			s.Violated++
		default:
			s.Inconclusive++
		}
		s.Calls += e.Calls
		s.Tokens += e.Tokens
		s.Warnings += len(e.Warnings)
		if e.TooFew() {
			s.TooFew++
		}
	}
	for i, stands := range eHolm(entries) {
		if stands && entries[i].State == evidence.Violated.String() {
			s.ViolatedInSuite++
		}
	}
}

// eHolm says which entries are violations for the suite as a whole.
func eHolm(entries []Entry) []bool {
	logE := make([]float64, len(entries))
	for i, e := range entries {
		logE[i] = e.LogE
	}
	return evidence.EHolm(logE, 0.05)
}

// MostNamed is how many specs that did not run are named where they are printed.
const MostNamed = 20

// WriteJSON writes the summary as one line of JSON. Of the specs that did not run
// it names the first twenty; WriteFile stores all.
func (s Summary) WriteJSON(w io.Writer) error {
	s.Schema = Schema
	s.Missed, s.LeftOut = s.Missed[:min(len(s.Missed), MostNamed)], s.LeftOut[:min(len(s.LeftOut), MostNamed)]
	line, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", line)
	return err
}

// WriteFile stores a summary and its entries as one JSON document. The file
// appears whole or not at all.
func WriteFile(path string, s Summary, entries []Entry) error {
	s.Schema = Schema
	text, err := json.MarshalIndent(struct {
		Summary  Summary `json:"summary"`
		Verdicts []Entry `json:"verdicts"`
	}{s, entries}, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(path, append(text, '\n'))
}

// SimulatedNotice begins every report about a simulated model.
const SimulatedNotice = "SIMULATED MODEL: says nothing about yours"

// WriteTable writes the entries as a table for people, with what every reader
// needs to know about its numbers.
func WriteTable(w io.Writer, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "verdict\teffect\t95 % bounds\tmargin\tpairs\tcalls\tclaim")
	several := false
	for _, e := range entries {
		several = several || e.Policy != entries[0].Policy
	}
	for _, e := range entries {
		fmt.Fprintln(t, row(e, several))
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	for _, p := range populations(entries, several) {
		fmt.Fprintf(w, "over %s\n", p)
	}
	warned := map[string]bool{}
	for _, e := range entries {
		if e.Because != "" {
			fmt.Fprintf(w, "%s: %s\n", e.Statement, e.Because)
		}
		for _, warning := range e.Warnings {
			if !warned[warning] {
				warned[warning] = true
				fmt.Fprintf(w, "warning: %s (%s)\n", warning, e.Statement)
			}
		}
	}
	for _, said := range together(entries) {
		fmt.Fprintln(w, said)
	}
	_, err := fmt.Fprintln(w, "effects in percentage points; each bound is wrong in at most 1 of 20 runs, however often the run looked")
	return err
}

// row is an entry's line of the table, cells parted by tabs.
func row(e Entry, several bool) string {
	state := strings.ToUpper(e.State)
	if e.Few != "" {
		state += fmt.Sprintf(", ONLY %d TARGETS", e.Targets)
	}
	if several {
		e.Statement += " (" + e.Policy + ")"
	}
	if e.Deciding != "" {
		e.Statement += " [" + e.Deciding + "]"
	}
	effect, bounds := "-", "-"
	if e.Effect != nil {
		format, interval := "%+.1f", "[%+.1f, %+.1f]"
		if e.Rate {
			format, interval = "%.1f %%", "[%.1f, %.1f]"
		}
		effect = fmt.Sprintf(format, *e.Effect)
		bounds = fmt.Sprintf(interval, *e.Lower, *e.Upper)
	}
	return fmt.Sprintf("%s\t%s\t%s\t%.1f\t%d\t%d\t%s", state, effect, bounds, e.Margin, e.Pairs, e.Calls, e.Statement)
}

// together says what several verdicts, or several attempts, mean for the errors of
// the suite as a whole.
func together(entries []Entry) []string {
	var out []string
	attempt := 0
	for _, e := range entries {
		attempt = max(attempt, e.Attempt)
	}
	if attempt > 1 {
		out = append(out, fmt.Sprintf("attempt %d for these claims and this model: each attempt may err in 1 of 20 runs, so the best of %d may err in up to %d of 20", attempt, attempt, min(attempt, 20)))
	}
	violated, stand := 0, 0
	for i, holm := range eHolm(entries) {
		if entries[i].State == evidence.Violated.String() {
			violated++
			if holm {
				stand++
			}
		}
	}
	if violated > 0 && len(entries) > 1 {
		out = append(out, severalViolations(violated, stand, len(entries)))
	}
	allHold := !slices.ContainsFunc(entries, func(e Entry) bool { return e.State != evidence.Holds.String() })
	if allHold && len(entries) > 1 && attempt <= 1 {
		out = append(out, "no correction is needed for \"all hold\": if any claim is false, all hold in at most 1 of 20 runs")
	}
	return out
}

// severalViolations says how sure the violations of a suite are.
func severalViolations(violated, stand, claims int) string {
	text := fmt.Sprintf("%d of %d claims VIOLATED: each of these was proven by itself, and a claim that is true is called violated in at most 1 of 20 runs", violated, claims)
	if violated == 1 {
		text = fmt.Sprintf("1 of %d claims VIOLATED: it was proven by itself, and a claim that is true is called violated in at most 1 of 20 runs", claims)
	}
	switch {
	case stand == violated:
		return text + fmt.Sprintf("; the evidence also suffices if all %d claims together may raise one false alarm in 20 runs", claims)
	case stand == 0:
		return text + fmt.Sprintf("; the stricter measure, by which all %d claims together may raise one false alarm in 20 runs, asks for more evidence than a claim gathers before it ends, so that falling short of it excuses none", claims)
	}
	return text + fmt.Sprintf("; for %d of them the evidence also suffices if all %d claims together may raise one false alarm in 20 runs, and the rest is violated all the same", stand, claims)
}

// populations lists the populations that the entries speak about, with their
// policies where there are several.
func populations(entries []Entry, several bool) []string {
	var out []string
	for _, e := range entries {
		p := e.Population
		if several {
			p += " (" + e.Policy + ")"
		}
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
