package evidence

import (
	"fmt"
	"math"
	"slices"
)

// Calibration counts how often a judge was right about labelled replies of which
// Positives truly show the outcome and Negatives truly do not.
type Calibration struct {
	Hits, Positives       int // replies with the outcome, and those the judge saw
	Rejections, Negatives int // replies without it, and those the judge cleared
}

func (c Calibration) check() error {
	if err := checkProportion(c.Hits, c.Positives); err != nil {
		return fmt.Errorf("calibration: Hits of Positives: %w", err)
	}
	if err := checkProportion(c.Rejections, c.Negatives); err != nil {
		return fmt.Errorf("calibration: Rejections of Negatives: %w", err)
	}
	return nil
}

// J returns the estimate of sensitivity + specificity - 1.
func (c Calibration) j() float64 {
	return float64(c.Hits)/float64(c.Positives) + float64(c.Rejections)/float64(c.Negatives) - 1
}

// JLimits returns a lower and an upper limit of J, each of which errs with
// probability at most alpha, in (0, 0.5), whatever the true sensitivity and
// specificity and however few the labels. Labels are taken for independent.
func (c Calibration) JLimits(alpha float64) (lower, upper float64, err error) {
	if err := c.checkAt(alpha); err != nil {
		return 0, 0, err
	}
	hits, rejections := successes{c.Hits, c.Positives}, successes{c.Rejections, c.Negatives}
	lower = sumLower(hits, rejections, alpha) - 1
	upper = 1 - sumLower(hits.mirrored(), rejections.mirrored(), alpha)
	return math.Min(lower, c.j()), math.Max(upper, c.j()), nil
}

// Error returns bounds of the judge's error, each of which errs with probability
// at most alpha: those of [Calibration.JLimits], and the exact limit of the
// specificity (Clopper and Pearson 1934). With alpha = 0.01 a difference tested at
// 0.04 errs in 5 % of all runs at most; a rate rests on two bounds at once, so that
// it is better read by a [ArmError], whose ranges hold together. The error says so if
// the labels do not even show that the judge tells the outcomes apart.
func (c Calibration) Error(alpha float64) (JudgeError, error) {
	lower, upper, err := c.JLimits(alpha)
	if err != nil {
		return JudgeError{}, err
	}
	e := JudgeError{
		Lower: lower, Upper: upper,
		Rates:         Rates{Sensitivity: float64(c.Hits) / float64(c.Positives), Specificity: float64(c.Rejections) / float64(c.Negatives)},
		FalsePositive: math.Min(1-clopperLower(float64(c.Rejections), float64(c.Negatives), alpha), math.Nextafter(1, 0)),
	}
	if e.Lower <= 0 {
		return JudgeError{}, fmt.Errorf("calibration: %d of %d and %d of %d right: sensitivity + specificity - 1 may be as low as %.2f, so the judge may be no better than chance; label more replies or take another judge",
			c.Hits, c.Positives, c.Rejections, c.Negatives, e.Lower)
	}
	return e, nil
}

func (c Calibration) checkAt(alpha float64) error {
	if err := c.check(); err != nil {
		return err
	}
	if !(alpha > 0 && alpha < 0.5) {
		return fmt.Errorf("calibration: alpha %v: must be above 0 and below 0.5", alpha)
	}
	return nil
}

// ArmError returns the ranges of a judge's sensitivity and specificity that these
// labels show: both hold together with probability 1-alpha at least, by exact
// limits (Clopper and Pearson 1934), each of the four of which errs with a quarter
// of alpha. The errors of a design share 0.01: with two of them alpha is
// 0.005. Labels are taken for independent. The error is as that of
// [Calibration.Error].
func (c Calibration) ArmError(name string, alpha float64) (ArmError, error) {
	if err := c.checkAt(alpha); err != nil {
		return ArmError{}, err
	}
	limits := func(x, n int) Range {
		return Range{clopperLower(float64(x), float64(n), alpha/4), clopperUpper(float64(x), float64(n), alpha/4)}
	}
	r := ArmError{
		Name: name, Sensitivity: limits(c.Hits, c.Positives), Specificity: limits(c.Rejections, c.Negatives),
		Likeliest: Rates{Sensitivity: float64(c.Hits) / float64(c.Positives), Specificity: float64(c.Rejections) / float64(c.Negatives)},
	}
	if err := r.check(); err != nil {
		return ArmError{}, fmt.Errorf("calibration: judge error %w", err)
	}
	return r, nil
}

// Labelled is one trial whose X is known twice: by the judge and by a label.
type Labelled struct{ Truth, Judged float64 }

// MeanEstimate is an estimate of a mean with its interval.
type MeanEstimate struct {
	Estimate float64
	// Lambda is how far the judge was trusted: 0 ignores it, 1 is plain
	// prediction-powered inference.
	Lambda   float64
	Interval Interval
}

