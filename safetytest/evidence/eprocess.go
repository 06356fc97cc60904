package evidence

import (
	"math"
	"slices"
)

// An eProcess is one mixture, bet on the trials of a run: it holds the outcomes,
// the threshold and the confidence bound reached so far.
//
// With replacement the population mean is the same before every batch. Without
// it the hypothesis about the mean of all M cells says something else about the
// cells that are left after every batch, so outcomes are kept by batch and each
// batch is played at the threshold of the cells then left (Waudby-Smith and
// Ramdas 2020, batch by batch, which stays valid when a batch takes equally many
// cells from every draw).
type eProcess struct {
	mixture
	theta        float64 // the threshold, as judged
	logThreshold float64 // log(1/alpha)
	final        float64 // what suffices at the run's last look instead
	bound        float64 // running confidence bound, as judged
	now          float64 // logE(theta) at the last look
	crossed      bool    // whether the hypothesis was rejected at any look
	rejected     bool    // whether it was rejected otherwise, see reject
	all          tally
	population   int64     // M without replacement, 0 with
	batches      []tally   // without replacement: outcomes by batch
	epochs       []epoch   // with steered bets: outcomes by what was staked on them
	closed       []float64 // the logarithms of the capitals at theta before the last epoch
	steeredAt    float64   // trials at the last change of the bets
}

func newEProcess(g mixture, theta, alpha float64, population int) eProcess {
	p := eProcess{mixture: g, theta: theta, logThreshold: math.Log(1 / alpha), population: int64(population)}
	p.final = p.logThreshold
	if g.steering.steers() {
		p.epochs, p.closed = []epoch{{bets: g.bets}}, slices.Clone(g.logWeights)
	}
	p.bound = p.unlimited()
	return p
}

// look takes in one batch of outcomes; last says that no other follows.
func (p *eProcess) look(batch *tally, last bool) {
	p.all.merge(batch)
	if p.population > 0 {
		p.batches = append(p.batches, tally{})
		p.batches[len(p.batches)-1].merge(batch)
	}
	if len(p.epochs) > 0 {
		p.epochs[len(p.epochs)-1].seen.merge(batch)
		var buffer [16]float64
		p.now = logSum(p.capitals(buffer[:0]))
		p.steer() // once the batch is in: it must not choose its own bets
	} else {
		p.now = p.logEAt(p.theta)
	}
	if p.now >= p.logThreshold {
		p.crossed = true
	} else if last && p.now >= p.final {
		// The terminal look rejects theta itself and says nothing about other
		// limits.
		p.crossed = true
		p.reject()
	}
}

// reject takes the limit to theta, which was rejected otherwise than the limit rejects:
// by a test of one look, or by a later step of Holm's, which asks for less evidence. Where
// theta is right that errs no more often than the test, and so does the limit.
func (p *eProcess) reject() {
	p.rejected = true
	p.bound = p.withinTheta(p.bound)
}

// withinTheta is a bound that reaches no further than theta.
func (p *eProcess) withinTheta(bound float64) float64 {
	if p.side == holdSide {
		return math.Min(bound, p.theta)
	}
	return math.Max(bound, p.theta)
}

// limit returns the confidence bound, as judged, after tightening it by what has
// been seen. Looks at which nobody asked for it narrow nothing, which is valid
// too.
func (p *eProcess) limit() float64 {
	p.bound = p.tightened(p.bound)
	return p.bound
}

// limitAt returns the bound of a run that is looked at once: that of its last look alone,
// or of its test where that rejected theta, and the end of the range before.
func (p *eProcess) limitAt(last bool) float64 {
	limit := p.unlimited()
	if !last {
		return limit
	}
	if p.rejected {
		limit = p.withinTheta(limit)
	}
	return p.tightened(limit)
}

// unlimited is the end of the range of X, where a bound begins.
func (p *eProcess) unlimited() float64 {
	if p.side == violSide {
		return p.lo
	}
	return p.hi
}

// tightened is the bound to which all that was seen takes one.
func (p *eProcess) tightened(bound float64) float64 {
	inside := p.all.mean()
	if p.population > 0 {
		// What was seen of a finite population is no point inside: the rest
		// may lie anywhere.
		inside = p.lo
		if p.side == violSide {
			inside = p.hi
		}
	}
	return tighten(p.side, inside, bound, func(theta float64) float64 {
		return p.logEAt(theta) - p.logThreshold
	})
}

// logEAt returns the evidence against theta as the limit of the mean.
func (p *eProcess) logEAt(theta float64) float64 {
	if p.population == 0 && len(p.epochs) == 0 {
		return p.logE(&p.all, theta)
	}
	var buffer [32]float64
	logs := append(buffer[:0], p.logWeights...)
	if p.population == 0 {
		p.playEpochs(logs, theta)
		return logSum(logs)
	}
	if p.ruledOut(theta) {
		return certain
	}
	left, total := p.population, float64(p.population)*theta
	for i := range p.batches {
		batch := &p.batches[i]
		p.play(logs, batch, p.inside(total/float64(left)))
		left -= batch.n
		total -= batch.sum
	}
	return logSum(logs)
}

// ruledOut says whether the cells seen so far leave no way for the mean of all
// cells to be on the wrong side of theta.
func (p *eProcess) ruledOut(theta float64) bool {
	left := float64(p.population - p.all.n)
	if p.side == holdSide {
		return p.all.sum+left*p.hi <= float64(p.population)*theta+1e-9
	}
	return p.all.sum+left*p.lo > float64(p.population)*theta+1e-9
}

// inside keeps the threshold of the cells left off the poles of the stakes, on
// the side that weakens the hypothesis.
func (p *eProcess) inside(theta float64) float64 {
	const pole = 1e-9
	if p.side == holdSide {
		return math.Min(theta, p.hi-pole*(p.hi-p.lo))
	}
	return math.Max(theta, p.lo+pole*(p.hi-p.lo))
}

// reachable says whether the evidence could still be threshold if each of the
// next left trials had the most favourable outcome. A census always decides.
func (p *eProcess) reachable(left int, threshold float64) bool {
	if p.population > 0 {
		return true
	}
	favourable := p.lo
	if p.side == violSide {
		favourable = p.hi
	}
	var buffer [32]float64
	var logs []float64
	if len(p.epochs) > 0 {
		logs = p.capitals(buffer[:0])
	} else {
		logs = append(buffer[:0], p.logWeights...)
		p.play(logs, &p.all, p.theta)
	}
	stake := p.stake(favourable, p.theta)
	for k := range p.bets {
		logs[k] += float64(left) * log1p(p.boldest(k)*stake)
	}
	return logSum(logs) >= threshold
}

// needs estimates how many trials, counted from the first, take the evidence to
// logThreshold if outcomes go on as they did: the best bet's time, its share of
// the capital allowed for. 0 means never.
func (p *eProcess) needs(logThreshold float64) float64 {
	if p.all.n == 0 {
		return 0
	}
	growth := make([]float64, len(p.bets))
	p.playAt(growth, p.betting(), &p.all, p.theta)
	soonest := 0.0
	for k := range growth {
		if g := growth[k] / float64(p.all.n); g > 1e-9 {
			n := (logThreshold - p.logWeights[k]) / g
			if soonest == 0 || n < soonest {
				soonest = n
			}
		}
	}
	return soonest
}
