package experiment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// reportVisits is how many visits arms are asked at that are only reported,
// rounded up to whole batches.
const reportVisits = 16

// enoughRevisits is how many visits beyond the first of their cells it takes to
// say where replies differ.
const enoughRevisits = 30

// visits counts those of the early batches.
func (e *experiment) visits() int {
	n := 0
	for _, b := range e.early {
		n += len(b.visits)
	}
	return n
}

// tally adds a batch that the engine sees to the counts by cell.
func (e *experiment) tally(b *batch) {
	if have := e.visits(); have < reportVisits {
		e.early = append(e.early, b)
	}
	for k, n := range b.blocked {
		e.withheld[k] += n
	}
	for i, v := range b.visits {
		for _, asks := range e.sequence.Asked() {
			at := v.Of[asks]
			n := e.cells[cellKey{asks, at.Cell.Index}]
			if n == nil {
				n = &cellSums{id: at.Cell.ID(), sums: make([]float64, len(e.claim.Arms))}
				e.cells[cellKey{asks, at.Cell.Index}] = n
			}
			n.visits++
			for k, y := range b.seen[i] {
				if e.claim.Arms[k].Requests == asks && !y.Missing {
					n.sums[k] += y.Value
				}
			}
		}
	}
}

// cellKey names a cell among those of all populations.
type cellKey struct {
	asks  claim.Requests
	index int
}

// cellSums adds up what the arms of one cell showed.
type cellSums struct {
	id     string
	visits int
	sums   []float64 // by arm
}

// worst lists up to three cells that speak most against a bound.
func (e *experiment) worst(b claim.Bound) []claim.CellCount {
	_, atLeast, _ := b.Rate()
	about, _ := e.claim.Population(b)
	var out []claim.CellCount
	for key, n := range e.cells {
		if key.asks != about {
			continue
		}
		c := claim.CellCount{ID: n.id, Visits: n.visits}
		for k, w := range b.Weights {
			if w > 0 || atLeast {
				c.Treated += math.Abs(w) * n.sums[k]
			} else {
				c.Control -= w * n.sums[k]
			}
		}
		out = append(out, c)
	}
	against := func(n claim.CellCount) float64 {
		d := (n.Treated - n.Control) / float64(n.Visits)
		if atLeast {
			return 1 - d
		}
		return d
	}
	sort.Slice(out, func(i, j int) bool {
		if a, b := against(out[i]), against(out[j]); a != b {
			return a > b
		}
		if out[i].Visits != out[j].Visits {
			return out[i].Visits > out[j].Visits
		}
		return out[i].ID < out[j].ID
	})
	out = slices.DeleteFunc(out, func(n claim.CellCount) bool { return against(n) <= 0 })
	if e.claim.Relation == claim.Raised && !b.Beside {
		for i := range out {
			out[i].Control, out[i].Treated = out[i].Treated, out[i].Control
		}
	}
	return out[:min(3, len(out))]
}

// askReportOnly asks the arms that play no part in the verdict about the cells
// of the early visits, and fits a slope to what all arms showed there.
func (e *experiment) askReportOnly(ctx context.Context, r *evidence.Result) error {
	asked := false
	for k, a := range e.claim.Arms {
		if !a.ReportOnly {
			continue
		}
		if len(e.early) == 0 {
			return errors.New("the run ended before")
		}
		var visits []order.Visit
		for _, b := range e.early {
			visits = append(visits, b.visits...)
		}
		arm, err := e.askArm(ctx, k, visits)
		if err != nil {
			return err
		}
		r.Arms[k], asked = arm, true
	}
	if asked {
		e.fitSlope()
	}
	return nil
}

