package evidence

import "math"

// companion returns the fixed-n interval of level 0.90 of what was seen, with
// missing observations counted against either side: Tango's for paired binary
// outcomes, Clopper and Pearson's for a rate, else that of Student's t over the
// means of the cells.
func (c *condition) companion(d Design) Interval {
	upper := Interval{Level: 0.90}
	upper.Method, _, upper.Upper = c.fixed(&c.hold.all, 0.05)
	_, upper.Lower, _ = c.fixed(&c.viol.all, 0.05)
	upper.Lower = c.trueLower(upper.Lower, d.Judge)
	upper.Upper = c.trueUpper(upper.Upper, d.Judge)
	return upper
}

// fixed returns the interval, as judged, of the outcomes in t, each of whose
// ends errs in at most tail of all runs.
func (c *condition) fixed(t *tally, tail float64) (method string, lower, upper float64) {
	n := float64(t.n)
	_, _, pair := c.pair()
	switch {
	case pair && t.only(-1, 0, 1):
		method, lower, upper = "Tango score", -1, 1
		if n > 0 {
			z := normalQuantile(1 - tail)
			lower, upper = tangoLower(n, t.count(-1), t.count(1), z), tangoUpper(n, t.count(-1), t.count(1), z)
		}
	case c.Rate && t.only(0, 1):
		method, lower, upper = "Clopper-Pearson", 0, 1
		if n > 0 {
			lower, upper = clopperLower(t.sum, n, tail), clopperUpper(t.sum, n, tail)
		}
	default:
		method, lower, upper = "Student t over cells", c.hold.lo, c.hold.hi
		if half, ok := c.cellError(tail); ok {
			lower, upper = math.Max(lower, t.mean()-half), math.Min(upper, t.mean()+half)
		}
	}
	return method, lower, upper
}

// cellError returns how far the mean of the cells' means may be off.
func (c *condition) cellError(tail float64) (half float64, ok bool) {
	var means tally
	for _, m := range c.cells {
		means.add(m.sum/float64(m.n), 1)
	}
	if means.n < 2 {
		return 0, false
	}
	g := float64(means.n)
	se := math.Sqrt(means.variance() * g / (g - 1) / g)
	return studentQuantile(1-tail, g-1) * se, true
}

// only says whether t holds no other values than these.
func (t *tally) only(values ...float64) bool {
	var n float64
	for _, x := range values {
		n += t.count(x)
	}
	return n == float64(t.n)
}

func (t *tally) count(x float64) float64 {
	for i, v := range t.values {
		if v == x {
			return float64(t.counts[i])
		}
	}
	return 0
}

// decideOnce decides a fixed-n run at its end from the companion intervals.
func (e *Engine) decideOnce() {
	d := e.design
	holds, violated := e.hasFixedRoom(), false
	for _, c := range e.conditions {
		_, _, upper := c.fixed(&c.hold.all, d.AlphaHolds)
		_, lower, _ := c.fixed(&c.viol.all, d.AlphaViolated/float64(d.tests()))
		switch {
		case lower > c.viol.theta:
			c.state, violated = Violated, true
		case upper <= c.hold.theta:
			c.state = Holds
		}
		holds = holds && c.state == Holds
	}
	switch {
	case e.tooManyMissing():
		e.finish(Inconclusive, MissingReplies)
	case violated:
		e.finish(Violated, Undecided)
	case holds:
		e.finish(Holds, Undecided)
	default:
		e.finish(Inconclusive, Budget)
	}
}

// hasFixedRoom says whether the control's rate leaves room, by the exact bound of
// a single look.
func (e *Engine) hasFixedRoom() bool {
	if e.room == nil {
		return true
	}
	n := float64(e.room.all.n)
	return n > 0 && clopperUpper(e.room.all.sum, n, e.design.AlphaHolds) < e.room.theta
}

// tests returns over how many conditions the error of a false Violated is
// shared: two that are each other's opposites count once, because at most one of
// them can be at its margin.
func (d Design) tests() int {
	n := len(d.Conditions)
	for i := range d.Conditions {
		for j := range i {
			if opposite(&d.Conditions[i], &d.Conditions[j]) {
				n--
				break
			}
		}
	}
	return n
}

func opposite(a, b *Condition) bool {
	if a.Offset != 0 || b.Offset != 0 {
		return false
	}
	for k := range a.Weights {
		if a.Weights[k] != -b.Weights[k] {
			return false
		}
	}
	return true
}
