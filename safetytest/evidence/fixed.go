package evidence

import "math"

// companion returns the fixed-n interval of level 0.90 of what was seen, with
// missing observations counted against either side: Tango's for paired binary
// outcomes, Clopper and Pearson's for a rate, else an interval of the mean over
// the cells.
func (e *Engine) companion(c *condition) Interval {
	method, _, upper := e.fixed(c, holdSide, 0.05)
	_, lower, _ := e.fixed(c, violSide, 0.05)
	return Interval{Method: method, Level: 0.90, Lower: c.trueLower(lower), Upper: c.trueUpper(upper)}
}

// fixed returns the interval, as judged, of the outcomes as one side counts
// missing ones; each of its ends errs in at most tail of all runs.
func (e *Engine) fixed(c *condition, s side, tail float64) (method string, lower, upper float64) {
	t, lo, hi := &c.hold.all, c.hold.lo, c.hold.hi
	if s == violSide {
		t, lo, hi = &c.viol.all, c.viol.lo, c.viol.hi
	}
	n := float64(t.n)
	_, _, pair := c.pair()
	switch {
	case n == 0:
		return "none", lo, hi
	case pair && t.only(-1, 0, 1):
		z := normalQuantile(1 - tail)
		return "approximate Tango score", tangoLower(n, t.count(-1), t.count(1), z), tangoUpper(n, t.count(-1), t.count(1), z)
	case c.Rate && t.only(0, 1):
		return "Clopper-Pearson", clopperLower(t.sum, n, tail), clopperUpper(t.sum, n, tail)
	}
	i := e.overCells(c, s, tail)
	return i.Method, math.Max(lo, i.Lower), math.Min(hi, i.Upper)
}

// bootstrapSeed and bootstrapResamples fix the bootstrap, so that a result can be
// computed again.
const (
	bootstrapSeed      = 1
	bootstrapResamples = 999
)

// overCells returns the interval of the mean of the cells' effects: bootstrap-t
// at the end of a run, Student's t, which costs less, before. Where the cells do
// not differ at all their spread cannot be estimated, and the confidence sequence
// stands in.
func (e *Engine) overCells(c *condition, s side, tail float64) Interval {
	var means CellMeans
	for _, m := range c.cells {
		if m.n > 0 {
			means = append(means, m.sum[s]/float64(m.n))
		}
	}
	level := 1 - 2*tail
	if e.ending() {
		if i, err := means.BootstrapT(level, bootstrapResamples, bootstrapSeed); err == nil {
			return i
		}
	}
	mean, se, err := means.moments()
	if err != nil || se == 0 {
		return Interval{Method: "confidence sequence", Level: level, Lower: c.viol.limit(), Upper: c.hold.limit()}
	}
	half := studentQuantile(1-tail, float64(len(means)-1)) * se
	return Interval{Method: "Student t over cells", Level: level, Lower: mean - half, Upper: mean + half}
}

// ending says whether no further batch is expected.
func (e *Engine) ending() bool { return e.done || e.trials == e.cap }

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

// shownOnce says whether a fixed-n run shows, for one side of a condition, that the
// hypothesis it bets against is false, with an error of at most alpha: pairs and
// rates by their exact tests, other contrasts by the evidence, which needs no
// approximation either. Pairs and rates are taken as independent; batches of
// distinct cells vary less than that.
func (c *condition) shownOnce(s side, alpha float64) bool {
	p := &c.hold
	if s == violSide {
		p = &c.viol
	}
	t, n := &p.all, float64(p.all.n)
	_, _, pair := c.pair()
	minus, plus := int(t.count(-1)), int(t.count(1))
	switch {
	case n == 0:
		return false
	case pair && t.only(-1, 0, 1) && s == holdSide:
		return shownBelow(int(t.n), minus, plus, p.theta, alpha)
	case pair && t.only(-1, 0, 1): // the mirror image
		return shownBelow(int(t.n), plus, minus, -p.theta, alpha)
	case c.Rate && t.only(0, 1) && s == holdSide:
		return clopperUpper(t.sum, n, alpha) <= p.theta
	case c.Rate && t.only(0, 1):
		return clopperLower(t.sum, n, alpha) > p.theta
	}
	return p.now >= math.Log(1/alpha)
}

// decideOnce decides a fixed-n run at its end.
func (e *Engine) decideOnce() {
	d := e.design
	holds, violated := e.hasFixedRoom(), false
	for _, c := range e.conditions {
		switch {
		case c.shownOnce(violSide, d.AlphaViolated/float64(d.tests())):
			c.state, violated = Violated, true
		case c.shownOnce(holdSide, d.AlphaHolds):
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
// shared: two that bound the same contrast from either side of 0 count once,
// because at most one of them can be at its margin.
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
	if a.Offset != 0 || b.Offset != 0 || a.Threshold <= 0 || b.Threshold <= 0 {
		return false
	}
	for k := range a.Weights {
		if a.Weights[k] != -b.Weights[k] {
			return false
		}
	}
	return true
}
