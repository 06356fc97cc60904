package experiment

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// This file divides the run's budget of calls among its claims, so that none that is
// too close to its margin starves the others, and so that runs with a small budget
// come to every claim in turn.

// need is what a claim is going to ask of the budget, in calls.
type need struct {
	key string
	// expected is what it takes on average if the model is sound, most what it may
	// take; both without what earlier runs have bought. They are 0 where nothing more
	// is bought.
	expected, most int
	tried          int  // earlier runs that bought evidence for it
	final          bool // only whether the model is still the same is to be seen
}

// allot divides a budget. Where it covers what is expected of all, each gets that, and
// of the rest a part in proportion to what it may take beyond. Where it does not, the
// claims are served in turn: those without a verdict come first, then those that the
// fewest runs have tried, then the order of the plan. A claim that is decided helps
// more than many that are begun.
func allot(budget int, needs []need) map[string]int {
	out := map[string]int{}
	expected, beyond := 0, 0
	for _, n := range needs {
		expected, beyond = expected+n.expected, beyond+max(n.most-n.expected, 0)
	}
	if expected <= budget {
		for _, n := range needs {
			out[n.key] = n.expected
			if beyond > 0 {
				out[n.key] += int(float64(max(n.most-n.expected, 0)) * float64(budget-expected) / float64(beyond))
			}
		}
		return out
	}
	inTurn := slices.Clone(needs)
	slices.SortStableFunc(inTurn, func(a, b need) int {
		switch {
		case a.final == b.final:
			return cmp.Compare(a.tried, b.tried)
		case b.final:
			return -1
		}
		return 1
	})
	for i, n := range inTurn {
		if i > 0 && budget < n.expected/2 { // would be spent for next to nothing
			continue
		}
		out[n.key] = min(n.expected, budget)
		budget -= out[n.key]
	}
	return out
}

// Expect notes that the run is going to test a claim, for the division of its budget.
// A claim that cannot be planned asks for nothing.
func (s *Subject) Expect(c claim.Claim) {
	if s.config.MaxCalls == 0 {
		return
	}
	n := s.need(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.needs, func(o need) bool { return o.key == n.key }) {
		s.needs = append(s.needs, n)
	}
}

// need is what a claim still asks of the budget.
func (s *Subject) need(c claim.Claim) need {
	n := need{key: s.Key(c)}
	plan, err := s.Plan(c)
	if err != nil {
		return n
	}
	n.tried = s.Record().Tried(n.key)
	bought := s.recordedPairs(c)
	calls := plan.CallsPerPair * (1 + plan.JudgeCalls)
	if n.final = s.Record().Final(n.key); n.final && bought >= repeats {
		n.expected, n.most = repeats*calls, repeats*calls
		return n
	}
	if s.gaveUp(c) {
		return n
	}
	if bought < repeats { // too few to see whether the model is still the same: it begins anew
		bought = 0
	}
	left := plan.Forecast.Max - bought
	if left <= 0 && plan.SearchCalls == 0 {
		return n
	}
	n.most = max(left, 0)*calls + plan.ReportCalls + (plan.SearchCalls+plan.FoundCalls)*(1+plan.JudgeCalls)
	// What took longer than planned is not nearly done: half the plan is the least, so
	// that what it costs to go on is not most of what is spent.
	sound := plan.Calls(plan.Forecast.AtZero)
	n.expected = min(n.most, max(sound-bought*calls, sound/2))
	if again := repeats * calls; bought >= repeats { // to see that the model is still the same
		n.expected, n.most = n.expected+again, n.most+again
	}
	return n
}

// gaveUp says whether the runs that are continued took all pairs that the claim may
// take, or saw that what is left of them would not decide it.
func (s *Subject) gaveUp(c claim.Claim) bool {
	if s.config.MaxPairs > 0 || s.config.oneLook() || s.config.Replay {
		return false
	}
	last, ok := s.Record().Last(s.Key(c))
	return ok && !last.Final && (last.Reason == string(evidence.Futile) || last.Reason == string(evidence.Curtailed))
}

// share is what a claim may take of the budget.
type share struct {
	calls  int
	least  int  // below which what is bought would be next to nothing
	others int  // claims for which the rest is kept
	whole  bool // nothing is kept for others
}

// share is a claim's part of what is left of the budget.
func (s *Subject) share(c claim.Claim) share {
	budget := s.config.MaxCalls
	if budget == 0 {
		return share{whole: true}
	}
	own := s.need(c)
	s.mu.Lock()
	needs := slices.Clone(s.needs)
	s.mu.Unlock()
	needs = slices.DeleteFunc(needs, func(n need) bool {
		return n.key != own.key && (n.expected == 0 || s.Record().Concluded(n.key))
	})
	if !slices.ContainsFunc(needs, func(n need) bool { return n.key == own.key }) {
		needs = append(needs, own)
	}
	if len(needs) == 1 {
		return share{whole: true}
	}
	spent := s.Record().Calls()
	out := share{calls: allot(max(budget-spent, 0), needs)[own.key], others: len(needs) - 1}
	if spent > 0 {
		out.least = own.expected / 2
	}
	return out
}

// spentShare says whether the next batch would pass the claim's share.
func (e *experiment) spentShare() bool {
	if e.share.whole {
		return false
	}
	used := e.calls + e.probed.made()
	for _, b := range e.batches { // begun, and not all of it asked or counted
		used += b.left
	}
	return used+e.questions+e.parts.calls > e.share.calls
}

// withoutTurn is why nothing is asked for a claim in this run, with its words; "" where
// it is asked.
func (e *experiment) withoutTurn() (why evidence.Reason, said string) {
	if e.s.config.Replay {
		return "", ""
	}
	pairs := e.s.recordedPairs(e.claim)
	if e.s.gaveUp(e.claim) {
		return claim.TooClose, fmt.Sprintf("earlier runs bought %d of the %d pairs that it may take, about three times what a sound model needs, and did not decide it; state another margin, set Config.MaxPairs, or ask anew with SAFETYTEST_REPLIES=fresh", pairs, e.most)
	}
	least := max(e.questions+e.parts.calls, e.share.least)
	if pairs >= repeats {
		least = max(least, e.questions+repeats*e.claim.Questions())
	}
	if !e.share.whole && e.share.calls < least {
		if e.rec.Final(e.s.Key(e.claim)) {
			return claim.LaterTurn, fmt.Sprintf("an earlier run decided it, and SAFETYTEST_MAX_CALLS=%d does not leave what it takes to see that the model is still the same", e.s.config.MaxCalls)
		}
		return claim.LaterTurn, fmt.Sprintf("what is left of SAFETYTEST_MAX_CALLS=%d does not suffice for it beside %s; it comes first in a run that goes on from here", e.s.config.MaxCalls, otherClaims(e.share.others))
	}
	return "", ""
}

// otherClaims is how many claims a budget is shared with.
func otherClaims(n int) string {
	if n == 1 {
		return "1 other claim"
	}
	return fmt.Sprintf("%d other claims", n)
}
