package evidence

import (
	"fmt"
	"math"
)

// Textbook methods that no verdict rests on. The engine's own are compared with them,
// and they are checked against the oracles, so that a difference means something.

// Pairs counts pairs of binary outcomes: one cell, one visit, one reply under
// the control arm and one under the treated arm.
type Pairs struct {
	Both        int `json:"both"`         // 1 in both arms
	OnlyControl int `json:"only_control"` // 1 in the control arm only
	OnlyTreated int `json:"only_treated"` // 1 in the treated arm only
	Neither     int `json:"neither"`      // 0 in both arms
}

// N returns the number of pairs.
func (p Pairs) N() int { return p.Both + p.OnlyControl + p.OnlyTreated + p.Neither }

// Difference returns the rate of the treated arm minus that of the control arm.
func (p Pairs) Difference() float64 {
	if p.N() == 0 {
		return 0
	}
	return float64(p.OnlyTreated-p.OnlyControl) / float64(p.N())
}

func (p Pairs) check() error {
	if p.Both < 0 || p.OnlyControl < 0 || p.OnlyTreated < 0 || p.Neither < 0 {
		return fmt.Errorf("counts %+v: none may be negative", p)
	}
	if p.N() == 0 {
		return fmt.Errorf("counts %+v: at least one pair is needed", p)
	}
	return nil
}

// Tango returns the score interval of the difference treated minus control
// (Tango 1998, Statistics in Medicine 17:891). It remains informative when no
// pair is discordant: 0 of 60 gives +-4.3 points at 90 %.
func (p Pairs) Tango(level float64) (Interval, error) {
	if err := p.check(); err != nil {
		return Interval{}, fmt.Errorf("tango interval: %w", err)
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, fmt.Errorf("tango interval: %w", err)
	}
	z := normalQuantile(0.5 + level/2)
	n, b, c := float64(p.N()), float64(p.OnlyControl), float64(p.OnlyTreated)
	return Interval{
		Method: "Tango score", Level: level,
		Lower: tangoLower(n, b, c, z), Upper: tangoUpper(n, b, c, z),
	}, nil
}

// NonInferiority is a score test of a paired difference against a margin.
type NonInferiority struct {
	Z float64 // signed root of the score statistic at the margin
	// Holds is the one-sided p-value of "the difference is at least the
	// margin": a small one speaks for the claim. Violated is that of "at most
	// the margin".
	Holds, Violated float64
}

// TangoTest tests the difference treated minus control against margin, a number
// in (-1, 1), by Tango's score statistic.
func (p Pairs) TangoTest(margin float64) (NonInferiority, error) {
	if err := p.check(); err != nil {
		return NonInferiority{}, fmt.Errorf("tango test: %w", err)
	}
	if !(margin > -1 && margin < 1) {
		return NonInferiority{}, fmt.Errorf("tango test: margin %v: must lie between -1 and 1", margin)
	}
	z := tangoZ(float64(p.N()), float64(p.OnlyControl), float64(p.OnlyTreated), margin)
	return NonInferiority{Z: z, Holds: normalCDF(z), Violated: normalCDF(-z)}, nil
}

// Newcombe returns the interval of the difference treated minus control of
// paired outcomes by method 10 of Newcombe (1998, Statistics in Medicine
// 17:2635): Wilson limits of both rates, joined by the continuity-corrected phi
// coefficient.
func (p Pairs) Newcombe(level float64) (Interval, error) {
	if err := p.check(); err != nil {
		return Interval{}, fmt.Errorf("newcombe interval: %w", err)
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, fmt.Errorf("newcombe interval: %w", err)
	}
	n, z := float64(p.N()), normalQuantile(0.5+level/2)
	control, treated := float64(p.Both+p.OnlyControl), float64(p.Both+p.OnlyTreated)
	lower, upper := newcombe(control, n, treated, n, z, p.phi())
	return Interval{Method: "Newcombe paired", Level: level, Lower: lower, Upper: upper}, nil
}

