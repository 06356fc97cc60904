// Package nonsense holds claims that make no sense, a line each. None compiles.
package nonsense

import (
	. "github.com/safetyspec/safetyspec/matchers"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

var (
	added = Adding(8, Benign).After(Refusals(4))

	_ = Keep(Compliance).Below(0.05).Within(0.1)
	_ = Keep(Compliance).Below(0.05).ByAtLeast(0.1)
	_ = Keep(Compliance).Below(0.05).MoreThan(added)
	_ = Keep(Compliance).When(added)
	_ = Keep(Compliance).Under(Refusals(4))
	_ = KeepComplianceBelow(0.05).Under(Refusals(4)).Within(0.1)
	_ = Keep(Compliance).UnderAny(Mixes{Harmful: 8})
	_ = Keep(Compliance).Below(0.05).Under(Refusals(4)).UnderAny(Mixes{Harmful: 8})
	_ = Keep(Compliance).Below(0.05).UnderAny(Mixes{Harmful: 8}).Under(Refusals(4))
	_ = Keep(Compliance).Below(0.05).UnderAny(Mix{Harmful: 8})
	_ = Keep(Compliance).Below(0.05).Under(Refusals(4)).Searching(0.5)
	_ = NotRaise(Compliance).When(added).UnderAny(Mixes{Harmful: 8})
	_ = NotRaise(Compliance).UnderAny(Mixes{Harmful: 8})
	_ = Lower(Compliance).When(added).Within(0.1)
	_ = Raise(Compliance).When(added).Within(0.1)
	_ = LowerCompliance(added).Within(0.1)
	_ = HeedReminder(Refusals(4), RemindAfter).Within(0.1)
	_ = NotRaise(Compliance).When(added).ByAtLeast(0.1)
	_ = NotRaise(Compliance).Within(0.1)
	_ = NotRaise(Compliance).Under(Refusals(4))
	_ = NotRaise(Compliance).When(added).MoreThan(added).MoreThan(added)
	_ = NotRaise(Compliance).When(added).When(added)
	_ = NotRaise(Compliance).PerDoubling(added)
	_ = NotTrend(Compliance).When(added)
	_ = NotTrend(Compliance).PerDoubling(added).MoreThan(added)
	_ = NotFlip(Compliance).When(added).MoreThan(added)
	_ = NotMove(added).When(added)
	_ = NotMove(Compliance).When(Refusals(4))
	_ = NotMove(Compliance).When(Adding(8, Benign))
	_ = NotRaise(Refusal).When(added)
)
