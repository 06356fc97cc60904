package evidence

import (
	"fmt"
	"math"
)

// FixedN looks once, after MaxTrials: at pairs and rates of binary outcomes by exact
// tests, at other contrasts by the evidence.
const FixedN StoppingRule = 2

// fixedN looks once. What it plans with several conditions or without exact counts
// is what a sequential run would say at its end where there is no exact test.
type fixedN struct{ sequential }

func (fixedN) String() string { return "one look" }

func (fixedN) once() bool { return true }

func (fixedN) final() bool { return true }

func (fixedN) fits(d *Design) error {
	if d.WithoutReplacement {
		return fmt.Errorf("field WithoutReplacement: only the sequential method knows finite populations")
	}
	return nil
}

// look decides at the end. Which arms are read stays as it was planned, because a run
// of fixed length is about the X of every batch alike.
func (fixedN) look(e *Engine) {
	if e.trials < e.cap {
		return
	}
	d := e.design
	holds, violated := e.hasFixedHeadroom(), false
	for _, c := range e.conditions {
		switch {
		case c.shownOnce(violSide, d.AlphaViolated/float64(d.tests())):
			c.state, violated = Violated, true
			c.viol.reject()
		case c.shownOnce(holdSide, d.AlphaHolds):
			c.state = Holds
			c.hold.reject()
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

func (r fixedN) further(e *Engine) int {
	if !e.done {
		return e.cap - e.trials
	}
	return r.sequential.further(e)
}

// counted returns what a run that ended at each look would say, of pairs by the normal
// curve: their exact test shows a little less, at a hundred pairs one or two runs in a
// hundred.
func (fixedN) counted(c *countedClaim) func(*distribution) characteristic {
	d, hold, viol := c.design, c.condition.holdsAt(), c.condition.violatedAt()
	return func(w *distribution) characteristic {
		now := characteristic{n: w.n, open: 1}
		n := float64(w.n)
		w.each(func(plus, minus int, mass float64) bool {
			var holds, violated bool
			if c.condition.Rate {
				holds = clopperUpper(float64(plus), n, d.AlphaHolds) <= hold
				violated = clopperLower(float64(plus), n, d.AlphaViolated) > viol
			} else {
				holds = tangoZ(n, float64(minus), float64(plus), hold) <= -normalQuantile(1-d.AlphaHolds)
				violated = tangoZ(n, float64(minus), float64(plus), viol) > normalQuantile(1-d.AlphaViolated)
			}
			if holds {
				now.holds += mass
				now.open -= mass
			} else if violated {
				now.violated += mass
				now.open -= mass
			}
			return false
		})
		return now
	}
}

// approximated takes the means of pairs and rates for normal, and other contrasts for
// what a sequential run shows of them.
func (r fixedN) approximated(d Design, c *Condition, at point) func(n float64) (holds, violated float64) {
	if c.armErrors != nil || !c.isPair() && !c.Rate {
		return r.sequential.approximated(d, c, at)
	}
	above, below := d.lawAt(c, holdSide, d.effect(c, at)), d.lawAt(c, violSide, d.effect(c, at))
	shared := float64(len(d.Conditions))
	highMean, highVariance := above.moments()
	lowMean, lowVariance := below.moments()
	holdZ, violZ := normalQuantile(1-d.AlphaHolds), normalQuantile(1-d.AlphaViolated/shared)
	return func(n float64) (float64, float64) {
		highSE, lowSE := math.Sqrt(highVariance/n)+1e-12, math.Sqrt(lowVariance/n)+1e-12
		return normalCDF((c.holdsAt()-highMean)/highSE - holdZ), normalCDF((lowMean-c.violatedAt())/lowSE - violZ)
	}
}

// headroomShown takes the headroom for shown: one exact bound needs fewer trials for
// it than the claim does.
func (fixedN) headroomShown(Design) func(n float64) float64 {
	return func(float64) float64 { return 1 }
}

func (fixedN) trials(_ Design, looks []characteristic) float64 {
	return float64(looks[len(looks)-1].n)
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
	pair := c.isPair()
	switch t := &p.all; {
	case t.n == 0:
		return false
	case pair && t.only(-1, 0, 1):
		return p.pairsShow(alpha)
	case c.Rate && t.only(0, 1):
		return p.rateShows(alpha)
	}
	return p.now >= math.Log(1/alpha)
}

// pairsShow decides by the exact test of pairs.
func (p *eProcess) pairsShow(alpha float64) bool {
	n, minus, plus := int(p.all.n), int(p.all.count(-1)), int(p.all.count(1))
	if p.side == holdSide {
		return shownBelow(n, minus, plus, p.theta, alpha)
	}
	return shownBelow(n, plus, minus, -p.theta, alpha) // the mirror image
}

// rateShows decides by the exact bound of a rate.
func (p *eProcess) rateShows(alpha float64) bool {
	n := float64(p.all.n)
	if p.side == holdSide {
		return clopperUpper(p.all.sum, n, alpha) <= p.theta
	}
	return clopperLower(p.all.sum, n, alpha) > p.theta
}

// hasFixedHeadroom says whether the control's rate leaves headroom, by the exact bound
// of a single look.
func (e *Engine) hasFixedHeadroom() bool {
	if e.headroom == nil {
		return true
	}
	n := float64(e.headroom.all.n)
	return n > 0 && clopperUpper(e.headroom.all.sum, n, e.design.AlphaHolds) < e.headroom.theta
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
