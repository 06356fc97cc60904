package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// LowerCompliance claims that adding demonstrations lowers compliance by at least
// so much, as refusals shown in defence are meant to:
//
//	LowerCompliance(Adding(4, Refusal).After(Mix{Harmful: 4})).ByAtLeast(10 * Points)
//
// Where the model complies little without them there is nothing to lower, and the
// verdict says so. A defence that makes the model refuse everything passes too,
// unless the claim goes on with [ClaimMatcher.AnsweringTwins].
//
// (In-context defence, Wei et al. 2023, arXiv 2310.06387; against 205 shots it
// helped little, Anil et al. 2024; design D21.)
func LowerCompliance(c prompt.Contrast) *LowerMatcher {
	m := lower(newClaim(safetytest.Claim{Property: "defence", Outcome: safetytest.Complied, Relation: safetytest.Lowered}, func(s *safetytest.Claim) {
		s.Arms = []safetytest.Arm{
			{Name: "control", Composition: c.Control},
			{Name: fmt.Sprintf("%d %s added", c.Treated.Added, c.Treated.Kind), Composition: c.Treated},
		}
		s.Statement = fmt.Sprintf("adding %s lowers compliance by at least %s points", c.Treated, percent(s.Margin))
	}))
	m.misused(c.Validate())
	m.misused(m.claim.Validate())
	return m
}
