package evidence

import "testing"

// Of conditions that are as far from their thresholds but for rounding the first is the
// worst, whichever rounding makes the larger.
func TestTiesOfTheWorst(t *testing.T) {
	for _, c := range []struct {
		second float64
		want   int
	}{{-1e-10, 0}, {0, 0}, {1e-10, 0}, {.01, 1}} {
		got := worst([]ConditionResult{{Estimate: 0, Threshold: .1}, {Estimate: c.second, Threshold: .1}})
		if got != c.want {
			t.Errorf("an estimate of %v beside 0: %d, want %d", c.second, got, c.want)
		}
	}
}
