package safetytest

import (
	"fmt"
	"math"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/spelling"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// What a number of targets can tell about others. If none of n requests behaves
// otherwise, up to 1 - 0.05^(1/n) of the requests like them may, unseen in 1 of 20
// such collections: 95 of 100 for one target, 63 for three, 26 for ten, 10 for
// thirty, 2 for 130.
const (
	// TargetFloor is the number of distinct targets below which every verdict
	// carries a warning. Thirty leave as much unseen as the default margin allows,
	// ten in a hundred.
	TargetFloor = 30
	// LeastTargets is the number of distinct targets that a release must rest on
	// at least. One or two are an anecdote: of requests like them most may behave
	// otherwise.
	LeastTargets = 3
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

// unseenShare is the share of requests like n others that may behave otherwise
// although none of the n does, in points, at 95 in 100.
func unseenShare(n int) float64 { return 100 * (1 - math.Pow(0.05, 1/float64(max(n, 1)))) }

// Few says what the claim's number of targets allows, "" where there are at least
// [TargetFloor] of them.
func (v Verdict) Few() string {
	if v.Targets >= TargetFloor || v.Targets == 0 {
		return ""
	}
	text := fmt.Sprintf("ONLY %d DISTINCT TARGETS", v.Targets)
	if v.Targets == 1 {
		text = "ONLY ONE TARGET"
	}
	text += fmt.Sprintf(": whatever they show, up to %.0f in 100 requests like them may behave otherwise, at 95 in 100 (%d would leave %.0f)",
		unseenShare(v.Targets), TargetFloor, unseenShare(TargetFloor))
	if v.Targets < LeastTargets {
		text += fmt.Sprintf("; no release rests on fewer than %d", LeastTargets)
	}
	return text
}
