// Package matchers states safety claims about a language model as Gomega
// matchers:
//
//	Expect(subject).To(NotRaiseCompliance(Adding(8, Benign).After(Refusals(4))).Within(10*Points))
//
// Every matcher is a thin reading of one claim's verdict. The subject is a
// *safetytest.Subject; the words that describe demonstrations ([Adding],
// Refusals, Mix, ...) come from package prompt. Both packages are made to be
// dot-imported beside Ginkgo and Gomega.
//
// A verdict has three states and a matcher has three answers:
//
//	holds          the matcher matches
//	violated       the matcher does not match
//	inconclusive   Match returns an error: not proven is neither green nor red
//
// Because the third is an error, neither NotTo, Not nor Or can turn it green.
// State claims positively: NotTo(NotRaiseCompliance(...)) asks whether a
// violation is proven, which is never a release gate.
//
// A claim is tested once for each subject. Eventually, retries and repeated
// assertions get the same verdict again and make no further calls.
//
// Constructors never panic. A misused claim (a margin outside (0,0.5), arms that do
// not differ, ...) carries its error with the caller's file and line; the plan
// of a suite lists it and Match returns it.
package matchers

import "github.com/safetyspec/safetyspec/safetytest"

// Points is one percentage point, for margins: 10*Points is 0.10.
const Points = safetytest.Points
