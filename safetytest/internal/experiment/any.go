package experiment

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/search"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file is about claims of any arrangement. They have three parts. At each visit of a
// cell another arrangement is drawn, so that the claim's rate is one over the whole space.
// Then a search looks for the worst arrangement, with the replies so far as hints; and
// what it finds is judged by an experiment of its own, on the cells of the claim's
// sequence from the start, by calls that nobody made before. The search reads no reply of
// that experiment, and neither the first part nor the last one any reply of the search.

// parts are the most replies to arrangements drawn at random, by the search, and to what
// it finds; all 0 of other claims. Calls is what the search takes with its judge's calls.
type parts struct{ drawn, search, found, calls int }

// drawnOf is how many of the pairs that are set fall to arrangements drawn at random: of
// what the search leaves one half, for the other is kept for what it finds.
func drawnOf(c claim.Claim, set int) int {
	if c.Searching == 0 || set == 0 {
		return set
	}
	return max(1, int((1-c.Searching)/2*float64(set)+1e-9))
}

// partsOf divides what a claim about any arrangement may take.
func (s *Subject) partsOf(c claim.Claim) (p parts, err error) {
	if c.Searching == 0 {
		return p, nil
	}
	d, err := s.design(c, nil)
	if err != nil {
		return p, err
	}
	d.MaxTrials = 0           // which is to be found out again:
	most := s.config.MaxPairs // a replay searches as the run did
	if p.drawn, err = s.trialsWithin(c, d, drawnOf(c, most)); err != nil {
		return p, err
	}
	p.found = p.drawn
	if p.search = int(c.Searching * float64(most)); most == 0 {
		p.search = int(c.Searching / (1 - c.Searching) * float64(p.drawn*c.Questions()+p.found))
	}
	if p.search < search.Least {
		return p, fmt.Errorf("a search for the worst arrangement takes %d replies at least, and a share of %.4g leaves it %d: say a larger one with Searching, or raise Config.MaxPairs", search.Least, c.Searching, p.search)
	}
	p.calls = p.search * (1 + s.Judge().Describe().Calls)
	return p, nil
}

// ofAny says whether the claim draws arrangements, or is about one that was found.
func (e *experiment) ofAny() bool { return !e.claim.Space().IsZero() || e.part != "" }

// key names the experiment in the run's record.
func (e *experiment) key() string {
	if e.part != "" {
		return e.part
	}
	return e.s.Key(e.claim)
}

// variety is how many visits of a cell show what an arm does there: more than one where
// each shows another arrangement.
func (e *experiment) variety(arm int) int {
	if e.scripts[arm].pattern != nil {
		return 8
	}
	return 1
}

// arranged picks the demonstrations of a pattern. That they suffice was seen when the
// claim was planned.
func arranged(fullest []prompt.Demonstration, pattern string) []prompt.Demonstration {
	shown, err := prompt.Arranged(fullest, pattern)
	if err != nil {
		panic(fmt.Sprintf("an arrangement of another space: %v", err))
	}
	return shown
}

// learned is what an arrangement showed that was drawn at random.
type learned struct {
	pattern string
	search.Outcome
}

// learn keeps what a batch showed, for a search.
func (e *experiment) learn(b *batch) {
	if e.claim.Searching == 0 {
		return
	}
	q := e.scripts[0]
	for i, v := range b.visits {
		e.learned = append(e.learned, learned{q.pattern(v.Of[q.asks.Asks]), e.badness(b.seen[i][0])})
	}
}

// badness is an observation as a search takes it: 1 is what there must not be.
func (e *experiment) badness(y evidence.Observation) search.Outcome {
	if e.claim.Relation == claim.Above {
		y.Value = 1 - y.Value
	}
	return search.Outcome{Value: y.Value, Missing: y.Missing}
}

// worthSearching says whether a search may follow: not where the claim is violated
// already, nor where nothing more may be asked or nothing that is answered counts.
func (e *experiment) worthSearching(r evidence.Result) bool {
	switch r.State {
	case evidence.Holds:
		return true
	case evidence.Violated:
		return false
	}
	return r.Reason.FewTrials() && !e.noBudget && !e.shareSpent
}

