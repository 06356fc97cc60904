package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

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
	// Errors counts specs that ended without a verdict because something failed, which
	// Failed names with the cause; NotRun those of the gate that were skipped, pending or
	// filtered out, which Missed names.
	Errors int       `json:"errors"`
	Failed []Failure `json:"error_specs,omitempty"`
	NotRun int       `json:"not_run"`
	Missed []NotRun  `json:"not_run_specs,omitempty"`
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
	// Objections are what speaks against a pass beside the verdicts, such as a control
	// of the suite that failed.
	Objections []string `json:"objections,omitempty"`
	// FromRecord says that the verdicts were read back from a record, which does not know
	// what else the gate asked: whether specs were left out, or something else failed.
	FromRecord bool `json:"from_record,omitempty"`
	// Smallest is the smallest build of a ladder for which every claim holds; it is left
	// out where no ladder was climbed, or none does.
	Smallest string `json:"smallest_build,omitempty"`
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
		if e.TooFew() && !e.Advisory {
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

// MostNamed is how many specs that failed or did not run are named where they are printed.
const MostNamed = 20

// WriteJSON writes the summary as one line of JSON. Of the specs that failed without a
// verdict, and of those that did not run, it names the first twenty; WriteFile stores all.
func (s Summary) WriteJSON(w io.Writer) error {
	s.Schema = Schema
	s.Failed = s.Failed[:min(len(s.Failed), MostNamed)]
	s.Missed, s.LeftOut = s.Missed[:min(len(s.Missed), MostNamed)], s.LeftOut[:min(len(s.LeftOut), MostNamed)]
	line, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the summary: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", line)
	return err
}
