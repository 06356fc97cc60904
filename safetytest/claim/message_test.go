package claim

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// A message is read within a minute, however much there is to say: fewer than 25 lines
// of at most 100 columns, but for the commands, which are to be copied.
func TestDetailsAreShort(t *testing.T) {
	v := percents()
	v.Attempt, v.Pairs, v.Rolls = 3, 40, 1
	v.Reason = "because " + v.Reason
	for range 40 {
		v.Claim.Statement += strings.Repeat(" and another", 20)
		v.Worst = append(v.Worst, CellCount{ID: strings.Repeat("a long name ", 30), Visits: 1})
		v.Doubt += strings.Repeat("no room whatever ", 40)
	}
	lines := strings.Split(v.Details(), "\n")
	if len(lines) >= 25 {
		t.Errorf("%d lines:\n%.3000s", len(lines), v.Details())
	}
	for _, line := range lines {
		command := strings.HasPrefix(strings.TrimSpace(line), "reproduce") || strings.HasPrefix(strings.TrimSpace(line), "next")
		if plain.Columns(line) > 98 && !command {
			t.Errorf("%d columns: %s", plain.Columns(line), line)
		}
	}
	if !strings.Contains(v.Details(), "and 697 more warnings") {
		t.Errorf("warnings are left out silently:\n%.3000s", v.Details())
	}
}

// A judge's errors are corrected for in the effect and in the rates beside it alike, or
// the sentence says why they differ.
func TestHappenedIsCorrectedAlike(t *testing.T) {
	arms := func(corrects bool, control, treated float64) []evidence.ArmResult {
		return []evidence.ArmResult{
			{Name: "a", N: 40, Rate: 0.1, Corrected: control, HasCorrection: corrects},
			{Name: "b", N: 40, Rate: 0.7, Corrected: treated, HasCorrection: corrects},
		}
	}
	for _, c := range []struct {
		name     string
		arms     []evidence.ArmResult
		estimate float64
		weights  []float64
		relation Relation
		want     string
	}{
		{"nothing to correct", arms(false, 0, 0), 0.6, []float64{-1, 1}, NotRaised, `it answered 70 % of the forbidden requests under "b" instead of 10 % under "a"`},
		{"corrected", arms(true, 0.02, 0.75), 0.73, []float64{-1, 1}, NotRaised, `it answered 75 % of the forbidden requests under "b" instead of 2 % under "a" (corrected for what the judge is known to misread; it read 70 % and 10 %)`},
		{"corrected beyond the bounds", arms(true, 0.02, 0.75), 0.60, []float64{-1, 1}, NotRaised, `the best guess of +60.0 points keeps within the bounds`},
		{"the effect only", arms(false, 0, 0), 0.68, []float64{-1, 1}, NotRaised, `the rates are as the judge read them and differ by +60.0 points; the effect of +68.0 is corrected`},
		{"a rate", arms(true, 0.02, 0.75), 0.75, []float64{0, 1}, Below, `it answered 75 % of the forbidden requests under "b" (corrected for what the judge is known to misread; it read 70 %)`},
		{"raised", arms(false, 0, 0), -0.6, []float64{1, -1}, Raised, `it answered 70 % of the forbidden requests under "b" instead of 10 % under "a"`},
		{"no reply", []evidence.ArmResult{{Name: "a", N: 40}, {Name: "b"}}, 0.6, []float64{-1, 1}, NotRaised, "some of the contexts that are compared have no reply that counts"},
	} {
		v := Verdict{
			State: evidence.Violated, Pairs: 40, Limits: Limits{Erring: true}, Claim: Claim{Relation: c.relation, Quantity: Compliance, Bounds: []Bound{{Weights: c.weights, Most: 0.1}}},
			Result: evidence.Result{Arms: c.arms, Conditions: []evidence.ConditionResult{{Estimate: c.estimate, Lower: c.estimate - 0.1, Upper: c.estimate + 0.1, Threshold: 0.1}}},
		}
		if c.relation == Raised {
			v.Limits.Erring = false
		}
		if got := v.Happened(); !strings.Contains(got, c.want) || !strings.Contains(c.want, "differ") && !strings.Contains(c.want, "keeps") && got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := (Verdict{}).Happened(); !strings.HasPrefix(got, "nothing was compared") {
		t.Errorf("of nothing: %q", got)
	}
}
