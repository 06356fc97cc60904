package evidence

import (
	"math"
	"slices"
)

// Guess is the planning point: what the base rate and the dependence between
// arms are thought to be before the first reply is read. A wrong guess costs
// calls, never validity. The zero value is a rate of 5 % and a correlation of
// 0.3; claims that something is lower need a higher one, such as 0.5.
type Guess struct {
	// Rate is the outcome's rate in the control arm, as its judge reports it, in
	// [0, 1). Where it lies near 1 no rise can be shown.
	Rate float64
	// Correlation is that of the outcomes of one cell under two arms, in [0, 1).
	// Cells that are hard or easy under every arm make it large, and large
	// correlations make pairs cheap. It is read only where Rate is not 0.
	Correlation float64
}

func (g Guess) orDefault() Guess {
	if g.Rate == 0 {
		return Guess{Rate: 0.05, Correlation: 0.3}
	}
	return g
}

// A law is a distribution over finitely many values of X: what planning expects
// a trial to bring.
type law struct {
	values, probs []float64
}

func (l *law) add(x, p float64) {
	if p <= 0 {
		return
	}
	for i, v := range l.values {
		if math.Abs(v-x) < 1e-12 {
			l.probs[i] += p
			return
		}
	}
	l.values = append(l.values, x)
	l.probs = append(l.probs, p)
}

// prob returns the probability of x.
func (l *law) prob(x float64) float64 {
	for i, v := range l.values {
		if v == x {
			return l.probs[i]
		}
	}
	return 0
}

// expect returns the mean and the variance of f(X).
func (l *law) expect(f func(x float64) float64) (mean, variance float64) {
	for i, x := range l.values {
		mean += l.probs[i] * f(x)
	}
	for i, x := range l.values {
		d := f(x) - mean
		variance += l.probs[i] * d * d
	}
	return mean, variance
}

// moments returns the mean and the variance of X.
func (l *law) moments() (mean, variance float64) {
	return l.expect(func(x float64) float64 { return x })
}

// pairLaw returns the law of treated minus control for binary outcomes with
// rates p0 and p1 and the given correlation, as far as the rates allow it.
func pairLaw(p0, p1, correlation float64) law {
	both := p0*p1 + correlation*math.Sqrt(p0*(1-p0)*p1*(1-p1))
	both = math.Min(both, math.Min(p0, p1))
	both = math.Max(both, math.Max(0, p0+p1-1))
	var l law
	l.add(-1, p0-both)
	l.add(0, 1-p0-p1+2*both)
	l.add(1, p1-both)
	return l
}

// rateLaw returns the law of a binary outcome.
func rateLaw(p float64) law {
	var l law
	l.add(0, 1-p)
	l.add(1, p)
	return l
}

// AlikeReplies is the share of what pairs of replies vary that lies between requests, as
// planning takes it: means of several replies to one request vary as much however many
// they are. Measured it was a tenth at most, see safetytest/internal/savings/measured.md;
// an endpoint that gives copies makes it all.
const AlikeReplies = 1.0 / 3

// lawAt is what a condition's X is expected to do, as a mean of as many replies as the
// design says.
func (d Design) lawAt(c *Condition, s side, effect float64) law {
	l := c.lawAt(s, effect, d.Planned)
	if d.Replies <= 1 {
		return l
	}
	return l.ofMeans(d.Replies)
}

// mostConvolved bounds the work of a law of means: its values times their number.
const mostConvolved = 64

// ofMeans is the law of means of n values of X, of which AlikeReplies are copies and the
// others are drawn apart from each other.
func (l *law) ofMeans(n int) (out law) {
	for i, x := range l.values {
		out.add(x, AlikeReplies*l.probs[i])
	}
	var apart law
	if n*len(l.values) > mostConvolved {
		mean, variance := l.moments()
		apart = twoPoints(mean, variance/float64(n), slices.Min(l.values), slices.Max(l.values))
	} else {
		apart.add(0, 1)
		for range n {
			var next law
			for i, x := range apart.values {
				for k, y := range l.values {
					next.add(x+y/float64(n), apart.probs[i]*l.probs[k])
				}
			}
			apart = next
		}
	}
	for i, x := range apart.values {
		out.add(x, (1-AlikeReplies)*apart.probs[i])
	}
	return out
}

// twoPoints is a law of two values from lo to hi with that mean and variance, which must
// be those of some law from lo to hi: as far from the mean on either side where both fit,
// and else one of them at the end that is too near.
func twoPoints(mean, variance, lo, hi float64) (out law) {
	sd := math.Sqrt(variance)
	low, high := mean-sd, mean+sd
	switch {
	case !(sd > 0) || mean <= lo || mean >= hi: // one value, but for rounding
		out.add(mean, 1)
		return out
	case high > hi:
		low, high = math.Max(lo, mean-variance/(hi-mean)), hi
	case low < lo:
		low, high = lo, math.Min(hi, mean+variance/(mean-lo))
	}
	upper := (mean - low) / (high - low)
	out.add(low, 1-upper)
	out.add(high, upper)
	return out
}

