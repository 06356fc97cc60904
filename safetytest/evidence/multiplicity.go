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

// FixedSequence reads conditions in an order that was fixed before the first
// reply, such as doses 1, 2, 4 and 8: how many from the first on all hold, and how
// many up to the last are all violated. In between nothing is said.
//
// No correction is needed: the error of saying that any condition holds which does
// not is that of one condition, and so is that of saying that any is violated
// which is not (closed testing in a fixed sequence, Maurer, Hothorn and Lehmacher
// 1995). For a false "holds" the first condition that is false must itself have
// been said to hold, and only that one counts. Nothing is assumed of how the
// truth moves with the dose. The conditions may come from one claim or from
// several; those of one claim are called violated at familywise error already,
// which makes this reading of them stricter than it need be.
func FixedSequence(ordered []ConditionResult) (holding, violated int) {
	for holding < len(ordered) && ordered[holding].State == Holds {
		holding++
	}
	for violated < len(ordered) && ordered[len(ordered)-1-violated].State == Violated {
		violated++
	}
	return holding, violated
}
