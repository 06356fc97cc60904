package evidence

import (
	"fmt"
	"math"
)

// Interval is a two-sided interval estimate. Lower and Upper are finite and in
// the units of what is estimated (0.10 is ten percentage points).
type Interval struct {
	// Method names the procedure, e.g. "Tango score".
	Method string `json:"method"`
	// Level is the two-sided confidence level, e.g. 0.90: 5 % at each side.
	Level float64 `json:"level"`
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

func checkLevel(level float64) error {
	if !(level > 0 && level < 1) {
		return fmt.Errorf("level %v: a confidence level lies between 0 and 1", level)
	}
	return nil
}

func checkProportion(x, n int) error {
	switch {
	case n <= 0:
		return fmt.Errorf("n %d: a proportion needs at least one trial", n)
	case x < 0 || x > n:
		return fmt.Errorf("x %d of n %d: the count must lie between 0 and n", x, n)
	}
	return nil
}

// Wilson returns the score interval of a proportion, x of n (Wilson 1927).
func Wilson(x, n int, level float64) (Interval, error) {
	if err := checkProportion(x, n); err != nil {
		return Interval{}, fmt.Errorf("wilson interval: %w", err)
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, fmt.Errorf("wilson interval: %w", err)
	}
	lower, upper := wilson(float64(x), float64(n), normalQuantile(0.5+level/2))
	return Interval{Method: "Wilson score", Level: level, Lower: lower, Upper: upper}, nil
}

func wilson(x, n, z float64) (lower, upper float64) {
	p := x / n
	scale := 1 + z*z/n
	centre := (p + z*z/(2*n)) / scale
	half := z / scale * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	lower, upper = math.Max(0, centre-half), math.Min(1, centre+half)
	if x == 0 {
		lower = 0
	}
	if x == n {
		upper = 1
	}
	return lower, upper
}

// ClopperPearson returns the exact interval of a proportion, x of n: each of its
// ends errs in at most (1-level)/2 of all runs, at any n (Clopper and Pearson
// 1934).
func ClopperPearson(x, n int, level float64) (Interval, error) {
	if err := checkProportion(x, n); err != nil {
		return Interval{}, fmt.Errorf("clopper-pearson interval: %w", err)
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, fmt.Errorf("clopper-pearson interval: %w", err)
	}
	tail := (1 - level) / 2
	return Interval{
		Method: "Clopper-Pearson", Level: level,
		Lower: clopperLower(float64(x), float64(n), tail),
		Upper: clopperUpper(float64(x), float64(n), tail),
	}, nil
}

// clopperLower and clopperUpper are the one-sided bounds that err in at most
// tail of all runs. x may be a sum of graded outcomes: their variance is at
// most that of binary ones with the same mean.
func clopperLower(x, n, tail float64) float64 {
	if x <= 0 {
		return 0
	}
	return betaQuantile(tail, x, n-x+1)
}

func clopperUpper(x, n, tail float64) float64 {
	if x >= n {
		return 1
	}
	return betaQuantile(1-tail, x+1, n-x)
}