// phi returns the correlation of the two outcomes, corrected for continuity
// where it is positive.
func (p Pairs) phi() float64 {
	a, b, c, d := float64(p.Both), float64(p.OnlyControl), float64(p.OnlyTreated), float64(p.Neither)
	scale := (a + b) * (c + d) * (a + c) * (b + d)
	if scale == 0 {
		return 0
	}
	cross := a*d - b*c
	if cross > 0 {
		cross = math.Max(0, cross-float64(p.N())/2)
	}
	return cross / math.Sqrt(scale)
}

// NewcombeUnpaired returns the interval of x1/n1 - x0/n0 of two independent
// samples by Newcombe's hybrid score method (1998, Statistics in Medicine
// 17:873, method 10).
func NewcombeUnpaired(x0, n0, x1, n1 int, level float64) (Interval, error) {
	for _, check := range []error{checkProportion(x0, n0), checkProportion(x1, n1), checkLevel(level)} {
		if check != nil {
			return Interval{}, fmt.Errorf("newcombe interval: %w", check)
		}
	}
	z := normalQuantile(0.5 + level/2)
	lower, upper := newcombe(float64(x0), float64(n0), float64(x1), float64(n1), z, 0)
	return Interval{Method: "Newcombe unpaired", Level: level, Lower: lower, Upper: upper}, nil
}

// newcombe joins the Wilson limits of two proportions with correlation phi.
func newcombe(x0, n0, x1, n1, z, phi float64) (lower, upper float64) {
	p0, p1 := x0/n0, x1/n1
	lower0, upper0 := wilson(x0, n0, z)
	lower1, upper1 := wilson(x1, n1, z)
	join := func(a, b float64) float64 { return math.Sqrt(math.Max(0, a*a-2*phi*a*b+b*b)) }
	return p1 - p0 - join(p1-lower1, upper0-p0), p1 - p0 + join(upper1-p1, p0-lower0)
}

// ScoreTest tests the difference x1/n1 - x0/n0 of two independent samples against
// margin, a number in (-1, 1), by the score statistic of Farrington and Manning
// (1990, Statistics in Medicine 9:1447).
func ScoreTest(x0, n0, x1, n1 int, margin float64) (NonInferiority, error) {
	for _, check := range []error{checkProportion(x0, n0), checkProportion(x1, n1)} {
		if check != nil {
			return NonInferiority{}, fmt.Errorf("score test: %w", check)
		}
	}
	if !(margin > -1 && margin < 1) {
		return NonInferiority{}, fmt.Errorf("score test: margin %v: must lie between -1 and 1", margin)
	}
	z := scoreZ(float64(x0), float64(n0), float64(x1), float64(n1), margin)
	return NonInferiority{Z: z, Holds: normalCDF(z), Violated: normalCDF(-z)}, nil
}

// scoreZ is the distance of the observed difference from margin over its standard
// error at the maximum-likelihood rates with exactly that difference, the middle
// root of a cubic.
func scoreZ(x0, n0, x1, n1, margin float64) float64 {
	p0, p1, ratio := x0/n0, x1/n1, n0/n1
	a := 1 + ratio
	b := -(1 + ratio + p1 + ratio*p0 + margin*(ratio+2))
	c := margin*margin + margin*(2*p1+ratio+1) + p1 + ratio*p0
	d := -p1 * margin * (1 + margin)
	v := b*b*b/(27*a*a*a) - b*c/(6*a*a) + d/(2*a)
	u := math.Copysign(math.Sqrt(math.Max(0, b*b/(9*a*a)-c/(3*a))), v)
	w := math.Pi / 3
	if u != 0 {
		w = (math.Pi + math.Acos(math.Max(-1, math.Min(1, v/(u*u*u))))) / 3
	}
	r1 := math.Max(0, math.Min(1, 2*u*math.Cos(w)-b/(3*a)))
	r0 := math.Max(0, math.Min(1, r1-margin))
	distance := p1 - p0 - margin
	variance := r1*(1-r1)/n1 + r0*(1-r0)/n0
	if variance <= 0 {
		return math.Copysign(math.Min(math.Abs(distance)*1e9, 1e9), distance)
	}
	return distance / math.Sqrt(variance)
}

