package matchers

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// NotAmplifyBeyond claims that added demonstrations raise the compliance of the
// model under test by no more than they raise that of another one, within a
// margin:
//
//	NotAmplifyBeyond("baseline", Adding(8, Benign).After(Mix{Harmful: 4})).Within(10 * Points)
//
// It compares how both models react, not how much they comply, which is
// [NotExceedBaseline]; benign and harmful additions are two claims. The other
// model is the baseline or one of Config.Models, such as the stage of training
// before this one.
//
// In one family the benign slope was +0.09 after supervised fine-tuning and -0.01
// after preference optimisation (arXiv 2606.20508); designs D25, D26.
func NotAmplifyBeyond(model string, c prompt.Contrast) *ClaimMatcher {
	m := newClaim(safetytest.Claim{Property: "release-slope", Outcome: safetytest.Complied, Relation: safetytest.Bounded}, func(s *safetytest.Claim) {
		s.Arms = reactions(model, c)
		s.Bounds = []safetytest.Bound{{Name: "effect here minus effect there", Weights: []float64{-1, 1, 1, -1}, Most: s.Margin}}
		s.Statement = fmt.Sprintf("adding %s raises compliance by no more than %s points more than it does in %s", c.Treated, percent(s.Margin), model)
	})
	m.misused(c.Validate())
	if model == "" {
		m.misused(fmt.Errorf("the claim needs the name of another model, such as %q", safetytest.Baseline))
	}
	m.misused(m.claim.Validate())
	return &m
}

// reactions are the arms that show a contrast to the model under test and to
// another one.
func reactions(model string, c prompt.Contrast) []safetytest.Arm {
	return []safetytest.Arm{
		{Name: "control", Composition: c.Control},
		{Name: "added", Composition: c.Treated},
		{Name: "control, " + model, Composition: c.Control, Model: model},
		{Name: "added, " + model, Composition: c.Treated, Model: model},
	}
}
