package evidence

import (
	"fmt"
	"math"
	"slices"
)

// check returns an error that names the first argument at fault. MaxTrials is
// left to New, because a forecast may be asked to choose it.
func (d Design) check() error {
	if len(d.Arms) == 0 {
		return fmt.Errorf("field Arms: a design needs at least one arm")
	}
	for _, check := range []func() error{d.checkConditions, d.checkControl, d.checkErrorRates, d.checkCounts, d.checkSampling, d.checkPlanned} {
		if err := check(); err != nil {
			return err
		}
	}
	if err := d.rule().fits(&d); err != nil {
		return err
	}
	return d.withDefaults().checkPlan()
}

func (d Design) checkConditions() error {
	if len(d.Conditions) == 0 {
		return fmt.Errorf("field Conditions: a design needs at least one condition")
	}
	if err := d.Judge.check(); err != nil {
		return err
	}
	if err := d.checkArmErrors(); err != nil {
		return err
	}
	for i := range d.Conditions {
		c := d.judged(d.Conditions[i])
		err := c.Judge.check()
		if err == nil {
			err = c.check(len(d.Arms))
		}
		if err != nil {
			return fmt.Errorf("field Conditions[%d] (%s): %w", i, c.Name, err)
		}
	}
	return nil
}

func (d Design) checkControl() error {
	switch {
	case d.Control < -1 || d.Control >= len(d.Arms):
		return fmt.Errorf("field Control %d: must be -1 or the index of one of %d arms", d.Control, len(d.Arms))
	case d.Control >= 0 && !(d.Headroom > 0 && d.Headroom < 1):
		return fmt.Errorf("field Headroom %v: the control's rate must be bounded by a number between 0 and 1; margins of a half and more leave no headroom", d.Headroom)
	}
	return nil
}

func (d Design) checkErrorRates() error {
	switch {
	case !(d.AlphaHolds >= 0 && d.AlphaHolds < 0.5):
		return fmt.Errorf("field AlphaHolds %v: must be above 0 and below 0.5", d.AlphaHolds)
	case !(d.AlphaViolated >= 0 && d.AlphaViolated < 0.5):
		return fmt.Errorf("field AlphaViolated %v: must be above 0 and below 0.5", d.AlphaViolated)
	case d.rule() == nil:
		return fmt.Errorf("field Stopping %d: no such stopping rule", d.Stopping)
	}
	return nil
}

// checkCounts checks the numbers of cells, trials and draws.
func (d Design) checkCounts() error {
	switch {
	case d.Cells < 1:
		return fmt.Errorf("field Cells %d: the claim must be about at least one cell", d.Cells)
	case d.ArmCells != nil && len(d.ArmCells) != len(d.Arms):
		return fmt.Errorf("field ArmCells: %d of them for %d arms", len(d.ArmCells), len(d.Arms))
	case slices.ContainsFunc(d.ArmCells, func(n int) bool { return n < 0 }):
		return fmt.Errorf("field ArmCells %v: none may be negative", d.ArmCells)
	case d.WithoutReplacement && d.populations():
		return fmt.Errorf("field WithoutReplacement: arms ask populations of their own, which one census cannot visit once each; sample with replacement")
	case d.Batch < 1 || d.Batch > d.Cells:
		return fmt.Errorf("field Batch %d: must be between 1 and the %d cells, because a batch holds distinct cells", d.Batch, d.Cells)
	case d.MaxTrials < 0:
		return fmt.Errorf("field MaxTrials %d: must not be negative", d.MaxTrials)
	case d.MinTrials < 0 || d.MaxTrials > 0 && d.MinTrials > d.cap():
		return fmt.Errorf("field MinTrials %d: must be at least 0 and at most the %d trials that MaxTrials, Batch and Cells allow", d.MinTrials, d.cap())
	case (d.WithoutReplacement || d.OverTargets) && d.MinTrials > d.fewest():
		return fmt.Errorf("field MinTrials %d: must be at most the %d cells, each of which is visited once", d.MinTrials, d.fewest())
	}
	return nil
}

// checkSampling checks how cells are drawn.
func (d Design) checkSampling() error {
	switch {
	case d.Replies < 0:
		return fmt.Errorf("field Replies %d: must be 0, for one reply an observation, or more", d.Replies)
	case d.Draws < 0 || d.Draws > 1 && d.Batch%d.Draws != 0:
		return fmt.Errorf("field Draws %d: must divide the batch of %d, so that every batch takes equally many cells from each draw", d.Draws, d.Batch)
	case d.OverTargets && d.Draws > 1:
		return fmt.Errorf("field Draws %d: with OverTargets a trial is a target, averaged over its draws", d.Draws)
	case !(d.Disagreement >= 0 && d.Disagreement <= 1):
		return fmt.Errorf("field Disagreement %v: must lie in [0, 1]", d.Disagreement)
	case d.WithoutReplacement && d.OverTargets:
		return fmt.Errorf("fields WithoutReplacement and OverTargets: a census of the given targets says nothing for certain about others; choose one")
	}
	return nil
}

