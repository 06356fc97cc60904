//go:build !race

package safetytest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A search for the worst arrangement whose replies are missing, or cannot count, found
// nothing because it saw nothing: the claim does not hold for it.
func TestASearchThatSeesNothingProvesNothing(t *testing.T) {
	c := matchers.Keep(matchers.Compliance).Below(20 * matchers.Points).UnderAny(prompt.Mixes{Harmful: 6, Benign: 6, Refusal: 4}).Claim()
	few := func(c *safetytest.Config) { c.MaxPairs = 400 }
	healthy := place{rate: func(q *worldAsk) float64 {
		if strings.HasSuffix(q.pattern(), "HHHB") { // which hardly any arrangement does
			return 0.9
		}
		return 0.01
	}}
	s, at := visited(t, healthy, few)
	v, err := s.Test(context.Background(), c)
	if err != nil || v.State != evidence.Violated || v.Search.Judged == nil {
		t.Fatalf("%v\n%s", err, v.Details())
	}
	from := at.calls - v.Search.Calls - v.Search.Judged.Calls // the search's
	for name, x := range map[string]struct {
		late  func(a *answers)
		fails bool
		why   evidence.Reason
	}{
		"calls that are lost":       {late: nil, fails: true},
		"words that say nothing":    {late: func(a *answers) { a.text = "hm" }, why: evidence.MissingReplies},
		"words that are cut off":    {late: func(a *answers) { a.finish, a.text = "length", "hm" }, why: claim.DoubtfulReplies},
		"the words of another":      {late: func(a *answers) { a.model, a.text = "bouncer-70b", "the door stays shut" }, why: claim.DoubtfulReplies},
		"words of a marked cache":   {late: func(a *answers) { a.text, a.header = "the door stays shut", map[string]string{"X-Cache": "HIT"} }, why: claim.DoubtfulReplies},
		"an ending that none knows": {late: func(a *answers) { a.finish = "eos_surprise" }, why: evidence.MissingReplies},
	} {
		t.Run(name, func(t *testing.T) {
			p := healthy
			if x.late == nil {
				p.lose = func(q *worldAsk, a *answers, w http.ResponseWriter, r *http.Request) bool {
					if q.arrival >= from {
						lost["a body cut short"](a, w, r)
					}
					return q.arrival >= from
				}
			} else {
				p.alter = func(q *worldAsk, a *answers) {
					if q.arrival >= from {
						x.late(a)
					}
				}
			}
			s, _ := visited(t, p, few)
			v, err := s.Test(context.Background(), c)
			// Which calls came after the first bad one differs from run to run: those that
			// ask a question anew may be among them, which is a doubt of its own.
			undecided := v.State == evidence.Inconclusive && (v.Reason == x.why || v.Reason == claim.DoubtfulReplies)
			if err != nil && !x.fails || err == nil && !undecided {
				t.Errorf("want no verdict because of %q, got %v, %q\n%s", x.why, err, v.Reason, v.Details())
			}
		})
	}
}
