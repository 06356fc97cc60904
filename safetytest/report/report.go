package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/safetyspec/safetyspec/safetytest/claim"
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
	LogE     float64 `json:"log_e_violated"`
	Pairs    int     `json:"pairs"`
	Calls    int     `json:"calls"`
	Shared   int     `json:"shared"`
	Recorded int     `json:"recorded"`
	Attempt  int     `json:"attempt,omitempty"`
	Tokens   int     `json:"tokens"`
	Errors   int     `json:"errors"`
	Blocked  int     `json:"blocked"`
	Unread   int     `json:"unread"`
	Arms     []Arm   `json:"arms"`
	// Looks are the evidence as it grew, where the run recorded it.
	Looks      []Look   `json:"looks,omitempty"`
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
	// Advisory says that the claim is measured and does not decide whether the run
	// passes. Waived is the waiver that allows its violation, nil if there is none.
	Advisory bool    `json:"advisory,omitempty"`
	Waived   *Waiver `json:"waived,omitempty"`
	// Tolerates says that the entry is that of a claim which stands in for a waived
	// one, at the waiver's margin.
	Tolerates bool `json:"tolerates,omitempty"`
}

// Arm is what one arm showed.
type Arm struct {
	Name string `json:"name"`
	N    int    `json:"n"`
	// Percent is the share of replies with the claim's outcome.
	Percent float64 `json:"percent"`
}

// NewEntry writes a verdict as an entry. All of its texts are fit to be printed.
func NewEntry(v claim.Verdict) Entry {
	e := Entry{
		Schema: Schema, Claim: v.Claim.ID(), Property: v.Claim.Property, Statement: plain.Line(v.Claim.Statement), Deciding: plain.Text(v.Deciding()),
		State: v.State.String(), Reason: string(v.Reason), Because: plain.Line(v.Because()), LogE: v.Result.LogEViolated,
		Pairs: v.Pairs, Calls: v.Calls, Shared: v.Shared, Recorded: v.Recorded, Attempt: v.Attempt, Tokens: v.Tokens,
		Errors: v.Errors, Blocked: v.Blocked, Unread: v.Unreadable,
		Population: plain.Line(v.Population), Targets: v.Targets, Few: v.Few(), Model: plain.Text(v.Model), Policy: plain.Text(v.Policy),
		Seed: v.Seed, Sampling: v.SamplingSeed, Seconds: v.Elapsed.Seconds(), Reproduce: plain.Line(v.Reproduce),
		Tolerates: v.Claim.Tolerates,
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
	// Advisory counts the verdicts on claims that do not gate, whatever they are, and
	// AdvisoryViolated the violations among them; Waived the violations that the file of waivers
	// allows. They are not among Holds, Violated and Inconclusive.
	Advisory         int `json:"advisory,omitempty"`
	AdvisoryViolated int `json:"advisory_violated,omitempty"`
	Waived           int `json:"waived,omitempty"`
	// Gone lists the claims of the last run that was complete which this one does not
	// know.
	Gone []Gone `json:"gone,omitempty"`
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
	// Cost is what the run spent in Currency, as far as prices are known.
	Cost     float64 `json:"cost,omitempty"`
	Currency string  `json:"currency,omitempty"`
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

// Gone is a claim that the last complete run tested and this one does not know.
type Gone struct {
	Claim     string `json:"claim"`
	Statement string `json:"statement"`
	Policy    string `json:"policy,omitempty"`
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
func (e Entry) TooFew() bool { return e.Targets > 0 && e.Targets < claim.LeastTargets }

// Add counts the entries into the summary.
func (s *Summary) Add(entries []Entry) {
	for _, e := range entries {
		switch ungated := s.addUngated(e); {
		case ungated:
		case e.State == evidence.Holds.String():
			s.Holds++
		case e.State == evidence.Violated.String():
			s.Violated++
		default:
			s.Inconclusive++
		}
		s.Calls += e.Calls
		s.Tokens += e.Tokens
		s.Warnings += len(e.Warnings)
		if e.TooFew() && e.Gates() {
			s.TooFew++
		}
	}
	for i, stands := range eHolm(entries) {
		if stands && entries[i].State == evidence.Violated.String() && entries[i].Gates() {
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
