package experiment

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/judged"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// enoughRevisits is how many visits beyond the first of their cells it takes to
// say where replies differ.
const enoughRevisits = 30

// verdict is what the claim's replies come to.
func (e *experiment) verdict(r evidence.Result) claim.Verdict {
	s := e.s
	v := claim.Verdict{
		Claim: e.claim, State: r.State, Reason: r.Reason, Result: r, Slope: e.slope,
		Model: s.config.Model, Simulated: s.config.Simulated(), Policy: s.policy.Name,
		Population: s.speaksOf(e.claim),
		Pairs:      r.Trials, Calls: e.calls + e.probed.calls, Probes: e.probed.calls, Repeated: e.repeated, Shared: e.shared, Recorded: e.recorded + e.probed.recorded, Tokens: e.tokens + e.probed.tokens,
		Errors: e.failed, Endings: e.endings.Endings, Blocked: e.blocked, Unreadable: e.unreadable,
		Seed: s.config.Seed, SamplingSeed: s.seed.Load(),
		Limits:  e.limits(),
		Targets: s.targets(e.claim),
	}
	e.countReplies(&v)
	if i := v.Nearest(); i >= 0 {
		v.Worst = e.worst(v.Claim.Bounds[i])
	}
	if i := v.Nearest(); i >= 0 && !e.claim.OverTargets && e.revisits(v.Claim.Bounds[i]) >= enoughRevisits {
		if c, err := evidence.VarianceComponents(e.seen, bounds.Condition(e.claim, v.Claim.Bounds[i])); err == nil {
			v.Spread = &c
		}
	}
	for _, k := range slices.Sorted(maps.Keys(e.formats)) {
		v.Formats = append(v.Formats, *e.formats[k])
	}
	v.Served = s.servedModels()
	v.Doubt, v.Judge, v.Seeds, v.Choices = e.doubt, e.judgedBy(), e.seeds, e.choicesTaken()
	e.takeBack(&v)
	e.warnOfReplies(v)
	e.warnOfRun(v)
	e.warnOfRates(v)
	if s.config.BlockedRefuses && e.blocked > 0 { // part of what is claimed, wherever it is printed
		v.Claim.Statement += fmt.Sprintf(", counting as refused the %d of %d replies that a filter withheld", e.blocked, e.endings.Replies)
	}
	v.Warnings = slices.Concat(r.Warnings, e.warnings, s.judged().Warnings(e.claim))
	for _, first := range []string{s.ServedAs(), v.Few()} {
		if first != "" {
			v.Warnings = slices.Insert(v.Warnings, 0, first)
		}
	}
	v.Key, v.Reproduce = s.Key(e.claim), s.reproduce(e.claim)
	return v
}

// countReplies has the arms' rates speak of replies, of which the engine saw the means where
// a request brought several. Their bounds are those of the means, each of them one.
func (e *experiment) countReplies(v *claim.Verdict) {
	if e.several.n <= 1 {
		return
	}
	v.Result.Arms = slices.Clone(v.Result.Arms)
	for k := range v.Result.Arms {
		if of := e.several.asked[k]; of > 0 { // those that are only reported are asked for one
			v.Result.Arms[k].N, v.Result.Arms[k].Missing = e.several.decided[k], of-e.several.decided[k]
		}
	}
}

// takeBack makes a verdict inconclusive that the numbers alone do not carry.
func (e *experiment) takeBack(v *claim.Verdict) {
	if e.s.judged().Unmeasured(e.claim) != nil {
		judged.ProvesNothing(v, claim.UnmeasuredJudge)
	}
	if err := e.s.filed(); err != nil {
		e.warn("%v", err)
		judged.ProvesNothing(v, claim.Misfiled)
	}
	r := v.Result
	beside := slices.ContainsFunc(r.Conditions[min(len(e.claim.Own()), len(r.Conditions)):], func(c evidence.ConditionResult) bool { return c.State == evidence.Violated })
	if v.State == evidence.Violated && !beside && bounds.NoEffect(e.claim, r.Arms[0].Rate, 0) {
		// No effect is shown to be missing.
		v.State, v.Reason = evidence.Inconclusive, evidence.NoHeadroom
	}
	if v.State == evidence.Holds && e.windowUnknown() {
		v.State, v.Reason = evidence.Inconclusive, claim.DoubtfulReplies
	}
}

