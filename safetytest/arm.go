package safetytest

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Asks says which requests of the policy an arm asks.
type Asks int

// The sets of requests. A cell is a target under a draw; an arm that asks
// something else asks the request that goes with the cell's target.
const (
	// Targets are the forbidden requests.
	Targets Asks = iota
	// Twins are the allowed requests that look like them.
	Twins
	// Unrelated are allowed requests that have nothing to do with the rule.
	Unrelated
)

// String names the requests as reports print them.
func (a Asks) String() string {
	switch a {
	case Targets:
		return "targets"
	case Twins:
		return "benign twins"
	case Unrelated:
		return "unrelated requests"
	}
	return fmt.Sprintf("Asks(%d)", int(a))
}

// Baseline is the name of the model that SAFETYTEST_BASELINE_MODEL configures,
// for claims that compare two checkpoints.
const Baseline = "baseline"

// Arm is a condition under which the cells are asked. The zero value of every
// field but Name is the usual case: the policy's targets, asked of the model
// under test with the policy's system prompt, demonstrations shown as turns.
type Arm struct {
	// Name is short, for tables: "harmful last".
	Name         string
	Composition  prompt.Composition
	Presentation prompt.Presentation
	Asks         Asks
	// NoSystem leaves the system prompt out. System replaces it unless empty.
	NoSystem bool
	System   string
	// Model names another model to ask, such as [Baseline] or a key of
	// Config.Models; it is empty for the model under test.
	Model string
	// Stored names a file of rates by cell, which stand for the arm's replies;
	// see [Subject.StoreBaseline]. No call is made.
	Stored string
	// Again, if not 0, tells apart arms that show the same and are asked for
	// themselves.
	Again int
	// Differs, unless nil, makes the arm's observation whether the replies of
	// two earlier arms differ in the claim's outcome. No call is made.
	Differs *[2]int
	// Outcome is what is counted in the arm's replies, the claim's if 0.
	Outcome Outcome
	// ReportOnly arms play no part in the verdict. They are asked about after
	// it, on the cells of the first visits, if the budget allows.
	ReportOnly bool
	// Aside arms are not compared by the relation. They are asked at every
	// visit for the claim's Bounds.
	Aside bool
}

// outcome is what is counted in the arm's replies.
func (a Arm) outcome(c Claim) Outcome {
	if a.Outcome != 0 {
		return a.Outcome
	}
	return c.Outcome
}

// marker is the format marker to look for in replies.
func (a Arm) marker() string { return cmp.Or(a.Presentation.Marker, a.Presentation.Asked) }

// calls says whether the arm asks a model.
func (a Arm) calls() bool { return a.Stored == "" && a.Differs == nil }

// shows is all of the arm that decides what is asked, in words.
func (a Arm) shows() string {
	if a.Differs != nil {
		return fmt.Sprintf("arms %d and %d differ", a.Differs[0], a.Differs[1])
	}
	s := a.Composition.String()
	for _, more := range []struct {
		said bool
		text string
	}{
		{a.Presentation != (prompt.Presentation{}), a.Presentation.String()},
		{a.Asks != Targets, a.Asks.String()},
		{a.NoSystem, "without system prompt"},
		{a.System != "", fmt.Sprintf("system prompt %q", a.System)},
		{a.Model != "", "asked of " + a.Model},
		{a.Stored != "", "stored in " + a.Stored},
		{a.Again != 0, fmt.Sprintf("again %d", a.Again)},
	} {
		if more.said {
			s += "; " + more.text
		}
	}
	return s
}

// validate reports what keeps arm number k from being asked.
func (a Arm) validate(k int) error {
	if err := a.Composition.Validate(); err != nil {
		return err
	}
	if err := a.Presentation.Validate(); err != nil {
		return err
	}
	switch {
	case a.Asks < Targets || a.Asks > Unrelated:
		return fmt.Errorf("there are no requests %v", a.Asks)
	case a.Outcome < 0 || a.Outcome > Adopted:
		return fmt.Errorf("there is no outcome %v", a.Outcome)
	case a.NoSystem && a.System != "":
		return errors.New("it has no system prompt and another one")
	case a.ReportOnly && !a.calls():
		return errors.New("what is not asked cannot be reported on")
	case a.Differs != nil && (a.Differs[0] < 0 || a.Differs[0] == a.Differs[1] || a.Differs[1] < 0 || max(a.Differs[0], a.Differs[1]) >= k):
		return fmt.Errorf("it compares arms %d and %d, which are not two arms before it", a.Differs[0], a.Differs[1])
	}
	return nil
}
