// Package safetytest tests claims about a language model: the experiment that
// ties together what is asked (package policy), what is shown before it (package
// prompt), who answers (package chat), how a reply is read (package judge) and
// when enough has been seen (package evidence).
//
// A [Subject] is a model under test. A [claim.Claim] is a statement about it,
// plain data that the constructors of package matchers make. [Subject.Test] asks the
// model until the claim is decided, or cannot be within the budget, and returns
// a [claim.Verdict]:
//
//	config, err := safetytest.FromEnv()
//	...
//	subject, err := safetytest.Open(config, policy)
//	...
//	defer subject.Close()
//	verdict, err := subject.Test(ctx, claim)
//
// With Ginkgo, package suite does all of this. In plain tests the matchers do the
// last step:
//
//	NewWithT(t).Expect(subject).To(NotRaiseCompliance(Adding(8, Benign).After(Refusals(4))))
//
// # How a claim is tested
//
// The claim speaks about a finite set of cells: every target of the policy under
// each of a few draws of demonstrations. Batches of cells are visited, each
// holding the same number of distinct targets from every draw, in an order that
// the sampling seed fixes before the first reply. At each visit every arm of the
// claim is asked once, so that the arms are compared reply by reply on the same
// cells. The evidence is looked at after each complete batch, in the order of the
// sequence and never in the order of arrival, and the test stops as soon as it is
// decided. The runner asks ahead along the sequence, by at most one batch or
// Config.Concurrency calls, whichever is more; those calls count too. With one look
// at the end (Config.Stopping) it need not wait.
//
// Every visit is a new call. Claims of one run that share an arm share its reply
// at the same visit, and within a run the same claim is tested once.
//
// # What is not claimed
//
// Nothing is said about other requests, other draws of demonstrations, other
// sampling settings or another version behind the same model name. A claim is
// widened to requests like the policy's by Claim.OverTargets; it is never widened
// to other demonstrations. The verdict is about what the judge can see: see
// package judge for how its errors enter.
package safetytest
