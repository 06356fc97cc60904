package experiment

import (
	"fmt"
	"maps"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// changed says, in a sentence, how the model changed while it was asked, "" if nothing
// shows that it did: by its outcomes, or by a fingerprint that took another's place
// and did not merely come beside it. A change is said of about one run in fifty of
// models that stay as they are.
func (e *experiment) changed() string {
	if c := e.engine.Change(); c.Changed && e.mayChange() {
		what := fmt.Sprintf("from %.1f %% to %.1f %% with the %d. batch", 100*c.Before, 100*c.After, c.Batch+1)
		if c.Gradual {
			what = "steadily"
		}
		return fmt.Sprintf("the outcomes of %q changed %s while the claim was tested (by chance so clearly in %.2g of runs); a verdict over before and after speaks of neither: find out what was deployed, loaded or limited meanwhile, and run again", c.Series, what, c.P)
	}
	return swapped(e.marks)
}

// mayChange says whether some model that the claim asks is not one of ours, which stay
// as they are: of them an alarm could only be a false one.
func (e *experiment) mayChange() bool {
	return slices.ContainsFunc(e.claim.Arms, func(a claim.Arm) bool { return a.Calls() && !e.s.simulates(a.Model) })
}

// swapped says that one fingerprint gave way to another, from how many replies of each
// batch carry which.
func swapped(batches []map[string]int) string {
	total := map[string]int{}
	for _, m := range batches {
		for mark, n := range m {
			total[mark] += n
		}
	}
	if len(total) < 2 {
		return ""
	}
	for _, mark := range slices.Sorted(maps.Keys(total)) {
		var sums []float64
		var counts []int
		for _, m := range batches {
			sum := 0
			for _, n := range m {
				sum += n
			}
			sums, counts = append(sums, float64(m[mark])), append(counts, sum)
		}
		if c := evidence.Changed(sums, counts); c.Changed {
			return fmt.Sprintf("the endpoint's fingerprint changed meanwhile: %q came with %.0f %% of replies before the %d. batch and with %.0f %% from there on: another model, or another way of serving it, took over; run again when it stays the same", mark, 100*c.Before, c.Batch+1, 100*c.After)
		}
	}
	return ""
}
