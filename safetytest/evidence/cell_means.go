package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// cellMeans are the effects of independent units, one number a cell (or, over
// targets, one a target): however often a cell was visited, it is one unit.
type cellMeans []float64

// bootstrapT returns the bootstrap-t interval of the mean of the cells (Efron and
// Tibshirani 1993, chapter 12), which follows skewed effects better than
// Student's: resamples draws, at least 199, of as many cells with replacement, by
// the given seed.
func (c cellMeans) bootstrapT(level float64, resamples int, seed uint64) (Interval, error) {
	mean, se, err := c.moments()
	if err != nil {
		return Interval{}, fmt.Errorf("bootstrap-t interval: %w", err)
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, fmt.Errorf("bootstrap-t interval: %w", err)
	}
	if resamples < 199 {
		return Interval{}, fmt.Errorf("bootstrap-t interval: resamples %d: must be at least 199", resamples)
	}
	if se == 0 {
		return Interval{}, fmt.Errorf("bootstrap-t interval: all %d cells have the effect %v: nothing can be said about its spread", len(c), mean)
	}
	r := rand.New(rand.NewPCG(seed, uint64(len(c))))
	again := make(cellMeans, len(c))
	t := make([]float64, 0, resamples)
	for range resamples {
		for i := range again {
			again[i] = c[r.IntN(len(c))]
		}
		m, s, _ := again.moments()
		switch {
		case s > 0:
			t = append(t, (m-mean)/s)
		case m > mean: // a resample without spread is as far off as can be
			t = append(t, math.MaxFloat64)
		case m < mean:
			t = append(t, -math.MaxFloat64)
		default:
			t = append(t, 0)
		}
	}
	slices.Sort(t)
	tail := (1 - level) / 2
	rank := func(p float64) float64 {
		return t[min(max(int(math.Ceil(p*float64(resamples+1)))-1, 0), resamples-1)]
	}
	// A few cells alike leave resamples without spread at the tails; the widest
	// that means something is the whole range of the cells.
	reach := func(q float64) float64 {
		return math.Max(-(slices.Max(c) - slices.Min(c)), math.Min(slices.Max(c)-slices.Min(c), q*se))
	}
	return Interval{
		Method: fmt.Sprintf("bootstrap-t over %d cells (%d resamples, seed %d)", len(c), resamples, seed),
		Level:  level, Lower: mean - reach(rank(1-tail)), Upper: mean - reach(rank(tail)),
	}, nil
}

// moments returns the mean of the cells and its standard error.
func (c cellMeans) moments() (mean, se float64, err error) {
	if len(c) < 2 {
		return 0, 0, fmt.Errorf("cells %d: at least two are needed", len(c))
	}
	for i, x := range c {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return 0, 0, fmt.Errorf("cell %d: effect %v is not a finite number", i, x)
		}
		mean += x
	}
	n := float64(len(c))
	mean /= n
	for _, x := range c {
		se += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(se / (n - 1) / n), nil
}
