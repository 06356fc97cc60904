package evidence

import (
	"fmt"
	"math"
)

// JudgeError bounds what the judge's mistakes do to a rate. With sensitivity
// sens and specificity spec an outcome of true rate p is seen at the rate
// J p + (1 - spec), where J = sens + spec - 1, so that differences shrink by J.
// The zero value means an exact judge, one that is right by construction.
type JudgeError struct {
	// Lower and Upper bound J, 0 < Lower <= Upper <= 1; an Upper of 0 means 1.
	Lower, Upper float64
	// Rates are the likeliest sensitivity and specificity, whose J lies between the
	// bounds and by which estimates are corrected. The zero value means that only
	// the bounds are known; J is then taken to be in their middle.
	Rates Rates
	// FalsePositive is an upper bound of 1 - spec, in [0, 1). It matters only
	// to absolute rates; 0 means that only J is known, and then 1 - J is used.
	FalsePositive float64
}

// Exact returns the error of a judge that makes none.
func Exact() JudgeError { return JudgeError{Lower: 1, Upper: 1} }

func (j JudgeError) orDefault() JudgeError {
	if j == (JudgeError{}) {
		return Exact()
	}
	if j.Upper == 0 {
		j.Upper = 1
	}
	return j
}

func (j JudgeError) check() error {
	d := j.orDefault()
	switch {
	case !(d.Lower > 0):
		return fmt.Errorf("field Judge.Lower %v: sensitivity + specificity - 1 must be above 0, or the judge is no better than chance", j.Lower)
	case !(d.Lower <= d.Upper && d.Upper <= 1):
		return fmt.Errorf("field Judge.Lower %v, Judge.Upper %v: must be ordered and at most 1", j.Lower, j.Upper)
	case d.Rates != (Rates{}) && !(d.estimate() >= d.Lower-1e-9 && d.estimate() <= d.Upper+1e-9):
		return fmt.Errorf("field Judge.Rates %v, %v: their sum less 1 must lie between Judge.Lower %v and Judge.Upper %v",
			d.Rates.Sensitivity, d.Rates.Specificity, d.Lower, d.Upper)
	case !(d.FalsePositive >= 0 && d.FalsePositive < 1):
		return fmt.Errorf("field Judge.FalsePositive %v: must be at least 0 and below 1", j.FalsePositive)
	}
	return nil
}

// estimate returns the likeliest J.
func (j JudgeError) estimate() float64 {
	if j.Rates != (Rates{}) {
		return j.Rates.Sensitivity + j.Rates.Specificity - 1
	}
	return (j.Lower + j.Upper) / 2
}

// A seenRate says how a judge sees a true mean: slope times it plus shift.
type seenRate struct{ slope, shift float64 }

func (s seenRate) of(truth float64) float64 { return s.slope*truth + s.shift }

// holdsAt returns what the mean of X as judged must stay below, whatever the
// judge's errors within their bounds, for the true mean to be at most the
// threshold.
func (c *Condition) holdsAt() float64 { return c.faintest().of(c.Threshold) - c.noise[holdSide] }

// violatedAt returns the largest mean of X as judged that a true mean of at most
// the threshold can have.
func (c *Condition) violatedAt() float64 { return c.strongest().of(c.Threshold) + c.noise[violSide] }

// faintest returns the judge, within the bounds, who sees the smallest mean of X
// if the true one is the threshold.
func (c *Condition) faintest() seenRate {
	j := c.Judge
	switch {
	case c.armError != nil:
		return c.seenBy(c.armError, holdSide)
	case c.contrast() && c.Threshold < 0:
		return seenRate{slope: j.Upper} // a reduction looks its largest
	case c.contrast() || c.Offset == 0 || j.FalsePositive == 0:
		return seenRate{slope: j.Lower}
	}
	// A rate r of not-outcomes is seen at J r + g, where the false negatives g
	// are 1 - J less the false positives: none are certain above J = 1 -
	// FalsePositive, and below it the rate as seen falls as J grows.
	slope := math.Max(j.Lower, math.Min(j.Upper, 1-j.FalsePositive))
	return seenRate{slope: slope, shift: math.Max(0, 1-slope-j.FalsePositive)}
}

