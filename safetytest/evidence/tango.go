package evidence

import (
	"fmt"
	"math"
)

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

// tangoZ is the score statistic of n pairs, b of them 1 in the control arm only
// and c in the treated arm only, at the hypothetical difference d. It falls as d
// rises.
func tangoZ(n, b, c, d float64) float64 {
	// q is the restricted maximum-likelihood estimate of P(control only).
	bb := -b - c + (2*n-c+b)*d
	cc := -b * d * (1 - d)
	q := (math.Sqrt(math.Max(0, bb*bb-8*n*cc)) - bb) / (4 * n)
	variance := n * (2*q + d*(1-d))
	distance := c - b - n*d
	if variance <= 0 {
		// Only at the ends and where everything agrees: no distance is no
		// evidence, any distance is overwhelming.
		return math.Copysign(math.Min(math.Abs(distance)*1e9, 1e9), distance)
	}
	return distance / math.Sqrt(variance)
}

func tangoUpper(n, b, c, z float64) float64 {
	return bisect((c-b)/n, 1, func(d float64) bool { return tangoZ(n, b, c, d) <= -z })
}

func tangoLower(n, b, c, z float64) float64 {
	// The mirror image: control and treated change places.
	return -tangoUpper(n, c, b, z)
}