// searchWorst looks for the worst arrangement and has what it finds judged. It returns an
// error where the endpoint is of no use.
func (e *experiment) searchWorst(ctx context.Context, r evidence.Result) error {
	if e.claim.Searching == 0 || !e.worthSearching(r) {
		return nil
	}
	space, bound := e.claim.Space(), e.claim.Margin
	if e.claim.Relation == claim.Above {
		bound = 1 - bound
	}
	looking := search.New(space, e.s.seed.Load(), bound, e.parts.search)
	for _, l := range e.learned {
		if !l.Missing {
			looking.Learn(l.pattern, l.Value)
		}
	}
	t := &trying{experiment: e, cells: e.s.config.Draws * len(e.scripts[0].asks.Requests)}
	var failed error
	for ask := looking.Next(); len(ask) > 0 && failed == nil; ask = looking.Next() {
		var came []search.Outcome
		if came, failed = t.ask(ctx, ask); failed == nil {
			looking.Take(came)
		}
	}
	f := looking.Found()
	e.searched = &claim.Search{
		Tried: f.Tried, Of: space.Size().String(), Calls: f.Calls, Most: e.parts.search,
		Earlier: t.earlier, Worst: f.Pattern, Rate: f.Rate, Replies: f.Replies, From: f.From, Line: e.claim.SpecLine(f.Pattern),
	}
	if e.claim.Relation == claim.Above {
		e.searched.Rate = 1 - f.Rate
	}
	switch ended, err := e.endedBy(ctx, failed); {
	case err != nil:
		return err
	case ended != "":
		e.searched.Ended = ended
		return nil
	}
	e.blind, e.blinded = t.doubts()
	switch {
	case e.blind == claim.DoubtfulReplies: // and so would be those to what it found
		e.searched.Ended = "its replies cannot count"
	case f.Replies > 0 && f.Rate > bound:
		return e.judgeFound(ctx, f.Pattern, t.origins[f.Pattern])
	case e.blind != "":
		e.searched.Ended = e.blinded
	}
	return nil
}

// errShare is why a search ends whose claim's share of the budget is spent.
var errShare = errors.New("the claim's share of the budget is spent")

// endedBy says why a part that an error ended came to no end, "" where it did. An error
// that says that the endpoint is of no use is returned.
func (e *experiment) endedBy(ctx context.Context, err error) (string, error) {
	switch {
	case err == nil:
		return "", nil
	case budgetSpent(err):
		e.noBudget = true
		return "the budget of calls or tokens is spent", nil
	case errors.Is(err, errShare):
		e.shareSpent = true
		return errShare.Error(), nil
	case ctx.Err() != nil:
		return string(stopReason(ctx)), nil
	case errors.Is(err, record.ErrMiss):
		return "the record holds no more replies of it", nil
	}
	return "", err
}

// trying asks about arrangements for a search.
type trying struct {
	*experiment
	cells   int // of the population
	asked   int
	missing int // of them are no outcome
	earlier int // replies to them that an earlier run received
	scripts map[string]*script
	origins map[string][]origin
	endings endings
}

// doubts says why nothing follows from what the search did not find, "" where something
// does: too many of its replies are no outcome, or they cannot count.
func (t *trying) doubts() (why evidence.Reason, said string) {
	e, of := t.experiment, t.experiment.claim.Arms[0].Model
	all := slices.Clone(e.byModel()[of])
	for _, pattern := range slices.Sorted(maps.Keys(t.origins)) {
		all = append(all, t.origins[pattern]...)
	}
	found := e.doubtsAbout(map[string][]origin{of: all}, t.endings)
	if !e.s.config.Simulated() {
		found = append(found, e.cutShort(t.endings)...)
	}
	switch {
	case len(found) > 0:
		e.warnOf(found)
		return claim.DoubtfulReplies, e.doubt
	case float64(t.missing) > evidence.MaxMissing*float64(t.asked):
		return evidence.MissingReplies, fmt.Sprintf("%d of the %d replies to the search are missing, more than %.0f %%, and what they would have shown is not known", t.missing, t.asked, 100*evidence.MaxMissing)
	}
	return "", ""
}

// script shows one arrangement.
func (t *trying) script(pattern string) *script {
	if q := t.scripts[pattern]; q != nil {
		return q
	}
	of := t.experiment.scripts[0]
	q := &script{
		arm: of.arm, shows: of.shows, model: of.model, system: of.system, demos: of.demos, asks: of.asks, owner: of.owner, since: of.since,
		pattern: func(order.Place) string { return pattern }, tries: &pattern,
	}
	if t.scripts == nil {
		t.scripts, t.origins = map[string]*script{}, map[string][]origin{}
	}
	t.scripts[pattern] = q
	return q
}