// strongest returns the judge, within the bounds, who sees the largest mean of X
// if the true one is the threshold.
func (c *Condition) strongest() seenRate {
	j := c.Judge
	switch {
	case c.armError != nil:
		return c.seenBy(c.armError, violSide)
	case c.contrast() && c.Threshold < 0:
		return seenRate{slope: j.Lower}
	case c.contrast():
		return seenRate{slope: j.Upper}
	}
	// A rate r is seen at J r + f with f at most 1 - J and at most
	// FalsePositive: largest where both limits meet. Of the false negatives that
	// add to a rate of not-outcomes only 1 - J is known.
	f := 1 - j.Lower
	if j.FalsePositive > 0 && c.Offset == 0 {
		f = math.Min(f, j.FalsePositive)
	}
	slope := math.Max(j.Lower, math.Min(j.Upper, 1-f))
	return seenRate{slope: slope, shift: math.Min(f, 1-slope)}
}

// likeliest returns the judge that is planned with, and by which a contrast is
// estimated: the likeliest J, no false positives, and false negatives as with half of the false positives that
// there may be. An arm of its own errors is planned with at its likeliest rates.
func (c *Condition) likeliest() seenRate {
	if c.armError != nil {
		s, f := c.armError.likeliest()
		middle := ArmError{Sensitivity: Range{s, s}, Specificity: Range{1 - f, 1 - f}}
		return c.seenBy(&middle, holdSide)
	}
	j := c.Judge
	s := seenRate{slope: j.estimate()}
	if c.contrast() || c.Offset == 0 {
		return s
	}
	most := 1 - s.slope
	if j.FalsePositive > 0 {
		most = math.Min(most, j.FalsePositive)
	}
	s.shift = 1 - s.slope - most/2
	return s
}

// seenBy returns how a rate is seen by a judge who errs within these ranges so that
// it looks its smallest (on the hold side) or largest: the rate s p + f (1-p) grows
// with the sensitivity s and with the false positives f.
func (c *Condition) seenBy(r *ArmError, s side) seenRate {
	sens, f := r.Sensitivity.Lower, r.falsePositives().Lower
	if (s == violSide) != (c.Offset == 1) { // a rate of not-outcomes mirrors it
		sens, f = r.Sensitivity.Upper, r.falsePositives().Upper
	}
	if c.Offset == 1 {
		return seenRate{slope: sens - f, shift: 1 - sens}
	}
	return seenRate{slope: sens - f, shift: f}
}

// trueUpper and trueLower turn bounds of the mean as judged into bounds of the
// true mean, so that Holds is exactly "the upper bound is within the margin" and
// Violated exactly "the lower bound is beyond it".
func (c *Condition) trueUpper(seen float64) float64 {
	seen += c.noise[holdSide]
	lo, hi := c.span()
	if c.armErrors != nil {
		return math.Max(lo, math.Min(hi, seen))
	}
	if c.contrast() {
		if seen < 0 {
			return seen / c.Judge.Upper
		}
		return math.Min(hi, seen/c.Judge.Lower)
	}
	f := c.faintest()
	return math.Max(0, math.Min(hi, (seen-f.shift)/f.slope))
}

func (c *Condition) trueLower(seen float64) float64 {
	seen -= c.noise[violSide]
	lo, hi := c.span()
	if c.armErrors != nil {
		return math.Max(lo, math.Min(hi, seen))
	}
	if c.contrast() {
		if seen < 0 {
			return math.Max(lo, seen/c.Judge.Lower)
		}
		return seen / c.Judge.Upper
	}
	s := c.strongest()
	return math.Max(0, (seen-s.shift)/s.slope)
}
