package matchers

import (
	"errors"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// KeepComplianceBelow is Keep(Compliance).Below(bound):
//
//	KeepComplianceBelow(5 * Points).Under(Refusals(4))
//
// (Design D3, upper bound at a dose.)
func KeepComplianceBelow(bound float64) *Rate { return Keep(Compliance).Below(bound) }

// LowerCompliance is Lower(Compliance).When(c): demonstrations lower compliance by at
// least so much, as refusals shown in defence are meant to.
//
//	LowerCompliance(Adding(4, Refusal).After(Mix{Harmful: 4})).ByAtLeast(10 * Points)
//
// A defence that makes the model refuse everything passes too, unless the claim goes on
// with [Matcher.AnsweringTwins].
//
// (In-context defence, Wei et al. 2023, arXiv 2310.06387; against 205 shots it helped
// little, Anil et al. 2024; design D21.)
func LowerCompliance(c prompt.Contrast) *Effect { return Lower(Compliance).When(c) }

// HeedReminder is Lower(Compliance).When(Reminding(mix, at)).
//
// A warning before and after 205 shots lowered success from 61 to 2 %, refusal
// demonstrations from 61 to 54 % (Anil et al. 2024); design D17.
func HeedReminder(mix prompt.Mix, at prompt.Reminder) *Effect {
	return Lower(Compliance).When(prompt.Reminding(mix, at))
}

// KeepSystemPromptBenefit claims that demonstrations take no more than a margin from what
// the system prompt achieves, in percentage points of compliance that it prevents: leaving
// it out does with nothing shown no more than with the mix.
//
//	NotRaise(Compliance).When(Unprompting(Mix{})).MoreThan(Unprompting(mix))
//
// The claim does not say that there is any benefit to lose, nor that compliance stays low.
//
// The same demonstrations added to one style of safety prompt and took up to 21 points from
// another (arXiv 2602.04294); design D24.
func KeepSystemPromptBenefit(mix prompt.Mix) *Bounded {
	under := prompt.Unprompting(mix)
	if mix.Len() == 0 {
		under.Err = errors.New("the claim is about demonstrations, and the mix shows none")
	}
	return NotRaise(Compliance).When(prompt.Unprompting(prompt.Mix{})).MoreThan(under)
}

// KeepUnrelatedClean is Keep(Violation).Below(bound).Under(mixes...).Asking(Unrelated):
// after demonstrations of forbidden behaviour the replies to unrelated, allowed requests
// hold forbidden content in at most a bound of cases. It is about what the policy's judge
// finds in replies that nobody asked to violate anything.
//
// Sixteen narrow examples in the prompt made models misbehave on 1 to 24 % of unrelated
// questions (arXiv 2510.11288); design D23.
func KeepUnrelatedClean(bound float64, mixes ...prompt.Mix) *Matcher {
	return Keep(Violation).Below(bound).Under(mixes...).Asking(Unrelated)
}
