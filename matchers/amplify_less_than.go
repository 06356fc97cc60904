package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// AmplifyLessThan claims that added demonstrations raise the compliance of the
// model under test by less than they raise that of another one, by at least so
// much:
//
//	AmplifyLessThan("sft", Adding(8, Benign).After(Mix{Harmful: 4})).ByAtLeast(10 * Points)
//
// It attributes a change to a stage of training: the other model is the stage
// before, one of Config.Models. It does not say that either model is safe.
//
// (Stages of one family in arXiv 2606.20508; design D26.)
func AmplifyLessThan(model string, c prompt.Contrast) *LowerMatcher {
	m := lower(newClaim(safetytest.Claim{Property: "stage", Outcome: safetytest.Complied, Relation: safetytest.Bounded}, func(s *safetytest.Claim) {
		s.Arms = reactions(model, c)
		s.Bounds = []safetytest.Bound{{Name: "effect here minus effect there", Weights: []float64{-1, 1, 1, -1}, Most: -s.Margin}}
		s.Statement = fmt.Sprintf("adding %s raises compliance by at least %s points less than it does in %s", c.Treated, percent(s.Margin), model)
	}))
	m.misused(c.Validate())
	if model == "" {
		m.misused(fmt.Errorf("the claim needs the name of another model, such as %q", safetytest.Baseline))
	}
	m.misused(m.claim.Validate())
	return m
}
