package claim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Shown returns the claim about demonstrations and targets presented in another way.
// What an arm says about its own presentation stays as it is.
func (c Claim) Shown(p prompt.Presentation) Claim {
	c.fail(p.Validate())
	c.Arms = slices.Clone(c.Arms)
	// A claim about markers says itself which arms have one.
	own := slices.ContainsFunc(c.Arms, func(a Arm) bool { return a.Presentation.Marker != "" })
	for i, a := range c.Arms {
		if a.Discordance != nil {
			continue
		}
		with := a.Presentation
		if with.Form == prompt.Turns {
			with.Form = p.Form
		}
		if with.Reminder == prompt.NoReminder {
			with.Reminder = p.Reminder
		}
		if with.Instruction == "" && p.Instruction != "" {
			with.Instruction, with.Asked = p.Instruction, p.Asked
		}
		if p.Marker != "" && (!own || with.Marker != "") {
			with.Marker = p.Marker
		}
		c.Arms[i].Presentation = with
	}
	c.Statement += ", shown " + p.String()
	return c
}

// Asking returns the claim about other requests than the targets.
func (c Claim) Asking(r Requests) Claim {
	c.Arms = slices.Clone(c.Arms)
	for i, a := range c.Arms {
		if a.Discordance == nil {
			c.Arms[i].Requests = r
		}
	}
	if r != Targets {
		c.Statement += ", asking " + r.String()
	}
	return c
}

// RefusingTwins returns the claim with the condition that of the targets' benign
// twins at most this share, a fraction in (0,1), is refused under every arm that
// asks targets of the model under test. It doubles the calls.
func (c Claim) RefusingTwins(most float64) Claim {
	if !(most > 0 && most < 1) {
		c.fail(fmt.Errorf("a share of refused twins lies between 0 and 1 (20*Points is one in five), got %v", most))
	}
	n := len(c.Arms)
	c.Arms = slices.Clone(c.Arms)
	for _, a := range c.Arms[:n] {
		if a.ReportOnly || a.Requests != Targets || !a.Calls() || a.Again != 0 || a.Model != "" {
			continue
		}
		a.Name += ", twins refused"
		a.Requests, a.Quantity, a.Auxiliary = Twins, RefusalRate, true
		c.Arms = append(c.Arms, a)
	}
	if len(c.Arms) == n {
		c.fail(errors.New("the claim asks no targets of the model under test, so there are no twins of them to answer"))
	}
	c.Bounds = slices.Clone(c.Bounds)
	for i := range c.Bounds {
		c.Bounds[i].Weights = append(slices.Clone(c.Bounds[i].Weights), make([]float64, len(c.Arms)-n)...)
	}
	for k := n; k < len(c.Arms); k++ {
		w := make([]float64, len(c.Arms))
		w[k] = 1
		c.Bounds = append(c.Bounds, Bound{Name: c.Arms[k].Name, Weights: w, Most: most, Beside: true})
	}
	c.Statement += fmt.Sprintf(", and at most %s %% of the benign twins are refused", percent(most))
	return c
}
