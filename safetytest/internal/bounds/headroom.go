package bounds

import (
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Headrooms are tests, on the same trials as the claim's, of whether what its bounds
// compare with leaves headroom (design rule 2): a bound could be passed by
// twice its margin if every arm that it adds showed the outcome always. For a
// treated arm and its control that is a control below 1 - 2 x margin, which the
// engine minds itself; for slopes and interactions it is the same of several arms
// together.
type Headrooms []*headroom

type headroom struct {
	engine *evidence.Engine
	state  evidence.State // Inconclusive until it is known
	done   bool
}

// HeadroomsOf makes the tests for a claim whose own test is d.
func HeadroomsOf(c claim.Claim, d evidence.Design) (Headrooms, error) {
	if c.Relation.IsEffect() {
		return nil, nil
	}
	var out Headrooms
	for i, b := range c.Bounds {
		if _, _, rate := b.Rate(); rate || b.Most <= 0 {
			continue
		}
		against, could := controls(b)
		all, arms := 0.0, []int{}
		for k, w := range against {
			if w > 0 {
				all, arms = all+w, append(arms, k)
			}
		}
		switch {
		case could <= 0:
			return nil, fmt.Errorf("bound %q: a margin of %.4g points leaves no headroom: its arms could never pass it by twice that", b.Name, 100*b.Most)
		case could >= all, d.Control >= 0 && len(arms) == 1 && arms[0] == d.Control && could == d.Headroom:
			continue // always, or minded by the engine
		}
		one := d
		one.Control, one.Headroom, one.MinTrials, one.ArmErrors, one.Judge = -1, 0, 0, nil, evidence.Exact()
		one.Conditions = []evidence.Condition{{
			// A judge's false positives only raise what is seen.
			Name: b.Name, Weights: against, Threshold: could * leastJ(d, i, arms),
			Rate: len(arms) == 1 && all == 1 && !c.OverTargets && c.Arms[arms[0]].Stored == "" && c.Arms[arms[0]].Counts(c) != claim.Violation,
		}}
		engine, err := evidence.New(one)
		if err != nil {
			return nil, err
		}
		out = append(out, &headroom{engine: engine, state: evidence.Inconclusive})
	}
	return out, nil
}

// controls are the weights of the arms that a bound takes away, turned positive, and by how
// much the other arms could pass twice the margin.
func controls(b claim.Bound) (against []float64, could float64) {
	against, could = make([]float64, len(b.Weights)), -2*b.Most
	for k, w := range b.Weights {
		if w > 0 {
			could += w
		} else if w < 0 {
			against[k] = -w
		}
	}
	return against, could
}

// leastJ is a lower bound of how much of a rate the judge sees in these arms.
func leastJ(d evidence.Design, condition int, arms []int) float64 {
	if j := d.Conditions[condition].Judge; j != nil {
		return j.Lower
	}
	least := 1.0
	if d.ArmErrors != nil {
		for _, k := range arms {
			r := d.ArmErrors[k]
			least = min(least, r.Sensitivity.Lower+r.Specificity.Lower-1)
		}
	}
	return least
}

// Add looks at a batch.
func (r Headrooms) Add(trials []evidence.Trial) error {
	for _, x := range r {
		if x.done {
			continue
		}
		result, err := x.engine.Add(slices.Clone(trials))
		if err != nil {
			return err
		}
		x.state, x.done = result.State, result.Done
	}
	return nil
}

// Open says whether some test goes on, and shown whether all have shown headroom.
func (r Headrooms) Open() (open, shown bool) {
	shown = true
	for _, x := range r {
		open = open || !x.done
		shown = shown && x.done && x.state == evidence.Holds
		if x.done && x.state != evidence.Holds {
			return false, false
		}
	}
	return open, shown
}
