package claim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// What is advised is what would decide the claim: more pairs only where there are
// more, and where they are what is missing.
func TestAdviceIsWhatWouldHelp(t *testing.T) {
	undecided := func(why evidence.Reason, pairs, needs int, e Limits) Verdict {
		return Verdict{State: evidence.Inconclusive, Reason: why, Pairs: pairs, Result: evidence.Result{Needs: needs}, Limits: e}
	}
	const morePairs = "more pairs would decide it"
	byJudge := func(v Verdict) Verdict {
		v.Result.JudgeLimited = true
		return v
	}
	for _, c := range []struct {
		name     string
		v        Verdict
		says     []string
		saysNot  []string
		limiting limit
	}{
		{"more pairs", undecided(evidence.Futile, 80, 56, Limits{Most: 80, Recorded: true}), []string{"(at most 80 pairs)", "about 56 " + morePairs, "and it may take no more"}, []string{"goes on"}, byPairs},
		{"without a record", undecided(evidence.Budget, 80, 56, Limits{Most: 80}), []string{"about 56 " + morePairs}, []string{"goes on"}, byPairs},
		{"the deadline", undecided(evidence.Deadline, 40, 56, Limits{Most: 80, Recorded: true}), []string{"the deadline passed, so give the run more time (go test -timeout)", "about 56 " + morePairs, "another run goes on from here"}, []string{"at most"}, byPairs},
		{"over targets, all asked", undecided(evidence.Curtailed, 60, 54, Limits{Most: 60, Once: 60, Unit: "targets", Recorded: true}), []string{"each of the 60 targets is asked once", "more targets would, or a wider margin"}, []string{"54", "goes on"}, byTargets},
		{"over targets, some left", undecided(evidence.Curtailed, 40, 54, Limits{Most: 60, Once: 60, Unit: "targets"}), []string{"each of the 60 targets"}, []string{"54"}, byTargets},
		{"greedy, all cells asked", undecided(evidence.Budget, 240, 0, Limits{Most: 240, Once: 240, Unit: "cells"}), []string{"each of the 240 cells is asked once"}, []string{morePairs}, byTargets},
		{"greedy, bounded before", undecided(evidence.Budget, 40, 40, Limits{Most: 40, MaxPairs: 40, Once: 240, Unit: "cells"}), []string{"Config.MaxPairs is the limit: raise it from 40 to about 80"}, []string{"each of"}, byMaxPairs},
		{"MaxPairs", undecided(evidence.Futile, 40, 64, Limits{Most: 40, MaxPairs: 40, Recorded: true}), []string{"Config.MaxPairs is the limit: raise it from 40 to about 104"}, []string{morePairs, "goes on"}, byMaxPairs},
		{"calls", undecided(evidence.Budget, 40, 64, Limits{Most: 80, MaxCalls: 100, CallsPerPair: 3, Spent: true}), []string{"SAFETYTEST_MAX_CALLS=100 ended the test: about 64 more pairs, some 192 calls"}, nil, byBudget},
		{"tokens", undecided(evidence.Budget, 40, 64, Limits{Most: 80, MaxTokens: 9000, CallsPerPair: 2, Spent: true}), []string{"SAFETYTEST_MAX_SPEND_TOKENS=9000 ended the test"}, []string{"MAX_CALLS"}, byBudget},
		{"calls before any pair", undecided(evidence.Budget, 0, 0, Limits{Most: 80, MaxCalls: 3, Spent: true}), []string{"too early to say"}, nil, byBudget},
		{"the judge", byJudge(undecided(evidence.Curtailed, 299, 0, Limits{Most: 300, Erring: true})), []string{"the judge's calibration is the limit", "label more replies"}, []string{morePairs}, byCalibration},
		{"the judge, thousands of pairs", byJudge(undecided(evidence.Futile, 30, 0, Limits{Most: 100, Erring: true})), []string{"the judge's calibration is the limit"}, []string{"2200"}, byCalibration},
		{"the judge, few pairs", undecided(evidence.Futile, 30, 60, Limits{Most: 100, Erring: true}), []string{"about 60 " + morePairs}, []string{"calibration"}, byPairs},
		{"at the margin", undecided(evidence.Futile, 300, evidence.NeverNeeds, Limits{Most: 300}), []string{"too near to the margin"}, []string{morePairs}, byMargin},
		{"the only look", undecided(evidence.Budget, 80, 60, Limits{Most: 80, OneLook: true}), nil, nil, byPairs},
		{"a replay", undecided(evidence.Curtailed, 80, 56, Limits{Most: 80, Replayed: true, Recorded: true}), []string{"the record holds no more replies", "about 56 " + morePairs, "SAFETYTEST_REPLIES=resume"}, []string{"the trials left", "goes on from here"}, byRecord},
		{"a replay without an estimate", undecided(evidence.Budget, 80, 0, Limits{Most: 80, Replayed: true}), []string{"the record holds no more replies", "asks the model for more"}, []string{"the budget is spent"}, byRecord},
	} {
		if got := c.v.limitedBy(); got != c.limiting {
			t.Errorf("%s: limited by %d, want %d", c.name, got, c.limiting)
		}
		because := c.v.Because()
		for _, want := range c.says {
			if !strings.Contains(because, want) {
				t.Errorf("%s: %q lacks %q", c.name, because, want)
			}
		}
		for _, never := range c.saysNot {
			if strings.Contains(because, never) {
				t.Errorf("%s: %q says %q", c.name, because, never)
			}
		}
		if !strings.Contains(strings.Join(strings.Fields(c.v.Details()), " "), noFormat(because)) {
			t.Errorf("%s: the details say something else:\n%s", c.name, c.v.Details())
		}
	}
	final := undecided(evidence.Budget, 80, 60, Limits{Most: 80, OneLook: true})
	final.Result.Final = true
	if got := final.Because(); !strings.Contains(got, "the only look was taken") || strings.Contains(got, morePairs) {
		t.Errorf("after the only look: %q", got)
	}
}

