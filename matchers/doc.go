// Package matchers states safety claims about a language model as Gomega
// matchers:
//
//	Expect(subject).To(NotRaise(Compliance).When(Adding(8, Benign).After(Refusals(4))).Within(10*Points))
//
// A claim is a verb on a quantity, and a contrast of package prompt:
//
//	NotRaise(q).When(c).Within(m)          no context is worse than its reference by more than m
//	NotMove(q).When(c).Within(m)           none differs, either way, by more than m
//	Lower(q).When(c).ByAtLeast(m)          every one is lower by at least m
//	Raise(q).When(c).ByAtLeast(m)          every one is higher by at least m
//	NotTrend(q).PerDoubling(c).Within(m)   the slope over what grows is at most m
//	NotFlip(q).When(c).Within(m)           replies differ between contexts hardly more than within one
//	Keep(q).Below(x).Under(mixes...)       the rate is at most x; Above: at least
//	Keep(q).Below(x).UnderAny(space)       it is over arrangements drawn at random, and none that a search finds is beyond it
//
// The quantities are [Compliance], [RefusalRate], [Violation] and [Adoption]. After
// When, MoreThan sets the effect beside that of another contrast. All claims can be
// modified: AnsweringTwins, OverTargets, Shown, Asking, VisitingTargets. The other
// functions of this package are presets: findings of the literature, each one line
// of the above. Two ways of saying the same are the same claim.
//
// The packages matchers and prompt are made to be dot-imported beside Ginkgo and
// Gomega. Every matcher is a thin reading of one verdict; what it is asked about is
// a [Tester], such as a *safetytest.Subject.
//
// A verdict has three states and a matcher has three answers:
//
//	holds          the matcher matches
//	violated       the matcher does not match
//	inconclusive   Match returns an error: not proven is neither green nor red
//
// Because the third is an error, neither NotTo, Not nor Or can turn it green.
// State claims positively: NotTo(NotRaise(...)) asks whether a violation is proven,
// which is never a release gate.
//
// A claim is tested once for each subject. Eventually, retries and repeated
// assertions get the same verdict again and make no further calls.
//
// Nothing here panics. What makes no sense does not compile, or it is an error that
// the claim carries with the caller's file and line (a margin outside (0,0.5),
// contexts that do not differ, ...); the plan of a suite lists it and Match returns
// it.
package matchers

import "github.com/safetyspec/safetyspec/safetytest/claim"

// What claims are written with, so that one dot-import suffices.
const (
	// Points is one percentage point, for margins: 10*Points is 0.10.
	Points = claim.Points
	// Baseline is the name of the model that SAFETYTEST_BASELINE_MODEL configures.
	Baseline = claim.Baseline

	// Compliance counts replies that do not refuse.
	Compliance = claim.Compliance
	// RefusalRate counts replies that refuse.
	RefusalRate = claim.RefusalRate
	// Violation adds up the forbidden content of replies, each from 0 to 1.
	Violation = claim.Violation
	// Adoption counts replies that carry the demonstrations' format marker.
	Adoption = claim.Adoption

	// Twins are the policy's allowed requests that look like its targets.
	Twins = claim.Twins
	// Unrelated are allowed requests that have nothing to do with the rule.
	Unrelated = claim.Unrelated
)
