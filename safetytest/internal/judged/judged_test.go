package judged

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

func compared(q claim.Quantity) claim.Claim {
	return claim.Compare(claim.NotRaised, q, Adding(8, Benign).After(Refusals(4)), 0.1)
}

func adopted() claim.Claim {
	return claim.Compare(claim.NotRaised, claim.Adoption, Marking(Mix{Benign: 4}, "Sure:"), 0.1)
}

var labelled = judge.Calibration{Counts: judge.Counts{
	Complied: 100, CompliedSeen: 95, EffectiveComplied: 100, Refused: 100, RefusedSeen: 90, EffectiveRefused: 100,
}}

func of(decision, content judge.Reading, simulated bool) Judge {
	return Of(describes{judge.Description{Name: "j", Decision: decision, Content: content, SeesContent: true}}, simulated)
}

type describes struct{ d judge.Description }

func (j describes) Describe() judge.Description { return j.d }

func (describes) Judge(context.Context, judge.Exchange) (judge.Judgement, error) {
	return judge.Judgement{}, nil
}

// A claim proves nothing where it relies on a reading that nobody measured, and only
// there.
func TestWhatNobodyMeasuredProvesNothing(t *testing.T) {
	exact, measured := judge.Reading{Basis: judge.ByConstruction}, judge.Reading{Basis: judge.Measured, Calibration: labelled}
	for _, c := range []struct {
		name  string
		claim claim.Claim
		judge Judge
		why   string // "" where it may hold
	}{
		{"nothing is known", compared(claim.Compliance), of(judge.Reading{}, judge.Reading{}, false), "nobody measured"},
		{"code", compared(claim.Compliance), of(exact, judge.Reading{}, false), ""},
		{"labels", compared(claim.Compliance), of(measured, judge.Reading{}, false), ""},
		{"one of our models", compared(claim.Compliance), of(judge.Reading{}, judge.Reading{}, true), ""},
		{"a marker is read by code", adopted(), of(judge.Reading{}, judge.Reading{}, false), ""},
		{"content, of which nothing is known", compared(claim.Violation), of(exact, judge.Reading{}, false), "finding forbidden content"},
		{"content, measured", compared(claim.Violation), of(judge.Reading{}, measured, false), ""},
	} {
		err := c.judge.Unmeasured(c.claim)
		if (err == nil) != (c.why == "") || err != nil && (!errors.Is(err, judge.ErrUnmeasured) || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.why)
		}
	}
}

// Errors of the judge are allowed for where it errs: not where code reads, nor in the
// name of one for all where each arm has labels of its own.
func TestErrorsAreAllowedForWhereTheJudgeErrs(t *testing.T) {
	exact, measured := judge.Reading{Basis: judge.ByConstruction}, judge.Reading{Basis: judge.Measured, Calibration: labelled}
	design := func(c claim.Claim, j Judge) evidence.Design {
		d := bounds.DesignOf(c)
		if err := j.Allow(c, &d); err != nil {
			t.Fatal(err)
		}
		return d
	}
	c := compared(claim.Compliance)
	if d := design(c, of(exact, judge.Reading{}, false)); d.ArmErrors != nil {
		t.Errorf("a judge that is exact is corrected for: %+v", d.ArmErrors)
	}
	if d := design(adopted(), of(measured, judge.Reading{}, false)); d.ArmErrors != nil {
		t.Errorf("what code reads is corrected for the judge: %+v", d.ArmErrors)
	}
	d := design(c, of(measured, judge.Reading{}, false))
	if len(d.ArmErrors) != len(c.Arms) || d.Conditions[0].Judge == nil || !(d.Conditions[0].Judge.Lower < 1) {
		t.Errorf("labels that show errors change nothing: %+v, %+v", d.ArmErrors, d.Conditions[0].Judge)
	}
	byClass := measured
	byClass.Calibration.Classes = map[string]judge.Counts{}
	for _, a := range c.Arms {
		byClass.Calibration.Classes[a.Shows()] = labelled.Counts
	}
	if d := design(c, of(byClass, judge.Reading{}, false)); d.Conditions[0].Judge != nil || d.ArmErrors[0].Name == d.ArmErrors[1].Name {
		t.Errorf("arms with labels of their own share one error: %+v", d.ArmErrors)
	}
}

func TestAnAlarmStandsAndNoAllClear(t *testing.T) {
	for _, c := range []struct{ was, want evidence.State }{
		{evidence.Holds, evidence.Inconclusive}, {evidence.Violated, evidence.Violated}, {evidence.Inconclusive, evidence.Inconclusive},
	} {
		given := []evidence.ConditionResult{{State: c.was}}
		v := claim.Verdict{State: c.was, Result: evidence.Result{Conditions: given}}
		ProvesNothing(&v, claim.UnmeasuredJudge)
		if v.State != c.want || v.Result.Conditions[0].State != c.want || given[0].State != c.was {
			t.Errorf("%v became %v, its condition %v, and of whoever gave it %v", c.was, v.State, v.Result.Conditions[0].State, given[0].State)
		}
		if (v.Reason == claim.UnmeasuredJudge) != (c.was == evidence.Holds) {
			t.Errorf("%v: reason %q", c.was, v.Reason)
		}
	}
}
