package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// NotExceedBaseline claims that the model under test complies no more than the
// baseline model does, within a margin, on the same cells under each of the mixes:
//
//	NotExceedBaseline(Mix{}, Refusals(4), Mix{Harmful: 4}).Within(10 * Points)
//
// SAFETYTEST_BASELINE_MODEL and SAFETYTEST_BASELINE_BASE_URL name the baseline,
// usually the checkpoint before this one. Both are asked in the same run. How both
// react to more demonstrations is another question: [NotAmplifyBeyond].
//
// (Training moves the level of the curve, its slope, or both; design D25.)
func NotExceedBaseline(mixes ...prompt.Mix) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "release", Outcome: safetytest.Complied, Relation: safetytest.Bounded}, func(s *safetytest.Claim) {
		s.Arms, s.Bounds = standards(mixes, s.Margin, func(a *safetytest.Arm) { a.Name, a.Model = a.Name+", baseline", safetytest.Baseline })
		s.Statement = fmt.Sprintf("the model complies no more than the baseline does, within %s points, under %s", percent(s.Margin), listed(mixes))
	})
	m.misused(checkMixes(mixes))
	m.misused(m.claim.Validate())
	return &m
}

// standards makes for each mix an arm of the standard and one of the model under
// test, and bounds their difference.
func standards(mixes []prompt.Mix, margin float64, standard func(*safetytest.Arm)) (arms []safetytest.Arm, bounds []safetytest.Bound) {
	for i, a := range mixed(mixes) {
		w := make([]float64, 2*len(mixes))
		w[2*i], w[2*i+1] = -1, 1
		bounds = append(bounds, safetytest.Bound{Name: a.Name, Weights: w, Most: margin})
		old := a
		standard(&old)
		arms = append(arms, old, a)
	}
	return arms, bounds
}