// askArm asks one arm at the given visits. A reply that is no outcome is
// missing, and so is a call that failed. It is an error where the budget or the
// time has ended, or the endpoint is of no use.
func (e *experiment) askArm(ctx context.Context, k int, visits []order.Visit) (evidence.ArmResult, error) {
	arm := evidence.ArmResult{Name: e.claim.Arms[k].Name}
	var at []order.Place
	for _, v := range visits {
		at = append(at, v.Of[e.claim.Arms[k].Requests])
	}
	calls, _ := e.askAll(ctx, k, at)
	for _, c := range calls {
		switch {
		case budgetSpent(c.err) || ctx.Err() != nil:
			return arm, cmp.Or(c.err, ctx.Err())
		case c.err != nil:
			if err := e.fail(c.err); err != nil {
				return arm, err
			}
		default:
			if err := e.note(c); err != nil {
				return arm, err
			}
		}
	}
	for i, c := range calls {
		if c.err == nil {
			e.remember(question{script: e.scripts[k], index: i, at: at[i]}, c)
		}
		y := e.observe(k, c)
		if y.Missing {
			arm.Missing++
			continue
		}
		arm.Rate += y.Value
		arm.N++
		e.doses = append(e.doses, e.dose(k, visits[i], y))
	}
	if arm.N > 0 {
		arm.Rate /= float64(arm.N)
	}
	return arm, nil
}

// askAll makes the calls of one arm at the given places. The error is that of
// the first call that failed for good.
func (e *experiment) askAll(ctx context.Context, k int, at []order.Place) ([]*call, error) {
	calls, shared := make([]*call, len(at)), make([]bool, len(at))
	e.s.atOnce(len(at), func(i int) {
		calls[i], shared[i] = e.s.ask(ctx, question{script: e.scripts[k], index: i, at: at[i]})
	})
	var failed error
	for i, c := range calls { // all were paid for, whatever came of the first
		e.count(answer{call: c, shared: shared[i]})
		if failed == nil {
			failed = c.err
		}
	}
	return calls, failed
}

// dose is one reply as a point of a dose-response curve, on the scale of
// doublings: the logarithm to base 2 of one more than the demonstrations added.
func (e *experiment) dose(arm int, v order.Visit, y evidence.Observation) evidence.DoseOutcome {
	added := e.claim.Arms[arm].Composition.Added
	return evidence.DoseOutcome{Dose: math.Log2(float64(1 + added)), Outcome: y.Value >= 0.5, Cluster: v.Cell.Position}
}

// fitSlope fits the log-odds of the outcome to the dose, over all arms and the
// cells of the early visits. It describes; it decides nothing.
func (e *experiment) fitSlope() {
	compared := e.claim.Compared()
	if len(compared) == 0 {
		return
	}
	last := e.claim.Arms[compared[len(compared)-1]] // other mixes are another curve
	for _, b := range e.early {
		for i, v := range b.visits {
			for _, k := range compared {
				if y := b.seen[i][k]; !y.Missing && e.claim.Arms[k].Composition.Mix == last.Composition.Mix {
					e.doses = append(e.doses, e.dose(k, v, y))
				}
			}
		}
	}
	if fit, err := evidence.LogisticSlope(e.doses); err == nil {
		e.slope = &fit
	}
}

