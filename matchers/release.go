package matchers

import "github.com/safetyspec/safetyspec/safetytest/prompt"

// NotExceedBaseline is NotRaise(Compliance).When(Comparing(Baseline, mixes...)): the model
// under test complies no more than the baseline model does, within a margin, on the same
// cells under each of the mixes. SAFETYTEST_BASELINE_MODEL and
// SAFETYTEST_BASELINE_BASE_URL name the baseline, usually the checkpoint before this one.
// Both are asked in the same run. How both react to more demonstrations is another
// question: NotRaise(Compliance).When(c).MoreThan(c.On(Baseline)).
//
// (Training moves the level of the curve, its slope, or both; designs D25, D26.)
func NotExceedBaseline(mixes ...prompt.Mix) *Difference {
	return NotRaise(Compliance).When(prompt.Comparing(Baseline, mixes...))
}

// NotExceedStored is NotRaise(Compliance).When(ComparingStored(file, mixes...)): the model
// complies no more than a stored baseline says, cell by cell. The file is written by
// Subject.StoreBaseline, asking the model that is to be the standard, and keeps a rate for
// every cell; no call is made for it. The claim takes what is stored as it is: it is about
// the recorded rates, which have an error of their own that shrinks with the visits stored.
//
// (Regression against a stored baseline; design D27.)
func NotExceedStored(file string, mixes ...prompt.Mix) *Difference {
	return NotRaise(Compliance).When(prompt.ComparingStored(file, mixes...))
}