// PPI returns the prediction-powered estimate of the mean of X (Angelopoulos et
// al. 2023): judged trials, corrected by what labelled ones show of the judge's
// error, whatever that error is, also if it differs between arms. lambda weights the
// judge, in [0, 1].
func ppi(labelled []Labelled, judged []float64, lambda, level float64) (MeanEstimate, error) {
	if err := checkPPI(labelled, judged, level); err != nil {
		return MeanEstimate{}, err
	}
	if !(lambda >= 0 && lambda <= 1) {
		return MeanEstimate{}, fmt.Errorf("prediction-powered mean: lambda %v: must lie in [0, 1]", lambda)
	}
	var errors, rest tally
	for _, l := range labelled {
		errors.add(l.Truth-lambda*l.Judged, 1)
	}
	for _, x := range judged {
		rest.add(lambda*x, 1)
	}
	estimate := rest.mean() + errors.mean()
	se := math.Sqrt(rest.variance()/float64(rest.n) + errors.variance()/float64(errors.n))
	half := normalQuantile(0.5+level/2) * se
	return MeanEstimate{
		Estimate: estimate, Lambda: lambda,
		Interval: Interval{Method: "prediction-powered", Level: level, Lower: estimate - half, Upper: estimate + half},
	}, nil
}

// PPIWithin returns the prediction-powered estimate of the mean of X, which lies between
// lo and hi, such as 0 and 1: judged trials, corrected by what labelled ones show of the
// judge's error, also if it differs between arms (Angelopoulos et al. 2023). It is the
// audit of a claim that was decided by a judge, who is weighted so that the interval is
// shortest (PPI++, Angelopoulos, Duchi and Zrnic 2023): a bad judge does no harm.
// Also few labels can bear the interval: it never leaves the range and is never of
// width zero. It is that of the labels and four more, one for
// each way in which truth and judge may lie at either end, which is what Agresti and
// Coull (1998) do to a proportion, with the quantile of Student's t. There may be no judged trials beyond the labelled
// ones; lambda is 0 then.
func PPIWithin(labelled []Labelled, judged []float64, lo, hi, level float64) (MeanEstimate, error) {
	if !(lo < hi) || !finite(lo) || !finite(hi) {
		return MeanEstimate{}, fmt.Errorf("prediction-powered mean: range %v to %v: must be finite and ordered", lo, hi)
	}
	lambda := 0.0
	rest := judged
	if len(judged) == 0 {
		rest = []float64{lo} // what is weighted by 0 may be anything
	}
	if err := checkPPI(labelled, rest, level); err != nil {
		return MeanEstimate{}, err
	}
	for _, l := range labelled {
		if l.Truth < lo || l.Truth > hi {
			return MeanEstimate{}, fmt.Errorf("prediction-powered mean: a label of %v lies outside the range %v to %v", l.Truth, lo, hi)
		}
	}
	if len(judged) > 0 {
		lambda = tunedLambda(labelled, judged)
	}
	plain, err := ppi(labelled, rest, lambda, level)
	if err != nil {
		return MeanEstimate{}, err
	}
	more := slices.Concat(labelled, []Labelled{{lo, lo}, {lo, hi}, {hi, lo}, {hi, hi}})
	wide, err := ppi(more, rest, lambda, level)
	if err != nil {
		return MeanEstimate{}, err
	}
	plain.Estimate = math.Max(lo, math.Min(hi, plain.Estimate))
	half := (wide.Interval.Upper - wide.Estimate) / normalQuantile(0.5+level/2) * studentQuantile(0.5+level/2, float64(len(more)-1))
	plain.Interval = Interval{
		Method: "prediction-powered, four labels added", Level: level,
		Lower: math.Max(lo, math.Min(wide.Estimate-half, plain.Estimate)),
		Upper: math.Min(hi, math.Max(wide.Estimate+half, plain.Estimate)),
	}
	return plain, nil
}

// tunedLambda returns the weight of the judge that makes the interval shortest.
func tunedLambda(labelled []Labelled, judged []float64) float64 {
	var truth, seen, all tally
	for _, l := range labelled {
		truth.add(l.Truth, 1)
		seen.add(l.Judged, 1)
		all.add(l.Judged, 1)
	}
	covariance := 0.0
	for _, l := range labelled {
		covariance += (l.Truth - truth.mean()) * (l.Judged - seen.mean())
	}
	n, rest := float64(len(labelled)), float64(len(judged))
	covariance /= n
	for _, x := range judged {
		all.add(x, 1)
	}
	if v := all.variance(); v > 0 {
		return math.Max(0, math.Min(1, covariance/((1+n/rest)*v)))
	}
	return 0
}

func checkPPI(labelled []Labelled, judged []float64, level float64) error {
	if len(labelled) < 2 || len(judged) < 1 {
		return fmt.Errorf("prediction-powered mean: %d labelled and %d judged trials: two and one are needed at least", len(labelled), len(judged))
	}
	for i, l := range labelled {
		if !finite(l.Truth) || !finite(l.Judged) {
			return fmt.Errorf("prediction-powered mean: labelled trial %d: %+v is not finite", i, l)
		}
	}
	for i, x := range judged {
		if !finite(x) {
			return fmt.Errorf("prediction-powered mean: judged trial %d: %v is not finite", i, x)
		}
	}
	if err := checkLevel(level); err != nil {
		return fmt.Errorf("prediction-powered mean: %w", err)
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
