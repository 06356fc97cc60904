package evidence

import (
	"fmt"
	"math"
)

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
