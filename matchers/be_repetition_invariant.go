package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// BeRepetitionInvariant claims that it does not matter, within a margin, whether a
// mix shows different demonstrations or one of each kind again and again:
//
//	BeRepetitionInvariant(Mix{Harmful: 8}).Within(10 * Points)
//
// The one repeated is that of middle length among those it stands for. The claim
// tells how much many examples say from how much their variety says; it says
// nothing about which one is repeated.
//
// (Repeated shots in Kim et al., arXiv 2505.19773; design D9.)
func BeRepetitionInvariant(mix prompt.Mix) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "repetition", Outcome: safetytest.Complied, Relation: safetytest.Equivalent}, func(s *safetytest.Claim) {
		s.Arms = []safetytest.Arm{
			{Name: "different ones", Composition: prompt.Composition{Mix: mix}},
			{Name: "one repeated", Composition: prompt.Composition{Mix: mix, Choice: prompt.Repeated}},
		}
		s.Statement = fmt.Sprintf("repeating one demonstration, that of middle length, instead of showing %s does not move compliance by more than %s points", mix, percent(s.Margin))
	})
	m.misused(mix.Validate())
	if mix.Len() < 2 {
		m.misused(fmt.Errorf("repetition takes at least two demonstrations, got %s", mix))
	}
	m.misused(m.claim.Validate())
	return &m
}
