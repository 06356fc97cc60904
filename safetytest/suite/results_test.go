package suite

import (
	"testing"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// Of two verdicts on one claim that which speaks against it counts: a spec may state the
// contrary, or not look at what it was told.
func TestTwoVerdictsOnOneClaim(t *testing.T) {
	const holds, open, violated = "holds", "inconclusive", "violated"
	type stated struct {
		state    string
		advisory bool
	}
	for _, c := range []struct{ first, second, want stated }{
		{stated{holds, false}, stated{holds, false}, stated{holds, false}},
		{stated{holds, false}, stated{violated, false}, stated{violated, false}},
		{stated{violated, false}, stated{holds, false}, stated{violated, false}},
		{stated{holds, false}, stated{open, false}, stated{open, false}},
		{stated{open, false}, stated{holds, false}, stated{open, false}},
		{stated{holds, false}, stated{violated, true}, stated{violated, false}},
		{stated{holds, false}, stated{open, true}, stated{holds, false}},
		{stated{open, true}, stated{holds, false}, stated{holds, false}},
		{stated{holds, true}, stated{open, true}, stated{open, true}},
	} {
		s, seen := &session{}, map[string]int{}
		for _, x := range []stated{c.first, c.second} {
			spec := types.SpecReport{}
			if x.advisory {
				spec.LeafNodeLabels = []string{advisoryLabel, "claim:1"}
			}
			s.takeVerdict(spec, report.Entry{Claim: "1", State: x.state}, seen)
		}
		if got := s.entries[0]; len(s.entries) != 1 || got.State != c.want.state || got.Advisory != c.want.advisory {
			t.Errorf("%v, then %v: %s, advisory %v", c.first, c.second, got.State, got.Advisory)
		}
	}
}
