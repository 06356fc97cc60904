package evidence

import (
	"math"
	"slices"
)

// side says which of the two one-sided hypotheses a mixture bets against.
type side int

const (
	// holdSide bets against "the mean is at least theta": winning it speaks
	// for the claim.
	holdSide side = iota
	// violSide bets against "the mean is at most theta".
	violSide
)

// sign is 1 on the hold side, where X may be too large, and -1 on the other, where
// it may be too small.
func (s side) sign() float64 {
	if s == violSide {
		return -1
	}
	return 1
}

// A mixture is one side of the engine: many bets that each stake a
// fraction c of their capital, in every round, on a bounded variable X in
// [lo, hi] lying on their side of theta. A round multiplies a capital by
//
//	1 + c (theta - X)/(hi - theta)   (holdSide)
//	1 + c (X - theta)/(theta - lo)   (violSide)
//
// which is never negative and has a mean of at most 1 as long as the hypothesis
// bet against is true. The weighted mean of the capitals is therefore an
// e-process: by Ville's inequality it ever exceeds 1/alpha with probability at
// most alpha (Waudby-Smith and Ramdas 2024). The fractions are fixed beforehand, which
// makes the capital independent of the order of the rounds, but for those that are
// steered from batch to batch.
type mixture struct {
	side   side
	lo, hi float64
	// bets are the fractions c in (0, 1]; logWeights are the logarithms of
	// their shares, which sum to 1.
	bets, logWeights []float64
	// steering changes some of the bets from batch to batch.
	steering steering
}

// gridBets are the fractions of a mixture without stakes of its own. The smallest
// bet limits what can be distinguished: however many trials, bounds of outcomes as
// variable as a coin stay some 2.5 points from the mean, so margins of less than
// that rest on the planned bet.
var gridBets = []float64{.05, .1, .15, .2, .3, .4, .5, .65, .8, .95}

// newMixture gives the bets of the grid equal shares.
func newMixture(s side, lo, hi float64) mixture {
	g := mixture{side: s, lo: lo, hi: hi}
	for _, c := range gridBets {
		g.bets = append(g.bets, c)
		g.logWeights = append(g.logWeights, math.Log(1/float64(len(gridBets))))
	}
	return g
}

// plan gives half of the capital to one more bet, the first from then on.
func (g *mixture) plan(bet float64) {
	for k := range g.logWeights {
		g.logWeights[k] += math.Log(0.5)
	}
	g.bets = slices.Insert(g.bets, 0, bet)
	g.logWeights = slices.Insert(g.logWeights, 0, math.Log(0.5))
}

// newRateMixture returns the mixture for a rate of binary outcomes against r: the
// mixture of Bernoulli likelihood ratios with the alternatives 0, r/8, r/4 and
// r/2 on the hold side, 1.5, 2, 3, 5 and 10 times r on the other. The ratio of p
// against r is the bet c = 1 - p/r, or (p-r)/(1-r), so it is a mixture like any
// other; only its grid is made for small rates, to which the ordinary one is
// almost blind. Above r = 0.1, where rates nearer to r matter, half of the
// capital is given to the ordinary grid.
func newRateMixture(s side, r float64) mixture {
	alternatives, weights := []float64{0, r / 8, r / 4, r / 2}, []float64{.4, .2, .2, .2}
	if s == violSide {
		alternatives, weights = nil, nil
		for _, times := range []float64{1.5, 2, 3, 5, 10} {
			if p := times * r; p < 1 {
				alternatives = append(alternatives, p)
				weights = append(weights, 1)
			}
		}
	}
	g := ratioMixture(s, r, alternatives, weights)
	if r <= 0.1 {
		return g
	}
	ordinary := newMixture(s, 0, 1)
	share := math.Log(0.5)
	if len(g.bets) == 0 { // r is so high that none of its multiples is a rate
		share = 0
	}
	for k := range g.logWeights {
		g.logWeights[k] += math.Log(0.5)
	}
	for k, c := range ordinary.bets {
		g.bets = append(g.bets, c)
		g.logWeights = append(g.logWeights, ordinary.logWeights[k]+share)
	}
	return g
}

// ratioMixture returns the mixture of likelihood ratios of the alternatives against
// r; the weights need not be normalised.
func ratioMixture(s side, r float64, alternatives, weights []float64) mixture {
	g := mixture{side: s, lo: 0, hi: 1}
	total := 0.0
	for _, w := range weights {
		total += w
	}
	for k, p := range alternatives {
		c := 1 - p/r
		if s == violSide {
			c = (p - r) / (1 - r)
		}
		g.bets = append(g.bets, c)
		g.logWeights = append(g.logWeights, math.Log(weights[k]/total))
	}
	return g
}

// stake returns what a round with outcome x multiplies a full stake by, less 1:
// a bet of fraction c earns the factor 1 + c*stake.
func (g *mixture) stake(x, theta float64) float64 {
	if g.side == holdSide {
		return (theta - x) / (g.hi - theta)
	}
	return (x - theta) / (theta - g.lo)
}

// logE returns the logarithm of the mixture's capital after the rounds of t, all
// played at theta. It is at least -certain and at most certain.
func (g *mixture) logE(t *tally, theta float64) float64 {
	var buffer [16]float64
	logs := append(buffer[:0], g.logWeights...)
	g.play(logs, t, theta)
	return logSum(logs)
}

// play adds to logs, one per bet, the logarithms of what the rounds of t
// multiply the capitals by.
func (g *mixture) play(logs []float64, t *tally, theta float64) { g.playAt(logs, g.bets, t, theta) }

// playAt does so with other bets.
func (g *mixture) playAt(logs, bets []float64, t *tally, theta float64) {
	for i, x := range t.values {
		s, times := g.stake(x, theta), float64(t.counts[i])
		for k, c := range bets {
			logs[k] += times * log1p(c*s)
		}
	}
}

// log1p is math.Log1p, bounded below so that a capital that went bankrupt stays
// a number: e^-certain is nothing in any mixture.
func log1p(x float64) float64 {
	if x <= -1+1e-15 {
		return -certain
	}
	return math.Log1p(x)
}

// certain stands for infinite evidence. It is above any evidence that 10^7
// trials can amount to, and small enough to be multiplied by them.
const certain = 1e9

// logSum returns log(sum(exp(v))), clamped to [-certain, certain].
func logSum(v []float64) float64 {
	top := math.Inf(-1)
	for _, x := range v {
		top = math.Max(top, x)
	}
	if top <= -certain {
		return -certain
	}
	total := 0.0
	for _, x := range v {
		total += math.Exp(x - top)
	}
	return math.Min(certain, top+math.Log(total))
}

// logMean returns log(mean(exp(v))).
func logMean(v []float64) float64 {
	return math.Max(-certain, logSum(v)-math.Log(float64(len(v))))
}