func (d Design) checkPlanned() error {
	switch {
	case !(d.Planned.Rate >= 0 && d.Planned.Rate < 1):
		return fmt.Errorf("field Planned.Rate %v: must be at least 0 and below 1", d.Planned.Rate)
	case !(d.Planned.Correlation >= 0 && d.Planned.Correlation < 1):
		return fmt.Errorf("field Planned.Correlation %v: must be at least 0 and below 1", d.Planned.Correlation)
	case !(d.Power >= 0 && d.Power < 1):
		return fmt.Errorf("field Power %v: must be above 0 and below 1", d.Power)
	}
	return nil
}

// checkPlan says whether every contrast could be expected to hold at the
// planning point. (A rate that the judge's errors hide is not refused: it is
// forecast never to be proven.)
func (d Design) checkPlan() error {
	for i := range d.Conditions {
		c := &d.Conditions[i]
		if err := d.checkReading(c); err != nil {
			return fmt.Errorf("field Conditions[%d] (%s): %w", i, c.Name, err)
		}
		if lo, _ := c.span(); !c.contrast() && c.noise[holdSide] > 0 && !(c.holdsAt() > math.Max(0, lo)) {
			return fmt.Errorf("field Conditions[%d] (%s): Disagreement %v: outcomes that do not repeat could hide all of the threshold of %v; sample with replacement, or repeat more bodies", i, c.Name, d.Disagreement, c.Threshold)
		}
		if effect := d.effect(c, healthy); c.contrast() && !(effect < c.holdsAt()) {
			return fmt.Errorf("field Conditions[%d] (%s): PlannedEffect %v, Threshold %v: no healthy model is planned for: with Planned.Rate %v the judge would see an effect of %.3f, which is not below %.3f; plan a lower effect, or a control rate high enough to be lowered so far",
				i, c.Name, c.PlannedEffect, c.Threshold, d.Planned.Rate, effect, c.holdsAt())
		}
	}
	return nil
}

// check says what is wrong with a condition of a design of so many arms.
func (c *Condition) check(arms int) error {
	if err := c.checkWeights(arms); err != nil {
		return err
	}
	if err := c.checkThreshold(); err != nil {
		return err
	}
	if c.Rate && !c.level() {
		return fmt.Errorf("its Rate: the weights must be a single 1, or a single -1 with Offset 1")
	}
	if *c.Judge != Exact() && !c.contrast() && !c.level() {
		return fmt.Errorf("its Judge: its error can be allowed for in contrasts (weights that sum to 0, no offset) and in means of one arm only; give ArmErrors instead")
	}
	return nil
}

func (c *Condition) checkWeights(arms int) error {
	if len(c.Weights) != arms {
		return fmt.Errorf("its Weights: %d of them for %d arms", len(c.Weights), arms)
	}
	for k, w := range c.Weights {
		if !finite(w) {
			return fmt.Errorf("its Weights[%d] %v: must be a finite number", k, w)
		}
	}
	if !slices.ContainsFunc(c.Weights, func(w float64) bool { return w != 0 }) {
		return fmt.Errorf("its Weights: all are 0")
	}
	if !finite(c.Offset) {
		return fmt.Errorf("its Offset %v: must be a finite number", c.Offset)
	}
	return nil
}

func (c *Condition) checkThreshold() error {
	lo, hi := c.span()
	if !c.contrast() {
		lo = math.Max(0, lo)
	}
	switch {
	case !(c.Threshold > lo && c.Threshold < hi):
		return fmt.Errorf("its Threshold %v: must be above %v and below %v, the range that it could bound", c.Threshold, lo, hi)
	case c.Threshold == 0 && !(c.PlannedEffect < 0):
		return fmt.Errorf("its Threshold 0: takes a PlannedEffect below 0, because no number of trials proves an effect of 0 to be at most 0")
	case math.IsNaN(c.PlannedEffect) || c.PlannedEffect != 0 && !(c.PlannedEffect >= lo && c.PlannedEffect < c.Threshold):
		return fmt.Errorf("its PlannedEffect %v: must be at least %v and below the threshold of %v", c.PlannedEffect, lo, c.Threshold)
	}
	return nil
}
