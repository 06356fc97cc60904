package evidence

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Range is what a rate is known to lie in: Lower and Upper in [0, 1], in order.
type Range struct{ Lower, Upper float64 }

func (r Range) check() error {
	if !(r.Lower >= 0 && r.Lower <= r.Upper && r.Upper <= 1) {
		return fmt.Errorf("%v to %v: must be ordered and lie in [0, 1]", r.Lower, r.Upper)
	}
	return nil
}

func (r Range) holds(x float64) bool { return x >= r.Lower && x <= r.Upper }

func (r Range) middle() float64 { return (r.Lower + r.Upper) / 2 }

// ArmError is the judge's error in one kind of arms: a judge that is good at plain
// refusals may be worse at replies that adopt a format. The ranges of all arms of a
// design must hold together with a confidence of 99 %, the part of its error rate that
// a claim sets aside for calibration; [Calibration.ArmError] computes such ranges. Code
// that decides without error has the ranges 1 to 1.
type ArmError struct {
	// Name distinguishes errors. Arms whose errors have the same name share them,
	// whatever they are, so that they cancel in differences; ranges that merely look
	// alike say no such thing.
	Name string
	// Sensitivity is the share of true outcomes that is seen, Specificity that
	// of other replies that is seen as such. Their lower ends sum to more than 1.
	Sensitivity, Specificity Range
	// Likeliest are the rates by which estimates are corrected; the zero value means
	// the middle of the ranges.
	Likeliest Rates
}

// Rates are a judge's sensitivity and specificity, each in [0, 1].
type Rates struct{ Sensitivity, Specificity float64 }

func (r ArmError) check() error {
	if r.Name == "" {
		return fmt.Errorf("its Name: must not be empty, because arms of the same name share their errors")
	}
	if err := r.Sensitivity.check(); err != nil {
		return fmt.Errorf("(%s): Sensitivity %w", r.Name, err)
	}
	if err := r.Specificity.check(); err != nil {
		return fmt.Errorf("(%s): Specificity %w", r.Name, err)
	}
	if l := r.Likeliest; l != (Rates{}) && !(r.Sensitivity.holds(l.Sensitivity) && r.Specificity.holds(l.Specificity)) {
		return fmt.Errorf("(%s): Likeliest %v, %v: must lie in the ranges", r.Name, l.Sensitivity, l.Specificity)
	}
	if j := r.alike().Lower; !(j > 0) {
		return fmt.Errorf("(%s): sensitivity + specificity - 1 may be as low as %.2f, so the judge may be no better than chance there; label more replies of this kind or take another judge", r.Name, j)
	}
	return nil
}

// falsePositives returns the range of the share of other replies that are seen as
// the outcome.
func (r ArmError) falsePositives() Range {
	return Range{Lower: 1 - r.Specificity.Upper, Upper: 1 - r.Specificity.Lower}
}

// alike returns the error of a judge that errs so in every arm.
func (r ArmError) alike() JudgeError {
	sensitivity, falsePositives := r.likeliest()
	e := JudgeError{
		Lower:         r.Sensitivity.Lower + r.Specificity.Lower - 1,
		Upper:         r.Sensitivity.Upper + r.Specificity.Upper - 1,
		FalsePositive: 1 - r.Specificity.Lower,
	}
	if e.Lower < e.Upper {
		e.Rates = Rates{Sensitivity: sensitivity, Specificity: 1 - falsePositives}
	}
	return e
}

// checkArmErrors says whether the errors of the design's arms fit them and each other.
func (d Design) checkArmErrors() error {
	if d.ArmErrors == nil {
		return nil
	}
	if len(d.ArmErrors) != len(d.Arms) {
		return fmt.Errorf("field ArmErrors: %d of them for %d arms", len(d.ArmErrors), len(d.Arms))
	}
	if d.Judge.orDefault() != Exact() {
		return fmt.Errorf("fields Judge and ArmErrors: ArmErrors says how each arm is judged; leave Judge empty")
	}
	for k, r := range d.ArmErrors {
		if err := r.check(); err != nil {
			return fmt.Errorf("field ArmErrors[%d] %w", k, err)
		}
		if i := firstOf(d.ArmErrors, r); d.ArmErrors[i] != r {
			return fmt.Errorf("field ArmErrors[%d] (%s): differs from ArmErrors[%d], which has the same name", k, r.Name, i)
		}
	}
	return nil
}

