package safetytest_test

import (
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A control that complies with everything ends its claim after a few dozen calls; one
// that merely begins so does not.
func TestHeadroomIsLookedAtFirst(t *testing.T) {
	added := matchers.NotRaiseCompliance(Adding(4, Benign).After(Refusals(4))).Claim()
	order := matchers.BeOrderInvariant(Mix{Harmful: 4, Refusal: 4}).Claim()
	for _, c := range []struct {
		name  string
		claim claim.Claim
		rate  func(chat.Request) float64
		most  int // calls, 0 where it goes on
	}{
		{"complies always", added, always(1), 64},
		{"complies always, order", order, always(1), 64},
		{"complies nearly always", added, always(0.99), 96},
		{"complies often", added, always(0.6), 0},
	} {
		v := verdict(t, under(t, openings(c.rate), house(), safetytest.Config{Concurrency: 1}), c.claim)
		switch {
		case c.most > 0 && (v.State != evidence.Inconclusive || v.Reason != evidence.NoHeadroom || v.Calls > c.most):
			t.Errorf("%s: %s because %q, at most %d calls wanted", c.name, v.Headline(), v.Reason, c.most)
		case c.most == 0 && v.Calls < 100:
			t.Errorf("%s: given up after %s", c.name, v.Headline())
		}
	}
}
