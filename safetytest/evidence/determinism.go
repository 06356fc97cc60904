package evidence

import (
	"fmt"
	"math"
	"sort"
)

// disagreementBound returns the upper bound, of one-sided level alpha, of the chance
// that two calls with the same body have different outcomes: of repeats bodies that
// were asked twice, disagreed did not come out alike (Clopper and Pearson 1934). A
// hundred that agree leave 5.2 % possible at a level of 0.005, a thousand 0.53 %.
func disagreementBound(repeats, disagreed int, alpha float64) (float64, error) {
	if err := checkProportion(disagreed, repeats); err != nil {
		return 0, fmt.Errorf("disagreement: %w", err)
	}
	if !(alpha > 0 && alpha < 1) {
		return 0, fmt.Errorf("disagreement: alpha %v: must lie between 0 and 1", alpha)
	}
	return clopperUpper(float64(disagreed), float64(repeats), alpha), nil
}

// Determinism says what repeats of the same bodies say about sampling.
type Determinism struct {
	// Disagreement bounds the chance that two calls with one body have different
	// outcomes, on average over the bodies. Set Design.Disagreement to it, whichever
	// way is sampled then.
	Disagreement float64
	// Worth says that sampling without replacement is worth it: what the realised
	// outcomes may be off by is less than half of every margin. Otherwise every visit
	// has to be a new call of a cell drawn anew.
	Worth bool
	// Why says so in words that fit a report.
	Why string
	// Repeats is how many bodies, all of which agree, it takes for it to be worth
	// it; 0 if no number does.
	Repeats int
}

// Deterministic says whether the outcomes of d repeat well enough for sampling
// without replacement, which temperature 0 alone does not promise: repeats bodies,
// drawn at random from the cells of all deciding arms, were asked twice, and
// disagreed of them had different outcomes (different texts may be counted, too: they
// are no fewer). The repeats are calls beside those of the run, whose outcomes do not
// come from them: so what they say chooses the way of sampling and nothing else.
func (d Design) Deterministic(repeats, disagreed int) (Determinism, error) {
	d.WithoutReplacement, d.Disagreement, d.MaxTrials, d.MinTrials = true, 0, 0, 0
	if err := d.check(); err != nil {
		return Determinism{}, fmt.Errorf("determinism: %w", err)
	}
	alpha := measuringShare * d.alpha()
	bound := 1.0
	if repeats > 0 || disagreed != 0 {
		var err error
		if bound, err = disagreementBound(repeats, disagreed, alpha); err != nil {
			return Determinism{}, err
		}
	}
	out := Determinism{Disagreement: bound, Worth: d.worth(bound)}
	const most = 1 << 20
	fewest := 1 + sort.Search(most, func(n int) bool { return d.worth(clopperUpper(0, float64(n+1), alpha)) })
	if fewest <= most {
		out.Repeats = fewest
	}
	said := fmt.Sprintf("%d of %d repeated bodies disagreed, so up to %.3g %% of calls may", disagreed, repeats, 100*bound)
	if repeats == 0 {
		said = "no body was repeated, so any call may disagree with the one before"
	}
	switch {
	case out.Worth:
		out.Why = said + ": cells are visited once, and the margins allow for it"
	case out.Repeats == 0:
		out.Why = fmt.Sprintf("%s: too many for %d cells and these margins, however many repeats there are; cells are drawn with replacement", said, d.Cells)
	default:
		out.Why = fmt.Sprintf("%s: too many for these margins, which take %d repeats that all agree; cells are drawn with replacement", said, out.Repeats)
	}
	return out, nil
}

// worth says whether the realised outcomes of all cells are off by less than half of
// every margin.
func (d Design) worth(disagreement float64) bool {
	d.Disagreement = 0
	plain := d.withDefaults()
	d.Disagreement = disagreement
	d = d.withDefaults()
	for i := range d.Conditions {
		c, without := &d.Conditions[i], &plain.Conditions[i]
		if math.Max(c.noise[holdSide], c.noise[violSide]) >= math.Abs(without.holdsAt())/2 {
			return false
		}
	}
	return d.Control < 0 || d.headroomNoise() < d.headroom()/2
}

// How the error rates of a design with a Disagreement are shared out: the engine
// keeps the rest.
const (
	// measuringShare is the share of alpha with which the bound itself is missed.
	measuringShare = 0.1
	// noiseShare is the share with which the realised outcomes are further off than
	// allowed for, each way.
	noiseShare = 0.1
)

// alpha is the smaller of the design's error rates, with nothing spent on
// disagreement.
func (d Design) alpha() float64 {
	d.Disagreement = 0
	d = d.withDefaults()
	return math.Min(d.AlphaHolds, d.AlphaViolated)
}

// allowance returns by how much, at most, the mean over the realised outcomes of all
// cells lies to one side of the true mean, but with probability alpha. Steepest is
// the largest weight, without its sign, with which an outcome enters X.
//
// Proof. One body's outcomes Y and Y' of two calls are independent and alike, so the
// variance of Y is E(Y-Y')^2/2, which is at most P(Y != Y')/2 because outcomes lie in
// [0, 1]. Let disagreement bound the mean of P(Y != Y') over all N cells of K arms.
// The mean over the cells of X, which is a sum of N K independent w Y / N, then has
// its expectation at the true mean and a variance of at most
//
//	V = steepest^2 K disagreement / (2 N)
//
// wherever the disagreement is: all of it may be that of the arm with the steepest
// weight. No term is further than steepest/N from its expectation. So by Bennett's
// inequality the mean is off by t or more, to one side, with probability at most
//
//	exp(-(V/b^2) h(b t/V)),   h(u) = (1+u) log(1+u) - u,   b = steepest/N.
//
// The engine, which samples cells without replacement, bounds the mean over the
// realised outcomes. With the thresholds of both sides moved away by t it errs about
// the true mean with at most its own alpha and this one.
func (d Design) allowance(steepest, alpha float64) float64 {
	if d.Disagreement == 0 || !d.WithoutReplacement {
		return 0
	}
	n, arms := float64(d.Cells), float64(d.callsPerTrial())
	v, b := steepest*steepest*arms*d.Disagreement/(2*n), steepest/n
	need := math.Log(1 / alpha)
	return bisect(0, steepest*arms, func(t float64) bool {
		u := b * t / v
		return v/(b*b)*((1+u)*math.Log1p(u)-u) >= need
	})
}

// noises returns the allowances of either side of a condition.
func (d Design) noises(c *Condition) (out [2]float64) {
	for s, alpha := range map[side]float64{holdSide: d.AlphaHolds, violSide: d.AlphaViolated} {
		steepest := 0.0
		for _, a := range c.correct(s).arms {
			steepest = math.Max(steepest, math.Abs(a.slope))
		}
		// The conditions of a claim that holds do so together or not at all; one
		// that is violated may be any of them.
		share := noiseShare * alpha
		if s == violSide {
			share /= float64(len(d.Conditions))
		}
		out[s] = d.allowance(steepest, share/(1-d.spent()))
	}
	return out
}

// headroomAt is what the control's rate as judged must stay below.
func (d Design) headroomAt() float64 { return d.headroom() - d.headroomNoise() }

// headroomNoise is the allowance for the rate of the control.
func (d Design) headroomNoise() float64 {
	return d.allowance(1, noiseShare*d.AlphaHolds/(1-d.spent()))
}

// spent is the share of the error rates that is not the engine's.
func (d Design) spent() float64 {
	switch {
	case d.Disagreement == 0:
		return 0
	case d.WithoutReplacement:
		return measuringShare + noiseShare
	}
	return measuringShare
}
