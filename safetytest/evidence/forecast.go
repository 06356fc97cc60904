package evidence

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Forecast is what a design is expected to cost and to be able to show.
type Forecast struct {
	// Max is the budget in trials, in whole batches: that of the design, or Needs
	// where the design has none.
	Max int
	// AtZero says what to expect of a healthy model: one without effect, with a
	// rate of a tenth of its bound, or, where something is to be lower, with its
	// condition's PlannedEffect. AtTwice is a broken one, at twice the margin or
	// without the reduction that is claimed; AtMargin lies just between. With
	// several conditions all are at that point, and Effect is that of the first.
	AtZero, AtMargin, AtTwice Expectation
	// Needs is the smallest budget in trials that gives the claim the power
	// planned for with a healthy model; NeverNeeds if no budget does.
	Needs int
	// SmallestMargin is the smallest threshold, in half points, that Max trials
	// can prove with the power planned for, in place of the first condition's and
	// of any that equal it; 0 if none can be proven. Where something is to be
	// lower it is below 0: the largest reduction that a model which lowers by
	// the planned effect can be shown to reach.
	SmallestMargin float64
	// Eventless is, of a claim that bounds rates from above, the number of trials after
	// which it holds if no trial shows the event at all: the least that it can cost,
	// in whole batches. Fewer than log(alpha)/log(1-bound) suffice for no test
	// whatever. 0 for all other claims, and where no number of trials suffices.
	Eventless int
	// CallsPerTrial is the number of arms asked at each trial.
	CallsPerTrial int
}

// NeverNeeds is the Needs of a claim that no affordable number of trials gives the power
// planned for. Max is no plan then: a judge that misses one outcome in ten never shows
// that nine in ten are there, and SmallestMargin says what could be shown instead.
const NeverNeeds = math.MaxInt32

// Expectation is what to expect at one true effect.
type Expectation struct {
	Effect   float64 // true mean of X
	Trials   float64 // mean number of trials made
	Holds    float64 // probability of Holds, in [0, 1]
	Violated float64 // probability of Violated, in [0, 1]
}

// mixtures returns the bets of either side of a condition, with the planned one. Bets
// are steered where the run has looks after which they can be, and where trials are
// the same before every batch: not in a census, nor where the last look counts on what
// exactly the bets are.
func (d Design) mixtures(c *Condition) (hold, viol mixture) {
	above, below := c.correct(holdSide), c.correct(violSide)
	hold, viol = newMixture(holdSide, above.lo, above.hi), newMixture(violSide, below.lo, below.hi)
	if c.Rate {
		hold, viol = newRateMixture(holdSide, c.holdsAt()), newRateMixture(violSide, c.violatedAt())
		if !c.errs() {
			return hold, viol // its grid is planned for such rates
		}
	}
	good, bad := d.lawAt(c, holdSide, d.effect(c, healthy)), d.lawAt(c, violSide, d.effect(c, broken))
	holdBet, _ := hold.kelly(&good, c.holdsAt())
	violBet, _ := viol.kelly(&bad, c.violatedAt())
	if d.rule() != (sequential{}) || d.WithoutReplacement || c.Rate {
		hold.plan(holdBet)
		viol.plan(violBet)
		return hold, viol
	}
	hold = stakedMixture(holdSide, above.lo, above.hi, holdBet, good, holdStakes)
	viol = stakedMixture(violSide, below.lo, below.hi, violBet, bad, violStakes)
	return hold, viol
}

// A point is a truth that planning considers.
type point int

const (
	healthy point = iota // as planned to hold
	marginal
	broken // as violated as planning considers
)

// trueEffect returns the mean of X at a planning point. Twice a margin that would
// leave the range of X is moved halfway inside it, and nothing is lowered further
// than the planned rate allows. What is to be lower is broken if it is not
// lowered at all.
func (d Design) trueEffect(c *Condition, p point) float64 {
	_, hi := c.span()
	switch {
	case p == marginal:
		return c.Threshold
	case p == healthy:
		effect := c.PlannedEffect
		switch {
		case effect != 0:
		case !c.contrast():
			return c.Threshold / 10
		default:
			effect = math.Min(0, 2*c.Threshold)
		}
		if c.contrast() {
			effect = math.Max(effect, c.lowest(c.trueBase(d.Planned.Rate))/c.likeliest().slope)
		}
		return effect
	case c.Threshold < 0:
		return 0
	case c.Threshold == 0:
		return math.Min(-c.PlannedEffect, hi/2)
	}
	return math.Min(2*c.Threshold, (c.Threshold+hi)/2)
}

// effect returns the mean of X, as judged, at a planning point.
func (d Design) effect(c *Condition, p point) float64 {
	return c.likeliest().of(d.trueEffect(c, p))
}

// growth returns what a trial adds to the logarithm of the best bet's capital at
// the planning point. A rate that some judge within the bounds would show is not
// given up because a likelier one hides it.
func (d Design) growth(c *Condition, g *mixture) drift {
	at, theta, seen := healthy, c.holdsAt(), c.faintest()
	if g.side == violSide {
		at, theta, seen = broken, c.violatedAt(), c.strongest()
	}
	if c.contrast() {
		seen = c.likeliest()
	}
	l := d.lawAt(c, g.side, seen.of(d.trueEffect(c, at)))
	return g.bestGrowth(&l, theta)
}

// drift is the mean and the variance of what one trial adds to the logarithm of
// a capital, and the logarithm of that capital's share.
type drift struct{ mean, variance, logWeight float64 }