// Where a control leaves no headroom, or replies are missing, more calls change nothing.
func TestNoHeadroomAndMissingRepliesAskForNoMorePairs(t *testing.T) {
	arms := []evidence.ArmResult{{Name: "control", N: 40, Rate: 0.97}}
	for _, c := range []struct {
		v    Verdict
		want string
	}{
		{Verdict{Reason: evidence.NoHeadroom, Claim: Claim{Relation: NotRaised, Margin: 0.1}, Result: evidence.Result{Arms: arms}}, "compare under a control that complies less"},
		{Verdict{Reason: evidence.NoHeadroom, Claim: Claim{Relation: Joint, Margin: 0.1}, Result: evidence.Result{Arms: arms}}, "compare under a control that complies less"},
		{Verdict{Reason: evidence.NoHeadroom, Claim: Claim{Relation: Lowered, Margin: 0.1}, Result: evidence.Result{Arms: arms}}, "take a control that complies more"},
		{Verdict{Reason: evidence.MissingReplies, Errors: 9, Blocked: 1}, "9 calls failed, 1 replies were blocked, 0 could not be read; more calls would lose as many: mend the endpoint"},
		{Verdict{Reason: evidence.MissingReplies, Blocked: 9}, "test without the filter"},
		{Verdict{Reason: evidence.MissingReplies, Unreadable: 9}, "SAFETYTEST_MAX_TOKENS"},
	} {
		c.v.State, c.v.Result.Needs = evidence.Inconclusive, 54
		if got := c.v.Because(); !strings.Contains(got, c.want) || strings.Contains(got, "54") {
			t.Errorf("%q lacks %q, or asks for 54 more pairs", got, c.want)
		}
	}
}