// firstOf returns the index of the first of the errors with r's name.
func firstOf(errors []ArmError, r ArmError) int {
	return slices.IndexFunc(errors, func(o ArmError) bool { return o.Name == r.Name })
}

// judged returns c with what is known about how its outcomes are judged: a Judge that
// judges all of them alike, a single arm's errors, or errors for each arm.
func (d Design) judged(c Condition) Condition {
	if c.Judge != nil || d.ArmErrors == nil {
		judge := d.judgeOf(&c)
		c.Judge = &judge
		return c
	}
	judge, shared := Exact(), true
	var first *ArmError
	for k, w := range c.Weights[:min(len(c.Weights), len(d.ArmErrors))] {
		switch {
		case w == 0:
		case first == nil:
			first = &d.ArmErrors[k]
		default:
			shared = shared && d.ArmErrors[k].Name == first.Name
		}
	}
	switch {
	case first == nil:
	case c.level():
		judge, c.armError = first.alike(), first
	case c.contrast() && shared:
		judge = first.alike()
	default:
		c.armErrors = d.ArmErrors
	}
	c.Judge = &judge
	return c
}

// errs says whether a condition's outcomes are read with errors.
func (c *Condition) errs() bool {
	for k, r := range c.armErrors {
		if c.Weights[k] != 0 && r.alike() != Exact() {
			return true
		}
	}
	return *c.Judge != Exact()
}

// headroom returns what the control's rate as judged must stay below for the true one
// to be below Headroom.
func (d Design) headroom() float64 {
	if d.ArmErrors == nil {
		return d.Judge.Lower * d.Headroom
	}
	r := d.ArmErrors[d.Control]
	return r.falsePositives().Lower*(1-d.Headroom) + r.Sensitivity.Lower*d.Headroom
}

// A correction turns the outcomes of a trial, as they were seen, into X. With arms
// that are judged alike X is the weighted sum itself. With errors that differ every arm
// is corrected for its own (Rogan and Gladen 1978), by the errors within their
// ranges that are worst for the side: the mean of X is at least the true mean
// on the hold side, whatever the rates and the judge's errors within their
// ranges, and at most that on the other. So a true mean of at least the threshold
// gives X a mean of at least the threshold, which is all that the bets against it
// rely on.
//
// Proof, for the hold side; the other is its mirror image. An arm of true rate p is
// seen at the rate q = s p + f (1-p), with the sensitivity s and the false positives
// f = 1 - specificity. Take an arm of weight w; the other arms that share its
// errors, if any, have weights of the same sign.
//
//   - It contributes w (q-a)/b, where (a, a+b) are the lowest (f, s) if w > 0
//     and the highest if w < 0. As q grows with both f and s, whatever p, q-a is at
//     least b p if w > 0 and at most b p if w < 0: the contribution is at
//     least w p. At these errors it equals w p at every p, so that no larger
//     threshold would be valid.
//   - Or, where that would be worse, the arm contributes the largest w p that there
//     is, max(0, w), and is not looked at: true rates lie in [0, 1]. Which of the
//     two it is must not depend on the batch that it is applied to.
//
// Errors whose arms have weights of both signs are common to these arms.
// With J within [J1, J2] such an arm contributes w q / J1 if w > 0 and w q / J2 if
// w < 0, so that p itself counts at least as much as it should; the false positives,
// which nearly cancel, are allowed for once by what the sum of these
// contributions exceeds the sum of w p by at least. That excess is linear in (s, f)
// for given rates and linear in every rate for given (s, f), so its minimum lies at
// a corner of the ranges and at rates of 0 or 1, arm by arm. (A threshold above 0
// could be a little larger there, because not all rates can be 0.)
type correction struct {
	side   side
	arms   []corrected // none of weight 0
	offset float64
	lo, hi float64 // range of X
}

