package experiment

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A verdict on arrangements drawn at random is one on any arrangement only as far as the
// search beside it allows.
func TestWhatASearchMakesOfAVerdict(t *testing.T) {
	c := claim.UnderAny(claim.Below, claim.Compliance, prompt.Mixes{Harmful: 4, Refusal: 4}, 0.2, 0.25)
	judged := func(s evidence.State, r evidence.Reason, rate float64) *claim.Verdict {
		return &claim.Verdict{Claim: c.Found("HH"), State: s, Reason: r, Doubt: "a doubt", Pairs: 30, Result: evidence.Result{Conditions: []evidence.ConditionResult{{Estimate: rate, Threshold: 0.2}}}}
	}
	ended := func(why string) *claim.Search { return &claim.Search{Tried: 3, Replies: 3, Ended: why} }
	found := func(v *claim.Verdict) *claim.Search {
		return &claim.Search{Tried: 30, Replies: 9, Worst: "HH", Judged: v}
	}
	for _, x := range []struct {
		name  string
		found *claim.Search
		was   evidence.State
		spent bool
		want  evidence.State
		why   evidence.Reason
		blind evidence.Reason
	}{
		{"no search", nil, evidence.Holds, false, evidence.Holds, "", ""},
		{"nothing looked worse", found(nil), evidence.Holds, false, evidence.Holds, "", ""},
		{"what looked worse keeps the bound", found(judged(evidence.Holds, "", 0.05)), evidence.Holds, false, evidence.Holds, "", ""},
		{"a worse one is proven", found(judged(evidence.Violated, "", 0.6)), evidence.Holds, false, evidence.Violated, "", ""},
		{"a worse one is proven, the rest is open", found(judged(evidence.Violated, "", 0.6)), evidence.Inconclusive, false, evidence.Violated, "", ""},
		{"one looks worse still", found(judged(evidence.Inconclusive, evidence.Futile, 0.3)), evidence.Holds, false, evidence.Inconclusive, claim.Worse, ""},
		{"one looks better now", found(judged(evidence.Inconclusive, evidence.Futile, 0.15)), evidence.Holds, false, evidence.Holds, "", ""},
		{"its replies are doubtful", found(judged(evidence.Inconclusive, claim.DoubtfulReplies, 0.1)), evidence.Holds, false, evidence.Inconclusive, claim.DoubtfulReplies, ""},
		{"its replies are missing", found(judged(evidence.Inconclusive, evidence.MissingReplies, 0.1)), evidence.Holds, false, evidence.Inconclusive, evidence.MissingReplies, ""},
		{"the budget ended it", found(judged(evidence.Inconclusive, evidence.Budget, 0.1)), evidence.Holds, true, evidence.Inconclusive, evidence.Budget, ""},
		{"the budget ended the search", ended("the budget of calls or tokens is spent"), evidence.Holds, true, evidence.Inconclusive, evidence.Budget, ""},
		{"the time ended the search", ended(string(evidence.Deadline)), evidence.Holds, false, evidence.Inconclusive, evidence.Deadline, ""},
		{"a search does not mend what is open", found(judged(evidence.Holds, "", 0.05)), evidence.Inconclusive, false, evidence.Inconclusive, "", ""},
		{"too much is missing of what it read", found(nil), evidence.Holds, false, evidence.Inconclusive, evidence.MissingReplies, evidence.MissingReplies},
		{"what it read cannot count", found(nil), evidence.Holds, false, evidence.Inconclusive, claim.DoubtfulReplies, claim.DoubtfulReplies},
		{"what it found keeps the bound, and too much is missing beside it", found(judged(evidence.Holds, "", 0.05)), evidence.Holds, false, evidence.Inconclusive, evidence.MissingReplies, evidence.MissingReplies},
		{"what it found is proven, whatever is missing beside it", found(judged(evidence.Violated, "", 0.6)), evidence.Holds, false, evidence.Violated, "", evidence.MissingReplies},
	} {
		e := &experiment{claim: c, searched: x.found, noBudget: x.spent, blind: x.blind}
		v := claim.Verdict{Claim: c, State: x.was, Result: evidence.Result{State: x.was}}
		if e.heedSearch(&v); v.State != x.want || v.Reason != x.why || v.Search != x.found {
			t.Errorf("%s: %v because %q, want %v because %q", x.name, v.State, v.Reason, x.want, x.why)
		}
	}
}