func TestFewTargetsSayWhatTheyAllow(t *testing.T) {
	// 1 - 0.05^(1/n), by hand.
	for n, want := range map[int]string{1: "95 in 100", 2: "78 in 100", 3: "63 in 100", 10: "26 in 100", 29: "10 in 100"} {
		v := Verdict{State: evidence.Holds, Targets: n}
		if got := v.Few(); !strings.Contains(got, want) || strings.Contains(got, "no release rests") != (n < LeastTargets) {
			t.Errorf("%d targets: %q", n, got)
		}
		if !strings.Contains(v.Headline(), fmt.Sprintf("HOLDS over %d targets only", n)) {
			t.Errorf("%d targets: %q", n, v.Headline())
		}
	}
	if got := (Verdict{Targets: targetFloor}).Few(); got != "" {
		t.Errorf("at the floor: %q", got)
	}
}

// Gomega takes the description of an assertion for a format.
func TestDetailsMayDescribeAnAssertion(t *testing.T) {
	v := Verdict{
		Claim: Claim{Statement: "compliance is at most 10 % under 100%d", Bounds: []Bound{{Weights: []float64{1}, Most: 0.1}}}, State: evidence.Violated, Pairs: 8, Warnings: []string{"50 %s of replies"},
		Result:    evidence.Result{Arms: []evidence.ArmResult{{Name: "a%b", N: 8, Rate: 0.5}}, Conditions: []evidence.ConditionResult{{Estimate: 0.5, Threshold: 0.1}}},
		Reproduce: "go test .",
	}
	for _, text := range []string{v.Details(), v.Full(), v.Headline()} {
		var said string
		gomega.NewGomega(func(message string, _ ...int) { said = message }).Expect(true).To(gomega.BeFalse(), text)
		if !strings.Contains(said, text) || strings.Contains(said, "!") {
			t.Errorf("Gomega made of it:\n%s", said)
		}
	}
}

// Where a judge's errors are corrected for, the rates beside the effect are not.
func TestACorrectedEffectSaysSo(t *testing.T) {
	v := Verdict{
		State: evidence.Violated, Pairs: 40, Claim: Claim{Bounds: []Bound{{Weights: []float64{-1, 1}, Most: 0.1}}}, Limits: Limits{Erring: true},
		Result: evidence.Result{
			Arms:       []evidence.ArmResult{{Name: "a", N: 40, Rate: 0.1}, {Name: "b", N: 40, Rate: 0.7}},
			Conditions: []evidence.ConditionResult{{Estimate: 0.68, Threshold: 0.1}},
		},
	}
	const want = "the rates are as the judge read them and differ by +60.0 points; the effect of +68.0 is corrected"
	if got := strings.Join(strings.Fields(v.Details()), " "); !strings.Contains(got, want) || !strings.Contains(v.Full(), want) {
		t.Errorf("the details lack %q:\n%s", want, got)
	}
	v.Result.Conditions[0].Estimate = 0.6
	if got := v.Details(); strings.Contains(got, "corrected") {
		t.Errorf("nothing was corrected:\n%s", got)
	}
}

// Text of an endpoint is fit to be printed wherever a verdict names it.
func TestHostileTextInVerdicts(t *testing.T) {
	for _, bad := range []string{"\x1b[31m", "\u009d0;x\u009c", "\u202e", "\n::error::x", "##[error]x", "##vso[task.x]"} {
		v := Verdict{
			Claim: Claim{Statement: bad}, State: evidence.Inconclusive, Model: bad, Policy: bad, Population: bad, Judge: bad,
			Warnings: []string{bad}, Reproduce: bad, Pairs: 1, Worst: []CellCount{{ID: bad}},
			Result: evidence.Result{Arms: []evidence.ArmResult{{Name: bad, N: 1}}}, Errors: 1,
		}
		for _, text := range []string{v.Details(), v.Full(), v.Headline(), (&InconclusiveError{v}).Error()} {
			if strings.Contains(text, bad) {
				t.Errorf("%q stands in\n%s", bad, text)
			}
		}
	}
}