// bestGrowth returns the drift of the bet that does best under l.
func (g *mixture) bestGrowth(l *law, theta float64) drift {
	best := drift{mean: math.Inf(-1)}
	for k, bet := range g.bets {
		mean, variance := l.expect(func(x float64) float64 { return log1p(bet * g.stake(x, theta)) })
		if mean > best.mean {
			best = drift{mean, variance, g.logWeights[k]}
		}
	}
	return best
}

// Forecast says, before any call, what the design will cost and can show, at the
// planning point: a model with another base rate will need more or fewer. A
// claim of one condition over two arms, or of one rate, is followed exactly
// through all its looks unless that is very long; others are approximated, as if
// their conditions were independent and none stopped for futility.
func (d Design) Forecast() (Forecast, error) {
	if err := d.check(); err != nil {
		return Forecast{}, fmt.Errorf("forecast: %w", err)
	}
	d = d.withDefaults()
	f := Forecast{CallsPerTrial: d.callsPerTrial(), Needs: d.needsTrials(), Eventless: d.eventless()}
	if d.MaxTrials == 0 {
		d.MaxTrials = min(f.Needs, mostPlanned)
	}
	f.Max = d.cap()
	if f.Max == 0 {
		return Forecast{}, fmt.Errorf("forecast: MaxTrials %d: must be 0 or allow one batch of %d at least", d.MaxTrials, d.Batch)
	}
	f.AtZero, f.AtMargin, f.AtTwice = d.expect(healthy, f.Max), d.expect(marginal, f.Max), d.expect(broken, f.Max)
	f.SmallestMargin = d.smallestMargin(f.Max)
	return f, nil
}

// expect returns what happens within most trials at a planning point.
func (d Design) expect(at point, most int) Expectation {
	future := d.characteristics(at, most, false)
	last := future[len(future)-1]
	return Expectation{
		Effect: d.trueEffect(&d.Conditions[0], at), Trials: d.rule().trials(d, future),
		Holds: last.holds, Violated: last.violated,
	}
}

// mostPlanned is the largest budget, in trials, that a forecast considers.
const mostPlanned = 200_000

// needsTrials returns the smallest number of trials, in whole batches, that gives the
// claim its power if the model is healthy.
func (d Design) needsTrials() int {
	d.NoFutility = true
	for most := max(64*d.Batch, d.MinTrials+d.Batch-1); ; most *= 4 {
		most -= most % d.Batch
		if d.WithoutReplacement && most >= d.Cells {
			most = d.Cells // a census needs no more
		}
		for _, p := range d.characteristics(healthy, most, true) {
			if p.holds >= d.Power && p.n >= d.MinTrials {
				return p.n
			}
		}
		switch {
		case d.WithoutReplacement && most == d.Cells:
			return d.Cells
		case most >= mostPlanned:
			return NeverNeeds
		}
	}
}

// eventless returns the number of trials, in whole batches, after which all conditions
// hold if none ever shows its event; 0 where one is no bound on a rate, or never would.
// A rate of at least some value is one on the replies without it.
func (d Design) eventless() int {
	if d.rule().once() || d.WithoutReplacement {
		return 0 // exact tests and a census count otherwise
	}
	most := d.MinTrials
	for i := range d.Conditions {
		c := &d.Conditions[i]
		if !c.level() {
			return 0
		}
		above := c.planned(holdSide, d.effect(c, healthy), d.Planned)
		none := make([]Observation, len(d.Arms))
		for k, w := range c.Weights {
			if w < 0 { // what is counted then is that the outcome is not there
				none[k].Value = 1
			}
		}
		hold, _ := d.mixtures(c)
		p := newEProcess(hold, c.holdsAt(), d.AlphaHolds, 0)
		for p.all.n < mostPlanned && !p.crossed {
			var batch tally
			batch.add(above.of(none), int64(d.Batch))
			p.look(&batch, false)
		}
		if !p.crossed {
			return 0
		}
		most = max(most, int(p.all.n))
	}
	return (most + d.Batch - 1) / d.Batch * d.Batch
}

// smallestMargin returns the smallest threshold in steps of half a point that
// the budget proves with the power planned for.
func (d Design) smallestMargin(most int) float64 {
	const steps = 200
	at := func(step int) float64 { return float64(step) / steps }
	own := d.Conditions[0].Threshold
	d.NoFutility = true
	provable := func(threshold float64) bool {
		try := d
		try.Conditions = slices.Clone(d.Conditions)
		for k := range try.Conditions {
			if try.Conditions[k].Threshold == own {
				try.Conditions[k].Threshold = threshold
			}
		}
		future := try.characteristics(healthy, most, false)
		return future[len(future)-1].holds >= d.Power
	}
	if own <= 0 {
		// The model stays as healthy as it is; the more it is asked to be
		// lower, the less is proven.
		effect := d.trueEffect(&d.Conditions[0], healthy)
		for k := range d.Conditions {
			if c := &d.Conditions[k]; c.Threshold == own {
				c.PlannedEffect = effect
			}
		}
		possible := int(math.Ceil(-effect*steps)) - 1
		return at(-sort.Search(possible, func(i int) bool { return !provable(at(-i - 1)) }))
	}
	hi := math.Inf(1)
	for i := range d.Conditions {
		if c := &d.Conditions[i]; c.Threshold == own {
			_, h := c.span()
			hi = math.Min(hi, h)
		}
	}
	possible := int(math.Ceil(hi*steps)) - 1
	// Upwards from the design's own margin until one can be proven: power rises
	// with the margin there, though not all the way to the end of the range, where
	// nothing is left to violate it.
	upper := max(1, min(possible, int(math.Round(own*steps))))
	for !provable(at(upper)) {
		if upper == possible {
			return 0
		}
		upper = min(possible, upper+upper/4+1)
	}
	return at(1 + sort.Search(upper-1, func(i int) bool { return provable(at(i + 1)) }))
}
