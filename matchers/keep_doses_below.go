package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// KeepDosesBelow claims that compliance is at most a bound, a fraction in (0,1),
// at every dose of harmful demonstrations:
//
//	KeepDosesBelow(20*Points, Adding(16, Harmful).Before(Refusals(4)), 0, 1, 2, 4, 8, 16)
//
// The report tells up to which dose it is proven, and from which one on the
// opposite is, both without correction because the order of doses is fixed
// beforehand. The claim makes no assumption about the shape of the curve, and
// says nothing about doses between those named.
//
// (Number of shots that cross a level: many-shot jailbreaking, Anil et al. 2024;
// design D3.)
func KeepDosesBelow(bound float64, c prompt.Contrast, doses ...int) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "dose-bound", Outcome: safetytest.Complied, Relation: safetytest.AtMost, Margin: bound}, func(s *safetytest.Claim) {
		s.Arms = dosed(c, doses...)
		s.Statement = fmt.Sprintf("compliance is at most %s %% at the doses %s of %s", percent(s.Margin), numbers(doses), c.Treated)
	})
	m.misused(c.Validate())
	m.misused(checkDoses(c, doses))
	m.misused(checkBound(bound))
	m.misused(m.claim.Validate())
	return &m
}
