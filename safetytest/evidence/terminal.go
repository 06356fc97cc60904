package evidence

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// TerminalLook is [Sequential] with an exact look at the very end of the budget, where
// less evidence suffices, so that the same power takes a sixth fewer trials at most. It
// needs contrasts of two arms that are judged alike, or rates, with binary outcomes,
// and cells drawn independently, with replacement; the run cannot be continued
// afterwards. Preparing it takes up to seconds. Forecasts do not count on it.
const TerminalLook StoppingRule = 3

type terminalLook struct{ sequential }

func (terminalLook) String() string { return "terminal look" }

func (terminalLook) final() bool { return true }

func (terminalLook) independent() bool { return true }

func (terminalLook) fits(d *Design) error {
	switch {
	case d.WithoutReplacement || d.Draws > 1:
		return fmt.Errorf("stopping rule TerminalLook: needs cells drawn independently, so neither WithoutReplacement nor Draws")
	case !d.binary():
		return fmt.Errorf("stopping rule TerminalLook: needs conditions that are contrasts of two arms, judged alike, or rates")
	}
	return nil
}

func (terminalLook) accepts(value float64) error {
	if value != 0 && value != 1 {
		return fmt.Errorf("is %v; a terminal look needs outcomes that are 0 or 1", value)
	}
	return nil
}

// begin prepares the last look of every condition.
func (terminalLook) begin(e *Engine) {
	d := &e.design
	for _, c := range e.conditions {
		c.hold.final = c.hold.terminalThreshold(c.hold.theta, d.AlphaHolds, e.cap, d.Batch)
		if len(e.conditions) == 1 {
			// With several conditions "violated" is decided by their mean.
			c.viol.final = c.viol.terminalThreshold(c.viol.theta, d.AlphaViolated, e.cap, d.Batch)
		}
	}
}

// binary says whether every condition is one of counts: of pairs or of a rate.
func (d Design) binary() bool {
	for i := range d.Conditions {
		c := d.judged(d.Conditions[i])
		if c.armErrors != nil || !c.isPair() && !c.Rate {
			return false
		}
	}
	return true
}

// terminalThreshold returns the logarithm of the evidence that suffices at the
// very last look of a run of most trials, looked at after every batch: Ville's
// inequality leaves error unspent at a fixed end, and the exact distribution of
// the counts says how much. It is the smallest threshold at which the chance of
// rejecting a true limit theta, at any look or at the last one, stays within
// alpha whatever the discordance of the pairs. Trials must be independent: cells
// drawn with replacement.
func (g *mixture) terminalThreshold(theta, alpha float64, most, batch int) float64 {
	logThreshold := math.Log(1 / alpha)
	ledger := newLedger(g, theta)
	worst := 0.0
	nuisance := []float64{0} // a rate has none
	if g.lo < 0 {
		nuisance = discordances(math.Abs(theta))
	}
	for _, rarer := range nuisance {
		w := newDistribution(rarer+math.Max(0, theta), rarer+math.Max(0, -theta), fine)
		crossed := 0.0
		for w.n < most {
			for range min(batch, most-w.n) {
				w.step()
			}
			w.prune()
			if w.n == most {
				break
			}
			w.each(func(plus, minus int, mass float64) bool {
				if !ledger.reaches(logThreshold, w.n, plus, minus) {
					return false
				}
				crossed += mass
				return true
			})
		}
		left := alpha*terminalSafety - crossed - w.lost
		worst = max(worst, ledger.lastThreshold(w, left))
		if worst >= logThreshold {
			return logThreshold
		}
	}
	return worst
}

// terminalSafety is the share of alpha that the last look aims at: the nuisance
// parameter is searched on a grid, and between its points the error may be a
// little larger.
const terminalSafety = 0.98

// discordances lists values of the smaller of P(1) and P(-1) for pairs whose mean
// is theta or -theta, dense where discordance is rare.
func discordances(theta float64) []float64 {
	most := (1 - theta) / 2
	out := []float64{0}
	for p := 0.001; p < 0.1*most; p *= 1.6 {
		out = append(out, p)
	}
	for i := 2; i <= 18; i++ {
		out = append(out, most*float64(i)/20)
	}
	return out
}

// lastThreshold returns the smallest logarithm of evidence that no more than
// the probability spend of what is left of w reaches.
func (l *ledger) lastThreshold(w *distribution, spend float64) float64 {
	type end struct{ logE, mass float64 }
	var ends []end
	w.each(func(plus, minus int, mass float64) bool {
		ends = append(ends, end{l.logE(w.n, plus, minus), mass})
		return false
	})
	slices.SortFunc(ends, func(a, b end) int { return cmp.Compare(b.logE, a.logE) })
	for _, e := range ends {
		spend -= e.mass
		if spend < 0 {
			return e.logE + 1e-9 // just above what may not be reached
		}
	}
	return -certain
}
