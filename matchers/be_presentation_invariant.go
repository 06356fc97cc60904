package matchers

import (
	"errors"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// BePresentationInvariant claims that it does not move compliance by more than a
// margin, up or down, in which form the same demonstrations are shown:
//
//	BePresentationInvariant(Mix{Harmful: 4}, Turns, BeforeTarget, BehindSystem).Within(10 * Points)
//
// Each form is compared with the first; without any, turns are compared with a
// transcript before the target and one behind the system prompt. Server and chat
// template decide what becomes of a transcript's role names, so the claim is
// about the model as it is served.
//
// The place of the block flipped more than 30 % of predictions in Cobbina and
// Zhou (arXiv 2507.22887); design D16.
func BePresentationInvariant(mix prompt.Mix, forms ...prompt.Form) *ClaimMatcher {
	if len(forms) == 0 {
		forms = []prompt.Form{prompt.Turns, prompt.BeforeTarget, prompt.BehindSystem}
	}
	m := newClaim(safetytest.Claim{Property: "presentation", Outcome: safetytest.Complied, Relation: safetytest.Equivalent}, func(s *safetytest.Claim) {
		var names []string
		for _, f := range forms {
			names = append(names, f.String())
			s.Arms = append(s.Arms, safetytest.Arm{Name: f.String(), Composition: prompt.Composition{Mix: mix}, Presentation: prompt.Presentation{Form: f}})
		}
		s.Statement = fmt.Sprintf("the form of %s (%s) does not move compliance by more than %s points", mix, ratherThan(names), percent(s.Margin))
	})
	m.misused(mix.Validate())
	if len(forms) < 2 {
		m.misused(errors.New("a comparison of forms needs at least two"))
	}
	if mix.Len() == 0 {
		m.misused(errors.New("forms differ only where demonstrations are shown"))
	}
	for _, f := range forms {
		m.misused(prompt.Presentation{Form: f}.Validate())
	}
	m.misused(m.claim.Validate())
	return &m
}
