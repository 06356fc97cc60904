package raced

import "testing"

// Without the detector nothing is left out, and with it the first case never is.
func TestLeaves(t *testing.T) {
	left := 0
	for i := range 10 {
		if Leaves(i, 5) {
			left++
		}
	}
	if want := map[bool]int{false: 0, true: 8}[Detector]; left != want || Leaves(0, 5) {
		t.Errorf("%d of 10 cases are left, want %d", left, want)
	}
}

func TestSkip(t *testing.T) {
	skipped := true
	t.Run("one", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		Skip(t)
	})
	if skipped != Detector {
		t.Errorf("skipped: %v, the detector watches: %v", skipped, Detector)
	}
}
