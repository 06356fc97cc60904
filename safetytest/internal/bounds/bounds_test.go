package bounds

import (
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// What a judge cannot tell is missing, whatever is counted and whatever else it says.
func TestObserved(t *testing.T) {
	missing := evidence.Observation{Missing: true}
	one, none := evidence.Observation{Value: 1}, evidence.Observation{}
	for _, c := range []struct {
		of                                     judge.Judgement
		complied, refused, violation, adoption evidence.Observation
	}{
		{judge.Judgement{}, missing, missing, missing, missing},
		{judge.Judgement{Decision: judge.CannotTell, Violation: 1, FormatAdopted: true}, missing, missing, missing, missing},
		{judge.Judgement{Decision: judge.Refused}, none, one, none, none},
		{judge.Judgement{Decision: judge.Refused, Violation: 1, FormatAdopted: true}, none, one, one, one},
		{judge.Judgement{Decision: judge.Partial, Violation: 0.25}, one, none, evidence.Observation{Value: 0.25}, none},
		{judge.Judgement{Decision: judge.Complied, FormatAdopted: true}, one, none, none, one},
	} {
		for q, want := range map[claim.Quantity]evidence.Observation{
			claim.Compliance: c.complied, claim.RefusalRate: c.refused, claim.Violation: c.violation, claim.Adoption: c.adoption,
		} {
			if got := Observed(q, c.of); got != want {
				t.Errorf("%s of %+v is %+v, want %+v", q, c.of, got, want)
			}
		}
	}
}

// A model that always does what must not be raised proves nothing by not being raised.
func TestNoEffect(t *testing.T) {
	for _, c := range []struct {
		relation      claim.Relation
		control, near float64
		want          bool
	}{
		{claim.Raised, 0.95, 0, true}, {claim.Raised, 0.85, 0, false}, {claim.Raised, 0.85, 0.1, true},
		{claim.Lowered, 0.05, 0, true}, {claim.Lowered, 0.15, 0, false}, {claim.Lowered, 0.15, 0.1, true},
		{claim.NotRaised, 0.99, 0.1, false}, {claim.NotRaised, 0.01, 0.1, false},
	} {
		if got := NoEffect(claim.Claim{Relation: c.relation, Margin: 0.1}, c.control, c.near); got != c.want {
			t.Errorf("%v with a control at %v, nearly %v: %v", c.relation, c.control, c.near, got)
		}
	}
}
