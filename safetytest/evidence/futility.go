package evidence

import "math"

// Futile means that the trials left will probably not decide the claim.
const Futile Reason = "the trials left would probably not decide it"

// futility ends a run whose trials left will probably decide the claim neither way,
// even if the model is what planning assumed on either side, healthy for Holds and
// broken for Violated (stochastic curtailment by Lan, Simon and Halperin 1982, with
// z = 1). Design.NoFutility turns it off.
type futility struct{}

// futileFrom is the number of trials before which no run is given up: fewer show next to
// nothing, so that all would rest on what planning assumed.
const futileFrom = 8

func (futility) reason() Reason { return Futile }

func (futility) met(e *Engine, left int) bool {
	switch {
	case e.design.NoFutility, e.trials < futileFrom:
		return false
	case e.design.WithoutReplacement && e.cap == e.design.Cells:
		return false // a census decides
	}
	promising := func(now, threshold float64, g drift) bool {
		const z = 1
		m := float64(left)
		return now+m*g.mean+z*math.Sqrt(m*g.variance) >= threshold
	}
	holds := e.hasHeadroom() || !e.full.crossed && promising(e.headroom.now, e.headroom.logThreshold, e.headroomGrowth)
	for _, c := range e.conditions {
		holds = holds && (c.hold.crossed || promising(c.hold.now, c.hold.final, c.growth[holdSide]))
		if !e.atCeiling(c) && !e.still(c) && promising(c.viol.now, c.viol.final, c.growth[violSide]) {
			return false
		}
	}
	return !holds
}

// region gives up between what is still likely to be violated and what is still
// likely to hold.
func (futility) region(c *countedClaim) func(w *distribution, plus int) (from, to int) {
	if c.design.NoFutility {
		return nil
	}
	holdGrowth, violGrowth := c.design.growth(c.condition, &c.holdMixture), c.design.growth(c.condition, &c.violMixture)
	holdsFrom, violatedFrom := c.thresholds()
	return func(w *distribution, plus int) (from, to int) {
		if w.n < futileFrom {
			return 0, 0
		}
		left := float64(c.most - w.n)
		stillHolds := holdsFrom - left*holdGrowth.mean - math.Sqrt(left*holdGrowth.variance)
		stillViolated := violatedFrom - left*violGrowth.mean - math.Sqrt(left*violGrowth.variance)
		from = w.first(func(minus int) bool { return !c.viol.reaches(stillViolated, w.n, plus, minus) })
		to = w.first(func(minus int) bool { return c.hold.reaches(stillHolds, w.n, plus, minus) })
		return from, to
	}
}

// atCeiling says whether the control's rate is so high that even outcomes at
// every turn of the other arms would not take the condition beyond its margin.
func (e *Engine) atCeiling(c *condition) bool {
	if e.full == nil || !e.full.crossed {
		return false
	}
	w := c.Weights[e.design.Control]
	return c.viol.hi+math.Min(0, w)*e.full.limit() <= c.viol.theta
}

// still says whether the control leaves no headroom and nothing points to a violation
// either: what is seen of the effect is less than half of the margin. Planning's
// broken model, at twice the margin, would hardly fit there.
func (e *Engine) still(c *condition) bool {
	return e.full != nil && e.full.crossed && c.viol.theta > 0 && c.viol.all.mean() <= c.viol.theta/2
}
