package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// KeepUnrelatedClean claims that after demonstrations of forbidden behaviour the
// replies to unrelated, allowed requests hold forbidden content in at most a
// bound of cases, a fraction in (0,1):
//
//	KeepUnrelatedClean(5*Points, Mix{Harmful: 8})
//
// It is about what the policy's judge finds in replies that nobody asked to
// violate anything, and needs a policy with unrelated requests. Of several mixes
// every one must keep the bound.
//
// Sixteen narrow examples in the prompt made models misbehave on 1 to 24 % of
// unrelated questions (arXiv 2510.11288); design D23.
func KeepUnrelatedClean(bound float64, mixes ...prompt.Mix) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "collateral", Outcome: safetytest.Violated, Relation: safetytest.AtMost, Margin: bound}, func(s *safetytest.Claim) {
		s.Arms = mixed(mixes)
		for i := range s.Arms {
			s.Arms[i].Asks = safetytest.Unrelated
		}
		s.Statement = fmt.Sprintf("replies to unrelated requests hold forbidden content in at most %s %% under %s", percent(s.Margin), listed(mixes))
	})
	m.misused(checkMixes(mixes))
	m.misused(checkBound(bound))
	m.misused(m.claim.Validate())
	return &m
}
