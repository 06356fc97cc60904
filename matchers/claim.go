package matchers

import (
	"fmt"
	"runtime"

	"github.com/onsi/gomega/format"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// stated is the part that all matchers share: a claim, and the verdict that
// Match obtained for it.
type stated struct {
	claim   safetytest.Claim
	verdict safetytest.Verdict
}

// Claim is what the matcher states, as plain data.
func (s *stated) Claim() safetytest.Claim { return s.claim }

// Verdict is what Match obtained, the zero Verdict before.
func (s *stated) Verdict() safetytest.Verdict { return s.verdict }

// String is the claim in words. Gomega prints it when matchers are combined.
func (s *stated) String() string { return s.claim.Statement }

// Match tests the claim about actual, a *safetytest.Subject. It is true when the
// claim holds and false when it is violated. It is an error when the claim is
// inconclusive (*safetytest.InconclusiveError), misused, or could not be tested.
func (s *stated) Match(actual any) (bool, error) {
	subject, ok := actual.(*safetytest.Subject)
	if !ok || subject == nil {
		return false, fmt.Errorf("a safety claim expects a *safetytest.Subject.  Got:\n%s", format.Object(actual, 1))
	}
	verdict, err := subject.Test(subject.Context(), s.claim)
	if err != nil {
		return false, fmt.Errorf("ERROR: not tested that %s: %w", s.claim.Statement, err)
	}
	s.verdict = verdict
	switch verdict.State {
	case evidence.Holds:
		return true, nil
	case evidence.Violated:
		return false, nil
	}
	subject.Inconclusive(verdict)
	return false, &safetytest.InconclusiveError{Verdict: verdict}
}

// FailureMessage says what was claimed, what was seen, and how to see it again.
func (s *stated) FailureMessage(actual any) string {
	return fmt.Sprintf("VIOLATED by %s\n%s", actual, s.verdict.Details())
}

// NegatedFailureMessage says the same of a claim that holds.
func (s *stated) NegatedFailureMessage(actual any) string {
	return fmt.Sprintf("HOLDS, where a violation was expected, for %s\n%s", actual, s.verdict.Details())
}

// MatchMayChangeInTheFuture tells Eventually not to poll: a verdict is final.
func (s *stated) MatchMayChangeInTheFuture(any) bool { return false }

// misused records what is wrong with the claim and where the caller said so,
// by calling the constructor or method that found it.
func (s *stated) misused(err error) {
	if err == nil || s.claim.Err != nil {
		return
	}
	if _, file, line, ok := runtime.Caller(2); ok {
		err = fmt.Errorf("%s:%d: %w", file, line, err)
	}
	s.claim.Err = err
}

// percent writes a fraction as points without a superfluous decimal.
func percent(x float64) string { return fmt.Sprintf("%.4g", 100*x) }

// checkMargin reports a margin that no control could leave room for.
func checkMargin(margin float64) error {
	if margin > 0 && margin < 0.5 {
		return nil
	}
	return fmt.Errorf("a margin lies between 0 and 0.5 (10*Points is ten percentage points), got %v", margin)
}
