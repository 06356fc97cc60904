package evidence

import (
	"fmt"
	"math"
)

// SlopeWeights returns the weights that make X the least-squares slope of one
// cell's outcomes per doubling of the dose: over log2(1 + dose), so that dose 0
// has a place. Doses are numbers of demonstrations, at least 0 and not all equal.
// The threshold of such a condition is a rise of the rate per doubling (0.02 is
// two percentage points).
func SlopeWeights(doses []float64) ([]float64, error) {
	if len(doses) < 2 {
		return nil, fmt.Errorf("slope weights: %d doses: at least two are needed", len(doses))
	}
	x := make([]float64, len(doses))
	for k, dose := range doses {
		if !(dose >= 0) || math.IsInf(dose, 0) {
			return nil, fmt.Errorf("slope weights: dose %v: must be at least 0", dose)
		}
		x[k] = math.Log2(1 + dose)
	}
	w, err := LineWeights(x)
	if err != nil {
		return nil, fmt.Errorf("slope weights: all doses are %v; a slope needs two", doses[0])
	}
	return w, nil
}

// LineWeights returns the weights that make X the least-squares slope of one
// cell's outcomes per unit of x. The numbers must be finite and not all equal.
func LineWeights(x []float64) ([]float64, error) {
	mean := 0.0
	for _, v := range x {
		mean += v / float64(len(x))
	}
	w, squares := make([]float64, len(x)), 0.0
	for k, v := range x {
		w[k] = v - mean
		squares += w[k] * w[k]
	}
	if !(squares >= 1e-12 && !math.IsInf(squares, 0)) {
		return nil, fmt.Errorf("line weights: %v: a slope needs two different numbers", x)
	}
	for k := range w {
		w[k] /= squares
	}
	return w, nil
}