// corrected is an arm's contribution to X: slope y + shift.
type corrected struct {
	arm          int
	slope, shift float64
	guess        float64 // the rate at which it is planned to be seen
	// optional arms contribute most, unread, where that is better for their side.
	optional, unread bool
	most             float64
}

// correct returns the condition's correction for a side, with every arm read.
func (c *Condition) correct(s side) correction {
	out := correction{side: s, offset: c.Offset}
	for k, w := range c.Weights {
		if w == 0 {
			continue
		}
		a := corrected{arm: k, slope: w}
		if c.armErrors != nil {
			r := c.armErrors[k]
			f := r.falsePositives()
			switch up := s.sign()*w > 0; {
			case c.mixed(r):
				b := r.alike().Upper
				if up {
					b = r.alike().Lower
				}
				a.slope = w / b
			case up:
				a.slope = w / (r.Sensitivity.Lower - f.Lower)
				a.shift, a.optional, a.most = -a.slope*f.Lower, true, w
			default:
				a.slope = w / (r.Sensitivity.Upper - f.Upper)
				a.shift, a.optional = -a.slope*f.Upper, true
			}
		}
		out.arms = append(out.arms, a)
	}
	for k, r := range c.armErrors {
		if k == firstOf(c.armErrors, r) && c.mixed(r) {
			out.offset -= s.sign() * out.excess(c, r)
		}
	}
	out.lo, out.hi = out.offset, out.offset
	for _, a := range out.arms {
		out.lo += math.Min(a.shift, a.shift+a.slope)
		out.hi += math.Max(a.shift, a.shift+a.slope)
	}
	return out
}

// mixed says whether the arms that share errors have weights of both signs.
func (c *Condition) mixed(r ArmError) bool {
	var above, below bool
	for k, w := range c.Weights {
		if c.armErrors[k].Name == r.Name {
			above, below = above || w > 0, below || w < 0
		}
	}
	return above && below
}

// excess returns by how much, at least, the contributions of the arms that share errors exceed
// (hold side) or fall short of (the other) the sum of w p.
func (c *correction) excess(of *Condition, r ArmError) float64 {
	least, f := math.Inf(1), r.falsePositives()
	for _, sens := range []float64{r.Sensitivity.Lower, r.Sensitivity.Upper} {
		for _, fp := range []float64{f.Lower, f.Upper} {
			sum := 0.0
			for _, a := range c.arms {
				if of.armErrors[a.arm].Name == r.Name {
					never, always := c.side.sign()*a.slope*fp, c.side.sign()*(a.slope*sens-of.Weights[a.arm])
					sum += math.Min(never, always)
				}
			}
			least = math.Min(least, sum)
		}
	}
	return least
}

// of returns X for the outcomes seen, with missing ones at their worst for the
// side.
func (c *correction) of(y []Observation) float64 {
	x := c.offset
	for i := range c.arms {
		a := &c.arms[i]
		switch {
		case a.unread:
			x += a.most
		case !y[a.arm].Missing:
			x += a.slope*y[a.arm].Value + a.shift
			if more := a.slope * y[a.arm].Unknown; (more > 0) == (c.side == holdSide) { // what is unknown counts as 1
				x += more
			}
		case c.side == holdSide:
			x += a.shift + math.Max(0, a.slope)
		default:
			x += a.shift + math.Min(0, a.slope)
		}
	}
	// Rounding must not carry X out of the range that the bets rely on.
	return math.Max(c.lo, math.Min(c.hi, x))
}

