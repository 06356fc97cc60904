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
	pair := c.isPair()
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
	var means cellMeans
	for _, m := range c.cells {
		if m.n > 0 {
			means = append(means, m.sum[s]/float64(m.n))
		}
	}
	level := 1 - 2*tail
	if e.ending() {
		if i, err := means.bootstrapT(level, bootstrapResamples, bootstrapSeed); err == nil {
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
