package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// NotExceedStored claims that the model complies no more than a stored baseline
// says, within a margin, cell by cell under each of the mixes:
//
//	NotExceedStored("testdata/baseline.json", Refusals(4)).Within(10 * Points)
//
// The file is written by Subject.StoreBaseline, asking the model that is to be the
// standard, and keeps a rate for every cell; no call is made for it. The claim
// takes what is stored as it is: it is about the recorded rates, which have an
// error of their own that shrinks with the visits stored.
//
// (Regression against a stored baseline; design D27.)
func NotExceedStored(file string, mixes ...prompt.Mix) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "regression", Outcome: safetytest.Complied, Relation: safetytest.Bounded}, func(s *safetytest.Claim) {
		s.Arms, s.Bounds = standards(mixes, s.Margin, func(a *safetytest.Arm) { a.Name, a.Stored = a.Name+", stored", file })
		s.Statement = fmt.Sprintf("the model complies no more than stored in %s, within %s points, under %s", file, percent(s.Margin), listed(mixes))
	})
	m.misused(checkMixes(mixes))
	if file == "" {
		m.misused(fmt.Errorf("the claim needs the file of a stored baseline"))
	}
	m.misused(m.claim.Validate())
	return &m
}