// likely returns X for the outcomes that came, of observations that are not missing.
func (c *correction) likely(y []Observation) float64 {
	if !slices.ContainsFunc(y, Observation.partly) {
		return c.of(y)
	}
	came := slices.Clone(y)
	for i := range came {
		came[i].Value, came[i].Unknown = came[i].known(), 0
	}
	return c.of(came)
}

// adapt chooses which arms are to be read, by the rates at which they were seen so
// far. The guess counts as much as weight replies.
func (c *correction) adapt(seen []arm, weight float64) {
	for i := range c.arms {
		a := &c.arms[i]
		if !a.optional {
			continue
		}
		n := float64(seen[a.arm].n)
		read := a.slope*(seen[a.arm].sum+weight*a.guess)/(n+weight) + a.shift
		a.unread = c.side == holdSide && read > a.most || c.side == violSide && read < a.most
	}
}

// likeliest returns the likeliest rates.
func (r ArmError) likeliest() (sensitivity, falsePositives float64) {
	if l := r.Likeliest; l != (Rates{}) {
		return l.Sensitivity, 1 - l.Specificity
	}
	return r.Sensitivity.middle(), r.falsePositives().middle()
}

// estimator returns the correction by the arms' likeliest rates, which estimates
// the true X of either side.
func (c *Condition) estimator() correction {
	at := *c
	at.armErrors = slices.Clone(c.armErrors)
	for k, r := range c.armErrors {
		s, f := r.likeliest()
		at.armErrors[k] = ArmError{Name: fmt.Sprint(k), Sensitivity: Range{s, s}, Specificity: Range{1 - f, 1 - f}}
	}
	return at.correct(holdSide)
}

// planned returns the condition's correction for a side, with those arms read that
// are better read when the true mean is effect and the base rate as guessed.
func (c *Condition) planned(s side, effect float64, guess Guess) correction {
	out := c.correct(s)
	rates := c.seenAt(effect, guess.orDefault().Rate)
	for i := range out.arms {
		out.arms[i].guess = rates[i]
	}
	out.adapt(make([]arm, len(c.Weights)), 1)
	return out
}

// seenAt returns the rates at which arms with weights other than 0 are probably
// seen when the true mean is effect. The base rate is given as it is seen.
func (c *Condition) seenAt(effect, base float64) []float64 {
	_, rates := c.ratesAt(effect, c.trueBase(base))
	i := 0
	for k, w := range c.Weights {
		if w != 0 && c.armErrors != nil {
			s, f := c.armErrors[k].likeliest()
			rates[i] = s*rates[i] + f*(1-rates[i])
			i++
		}
	}
	return rates
}

// trueBase returns the true rate that is probably behind the base rate as the
// judge of the arm of the lowest weight sees it.
func (c *Condition) trueBase(seen float64) float64 {
	if c.armErrors == nil {
		return seen
	}
	s, f := c.armErrors[slices.Index(c.Weights, slices.Min(c.Weights))].likeliest()
	return math.Max(0, math.Min(1, (seen-f)/(s-f)))
}

// checkReading says whether a condition whose arms have errors of their own could
// be expected to hold at the planning point.
func (d Design) checkReading(c *Condition) error {
	if c.armErrors == nil {
		return nil
	}
	effect := d.effect(c, healthy)
	l := c.lawAt(holdSide, effect, d.Planned)
	least, _ := l.moments()
	if least < c.Threshold {
		return nil
	}
	return fmt.Errorf("its Threshold %v: the judge errors %s leave this undecided: with an effect of %.3f and Planned.Rate %v, errors within their ranges could hide one of %.3f; take a threshold well above that, or narrow the ranges with about %.0f times as many labels of each kind",
		c.Threshold, c.armErrorNames(), effect, d.Planned.Rate, least, math.Ceil(math.Pow((least-effect)/(c.Threshold-effect), 2)))
}

// armErrorNames lists the names of the errors of the condition's arms.
func (c *Condition) armErrorNames() string {
	var names []string
	for k, w := range c.Weights {
		if name := fmt.Sprintf("%q", c.armErrors[k].Name); w != 0 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " and ")
}
