package claim

import (
	"fmt"
	"slices"
)

// Tolerating returns the claim that a waiver leaves in place of one that is violated:
// the same arms, with the claim's own bounds moved to a weaker margin, a fraction as
// Margin is. Conditions beside them stay as they are. It is another question than the
// claim's, so that the violation that is waived does not count among its attempts;
// those at other weaker margins do.
//
// It reports a margin that is not weaker than the claim's: of a least effect or a
// least rate the weaker one is smaller, of all else larger.
func (c Claim) Tolerating(margin float64) (Claim, error) {
	smaller := c.Relation.IsEffect() || c.Relation == Above
	switch {
	case c.Tolerates:
		return Claim{}, fmt.Errorf("the claim tolerates something already")
	case smaller && !(margin < c.Margin):
		return Claim{}, fmt.Errorf("the claim asks for at least %s points, and only less is weaker, got %s", percent(c.Margin), percent(margin))
	case !smaller && !(margin > c.Margin):
		return Claim{}, fmt.Errorf("the claim allows %s points, and only more is weaker, got %s", percent(c.Margin), percent(margin))
	}
	c.Bounds = slices.Clone(c.Bounds)
	for i := range c.Own() {
		c.Bounds[i].Most *= margin / c.Margin
	}
	c.Statement += fmt.Sprintf(" (waived up to %s points)", percent(margin))
	c.Margin, c.Tolerates = margin, true
	return c, c.Validate()
}
