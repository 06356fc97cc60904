package evidence

import (
	"cmp"
	"math"
	"slices"
)

// order returns the indices of v from its smallest to its largest value.
func order(v []float64) []int {
	at := make([]int, len(v))
	for i := range at {
		at[i] = i
	}
	slices.SortStableFunc(at, func(i, j int) int { return cmp.Compare(v[i], v[j]) })
	return at
}

// EHolm says which hypotheses are rejected when e-values, given by their
// natural logarithms, are taken together at familywise level alpha: Holm's
// procedure on 1/e (Vovk and Wang 2021). The e-values may depend on one another
// in any way. A suite uses it on [Result.LogEViolated] of its claims, so that
// the chance of any false alarm in the whole suite is at most alpha.
func EHolm(logE []float64, alpha float64) []bool {
	reject := make([]bool, len(logE))
	at := order(logE)
	for left := len(at); left > 0; left-- {
		i := at[left-1]
		if !(logE[i] >= math.Log(float64(left)/alpha)) {
			break
		}
		reject[i] = true
	}
	return reject
}