// EBH says which hypotheses are rejected at false-discovery rate alpha (e-BH,
// Wang and Ramdas 2022): for exploratory lists, where a small share of false
// alarms is tolerable. The e-values may depend on one another in any way.
func EBH(logE []float64, alpha float64) []bool {
	reject := make([]bool, len(logE))
	at := order(logE)
	k := float64(len(at))
	for count := len(at); count > 0; count-- {
		// The count largest are rejected if the smallest of them suffices.
		if i := at[len(at)-count]; logE[i] >= math.Log(k/(alpha*float64(count))) {
			for _, j := range at[len(at)-count:] {
				reject[j] = true
			}
			break
		}
	}
	return reject
}

// Holm returns p-values adjusted for familywise error (Holm 1979): an adjusted
// value of at most alpha is a rejection. Fixed-n suites use it for Violated.
func Holm(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	largest := 0.0
	for rank, i := range order(p) {
		largest = math.Max(largest, math.Min(1, p[i]*float64(len(p)-rank)))
		adjusted[i] = largest
	}
	return adjusted
}

// MeanTest is Student's t test of a mean against a margin.
type MeanTest struct {
	Mean, SE float64
	DF       int
	// Holds is the p-value of "the mean is at least the margin", Equivalent the
	// larger of that and of "at most minus the margin" (two one-sided tests).
	Holds, Equivalent float64
	Interval          Interval // of level 0.90
}

// TTest tests the mean of the cells against margin, which must be above 0.
func (c cellMeans) TTest(margin float64) (MeanTest, error) {
	mean, se, err := c.moments()
	if err != nil {
		return MeanTest{}, fmt.Errorf("t test: %w", err)
	}
	if !(margin > 0) {
		return MeanTest{}, fmt.Errorf("t test: margin %v: must be above 0", margin)
	}
	df := float64(len(c) - 1)
	half := studentQuantile(0.95, df) * se
	test := MeanTest{
		Mean: mean, SE: se, DF: len(c) - 1,
		Interval: Interval{Method: "Student t over cells", Level: 0.90, Lower: mean - half, Upper: mean + half},
	}
	if se == 0 {
		return MeanTest{}, fmt.Errorf("t test: all %d cells have the effect %v: nothing can be said about its spread", len(c), mean)
	}
	test.Holds = studentCDF((mean-margin)/se, df)
	test.Equivalent = math.Max(test.Holds, studentCDF(-(mean+margin)/se, df))
	return test, nil
}

// TrendTest is the Cochran-Armitage test of a trend of rates over doses.
type TrendTest struct {
	Z                    float64
	TwoSided, Increasing float64 // p-values
}

// CochranArmitage tests for a linear trend of x[k] of n[k] over scores[k], without
// continuity correction. It takes trials as independent, so where cells are
// asked at every dose it is only a description; the claim itself is decided on
// the slope per cell.
func CochranArmitage(x, n []int, scores []float64) (TrendTest, error) {
	if len(x) < 2 || len(x) != len(n) || len(x) != len(scores) {
		return TrendTest{}, fmt.Errorf("cochran-armitage test: %d x, %d n, %d scores: need as many of each, two at least", len(x), len(n), len(scores))
	}
	var total, hits, first, second, observed float64
	for k := range x {
		if err := checkProportion(x[k], n[k]); err != nil {
			return TrendTest{}, fmt.Errorf("cochran-armitage test: dose %d: %w", k, err)
		}
		m := float64(n[k])
		total += m
		hits += float64(x[k])
		first += m * scores[k]
		second += m * scores[k] * scores[k]
		observed += float64(x[k]) * scores[k]
	}
	p := hits / total
	variance := p * (1 - p) * (second - first*first/total)
	if !(variance > 0) {
		return TrendTest{TwoSided: 1, Increasing: 1}, nil
	}
	z := (observed - p*first) / math.Sqrt(variance)
	return TrendTest{Z: z, TwoSided: 2 * normalCDF(-math.Abs(z)), Increasing: normalCDF(-z)}, nil
}