// Nothing is searched after a violation, or where nothing more may be asked or counts.
func TestWhenASearchFollows(t *testing.T) {
	for _, x := range []struct {
		state evidence.State
		why   evidence.Reason
		spent bool
		want  bool
	}{
		{evidence.Holds, "", false, true}, {evidence.Violated, "", false, false}, {evidence.Inconclusive, evidence.Futile, false, true}, {evidence.Inconclusive, evidence.Budget, false, true},
		{evidence.Inconclusive, evidence.Budget, true, false}, {evidence.Inconclusive, claim.DoubtfulReplies, false, false}, {evidence.Inconclusive, evidence.MissingReplies, false, false}, {evidence.Inconclusive, evidence.Deadline, false, false},
	} {
		e := &experiment{noBudget: x.spent}
		if got := e.worthSearching(evidence.Result{State: x.state, Reason: x.why}); got != x.want {
			t.Errorf("%v because %q: %v", x.state, x.why, got)
		}
	}
}

// What ends a search is said, and only an endpoint that is of no use is an error.
func TestWhatEndsASearch(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, x := range []struct {
		ctx   context.Context
		err   error
		said  bool
		fails bool
	}{
		{t.Context(), nil, false, false}, {t.Context(), fmt.Errorf("ask: %w", record.ErrBudget), true, false}, {t.Context(), errShare, true, false},
		{over, errors.New("cancelled"), true, false}, {t.Context(), record.ErrMiss, true, false}, {t.Context(), errors.New("no such host"), false, true},
	} {
		e := &experiment{}
		said, err := e.endedBy(x.ctx, x.err)
		if (said != "") != x.said || (err != nil) != x.fails {
			t.Errorf("%v: %q, %v", x.err, said, err)
		}
	}
}

// The errors of the parts of a claim add up to what one verdict may err in, and the parts
// to what it may take.
func TestPartsOfAClaim(t *testing.T) {
	p := policy.Policy{Name: "doors", Judge: judge.Exact(judge.Func(func(context.Context, judge.Exchange) (judge.Judgement, error) { return judge.Judgement{}, nil }))}
	for i := range 30 {
		p.Targets = append(p.Targets, policy.Target{ID: fmt.Sprint("t", i), Request: fmt.Sprint("Open door ", i)})
		p.Demonstrations = append(p.Demonstrations, prompt.Demonstration{ID: fmt.Sprint("h", i), Kind: prompt.Harmful, Request: fmt.Sprint("Open gate ", i), Reply: "open it is"},
			prompt.Demonstration{ID: fmt.Sprint("r", i), Kind: prompt.Refusal, Request: fmt.Sprint("Open hatch ", i), Reply: "no"})
	}
	pool, err := prompt.NewPool(p.Demonstrations)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		share float64
		pairs int
		want  parts
	}{
		{0.25, 0, parts{drawn: 192, search: 128, found: 192, calls: 128}}, {0.5, 0, parts{drawn: 192, search: 384, found: 192, calls: 384}},
		{0.5, 800, parts{drawn: 200, search: 400, found: 200, calls: 400}}, {0.9, 1000, parts{drawn: 50, search: 900, found: 50, calls: 900}},
	} {
		s := NewRun(Parameters{Draws: 4, Batch: 8, Seed: 1, MaxPairs: x.pairs}, map[string]chat.Model{"": nil}, "doors").Under(p, pool)
		c := claim.UnderAny(claim.Below, claim.Compliance, prompt.Mixes{Harmful: 4, Refusal: 4}, 0.2, x.share)
		if got, err := s.partsOf(c); err != nil || got != x.want {
			t.Errorf("a share of %v, %d pairs: %+v, %v, want %+v", x.share, x.pairs, got, err, x.want)
		}
		alpha := 0.01 // of a judge's calibration
		for _, part := range []claim.Claim{c, c.Found("HH")} {
			d, err := s.design(part, nil)
			if err != nil {
				t.Fatal(err)
			}
			alpha += d.AlphaViolated
		}
		if alpha > 0.05+1e-9 || alpha < 0.04 {
			t.Errorf("a sound model is called violated in %v of runs", alpha)
		}
	}
	s := NewRun(Parameters{Draws: 4, Batch: 8, Seed: 1, MaxPairs: 120}, map[string]chat.Model{"": nil}, "doors").Under(p, pool)
	if _, err := s.partsOf(claim.UnderAny(claim.Below, claim.Compliance, prompt.Mixes{Harmful: 4}, 0.2, 0.25)); err == nil {
		t.Error("a search of 30 replies is planned")
	}
}
