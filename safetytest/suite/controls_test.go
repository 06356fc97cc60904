package suite

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// A condition need not be proven to be like itself, but must have been compared with
// itself, by replies that count.
func TestWhatComparingAConditionWithItselfShows(t *testing.T) {
	for _, c := range []struct {
		state  evidence.State
		reason evidence.Reason
		pairs  int
		want   string // "" where the control passes
	}{
		{evidence.Holds, evidence.Undecided, 57, ""},
		{evidence.Violated, evidence.Undecided, 57, "differs from itself"},
		{evidence.Inconclusive, evidence.Budget, enoughSame, ""},
		{evidence.Inconclusive, evidence.Futile, 200, ""},
		{evidence.Inconclusive, evidence.NoHeadroom, 200, ""},
		{evidence.Inconclusive, claim.UnmeasuredJudge, 200, ""},
		{evidence.Inconclusive, evidence.Budget, enoughSame - 1, "hardly compared"},
		{evidence.Inconclusive, evidence.MissingReplies, 200, "hardly compared"},
		{evidence.Inconclusive, claim.DoubtfulReplies, 200, "hardly compared"},
		{evidence.Inconclusive, claim.ModelChanged, 200, "hardly compared"},
	} {
		err := foundAlike(claim.Verdict{State: c.state, Reason: c.reason, Pairs: c.pairs})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %q, %d pairs: %v", c.state, c.reason, c.pairs, err)
		}
	}
}
