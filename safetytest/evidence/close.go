package evidence

import "math"

// TooCloseBelow is the conditional power below which a claim counts as too close to
// its margin.
const TooCloseBelow = 0.2

// TooClose says whether the claim lies too close to its margin to be worth the budget
// it would take: plan trials were made, which decide a healthy model with the power
// planned for, and even times as many would decide it with a conditional power below
// [TooCloseBelow]. Ending a run on that advice makes it inconclusive and nothing else,
// so no error rate rests on it.
func (e *Engine) TooClose(plan int, times float64) bool {
	return !e.done && e.trials >= plan && e.ConditionalPower(int(times*float64(plan))) < TooCloseBelow
}

// ConditionalPower returns about how probable it is that the claim is decided, either
// way, before most trials in all were made, if outcomes go on as they came so far or,
// for either side, better by one standard error, which chance may have hidden (the
// conditional power under the current trend, Lan and Wittes 1988, made generous). It
// is 1 for a decided run and 0 where most trials were made already. Of few trials it
// says little.
func (e *Engine) ConditionalPower(most int) float64 {
	left := float64(most - e.trials)
	switch {
	case e.done && e.state != Inconclusive:
		return 1
	case left <= 0:
		return 0
	case e.design.WithoutReplacement && most >= e.design.Cells:
		return 1 // a census decides, but for what Disagreement leaves open
	}
	holds, violated := 1.0, 0.0
	if e.room != nil {
		holds = e.room.passes(left)
	}
	for _, c := range e.conditions {
		holds = math.Min(holds, c.hold.passes(left))
		violated = math.Max(violated, c.viol.passes(left))
	}
	return math.Min(1, holds+violated)
}

// passes returns about how probable it is that the evidence reaches its threshold
// within so many further trials like those seen: that the best bet does.
func (p *process) passes(left float64) float64 {
	if p.crossed {
		return 1
	}
	n := float64(p.all.n)
	if n == 0 {
		return 0
	}
	best := 0.0
	for k, bet := range p.bets {
		var d drift
		for i, x := range p.all.values {
			d.mean += float64(p.all.counts[i]) / n * log1p(bet*p.stake(x, p.theta))
		}
		for i, x := range p.all.values {
			away := log1p(bet*p.stake(x, p.theta)) - d.mean
			d.variance += float64(p.all.counts[i]) / n * away * away
		}
		now := p.logWeights[k] + n*d.mean
		d.mean += math.Sqrt(d.variance / n)
		best = math.Max(best, d.passage(p.logThreshold-now, left))
	}
	return best
}