// ask asks about each pattern once, of cells drawn at random for the search alone. The
// error is what leaves nothing more to ask.
func (t *trying) ask(ctx context.Context, patterns []string) ([]search.Outcome, error) {
	e := t.experiment
	if !e.share.whole && e.calls+e.probed.made()+len(patterns) > e.share.calls {
		return nil, errShare
	}
	asks, seed := e.scripts[0].asks, e.s.seed.Load()
	questions := make([]question, len(patterns))
	for i, p := range patterns {
		n := t.asked + i
		cell := int(order.Hash("search cell %d/%s/%d", seed, e.scripts[0].shows, n) % uint64(t.cells))
		at := asks.At(cell%len(asks.Requests), cell/len(asks.Requests), n)
		questions[i] = question{script: t.script(p), index: i, at: at, ended: ctx.Err}
	}
	t.asked += len(patterns)
	out := make([]search.Outcome, len(patterns))
	var failed error
	for i, c := range e.askAll(ctx, questions) {
		switch {
		case budgetSpent(c.err) || errors.Is(c.err, record.ErrMiss) || c.err != nil && ctx.Err() != nil:
			failed = c.err
		case c.err != nil:
			if err := e.fail(c.err); err != nil {
				failed = err
			}
			out[i].Missing = true
		default:
			q := questions[i]
			t.endings.add(c)
			t.earlier += yes(!c.made.IsZero())
			if c.state != chat.Lost {
				e.answered++
			} else if err := e.lose(c); err != nil {
				failed = err
			}
			out[i] = e.badness(bounds.Observed(q.script.arm.Counts(e.claim), c.judgement))
			if c.state == chat.Answered || c.state == chat.Unfinished {
				t.origins[patterns[i]] = append(t.origins[patterns[i]], origin{Reply: c.from, model: q.script.arm.Model, script: q.script, at: q.at, judgement: c.judgement})
			}
		}
		t.missing += yes(out[i].Missing)
	}
	return out, failed
}

// judgeFound tests the claim about one arrangement, by replies of its own. Before are
// the origins of those by which it was chosen: an answer that repeats one of them is no
// fresh one.
func (e *experiment) judgeFound(ctx context.Context, pattern string, before []origin) error {
	x, err := e.s.experiment(e.claim.Found(pattern))
	if err != nil {
		return err
	}
	x.part, x.within = e.key()+record.FoundPart, e.parts.found
	if x.share = e.share; !x.share.whole {
		x.share.calls -= e.calls + e.probed.made()
	}
	x.origins = append(x.origins, before...)
	x.sameness = e.sameness
	x.under(e.scripts[0].since)
	if err := x.prepare(); err != nil {
		return err
	}
	if err := x.rec.Say(x.s.shownBy(x.scripts[0])); err != nil {
		return err
	}
	result, err := x.run(ctx)
	e.takeOver(x)
	if err == nil && result.State == evidence.Inconclusive {
		err = x.recordEnds
	}
	if err != nil {
		ended, err := e.endedBy(ctx, err)
		e.searched.Ended = ended
		return err
	}
	v := x.verdict(result)
	v.Reproduce = ""
	e.searched.Judged = &v
	return nil
}

// takeOver counts what the experiment on an arrangement cost.
func (e *experiment) takeOver(x *experiment) {
	e.calls, e.repeated, e.shared, e.recorded, e.tokens = e.calls+x.calls, e.repeated+x.repeated, e.shared+x.shared, e.recorded+x.recorded, e.tokens+x.tokens
	e.pay(&call{attempts: x.probed.calls, tokens: x.probed.tokens})
	e.probed.recorded += x.probed.recorded
	e.noBudget, e.shareSpent = e.noBudget || x.noBudget, e.shareSpent || x.shareSpent
	e.recalled = e.recalled || x.recalled
	for name := range x.judges {
		e.judges[name] = true
	}
}

// heedSearch makes of the verdict on arrangements drawn at random that on any: one that
// is proven to be beyond the bound violates the claim, and one that looks so, or a search
// without an end, leaves it undecided.
func (e *experiment) heedSearch(v *claim.Verdict) {
	s := e.searched
	if v.Search = s; s == nil {
		return
	}
	if _, proven := s.Proven(); proven {
		v.State, v.Reason, v.Worst = evidence.Violated, evidence.Undecided, s.Judged.Worst
		return
	}
	if v.State != evidence.Holds {
		return
	}
	j := s.Judged
	switch {
	case e.blind != "":
		v.State, v.Reason, v.Doubt = evidence.Inconclusive, e.blind, e.blinded
	case j != nil && j.State == evidence.Holds:
	case j != nil && j.Reason.FewTrials() && !e.noBudget && !e.shareSpent:
		if bound := j.Nearest(); bound >= 0 && j.Result.Conditions[bound].Estimate > j.Result.Conditions[bound].Threshold {
			v.State, v.Reason, v.Doubt = evidence.Inconclusive, claim.Worse, fmt.Sprintf("%s, of which %d fresh replies say %s; the claim about it alone would decide (%s)", j.Claim.Arms[0].Name, j.Pairs, j.Seen(), s.Line)
		}
	case j != nil:
		v.State, v.Reason, v.Doubt = evidence.Inconclusive, j.Reason, j.Doubt
	case s.Ended == string(evidence.Deadline) || s.Ended == string(evidence.Cancelled):
		v.State, v.Reason, v.Doubt = evidence.Inconclusive, evidence.Reason(s.Ended), "the search for the worst arrangement came to no end"
	case s.Ended != "":
		v.State, v.Reason = evidence.Inconclusive, evidence.Budget
	}
}
