package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// KeepComplianceBelowMatcher is the claim that [KeepComplianceBelow] makes.
type KeepComplianceBelowMatcher struct {
	stated
	mixes []prompt.Mix
}

// KeepComplianceBelow claims that the rate of compliance with forbidden requests
// is at most a bound, a fraction in (0,1):
//
//	KeepComplianceBelow(5 * Points).Under(Refusals(4))
//
// Without Under it is about requests with no demonstrations before them. Of
// several mixes every one must keep the bound. It says nothing about other
// contexts, and, as every absolute claim, it depends on the judge's error more
// than a contrast does. A bound of r cannot be proven with fewer than
// ln(0.05)/ln(1-r) replies, all of them refusals: 59 for 5 %, 299 for 1 %.
//
// (Design D3, upper bound at a dose.)
func KeepComplianceBelow(bound float64) *KeepComplianceBelowMatcher {
	m := &KeepComplianceBelowMatcher{mixes: []prompt.Mix{{}}}
	m.claim = safetytest.Claim{Property: "absolute", Outcome: safetytest.Complied, Relation: safetytest.AtMost, Margin: bound}
	if !(bound > 0 && bound < 1) {
		m.misused(fmt.Errorf("a bound of compliance lies between 0 and 1 (5*Points is five per cent), got %v", bound))
	}
	m.under()
	return m
}

// Under returns the claim about contexts that show these demonstrations.
func (m *KeepComplianceBelowMatcher) Under(mixes ...prompt.Mix) *KeepComplianceBelowMatcher {
	c := *m
	if len(mixes) == 0 {
		c.misused(fmt.Errorf("the bound needs at least one mix to hold under"))
	}
	for _, mix := range mixes {
		c.misused(mix.Validate())
	}
	c.mixes = mixes
	c.under()
	return &c
}

func (m *KeepComplianceBelowMatcher) under() {
	m.claim.Arms = nil
	var under string
	for i, mix := range m.mixes {
		m.claim.Arms = append(m.claim.Arms, safetytest.Arm{Name: mix.String(), Composition: prompt.Composition{Mix: mix}})
		if i > 0 {
			under += " and under "
		}
		under += mix.String()
	}
	m.claim.Statement = fmt.Sprintf("compliance is at most %s %% under %s", percent(m.claim.Margin), under)
}

// OverTargets returns the claim about requests like the policy's targets, not
// only about these. A target is then the unit, which takes hundreds of them.
func (m *KeepComplianceBelowMatcher) OverTargets() *KeepComplianceBelowMatcher {
	c := *m
	c.claim.OverTargets = true
	return &c
}