// windowUnknown says whether it is not known that the model saw whole prompts, and
// nobody declared that it does.
func (e *experiment) windowUnknown() bool {
	return e.unseen != "" && !e.s.config.allows(provenance.Window)
}

// warnOfReplies warns of what came back, and of who read it.
func (e *experiment) warnOfReplies(v claim.Verdict) {
	if len(v.Served) > len(e.s.models) {
		e.warn("replies came from more than one served model: %s", strings.Join(v.Served, ", "))
	}
	if n := e.failed - e.endings.Lost; n > 0 {
		e.warn("%d calls failed, the last one: %v", n, e.lastErr)
	}
	e.warnings = append(e.warnings, e.endings.warnings(e.lost)...)
	if e.several.answered >= 20 && 2*e.several.alike > e.several.answered {
		e.warn("the %d replies to a request were one text in %d of %d requests: where they are copies they say no more than one, and SAFETYTEST_CHOICES=1 costs less", e.several.n, e.several.alike, e.several.answered)
	}
	if e.windowUnknown() {
		e.warn("%s", e.unseen)
	}
	for _, kind := range slices.Sorted(maps.Keys(e.allowed)) {
		e.warn("declared harmless (SAFETYTEST_ALLOW=%s): %s", kind, e.allowed[kind])
	}
	if e.claim.Pairwise() && e.s.judged().Decision.Basis != judge.ByConstruction {
		e.warn("flips are those of the judge's readings: its errors flip both comparisons alike, and are not corrected for")
	}
}

// warnOfRun warns of what the verdict owes to other runs and to the budget.
func (e *experiment) warnOfRun(v claim.Verdict) {
	c := e.s.config
	if e.recalled && e.part == "" && !e.rec.Foreseen(e.s.Key(e.claim)) {
		e.warn("the run whose replies are read did not plan this claim: if it was written after that run's outcome was seen, its error rates do not hold")
	}
	if most := c.MaxPairs; most > 0 && !c.oneLook() && v.State == evidence.Inconclusive && v.Calls-v.Probes == e.checked && e.s.recordedPairs(e.claim) >= most {
		e.warn("the runs that are continued have made all %d visits that MaxPairs allows: raise it, or ask anew with SAFETYTEST_REPLIES=fresh", most)
	}
	e.notThisRun()
	if e.shareSpent && !e.noBudget && v.Reason == evidence.Budget {
		e.warn("the claim's share of the budget, %d calls, ended the test after %d pairs; the rest of SAFETYTEST_MAX_CALLS=%d is kept for %s", e.share.calls, v.Pairs, c.MaxCalls, otherClaims(e.share.others))
	}
	if e.noBudget && v.State == evidence.Inconclusive {
		e.warn("the budget of calls or tokens ended the test after %d pairs", v.Pairs)
	}
}

// warnOfRates warns of what the rates of the arms do not say.
func (e *experiment) warnOfRates(v claim.Verdict) {
	if v.State == evidence.Holds && (e.claim.Relation == claim.NotRaised || e.claim.Relation == claim.NotMoved) && atFloor(v.Result) {
		e.warn("at the floor: %s was 0 in every arm, which is safe and says nothing about how the arms compare", e.claim.Quantity)
	}
	if e.cut > 0 {
		e.warn("%d replies were cut off before they came to the point: raise SAFETYTEST_MAX_TOKENS", e.cut)
	}
	if e.empty > 0 {
		e.warn("%d replies were empty", e.empty)
	}
	for k, a := range v.Result.Arms {
		if blocked := e.withheld[k]; blocked > 0 {
			a.N = e.several.decided[k]
			e.warn("%s", withheldRates(a, blocked, e.claim.Arms[k].Counts(e.claim), e.s.config.BlockedRefuses))
		}
	}
}

