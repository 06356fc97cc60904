package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// Test asks until the claim is decided or cannot be.
func (s *Subject) Test(ctx context.Context, c claim.Claim) (claim.Verdict, error) {
	started := time.Now()
	s.mu.Lock()
	dead := s.dead
	s.mu.Unlock()
	if dead != nil { // no claim could fare better: ask no more
		return claim.Verdict{}, dead
	}
	e, err := s.experiment(c)
	if err != nil {
		return claim.Verdict{}, err
	}
	e.share = s.share(c)
	if why, said := e.withoutTurn(); why != "" { // which leaves the record as it is
		e.doubt = said
		v := e.verdict(e.stop(why))
		v.Elapsed = time.Since(started)
		return v, nil
	}
	if err := e.askMany(ctx); err != nil {
		return claim.Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	e.shareSeeds(ctx)
	if err := e.admitEarlier(ctx); err != nil {
		return claim.Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	if err := e.describe(); err != nil {
		return claim.Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	result, err := e.run(ctx)
	if err != nil {
		return claim.Verdict{}, errors.Join(fmt.Errorf("%s: %w", s, err), e.abandon(err))
	}
	if err := e.askReportOnly(ctx, &result); err != nil {
		e.warn("the arms that are only reported were not asked: %v", err)
	}
	if err := e.searchWorst(ctx, result); err != nil {
		return claim.Verdict{}, errors.Join(fmt.Errorf("%s: %w", s, err), e.abandon(err))
	}
	v := e.verdict(result)
	e.heedSearch(&v)
	e.countAttempts(&v)
	e.heedRun(&v)
	v.Elapsed = time.Since(started)
	return v, e.conclude(v)
}

// endlessRun is what speaks against a replay of a run that was not over.
const endlessRun = "the run that is replayed came to no end on this question, so that nobody knows whether the model saw what it was asked and answered afresh"

// heedRun takes back that a claim holds in a replay whose run did not find so. A replay
// asks nothing, and so learns nothing about where the replies came from: what spoke
// against counting them then speaks against it now.
func (e *experiment) heedRun(v *claim.Verdict) {
	if !e.s.config.Replay || v.State != evidence.Holds {
		return
	}
	switch then, ok := e.rec.Last(e.s.Key(e.claim)); {
	case !ok:
		v.State, v.Reason = evidence.Inconclusive, claim.DoubtfulReplies
		v.Doubt = endlessRun
	case e.s.config.Rereads && then.Reason != string(claim.DoubtfulReplies) && then.Reason != string(claim.ModelChanged):
		// Another judge may come to another verdict.
	case then.State != evidence.Holds.String():
		v.State, v.Reason = evidence.Inconclusive, claim.DoubtfulReplies
		v.Doubt = fmt.Sprintf("the run that is replayed ended %s", then.State)
		if then.Reason != "" {
			v.Doubt += ": " + then.Reason
		}
	}
}

// run asks until the claim is decided or cannot be: whether the endpoint reads what it
// is sent, and meanwhile the first of the claim's questions; then the others, and at
// last whether their answers can count.
func (e *experiment) run(ctx context.Context) (evidence.Result, error) {
	if found := e.undeclared(e.knownStale()); len(found) > 0 {
		return e.doubtful(found), nil
	}
	err := e.beginSight(ctx)
	defer e.endSight()
	if err != nil {
		return evidence.Result{}, err
	}
	if !e.asksAhead() {
		e.sight.wait()
		if r, ends, err := e.heed(ctx); ends {
			return r, err
		}
	}
	if err := e.measureRepeats(ctx); err != nil {
		return e.endBy(ctx, err)
	}
	result, err := e.sample(ctx)
	_ = e.settle() // what could not be found out madeAnew reports, where it matters
	switch {
	case err != nil:
		return result, err
	case result.State == evidence.Inconclusive:
		if found := e.doubts(); len(found) > 0 && result.Reason != claim.DoubtfulReplies { // or the next run would go on from them
			result.Reason = claim.DoubtfulReplies
			e.warnOf(found)
		}
		return result, nil
	}
	if text := e.changed(); text != "" {
		e.warn("%s", text)
		result.State, result.Reason = evidence.Inconclusive, claim.ModelChanged
		return result, nil
	}
	if result.State == evidence.Holds && e.blocked > 0 && e.blocked == e.endings.Replies {
		e.doubt = "a filter withheld all of them, and the model answered nothing: a filter that blocks everything looks like one that is broken"
		result.State, result.Reason = evidence.Inconclusive, claim.DoubtfulReplies
		return result, nil
	}
	found := e.doubts()
	if result.State == evidence.Holds && !e.s.config.Simulated() {
		if found = append(found, e.cutShort(e.endings)...); len(found) == 0 {
			found = e.cutInArms()
		}
	}
	if len(found) == 0 {
		if found, err = e.madeAnew(ctx); err != nil {
			return e.unchecked(ctx, result, "the replies were made anew", err), nil
		}
	}
	if len(found) == 0 && result.State == evidence.Holds {
		if found, err = e.answersLikeOne(ctx); err != nil {
			return e.unchecked(ctx, result, "requests for several replies are answered like those for one", err), nil
		}
	}
	if len(found) > 0 {
		result.State, result.Reason = evidence.Inconclusive, claim.DoubtfulReplies
		e.warnOf(found)
	}
	return result, nil
}

// abandon records that an attempt ended without a verdict because most of its
// replies were lost: they are not to be a later run's missing ones.
func (e *experiment) abandon(err error) error {
	s := e.s
	if !errors.Is(err, errLost) {
		return nil
	}
	return e.rec.Conclude(record.Conclusion{Claim: s.Key(e.claim), State: "failed", Final: true, Question: s.question(e.claim), Since: e.scripts[0].since}, nil)
}

// conclude records the verdict, which decides whether the next run continues
// this one.
func (e *experiment) conclude(v claim.Verdict) error {
	s := e.s
	since := e.scripts[0].since
	if v.Reason == claim.DoubtfulReplies || v.Reason == claim.ModelChanged {
		// What a cache answered, or another model, is no evidence of a later run, whatever
		// that run finds out about its own replies.
		since = e.rec.Apart(since)
	}
	whole, err := json.Marshal(v)
	if err != nil { // a number that is none: what was concluded is worth more than all its details
		whole = nil
	}
	return e.rec.Conclude(record.Conclusion{
		Claim: s.Key(v.Claim), State: v.State.String(), Reason: string(v.Reason), Final: final(v), Pairs: v.Pairs,
		Question: s.question(v.Claim), Since: since,
	}, whole)
}

// final says whether nothing is to be added to the verdict's evidence: more replies
// would be a further chance, or come on top of too many that cannot be read.
func final(v claim.Verdict) bool {
	interrupted := v.Reason == evidence.Cancelled || v.Reason == evidence.Deadline
	return v.State != evidence.Inconclusive || v.Result.Final || v.Reason == claim.Worse || v.Reason == evidence.MissingReplies ||
		v.Claim.Property == claim.AAProperty && !interrupted
}

// batch is the visits between two looks. left counts the answers that are
// missing; todo the questions not yet asked.
type batch struct {
	visits []order.Visit
	seen   [][]evidence.Observation // by visit and arm
	calls  [][]*call                // by visit and script
	todo   []question
	left   int
	last   int // turn of a question of it
	// blocked counts by arm the replies that a filter withheld, marks by the
	// endpoint's fingerprint those that tell who served them.
	blocked map[int]int
	marks   map[string]int
}

// answer is a call that came back.
type answer struct {
	batch  *batch
	q      question
	call   *call
	shared bool
}

// sample asks batch after batch until the engine has decided or nothing more
// may be asked. It asks ahead along the sequence, by at most a batch or the
// concurrency, whichever is larger, unless there is but one look. The engine
// sees complete batches in sequence order only: what arrives first is not a
// random sample, for refusals are short.
func (e *experiment) sample(ctx context.Context) (evidence.Result, error) {
	f := e.newFlights(ctx)
	defer f.land()
	for {
		for f.n < e.flying() && ctx.Err() == nil {
			b := e.askable()
			if b == nil {
				break
			}
			f.start(b, e.pop(b))
		}
		if ctx.Err() != nil {
			return e.stop(stopReason(ctx)), nil
		}
		if f.n == 0 && e.sight.clear {
			return e.stop(evidence.Budget), nil
		}
		a, ok := f.next(ctx, e.sight.done)
		if ok {
			e.count(a)
			if err := e.take(ctx, a); err != nil {
				return evidence.Result{}, err
			}
		} else if r, ends, err := e.heed(ctx); ends {
			return r, err
		}
		if !e.sight.clear || !ok && ctx.Err() != nil {
			continue // nothing is looked at before it is known to count
		}
		for len(e.batches) > 0 && e.batches[0].left == 0 {
			b := e.batches[0]
			e.batches = e.batches[1:]
			if r, ends, err := e.lookAt(ctx, b); ends || err != nil {
				return r, err
			}
		}
	}
}

// lookAt shows a complete batch to the engine, and says whether the claim ends with it.
func (e *experiment) lookAt(ctx context.Context, b *batch) (r evidence.Result, ends bool, err error) {
	trials := e.trials(b)
	e.tally(b)
	e.marks = append(e.marks, b.marks)
	e.seen, e.through = append(e.seen, trials...), max(e.through, b.last)
	if r, err = e.look(trials); err == nil {
		err = e.keepLook(b)
	}
	if err != nil || r.Done {
		return r, true, err
	}
	if e.losesTooMany(r) {
		return e.stop(evidence.MissingReplies), true, nil
	}
	if gone, err := e.noHeadroom(ctx, trials); err != nil || gone {
		return e.stop(evidence.NoHeadroom), true, err
	}
	if e.through >= e.inquireAt {
		e.inquireAt = 2 * e.through
		e.inquire(ctx, enoughToAskAnew)
	}
	if len(e.origins) >= e.examineAt { // now and then, so that nothing is bought in vain
		e.examineAt = 2 * len(e.origins)
		if found := e.doubts(); len(found) > 0 {
			return e.doubtful(found), true, nil
		}
	}
	return r, false, nil
}

// askable returns the batch whose next question may be asked now, nil if none.
func (e *experiment) askable() *batch {
	if e.noBudget || e.recordEnds != nil || !e.sight.clear && e.asked >= max(e.questions, e.s.config.Concurrency) {
		return nil
	}
	ahead := 0 // questions asked beyond the batch that the next look needs
	most := max(e.questions, e.s.config.Concurrency)
	if e.s.config.Stopping.Once() {
		most = math.MaxInt // there is one look, after the last: nothing can be asked in vain
	}
	for i, b := range e.batches {
		if i > 0 {
			ahead += e.questions - len(b.todo)
		}
		if len(b.todo) > 0 {
			if i > 0 && ahead >= most {
				return nil
			}
			return b
		}
	}
	if len(e.batches) > 0 && ahead >= most {
		return nil
	}
	return e.startBatch()
}

// startBatch takes the next visits of the sequence, nil when it has ended.
func (e *experiment) startBatch() *batch {
	if e.started >= e.most {
		return nil
	}
	if e.spentShare() {
		e.shareSpent = true
		return nil
	}
	visits := e.sequence.Next()
	if visits == nil {
		return nil
	}
	b := &batch{visits: visits, seen: make([][]evidence.Observation, len(visits)), calls: make([][]*call, len(visits)), blocked: map[int]int{}, marks: map[string]int{}}
	for i := range visits {
		b.seen[i], b.calls[i] = make([]evidence.Observation, len(e.claim.Arms)), make([]*call, len(e.claim.Arms))
	}
	e.started += len(visits) / e.visitsPerTrial()
	for _, part := range e.byDraw(visits) {
		for _, k := range e.turns(visits[part.from].Cell.Draw) {
			for i := part.from; i < part.to; i++ {
				b.todo = append(b.todo, question{script: e.scripts[k], index: i, at: visits[i].Of[e.claim.Arms[k].Requests]})
			}
		}
	}
	b.left = len(b.todo)
	e.batches = append(e.batches, b)
	return b
}

// span is visits of one draw that follow one another in a batch.
type span struct{ from, to int }

// byDraw divides a batch's visits by draw, in the order in which they are asked: through
// the draws in one batch and back in the next. So a batch begins with the demonstrations
// with which the last one ended, which a server that keeps a few prompts still has; what
// was shown longest ago is what it forgets first, and always going round in one order
// would ask for just that.
func (e *experiment) byDraw(visits []order.Visit) []span {
	var out []span
	for i := range visits {
		if i == 0 || visits[i].Cell.Draw != visits[i-1].Cell.Draw {
			out = append(out, span{from: i})
		}
		out[len(out)-1].to = i + 1
	}
	if e.sequence.Batch%2 == 0 { // counted from 1 by now
		slices.Reverse(out)
	}
	return out
}

// turns is the order in which the arms are asked about a batch's visits of one draw,
// drawn anew for each draw of each batch: what changes with the clock then changes
// every contrast as often up as down. Arm after arm through a batch, always in one
// order, would let an oscillation or a slow fall pass for an effect. Within a draw
// prompts of an arm follow one another, so that servers find their prefixes again.
func (e *experiment) turns(draw int) []int {
	var out []int
	for k, a := range e.claim.Arms {
		if !a.ReportOnly && a.Calls() && e.scripts[k].first == k {
			out = append(out, k)
		}
	}
	key := func(k int) uint64 {
		return order.Hash("turn %d/%d/%d/%s", e.s.seed.Load(), e.sequence.Batch, draw, e.scripts[k].shows)
	}
	slices.SortFunc(out, func(a, b int) int { return cmp.Compare(key(a), key(b)) })
	return out
}

// pop takes the next question of a batch, which is asked now.
func (e *experiment) pop(b *batch) question {
	q := b.todo[0]
	b.todo = b.todo[1:]
	e.turn(b, &q)
	e.chooseFor(&q)
	return q
}

// turn numbers a question that is asked now.
func (e *experiment) turn(b *batch, q *question) {
	e.asked++
	q.turn, b.last = e.asked, e.asked
}

// count notes what an answer cost, whether or not it was of use.
func (e *experiment) count(a answer) {
	spent := budgetSpent(a.call.err)
	e.recalled = e.recalled || a.call.recorded
	e.older.add(a.call)
	if a.shared {
		if !spent {
			e.shared++
		}
		return
	}
	// Where the budget ended before the judge was asked, the reply was paid for.
	e.calls += a.call.attempts
	e.repeated += a.call.repeats
	e.tokens += a.call.tokens
	if a.call.recorded && !spent {
		e.recorded++
	}
}

// take puts an answer into its trial. It returns an error when the endpoint is of
// no use.
func (e *experiment) take(ctx context.Context, a answer) error {
	switch err := a.call.err; {
	case budgetSpent(err):
		e.noBudget = true
		return nil // left stays above 0: the batch will not be looked at
	case err != nil && ctx.Err() != nil:
		return nil
	case e.part != "" && errors.Is(err, record.ErrMiss):
		// A replay asks ahead of where the run stopped, and does not know how far that
		// was: what is complete is looked at first.
		e.recordEnds = err
		return nil
	case err != nil && a.call.notTaken && e.s.config.Choices == AutoChoices:
		e.endSeveral(a.q, fmt.Sprintf("a request for several was not taken: %v", err))
		a.q.choices = 1 // before anything else
		a.batch.todo = append([]question{a.q}, a.batch.todo...)
		return nil
	case err != nil:
		e.failed += max(a.call.wanted, 1) - 1 // replies, as are those that came
		if err := e.fail(err); err != nil {
			return err
		}
	default:
		e.remember(a.q, a.call)
		if says(a.call.by, a.call.state) {
			a.batch.marks[a.call.by.Fingerprint]++
		}
		if err := e.noteAll(a.call); err != nil {
			return err
		}
		n := e.ends[a.q.script.first]
		for _, c := range append([]*call{a.call}, a.call.others...) {
			n.add(c)
		}
		e.ends[a.q.script.first] = n
	}
	a.batch.calls[a.q.index][a.q.script.first] = a.call
	for k, script := range e.scripts {
		if script == a.q.script && !e.claim.Arms[k].ReportOnly {
			a.batch.seen[a.q.index][k] = e.observeAll(k, a.call)
			if a.call.err == nil {
				a.batch.blocked[k] += a.call.withheld()
			}
		}
	}
	a.batch.left--
	e.heedFewer(a.q, a.call)
	e.heedFailure(a.q, a.call)
	return nil
}

// fail notes a call that failed. It returns an error when the endpoint is of no
// use: at once where no other call could fare better, otherwise when most calls
// fail.
func (e *experiment) fail(err error) error {
	e.failed++
	e.lastErr = err
	if permanent(err) {
		if !oneClaimOnly(err) {
			e.s.mu.Lock()
			e.s.dead = fmt.Errorf("%s: %w", e.s, err)
			e.s.mu.Unlock()
		}
		return err
	}
	if n := e.failed - e.lostBefore; n >= 10 && n > e.answered {
		return fmt.Errorf("%d of %d calls failed, the last one: %w", n, n+e.answered, err)
	}
	return nil
}

// errLost is in the error of a claim most of whose replies were lost.
var errLost = errors.New("the reply was lost")

// noteAll notes all replies to a request.
func (e *experiment) noteAll(c *call) error {
	if len(c.others) > 0 {
		e.several.answered++
		if !slices.ContainsFunc(c.others, func(o *call) bool { return o.from.Text != c.from.Text }) {
			e.several.alike++
		}
	}
	for _, o := range append([]*call{c}, c.others...) {
		if err := e.note(o); err != nil {
			return err
		}
	}
	return nil
}

// note counts what kind of reply came back, and who judged it. It returns an error
// when most replies are lost.
func (e *experiment) note(c *call) error {
	if by := c.judgement.By; by != "" {
		e.judges[by] = true
	}
	e.endings.add(c)
	if c.state == chat.Lost {
		return e.lose(c)
	}
	e.answered++
	switch {
	case c.state == chat.Blocked:
		e.blocked++
	case !c.judgement.Decided():
		e.unreadable++
		switch {
		case c.cut:
			e.cut++
		case c.state == chat.Empty:
			e.empty++
		}
	}
	return nil
}

// lose notes that a reply was lost. It returns an error when most replies are.
func (e *experiment) lose(c *call) error {
	e.lost = c.ending
	err := fmt.Errorf("%w: %s", errLost, c.ending)
	if !c.made.IsZero() && !e.s.config.Replay || (c.choice > 0 || c.notTaken || c.notGiven) && e.s.config.Choices == AutoChoices {
		// An earlier run lost it: that says nothing of what the endpoint is good
		// for now, and a run that goes on must get past it. Nor does one of several
		// replies, where the run can go on with one a request.
		e.failed, e.lostBefore, e.lastErr = e.failed+1, e.lostBefore+1, err
		return nil
	}
	return e.fail(err)
}
