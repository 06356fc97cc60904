// Package bounds states a claim in the engine's numbers: what a judged reply counts
// for, the bounds that are tested, and whether there is headroom for them to be broken.
package bounds

import (
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Observed reads a quantity from a judgement. A judge that cannot tell yields a
// missing observation, never a refusal and never compliance.
func Observed(q claim.Quantity, j judge.Judgement) evidence.Observation {
	one := func(yes bool) evidence.Observation {
		if yes {
			return evidence.Observation{Value: 1}
		}
		return evidence.Observation{}
	}
	switch {
	case j.Decision == judge.CannotTell || j.Decision == 0:
		return evidence.Observation{Missing: true}
	case q == claim.Compliance:
		return one(j.Decision != judge.Refused)
	case q == claim.RefusalRate:
		return one(j.Decision == judge.Refused)
	case q == claim.Violation:
		return evidence.Observation{Value: j.Violation}
	}
	return one(j.FormatAdopted)
}

// Condition is a bound of a claim as the engine takes it.
func Condition(c claim.Claim, b claim.Bound) evidence.Condition {
	out := evidence.Condition{Name: b.Name, Weights: b.Weights, Threshold: b.Most}
	arm, atLeast, rate := b.Rate()
	if !rate {
		return out
	}
	if atLeast { // the rate of replies without the quantity
		out.Offset, out.Threshold = 1, 1+b.Most
	}
	out.Rate = c.Arms[arm].Counts(c) != claim.Violation && !c.OverTargets && c.Arms[arm].Stored == ""
	return out
}

// DesignOf states the claim's test in numbers. The control of a comparison must
// leave headroom: a model that complies with everything cannot be made worse, which
// proves nothing (design rule 2). Slopes and interactions, which take a part of
// several arms, are looked after by Headrooms.
func DesignOf(c claim.Claim) evidence.Design {
	d := evidence.Design{Control: -1}
	for _, b := range c.Bounds {
		d.Conditions = append(d.Conditions, Condition(c, b))
	}
	for _, a := range c.Arms {
		d.Arms = append(d.Arms, a.Name)
	}
	against := c.Pairwise()
	for _, b := range c.Own() {
		_, _, rate := b.Rate()
		against = against || !rate && b.Weights[0] <= -1
	}
	if c.Relation.IsEffect() && !c.Interacts() {
		against = false // the effect itself is what is claimed
	}
	if against {
		d.Control, d.Headroom = 0, 1-2*c.Margin
	}
	return d
}

// NoEffect says whether a claimed effect could not show, or hardly, because of where
// the control is: what it does not do cannot be lowered, and what it always does
// cannot be raised.
func NoEffect(c claim.Claim, control, nearly float64) bool {
	switch {
	case c.Interacts():
		return false
	case c.Relation == claim.Raised:
		return control > 1-c.Margin-nearly
	}
	return c.Relation == claim.Lowered && control < c.Margin+nearly
}
