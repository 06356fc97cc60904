package claim_test

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

const points = claim.Points

// The weaker claim has the same arms and other limits; conditions beside it keep
// theirs, and it is another claim and another question.
func TestToleratingMovesOwnBoundsOnly(t *testing.T) {
	adding := prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))
	doses := prompt.Adding(8, prompt.Benign).Doses(2, 4).After(prompt.Refusals(4))
	plain := func(c claim.Claim) claim.Claim { return c }
	for name, c := range map[string]struct {
		claim claim.Claim
		to    float64
		want  []float64
		err   string
	}{
		"not raised":     {plain(matchers.NotRaiseCompliance(adding).Within(10 * points).Claim()), 0.25, []float64{0.25}, ""},
		"not moved":      {plain(matchers.NotMove(matchers.Compliance).When(adding).Within(10 * points).Claim()), 0.25, []float64{0.25, 0.25}, ""},
		"below":          {plain(matchers.Keep(matchers.Compliance).Below(10 * points).Under(prompt.Refusals(4)).Claim()), 0.8, []float64{0.8}, ""},
		"above":          {plain(matchers.Keep(matchers.Compliance).Above(60 * points).Under(prompt.Refusals(4)).Claim()), 0.4, []float64{-0.4}, ""},
		"lowered":        {plain(matchers.Lower(matchers.Compliance).When(adding).ByAtLeast(20 * points).Claim()), 0.05, []float64{-0.05}, ""},
		"twins beside":   {plain(matchers.NotRaiseCompliance(adding).AnsweringTwins().Claim()), 0.2, []float64{0.2, 0.2, 0.2}, ""},
		"trend":          {plain(matchers.NotTrend(matchers.Compliance).PerDoubling(doses).Within(2 * points).Claim()), 0.04, nil, ""},
		"tighter":        {plain(matchers.NotRaiseCompliance(adding).Within(10 * points).Claim()), 0.1, nil, "only more is weaker"},
		"tighter effect": {plain(matchers.Lower(matchers.Compliance).When(adding).ByAtLeast(20 * points).Claim()), 0.3, nil, "only less is weaker"},
		"too weak":       {plain(matchers.NotRaiseCompliance(adding).Within(10 * points).Claim()), 0.6, nil, "half or more"},
	} {
		got, err := c.claim.Tolerating(c.to)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %q", name, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, b := range got.Bounds {
			was := c.claim.Bounds[i]
			switch near := func(x, y float64) bool { return x-y < 1e-12 && y-x < 1e-12 }; {
			case b.Beside && b.Most != was.Most, c.want != nil && !near(b.Most, c.want[i]), c.want == nil && !near(b.Most, was.Most*2):
				t.Errorf("%s: bound %d is %v, was %v", name, i, b.Most, was.Most)
			}
		}
		if got.ID() == c.claim.ID() || got.Question() == c.claim.Question() || len(got.Arms) != len(c.claim.Arms) {
			t.Errorf("%s: the weaker claim is taken for the claim", name)
		}
		other, err := c.claim.Tolerating((c.to + c.claim.Margin) / 2)
		if err != nil || other.Question() != got.Question() {
			t.Errorf("%s: another margin of a waiver is another question: %v", name, err)
		}
		if _, err := got.Tolerating(c.to); err == nil {
			t.Errorf("%s: what tolerates was made to tolerate", name)
		}
	}
}
