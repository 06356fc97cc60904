// Package raced tells tests whether the race detector watches them, under which they
// take ten times as long. Tests of concurrency run in full there. Tests of numbers
// (error rates, coverage, goldens of thousands of replies) and of what a process of its
// own prints meet no concurrent code there that the others do not, so they run a few of
// their cases or none. go test without the detector, which .ci/run runs too, runs all.
package raced

// Skip skips a test under the race detector.
func Skip(t interface {
	Helper()
	Skip(args ...any)
}) {
	t.Helper()
	if Detector {
		t.Skip("run without the race detector")
	}
}

// Leaves says of a case of a table whether the race detector leaves it to the run
// without: all but one in so many, the first among those that stay.
func Leaves(index, oneIn int) bool { return Detector && index%oneIn != 0 }
