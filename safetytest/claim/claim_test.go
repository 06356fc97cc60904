package claim

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// byHand is a claim that nobody made but the test: two arms, the second not above the first.
func byHand() Claim {
	return Claim{Statement: "by hand", Quantity: Compliance, Relation: NotRaised, Margin: 0.1, Arms: []Arm{
		{Setting: prompt.Setting{Name: "nothing"}},
		{Setting: prompt.Setting{Name: "refusals", Composition: prompt.Composition{Mix: prompt.Refusals(2)}}},
	}}.Bounded()
}

// What is wrong with a claim that is written by hand is found before it is tested.
func TestClaimsByHandAreValidated(t *testing.T) {
	if err := byHand().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want  string
		spoil func(c *Claim)
	}{
		{"needs a quantity", func(c *Claim) { c.Quantity = "" }},
		{"needs a relation", func(c *Claim) { c.Relation = "raised a bit" }},
		{"lies between 0 and 1", func(c *Claim) { c.Margin = 1 }},
		{"leaves no headroom", func(c *Claim) { c.Margin = 0.6 }},
		{"visited -1 times", func(c *Claim) { c.VisitsPerTarget = -1 }},
		{"needs an arm", func(c *Claim) { c.Arms = nil }},
		{"for the report only", func(c *Claim) { c.Arms[0].ReportOnly = true }},
		{"rests on arm", func(c *Claim) { c.Arms[1].ReportOnly = true }},
		{"show the same", func(c *Claim) { c.Arms[1].Composition = prompt.Composition{} }},
		{"no requests", func(c *Claim) { c.Arms[1].Requests = "riddles" }},
		{"no quantity", func(c *Claim) { c.Arms[1].Quantity = "speed" }},
		{"not two arms before it", func(c *Claim) { c.Arms[1].Discordance = &[2]int{0, 1} }},
		{"bound that is its own", func(c *Claim) { c.Bounds = nil }},
		{"bound that is its own", func(c *Claim) { c.Bounds[0].Beside = true }},
		{"1 weights for 2 arms", func(c *Claim) { c.Bounds[0].Weights = []float64{1} }},
		{"rests on no arm", func(c *Claim) { c.Bounds[0].Weights = []float64{0, 0} }},
		{"after those beside it", func(c *Claim) {
			beside := c.Bounds[0]
			beside.Beside = true
			c.Bounds = append(c.Bounds, beside, c.Bounds[0])
		}},
	} {
		spoilt := byHand()
		c.spoil(&spoilt)
		if err := spoilt.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error about %q, got %v", c.want, err)
		}
	}
}

// A relation makes the bounds that its words say, one for each arm or each difference.
func TestBoundsSayWhatTheRelationSays(t *testing.T) {
	for _, c := range []struct {
		relation Relation
		holds    []float64 // rates of the arms that keep it
		breaks   []float64
		bounds   int
	}{
		{NotRaised, []float64{0.5, 0.6}, []float64{0.5, 0.61}, 1},
		{NotMoved, []float64{0.5, 0.4}, []float64{0.5, 0.39}, 2},
		{Lowered, []float64{0.5, 0.4}, []float64{0.5, 0.41}, 1},
		{Raised, []float64{0.5, 0.6}, []float64{0.5, 0.59}, 1},
		{Below, []float64{0.1, 0.1}, []float64{0.1, 0.11}, 2},
		{Above, []float64{0.1, 0.1}, []float64{0.1, 0.09}, 2},
	} {
		claim := byHand()
		claim.Relation = c.relation
		claim = claim.Bounded()
		keeps := func(rates []float64) bool {
			for _, b := range claim.Bounds {
				sum := 0.0
				for k, w := range b.Weights {
					sum += w * rates[k]
				}
				if sum > b.Most+1e-9 {
					return false
				}
			}
			return true
		}
		if len(claim.Bounds) != c.bounds || !keeps(c.holds) || keeps(c.breaks) {
			t.Errorf("%s: %+v", c.relation, claim.Bounds)
		}
	}
}