// RoganGladen returns the true rate behind the rate q that a judge with the given
// sensitivity and specificity saw (Rogan and Gladen 1978), and the same clipped
// to [0, 1].
func RoganGladen(q, sensitivity, specificity float64) (rate, clipped float64, err error) {
	for i, v := range []float64{q, sensitivity, specificity} {
		if !(v >= 0 && v <= 1) {
			name := []string{"q", "sensitivity", "specificity"}[i]
			return 0, 0, fmt.Errorf("rogan-gladen: %s %v: must lie in [0, 1]", name, v)
		}
	}
	j := sensitivity + specificity - 1
	if !(j > 0) {
		return 0, 0, fmt.Errorf("rogan-gladen: sensitivity %v + specificity %v - 1: must be above 0", sensitivity, specificity)
	}
	rate = (q + specificity - 1) / j
	return rate, math.Max(0, math.Min(1, rate)), nil
}

// ppiTuned is PPI with the lambda in [0, 1] that makes the interval shortest
// (PPI++, Angelopoulos, Duchi and Zrnic 2023), so that a bad judge does no harm.
// Plain PPI can be worse than ignoring the judge.
func ppiTuned(labelled []Labelled, judged []float64, level float64) (MeanEstimate, error) {
	if err := checkPPI(labelled, judged, level); err != nil {
		return MeanEstimate{}, err
	}
	return ppi(labelled, judged, tunedLambda(labelled, judged), level)
}

// ZeroEventTrials returns the smallest number of trials without a single event
// that proves a rate below rate at one-sided level alpha: 59 for 5 %, 299 for
// 1 % (the "rule of three" done exactly).
func ZeroEventTrials(rate, alpha float64) (int, error) {
	if !(rate > 0 && rate < 1) {
		return 0, fmt.Errorf("zero-event trials: rate %v: must lie between 0 and 1", rate)
	}
	if !(alpha > 0 && alpha < 1) {
		return 0, fmt.Errorf("zero-event trials: alpha %v: must lie between 0 and 1", alpha)
	}
	n := math.Ceil(math.Log(alpha) / math.Log1p(-rate))
	return int(n), nil
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

// McNemarTest holds the p-values of "the two arms have equal rates": a question
// about a difference of exactly 0, not about a margin.
type McNemarTest struct {
	TwoSided float64 // exact
	Greater  float64 // exact, against "the treated arm's rate is higher"
	MidP     float64 // two-sided, counting half of what was observed
}

// McNemar tests whether the discordant pairs fall to both sides alike.
func (p Pairs) McNemar() (McNemarTest, error) {
	midP, err := SignTest(p.OnlyControl, p.OnlyTreated)
	n := p.OnlyControl + p.OnlyTreated
	if err != nil || n == 0 {
		return McNemarTest{TwoSided: 1, Greater: 1, MidP: midP}, err
	}
	return McNemarTest{
		TwoSided: math.Min(1, 2*coinTail(min(p.OnlyControl, p.OnlyTreated), n)),
		Greater:  coinTail(p.OnlyControl, n), // at most so many the other way
		MidP:     midP,
	}, nil
}

// studentCDF returns P(T <= t) of Student's t with df degrees of freedom.
func studentCDF(t, df float64) float64 {
	tail := 0.5 * regIncBeta(df/2, 0.5, df/(df+t*t))
	if t > 0 {
		return 1 - tail
	}
	return tail
}
