package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// NotFollowTheFirst claims that the first demonstration, harmful rather than its
// minimal-edit twin, does not raise compliance by more than a margin:
//
//	NotFollowTheFirst(Mix{Refusal: 4}).Within(10 * Points)
//
// One demonstration is put before the mix and nothing else changes, so the content
// of that one is told apart from the order of all, and from its form. It needs a
// policy with rewritten demonstrations.
//
// (The primacy twin of [NotFollowTheLast]; design D14.)
func NotFollowTheFirst(mix prompt.Mix) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "first-demonstration", Outcome: safetytest.Complied, Relation: safetytest.NotRaised}, func(s *safetytest.Claim) {
		s.Arms = []safetytest.Arm{
			{Name: "first rewritten", Composition: prompt.Composition{Mix: mix, Added: 1, Kind: prompt.Rewritten, Position: prompt.Before}},
			{Name: "first harmful", Composition: prompt.Composition{Mix: mix, Added: 1, Kind: prompt.Harmful, Position: prompt.Before}},
		}
		s.Statement = fmt.Sprintf("one harmful demonstration before %s does not raise compliance by more than %s points over its rewrite", mix, percent(s.Margin))
	})
	m.misused(mix.Validate())
	m.misused(m.claim.Validate())
	return &m
}
