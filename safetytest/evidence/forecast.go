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
	// AtZero, AtMargin and AtTwice say what to expect if the true effect is none,
	// the margin, or twice the margin. (For a rate "none" is a tenth of its
	// bound.)
	AtZero, AtMargin, AtTwice Expectation
	// Needs is the smallest budget in trials that gives the claim the power
	// planned for at effect 0; NeverNeeds if no budget does.
	Needs int
	// SmallestMargin is the smallest threshold, in half points, that Max trials
	// can prove with the power planned for; 0 if none below 1 can be proven.
	SmallestMargin float64
	// CallsPerTrial is the number of arms asked at each trial.
	CallsPerTrial int
}

// NeverNeeds is the Needs of a claim that no affordable number of trials decides.
const NeverNeeds = math.MaxInt32

// Expectation is what to expect at one true effect.
type Expectation struct {
	Effect   float64 // true mean of X
	Trials   float64 // mean number of trials made
	Holds    float64 // probability of Holds, in [0, 1]
	Violated float64 // probability of Violated, in [0, 1]
}

// SuitePower returns the power that each of claims healthy claims needs so that
// all of them hold with probability 1-miss.
func SuitePower(miss float64, claims int) (float64, error) {
	if !(miss > 0 && miss < 1) {
		return 0, fmt.Errorf("suite power: miss %v: must lie between 0 and 1", miss)
	}
	if claims < 1 {
		return 0, fmt.Errorf("suite power: claims %d: must be at least 1", claims)
	}
	return 1 - miss/float64(claims), nil
}

// games returns the two games of a condition, each with its planned bet.
func (d Design) games(c *Condition) (hold, viol game) {
	lo, hi := c.span()
	if c.Rate {
		return newRateGame(holdSide, c.holdsAt(d.Judge)), newRateGame(violSide, c.violatedAt(d.Judge))
	}
	hold, viol = game{side: holdSide, lo: lo, hi: hi}, game{side: violSide, lo: lo, hi: hi}
	zero, twice := c.lawAt(d.effect(c, 0), d.Planned), c.lawAt(d.effect(c, 2), d.Planned)
	bet, _ := hold.kelly(&zero, c.holdsAt(d.Judge))
	hold = newGame(holdSide, lo, hi, bet)
	bet, _ = viol.kelly(&twice, c.violatedAt(d.Judge))
	viol = newGame(violSide, lo, hi, bet)
	return hold, viol
}

// effect returns the mean of X, as judged, at times the margin: 0, 1 or 2. Twice
// a margin that would leave the range of X is moved halfway inside it.
func (d Design) effect(c *Condition, times float64) float64 {
	_, hi := c.span()
	j := (d.Judge.Lower + d.Judge.Upper) / 2
	switch {
	case times == 0 && c.contrast():
		return 0
	case times == 0:
		return j * c.Threshold / 10
	case times == 2:
		return j * math.Min(2*c.Threshold, (c.Threshold+hi)/2)
	}
	return j * c.Threshold
}

// growth returns what a trial adds to the logarithm of the best bet's capital at
// the planning point.
func (d Design) growth(c *Condition, g *game) drift {
	at, theta := 0.0, c.holdsAt(d.Judge)
	if g.side == violSide {
		at, theta = 2, c.violatedAt(d.Judge)
	}
	l := c.lawAt(d.effect(c, at), d.Planned)
	return g.bestGrowth(&l, theta)
}

// drift is the mean and the variance of what one trial adds to the logarithm of
// a capital, and the logarithm of that capital's share.
type drift struct{ mean, variance, logWeight float64 }

// bestGrowth returns the drift of the bet that does best under l.
func (g *game) bestGrowth(l *law, theta float64) drift {
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
	f := Forecast{CallsPerTrial: d.CallsPerTrial(), Needs: d.needsTrials()}
	if d.MaxTrials == 0 {
		d.MaxTrials = min(f.Needs, mostPlanned)
	}
	f.Max = d.cap()
	if f.Max == 0 {
		return Forecast{}, fmt.Errorf("forecast: MaxTrials %d: must be 0 or allow one batch of %d at least", d.MaxTrials, d.Batch)
	}
	f.AtZero, f.AtMargin, f.AtTwice = d.expect(0, f.Max), d.expect(1, f.Max), d.expect(2, f.Max)
	f.SmallestMargin = d.smallestMargin(f.Max)
	return f, nil
}

// expect returns what happens within most trials at times the margin.
func (d Design) expect(times float64, most int) Expectation {
	future := d.foresee(times, most, false)
	last := future[len(future)-1]
	x := Expectation{Effect: times * d.Conditions[0].Threshold, Holds: last.holds, Violated: last.violated}
	if d.Method == FixedN {
		x.Trials = float64(most)
		return x
	}
	open, before := 1.0, 0
	for _, p := range future {
		x.Trials += open * float64(p.n-before)
		open, before = p.open, p.n
	}
	return x
}

// mostPlanned is the largest budget, in trials, that a forecast considers.
const mostPlanned = 200_000

// needsTrials returns the smallest number of trials, in whole batches, that gives the
// claim its power at effect 0.
func (d Design) needsTrials() int {
	d.NoFutility = true
	for most := 64 * d.Batch; ; most *= 4 {
		if d.WithoutReplacement && most >= d.Cells {
			most = d.Cells // a census needs no more
		}
		for _, p := range d.foresee(0, most, true) {
			if p.holds >= d.Power {
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

// smallestMargin returns the smallest threshold in steps of half a point that
// the budget proves with the power planned for.
func (d Design) smallestMargin(most int) float64 {
	_, hi := d.Conditions[0].span()
	for i := range d.Conditions {
		_, h := d.Conditions[i].span()
		hi = math.Min(hi, h)
	}
	const steps = 200
	possible := int(math.Ceil(hi*steps)) - 1
	d.NoFutility = true
	provable := func(step int) bool {
		try := d
		try.Conditions = slices.Clone(d.Conditions)
		for k := range try.Conditions {
			try.Conditions[k].Threshold = float64(step) / steps
		}
		future := try.foresee(0, most, false)
		return future[len(future)-1].holds >= d.Power
	}
	// Upwards from the design's own margin until one can be proven: power rises
	// with the margin there, though not all the way to 1, where nothing is left
	// to violate it.
	upper := max(1, min(possible, int(math.Round(d.Conditions[0].Threshold*steps))))
	for !provable(upper) {
		if upper == possible {
			return 0
		}
		upper = min(possible, upper+upper/4+1)
	}
	at := 1 + sort.Search(upper-1, func(i int) bool { return provable(i + 1) })
	return float64(at) / steps
}