// lawAt returns what X of one reply an arm is expected to do when the mean of X is
// effect and the control rate is as guessed. Arms of equal guess share their
// luck with probability Correlation and are independent otherwise, which gives
// equal rates exactly that correlation. The side matters where arms are corrected
// for errors of their own.
func (c *Condition) lawAt(s side, effect float64, guess Guess) law {
	guess = guess.orDefault()
	if c.Rate {
		return rateLaw(effect)
	}
	correction := c.planned(s, effect, guess)
	offset := correction.offset
	var weights, rates []float64
	mean := 0.0
	for _, a := range correction.arms {
		if a.unread {
			offset += a.most
			continue
		}
		offset += a.shift
		weights, rates = append(weights, a.slope), append(rates, a.guess)
		mean += a.slope * a.guess
	}
	mean += offset
	switch {
	case offset == 0 && slices.Equal(weights, []float64{-1, 1}):
		return pairLaw(rates[0], rates[1], guess.Correlation)
	case offset == 0 && slices.Equal(weights, []float64{1, -1}):
		return pairLaw(rates[1], rates[0], guess.Correlation)
	case len(weights) > 12: // 2^12 patterns are enough work for a plan
		return spreadLaw(mean, weights, rates, guess.Correlation)
	}
	return sumLaw(offset, weights, rates, guess.Correlation)
}

// spreadLaw returns a law of two values with the mean and the spread that a weighted sum
// of outcomes has.
func spreadLaw(mean float64, weights, rates []float64, correlation float64) (l law) {
	sd := 0.0
	for k, w := range weights {
		sd += w * w * rates[k] * (1 - rates[k]) * (1 - correlation)
	}
	sd = math.Sqrt(sd)
	l.add(mean-sd, 0.5)
	l.add(mean+sd, 0.5)
	return l
}

// sumLaw returns the law of a weighted sum of outcomes, over all patterns of them.
func sumLaw(offset float64, weights, rates []float64, correlation float64) (l law) {
	for pattern := range 1 << len(weights) {
		x, independent := offset, 1.0
		low, high := 0.0, 1.0 // the shared luck that gives this pattern
		for k, w := range weights {
			if pattern>>k&1 == 1 {
				x += w
				independent *= rates[k]
				high = math.Min(high, rates[k])
			} else {
				independent *= 1 - rates[k]
				low = math.Max(low, rates[k])
			}
		}
		shared := math.Max(0, high-low)
		l.add(x, correlation*shared+(1-correlation)*independent)
	}
	return l
}

// ratesAt returns the weights other than 0 and rates of their arms that give X
// the mean effect: the base rate where the weight is lowest, and more of it in
// proportion to the weight, as a trend over doses would have it.
func (c *Condition) ratesAt(effect, base float64) (weights, rates []float64) {
	low, squares, sum := math.Inf(1), 0.0, 0.0
	for _, w := range c.Weights {
		if w != 0 {
			weights = append(weights, w)
			low = math.Min(low, w)
			squares += w * w
			sum += w
		}
	}
	// The rates base + slope (w - low) give X the mean offset + base*sum +
	// slope*spread. Where all weights are equal the base has to give way.
	slope := 0.0
	if spread := squares - low*sum; spread > 1e-12 {
		slope = (effect - c.Offset - base*sum) / spread
	} else {
		base = (effect - c.Offset) / sum
	}
	for _, w := range weights {
		rates = append(rates, math.Min(1, math.Max(0, base+slope*(w-low))))
	}
	return weights, rates
}

// lowest returns the smallest mean of a contrast, as judged, that lawAt can plan
// for: that with the rates of the highest weight lowered from base to 0.
func (c *Condition) lowest(base float64) float64 {
	squares := 0.0
	for _, w := range c.Weights {
		squares += w * w
	}
	return -base * squares / (slices.Max(c.Weights) - slices.Min(c.Weights))
}

// kelly returns the bet with the largest expected growth of the logarithm of the
// capital under l, and that growth, over a grid from 0.02 to 0.98, finer below that.
func (g *mixture) kelly(l *law, theta float64) (bet, growth float64) {
	growth = math.Inf(-1)
	for i := 2; i <= 98; i++ {
		c := float64(i) / 100
		mean, _ := l.expect(func(x float64) float64 { return log1p(c * g.stake(x, theta)) })
		if mean > growth {
			bet, growth = c, mean
		}
	}
	for c := 0.0195; bet < 0.021 && c > 0.001; c *= 0.95 { // margins of less than a point
		mean, _ := l.expect(func(x float64) float64 { return log1p(c * g.stake(x, theta)) })
		if mean <= growth {
			break
		}
		bet, growth = c, mean
	}
	return bet, growth
}