func (e *experiment) warn(format string, args ...any) {
	e.warnings = append(e.warnings, fmt.Sprintf(format, args...))
}

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
	if s.unmeasured(e.claim) != nil {
		provesNothing(&v)
	}
	beside := slices.ContainsFunc(r.Conditions[min(len(e.claim.Own()), len(r.Conditions)):], func(c evidence.ConditionResult) bool { return c.State == evidence.Violated })
	if v.State == evidence.Violated && !beside && bounds.NoEffect(e.claim, r.Arms[0].Rate, 0) {
		// No effect is shown to be missing.
		v.State, v.Reason = evidence.Inconclusive, evidence.NoHeadroom
	}
	v.Served = s.servedModels()
	if len(v.Served) > len(s.models) {
		e.warn("replies came from more than one served model: %s", strings.Join(v.Served, ", "))
	}
	if n := e.failed - e.endings.Lost; n > 0 {
		e.warn("%d calls failed, the last one: %v", n, e.lastErr)
	}
	e.warnings = append(e.warnings, e.endings.warnings(e.lost)...)
	if e.unseen != "" && !s.config.allows(provenance.Window) {
		e.warn("%s", e.unseen)
		if v.State == evidence.Holds {
			v.State, v.Reason = evidence.Inconclusive, claim.DoubtfulReplies
		}
	}
	v.Doubt = e.doubt
	for _, kind := range slices.Sorted(maps.Keys(e.allowed)) {
		e.warn("declared harmless (SAFETYTEST_ALLOW=%s): %s", kind, e.allowed[kind])
	}
	v.Judge = e.judgedBy()
	if e.claim.Pairwise() && s.described().Decision.Basis != judge.ByConstruction {
		e.warn("flips are those of the judge's readings: its errors flip both comparisons alike, and are not corrected for")
	}
	if e.recalled && !e.rec.Foreseen(s.Key(e.claim)) {
		e.warn("the run whose replies are read did not plan this claim: if it was written after that run's outcome was seen, its error rates do not hold")
	}
	if most := s.config.MaxPairs; most > 0 && !s.config.oneLook() && v.State == evidence.Inconclusive && v.Calls-v.Probes == e.checked && s.recordedPairs(e.claim) >= most {
		e.warn("the runs that are continued have made all %d visits that MaxPairs allows: raise it, or ask anew with SAFETYTEST_REPLIES=fresh", most)
	}
	e.notThisRun()
	if e.noBudget && v.State == evidence.Inconclusive {
		e.warn("the budget of calls or tokens ended the test after %d pairs", v.Pairs)
	}
	if v.State == evidence.Holds && (e.claim.Relation == claim.NotRaised || e.claim.Relation == claim.NotMoved) && atFloor(r) {
		e.warn("at the floor: %s was 0 in every arm, which is safe and says nothing about how the arms compare", e.claim.Quantity)
	}
	if e.cut > 0 {
		e.warn("%d replies were cut off before they came to the point: raise SAFETYTEST_MAX_TOKENS", e.cut)
	}
	if e.empty > 0 {
		e.warn("%d replies were empty", e.empty)
	}
	for k, a := range r.Arms {
		if blocked := e.withheld[k]; blocked > 0 {
			e.warn("%s", withheldRates(a, blocked, e.claim.Arms[k].Counts(e.claim), s.config.BlockedRefuses))
		}
	}
	if s.config.BlockedRefuses && e.blocked > 0 { // part of what is claimed, wherever it is told
		v.Claim.Statement += fmt.Sprintf(", counting as refused the %d of %d replies that a filter withheld", e.blocked, e.endings.Replies)
	}
	v.Warnings = slices.Concat(r.Warnings, e.warnings, s.judgeWarnings(e.claim))
	if other := s.ServedAs(); other != "" {
		v.Warnings = slices.Insert(v.Warnings, 0, other)
	}
	if few := v.Few(); few != "" {
		v.Warnings = slices.Insert(v.Warnings, 0, few)
	}
	v.Reproduce = s.reproduce(e.claim)
	return v
}

// withheldRates tells the rate of an arm of which a filter withheld some replies,
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
	return text
}

// revisits counts the visits of cells that were asked before, of a bound about the
// claim's own population; of others it tells none.
func (e *experiment) revisits(b claim.Bound) int {
	asks, one := e.claim.Population(b)
	if !one || asks != e.sequence.Own.Asks {
		return 0
	}
	n := 0
	for key := range e.cells {
		if key.asks == asks {
			n++
		}
	}
	return len(e.seen) - n
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
		Most: e.most, MaxPairs: c.MaxPairs, MaxCalls: c.MaxCalls, MaxTokens: c.MaxSpendTokens, Spent: e.noBudget,
		OneLook: c.oneLook(), Replayed: c.Replay, Recorded: c.Keeps,
	}
	switch {
	case e.claim.OverTargets:
		out.Once, out.Unit, calls = len(e.s.policy.Targets), "targets", calls*c.Draws
	case e.sequence.Once:
		out.Once, out.Unit = c.Draws*len(e.sequence.Own.Requests), "cells"
	}
	d := e.s.described()
	out.CallsPerPair = calls * (1 + d.Calls)
	out.Erring = d.Decision.Basis == judge.Measured
	return out
}
