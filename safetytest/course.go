package safetytest

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// ModelChanged is the reason of a claim whose replies show that the model did not
// stay the same while it was asked. What is proven of all of them is true of none.
const ModelChanged evidence.Reason = "the model changed while it was asked"

// courses are how the outcomes of a claim's arms, and the differences that its bounds
// compare, went from batch to batch, in the order of asking.
type courses struct {
	claim  Claim
	arms   []evidence.Series // by arm
	bounds []evidence.Series // by bound that compares
	marks  []map[string]int  // by batch: how many replies carry which fingerprint
}

func newCourses(c Claim) courses {
	out := courses{claim: c, arms: make([]evidence.Series, len(c.Arms))}
	for k, a := range c.Arms {
		out.arms[k].Name = a.Name
	}
	for _, b := range c.bounds() {
		out.bounds = append(out.bounds, evidence.Series{Name: b.Name})
	}
	return out
}

// add takes in a complete batch.
func (c *courses) add(b *batch) {
	append1 := func(s *evidence.Series, sum float64, n int) {
		s.Sums, s.Counts = append(s.Sums, sum), append(s.Counts, n)
	}
	for k := range c.arms {
		sum, n := 0.0, 0
		for i := range b.visits {
			if y := b.seen[i][k]; !y.Missing {
				sum, n = sum+y.Value, n+1
			}
		}
		append1(&c.arms[k], sum, n)
	}
	for i, bound := range c.claim.bounds() {
		sum, n := 0.0, 0
		for v := range b.visits {
			x, whole := 0.0, true
			for k, w := range bound.Weights {
				if w != 0 {
					x, whole = x+w*b.seen[v][k].Value, whole && !b.seen[v][k].Missing
				}
			}
			if whole {
				sum, n = sum+x, n+1
			}
		}
		append1(&c.bounds[i], sum, n)
	}
	c.marks = append(c.marks, b.marks)
}

// changed says, in a sentence, how the model changed while it was asked, "" if nothing
// shows that it did: by its outcomes, or by a fingerprint that took another's place
// and did not merely come beside it. A change is said of at most one run in fifty of
// models that stay as they are.
func (e *experiment) changed() string {
	var series []evidence.Series
	for k, a := range e.claim.Arms {
		if a.calls() && !a.ReportOnly {
			series = append(series, e.courses.arms[k])
		}
	}
	for i, b := range e.claim.bounds() {
		if _, _, rate := b.rate(); !rate {
			series = append(series, e.courses.bounds[i])
		}
	}
	if c := evidence.Changed(series); c.Changed {
		return fmt.Sprintf("the replies of %q changed while they came: %.1f %% before the %d. batch and %.1f %% from there on (such an order is this rare by chance: %.2g); a verdict over both speaks of neither: find out what was deployed or loaded meanwhile, and run again", c.Series, 100*c.Before, c.Batch+1, 100*c.After, c.P)
	}
	if text := e.courses.swapped(); text != "" {
		return text
	}
	return ""
}

// swapped says that one fingerprint gave way to another.
func (c *courses) swapped() string {
	total := map[string]int{}
	for _, m := range c.marks {
		for mark, n := range m {
			total[mark] += n
		}
	}
	if len(total) < 2 {
		return ""
	}
	for mark := range total {
		s := evidence.Series{Name: mark}
		for _, m := range c.marks {
			sum := 0
			for _, n := range m {
				sum += n
			}
			s.Sums, s.Counts = append(s.Sums, float64(m[mark])), append(s.Counts, sum)
		}
		if ch := evidence.Changed([]evidence.Series{s}); ch.Changed {
			return fmt.Sprintf("the endpoint's fingerprint changed while the claim was tested: %q stood on %.0f %% of replies before the %d. batch and on %.0f %% from there on: another model or another way of serving it took over; run again when it stays the same", mark, 100*ch.Before, ch.Batch+1, 100*ch.After)
		}
	}
	return ""
}