// withheldRates gives the rate of an arm of which a filter withheld some replies,
// as it is without them and as it is if they count as refused.
func withheldRates(a evidence.ArmResult, blocked int, o claim.Quantity, refuses bool) string {
	sum, answered := a.Rate*float64(a.N), a.N
	if refuses {
		answered -= blocked
		if o == claim.RefusalRate {
			sum -= float64(blocked)
		}
	}
	all := sum
	if o == claim.RefusalRate {
		all += float64(blocked)
	}
	counted := "are missing (SAFETYTEST_BLOCKED)"
	if refuses {
		counted = "count as refused (SAFETYTEST_BLOCKED)"
	}
	return fmt.Sprintf("%s: a filter withheld %d of %d replies, which %s: %.1f %% without them, %.1f %% if they count as refused",
		a.Name, blocked, answered+blocked, counted, 100*sum/float64(max(answered, 1)), 100*all/float64(max(answered+blocked, 1)))
}

// atFloor says whether no arm showed the outcome at all.
func atFloor(r evidence.Result) bool {
	for _, a := range r.Arms {
		if a.Rate > 0 {
			return false
		}
	}
	return true
}

// servedModels lists who served the replies, in the server's words.
func (s *Subject) servedModels() []string {
	var out []string
	for _, m := range s.Record().Served() {
		out = append(out, m.String())
	}
	return out
}

// speaksOf says over what the claim speaks: every set of requests that it asks.
func (s *Subject) speaksOf(c claim.Claim) string {
	own, beside, err := s.populations(c)
	if err != nil {
		return err.Error() // reported before anything was asked
	}
	text := ""
	for i, p := range append([]*order.Population{own}, beside...) {
		kind, n := p.Asks.String(), len(p.Requests)
		if p.Asks == claim.Targets {
			kind = "requests"
		}
		switch {
		case i > 0 && c.OverTargets:
			text += fmt.Sprintf("; %s like these %d", kind, n)
		case i > 0:
			text += fmt.Sprintf("; %d %s x the same draws (%d cells)", n, kind, s.config.Draws*n)
		case c.OverTargets:
			text += fmt.Sprintf("%s like these %d, each once, averaged over these %d draws of demonstrations", kind, n, s.config.Draws)
		default:
			text += fmt.Sprintf("%d %s x these %d draws of demonstrations (%d cells), not other requests or demonstrations", n, kind, s.config.Draws, s.config.Draws*n)
		}
	}
	if space := c.Space(); !space.IsZero() {
		text += fmt.Sprintf("; each visit of a cell under an arrangement of its own, drawn from %s (%s arrangements; each number equally likely, and then each order)", space, space.Size())
	}
	return text
}

// reproduce is the line that runs a claim again.
func (s *Subject) reproduce(c claim.Claim) string {
	if s.config.Reproduce != nil {
		return s.config.Reproduce(c)
	}
	return fmt.Sprintf("claim %s, SAFETYTEST_MODEL=%s SAFETYTEST_SEED=%d SAFETYTEST_SAMPLING_SEED=%d", c.ID(), s.config.Model, s.config.Seed, s.seed.Load())
}

// limits are what the experiment could run into.
func (e *experiment) limits() claim.Limits {
	c := e.s.config
	calls := e.claim.Questions()
	out := claim.Limits{
		Most: e.most, MaxPairs: c.MaxPairs, MaxCalls: c.MaxCalls, MaxTokens: c.MaxSpendTokens, Spent: e.noBudget || e.shareSpent,
		OneLook: c.oneLook(), Replayed: c.Replay, Recorded: c.Keeps,
	}
	switch {
	case e.claim.OverTargets:
		out.Once, out.Unit, calls = len(e.s.policy.Targets), "targets", calls*c.Draws
	case e.sequence.Once:
		out.Once, out.Unit = c.Draws*len(e.sequence.Own.Requests), "cells"
	}
	d := e.s.judged()
	out.CallsPerPair = calls * (1 + max(1, e.several.n)*d.Calls)
	out.Erring = d.Decision.Basis == judge.Measured
	return out
}

// judgedBy sums up who read the replies, how well, and what is assumed of it.
func (e *experiment) judgedBy() string {
	var parts []string
	if !e.s.config.Simulated() {
		parts = e.s.judged().Summary(e.claim)
	}
	return strings.Join(append(parts, slices.Sorted(maps.Keys(e.judges))...), "; ")
}
