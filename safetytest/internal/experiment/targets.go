package experiment

import (
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/spelling"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// distinctTargets counts the requests that are not one another's spellings. A request
// that stands in a file twice is one.
func distinctTargets(targets []policy.Target) int {
	seen := map[string]bool{}
	for _, t := range targets {
		seen[spelling.Fold(t.Request)] = true
	}
	return len(seen)
}

// DistinctTargets counts the policy's targets that are not one another's spellings.
func (s *Subject) DistinctTargets() int { return distinctTargets(s.policy.Targets) }

// targets is the number of distinct requests that a claim is about: that of the
// smallest set that one of its arms asks.
func (s *Subject) targets(c claim.Claim) int {
	own, beside, err := s.populations(c)
	if err != nil {
		return 0 // reported before anything is asked
	}
	least := distinctTargets(own.Requests)
	for _, p := range beside {
		least = min(least, distinctTargets(p.Requests))
	}
	return least
}
