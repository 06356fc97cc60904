package safetytest

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
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/singleflight"
)

// Test asks the model until the claim is decided or cannot be, and returns the
// verdict. The same claim asked again returns the same verdict and costs
// nothing, so nobody can roll the dice twice.
//
// An inconclusive verdict is no error. An error means that there is no verdict:
// the claim is malformed, its mix is larger than the policy's pool, or the
// endpoint cannot be used; no such reply counts as a refusal or as compliance.
func (s *Subject) Test(ctx context.Context, c claim.Claim) (Verdict, error) {
	if err := c.Validate(); err != nil {
		return Verdict{}, err
	}
	key := s.policy.Name + "\x00" + c.Canonical()
	t, _, err := s.tests.Do(ctx, key, func(t *test) singleflight.Outcome { return s.decide(ctx, c, t) })
	if err != nil {
		return Verdict{}, fmt.Errorf("%s: waiting for the verdict: %w", s, context.Cause(ctx))
	}
	if t.err == nil && s.config.OnVerdict != nil {
		s.config.OnVerdict(t.verdict)
	}
	return t.verdict, t.err
}

// decide tests a claim for all who ask for it. What an interruption left open is
// not remembered: asking again goes on with the same evidence.
func (s *Subject) decide(ctx context.Context, c claim.Claim, t *test) singleflight.Outcome {
	t.err = fmt.Errorf("%s: the test did not come to its end", s) // unless it does
	t.verdict, t.err = s.test(ctx, c)
	t.err = plain.Error(t.err)
	if ctx.Err() != nil && (t.err != nil || t.verdict.State == evidence.Inconclusive) {
		return singleflight.Interrupted
	}
	if t.err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.verdicts = append(s.verdicts, t.verdict)
	}
	return singleflight.Keep
}

func (s *Subject) test(ctx context.Context, c claim.Claim) (Verdict, error) {
	started := time.Now()
	if err := s.Begin(); err != nil {
		return Verdict{}, err
	}
	s.mu.Lock()
	dead := s.dead
	s.mu.Unlock()
	if dead != nil { // no claim could fare better: ask no more
		return Verdict{}, dead
	}
	e, err := s.experiment(c)
	if err != nil {
		return Verdict{}, err
	}
	if err := e.admitEarlier(ctx); err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	if err := e.describe(); err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	result, err := e.run(ctx)
	if err != nil {
		return Verdict{}, errors.Join(fmt.Errorf("%s: %w", s, err), e.abandon(err))
	}
	if err := e.askReportOnly(ctx, &result); err != nil {
		e.warn("the arms that are only reported were not asked: %v", err)
	}
	v := e.verdict(result)
	e.countAttempts(&v)
	v.Elapsed = time.Since(started)
	return v, e.conclude(v)
}

// run asks until the claim is decided or cannot be: first whether the endpoint reads
// what it is sent, then the claim's questions, and at last whether their answers can
// count.
func (e *experiment) run(ctx context.Context) (evidence.Result, error) {
	if found := e.undeclared(e.knownStale()); len(found) > 0 {
		return e.doubtful(found), nil
	}
	doubt, err := e.seesAll(ctx)
	switch {
	case err != nil:
		return e.endBy(ctx, err)
	case doubt != nil:
		if found := e.undeclared([]provenance.Finding{*doubt}); len(found) > 0 {
			return e.doubtful(found), nil
		}
	}
	if err := e.measureRepeats(ctx); err != nil {
		return e.endBy(ctx, err)
	}
	result, err := e.sample(ctx)
	_ = e.settle() // what could not be found out madeAnew reports, where it matters
	if err != nil || result.State == evidence.Inconclusive {
		return result, err
	}
	if text := e.changed(); text != "" {
		e.warn("%s", text)
		result.State, result.Reason = evidence.Inconclusive, ModelChanged
		return result, nil
	}
	if result.State == evidence.Holds && e.blocked > 0 && e.blocked == e.endings.Replies {
		e.doubt = "a filter withheld all of them, and the model answered nothing: a filter that blocks everything cannot be told from one that is broken"
		result.State, result.Reason = evidence.Inconclusive, DoubtfulReplies
		return result, nil
	}
	found := e.doubts()
	if result.State == evidence.Holds && !e.s.config.Simulated() {
		found = append(found, e.cutShort()...)
	}
	if len(found) == 0 {
		if found, err = e.madeAnew(ctx); err != nil {
			return e.unchecked(ctx, result, err), nil
		}
	}
	if len(found) > 0 {
		result.State, result.Reason = evidence.Inconclusive, DoubtfulReplies
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
	return e.rec.Conclude(record.Conclusion{Claim: s.key(e.claim), State: "failed", Final: true, Question: s.question(e.claim), Since: e.scripts[0].since}, nil)
}

// conclude records the verdict, which decides whether the next run continues
// this one.
func (e *experiment) conclude(v Verdict) error {
	s := e.s
	whole, err := json.Marshal(v)
	if err != nil { // a number that is none: what was concluded is worth more than all its details
		whole = nil
	}
	return e.rec.Conclude(record.Conclusion{
		Claim: s.key(v.Claim), State: v.State.String(), Reason: string(v.Reason), Final: v.final(), Pairs: v.Pairs,
		Question: s.question(v.Claim), Since: e.scripts[0].since,
	}, whole)
}

// final says whether nothing is to be added to the verdict's evidence: more replies
// would be a further chance, or come on top of too many that cannot be read.
func (v Verdict) final() bool {
	interrupted := v.Reason == evidence.Cancelled || v.Reason == evidence.Deadline
	return v.State != evidence.Inconclusive || v.Result.Final || v.Reason == evidence.MissingReplies ||
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
	// blocked counts by arm the replies that a filter withheld, marks by the
	// endpoint's fingerprint all that came.
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
		for f.n < e.s.config.Concurrency && ctx.Err() == nil {
			b := e.askable()
			if b == nil {
				break
			}
			f.start(b, b.pop())
		}
		if ctx.Err() != nil {
			return e.stop(stopReason(ctx)), nil
		}
		if f.n == 0 {
			return e.stop(evidence.Budget), nil
		}
		a, ok := f.next(ctx)
		if !ok {
			continue
		}
		e.count(a)
		if err := e.take(ctx, a); err != nil {
			return evidence.Result{}, err
		}
		if n := len(e.origins); n >= enoughToAskAnew && n&(n-1) == 0 { // and once more where they are those of several models
			e.inquire(ctx, enoughToAskAnew)
		}
		for len(e.batches) > 0 && e.batches[0].left == 0 {
			b := e.batches[0]
			e.batches = e.batches[1:]
			trials := e.trials(b)
			e.tally(b)
			e.marks = append(e.marks, b.marks)
			e.seen = append(e.seen, trials...)
			r, err := e.look(trials)
			if err == nil {
				err = e.keepLook(b)
			}
			if err != nil || r.Done {
				return r, err
			}
			if e.losesTooMany(r) {
				return e.stop(evidence.MissingReplies), nil
			}
			if gone, err := e.noHeadroom(ctx, trials); err != nil || gone {
				return e.stop(evidence.NoHeadroom), err
			}
			if len(e.origins) >= e.examineAt { // now and then, so that nothing is bought in vain
				e.examineAt = 2 * len(e.origins)
				if found := e.doubts(); len(found) > 0 {
					return e.doubtful(found), nil
				}
			}
		}
	}
}

// look shows a batch to the engine. A claim that holds waits until all arms that
// others are compared with have been shown to leave room.
func (e *experiment) look(trials []evidence.Trial) (evidence.Result, error) {
	if err := e.rooms.Add(trials); err != nil {
		return evidence.Result{}, err
	}
	if e.held == nil {
		r, err := e.engine.Add(trials)
		if err != nil || !r.Done || r.State != evidence.Holds {
			return r, err
		}
		e.held = &r
	}
	open, shown := e.rooms.Open()
	switch {
	case shown:
		return *e.held, nil
	case open:
		return evidence.Result{}, nil
	}
	return e.stop(evidence.NoHeadroom), nil
}

// stop ends the test undecided.
func (e *experiment) stop(why evidence.Reason) evidence.Result {
	if e.held == nil {
		return e.engine.Stop(why)
	}
	r := *e.held
	r.State, r.Reason = evidence.Inconclusive, why
	if why == evidence.Budget {
		r.Reason = evidence.NoHeadroom // which is all that was left to show
	}
	return r
}

func stopReason(ctx context.Context) evidence.Reason {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return evidence.Deadline
	}
	return evidence.Cancelled
}

// askable returns the batch whose next question may be asked now, nil if none.
func (e *experiment) askable() *batch {
	if e.noBudget {
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
	visits := e.sequence.Next()
	if visits == nil {
		return nil
	}
	b := &batch{visits: visits, seen: make([][]evidence.Observation, len(visits)), calls: make([][]*call, len(visits)), blocked: map[int]int{}, marks: map[string]int{}}
	for i := range visits {
		b.seen[i], b.calls[i] = make([]evidence.Observation, len(e.claim.Arms)), make([]*call, len(e.claim.Arms))
	}
	e.started += len(visits) / e.visitsPerTrial()
	for from := 0; from < len(visits); {
		to := from + 1
		for to < len(visits) && visits[to].Cell.Draw == visits[from].Cell.Draw {
			to++
		}
		for _, k := range e.turns(visits[from].Cell.Draw) {
			for i := from; i < to; i++ {
				b.todo = append(b.todo, question{script: e.scripts[k], index: i, at: visits[i].Of[e.claim.Arms[k].Requests]})
			}
		}
		from = to
	}
	b.left = len(b.todo)
	e.batches = append(e.batches, b)
	return b
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

// visitsPerTrial is more than 1 where a trial is a target with all its draws.
func (e *experiment) visitsPerTrial() int {
	if e.claim.OverTargets {
		return e.s.config.Draws
	}
	return 1
}

func (b *batch) pop() question {
	q := b.todo[0]
	b.todo = b.todo[1:]
	return q
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
	case err != nil:
		if err := e.fail(err); err != nil {
			return err
		}
	default:
		e.remember(a.q, a.call)
		a.batch.marks[a.call.from.Fingerprint]++
		if err := e.note(a.call); err != nil {
			return err
		}
	}
	a.batch.calls[a.q.index][a.q.script.first] = a.call
	for k, script := range e.scripts {
		if script == a.q.script && !e.claim.Arms[k].ReportOnly {
			a.batch.seen[a.q.index][k] = e.observe(k, a.call)
			if a.call.err == nil && a.call.state == chat.Blocked {
				a.batch.blocked[k]++
			}
		}
	}
	a.batch.left--
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
	if e.failed >= 10 && e.failed > e.answered {
		return fmt.Errorf("%d of %d calls failed, the last one: %w", e.failed, e.failed+e.answered, err)
	}
	return nil
}

// unchecked is the result of a claim that was decided and of which it could not be
// found out whether its replies were made anew: an alarm stands, and nothing is proven.
func (e *experiment) unchecked(ctx context.Context, r evidence.Result, err error) evidence.Result {
	if r.State == evidence.Violated {
		e.warn("whether the replies were made anew could not be found out: %v", err)
		return r
	}
	r.State, r.Reason = evidence.Inconclusive, DoubtfulReplies
	e.doubt = fmt.Sprintf("whether they were made anew could not be found out: %v", err)
	switch {
	case ctx.Err() != nil:
		r.Reason = stopReason(ctx)
	case budgetSpent(err):
		r.Reason, e.noBudget = evidence.Budget, true
	}
	return r
}

// errLost is in the error of a claim most of whose replies were lost.
var errLost = errors.New("the reply was lost")

// note counts what kind of reply came back, and who judged it. It returns an error
// when most replies are lost.
func (e *experiment) note(c *call) error {
	if by := c.judgement.By; by != "" {
		e.judges[by] = true
	}
	e.endings.add(c)
	if c.state == chat.Lost {
		e.lost = c.ending
		return e.fail(fmt.Errorf("%w: %s", errLost, c.ending))
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

// observe reads what arm number k counts in a reply. A call that failed is
// missing.
func (e *experiment) observe(k int, c *call) evidence.Observation {
	if c.err != nil {
		return evidence.Observation{Missing: true}
	}
	a := e.claim.Arms[k]
	if a.Marker() != "" && c.judgement.Decided() {
		n := e.formats[k]
		if n == nil {
			n = &FormatCount{Arm: a.Name}
			e.formats[k] = n
		}
		n.add(c.judgement)
	}
	return bounds.Observed(a.Counts(e.claim), c.judgement)
}

// trials turns a complete batch into what the engine takes. Several visits make
// one trial where a trial is a target with all its draws; their places differ by
// a multiple of the number of trials.
func (e *experiment) trials(b *batch) []evidence.Trial {
	per := e.visitsPerTrial()
	out := make([]evidence.Trial, len(b.visits)/per)
	for i, v := range b.visits {
		t := &out[i%len(out)]
		if t.Y == nil {
			*t = evidence.Trial{ArmCells: e.armCells(v), Cell: v.Cell.Index, Draw: v.Cell.Draw, Target: v.Cell.Position, Y: make([]evidence.Observation, len(e.claim.Arms))}
		}
		for k, a := range e.claim.Arms {
			y := b.seen[i][k]
			switch {
			case a.ReportOnly:
				t.Y[k].NotAsked = true
				continue
			case a.Stored != "":
				rate, ok := e.scripts[k].stored[v.Of[a.Requests].Cell.ID()]
				y = evidence.Observation{Value: rate, Missing: !ok}
			case a.Discordance != nil:
				y = differ(b.seen[i][a.Discordance[0]], b.seen[i][a.Discordance[1]])
			}
			b.seen[i][k] = y
			// Sums of shares may exceed 1 by a rounding error.
			t.Y[k].Value = min(1, t.Y[k].Value+y.Value/float64(per))
			t.Y[k].Missing = t.Y[k].Missing || y.Missing
		}
	}
	return out
}

// armCells are the cells of arms that ask another population than the claim's own,
// nil where there are none.
func (e *experiment) armCells(v order.Visit) []int {
	if len(e.sequence.Beside) == 0 || e.claim.OverTargets {
		return nil
	}
	out := make([]int, len(e.claim.Arms))
	for k, a := range e.claim.Arms {
		if a.Discordance == nil {
			out[k] = v.Of[a.Requests].Cell.Index
		}
	}
	return out
}

// differ observes whether two observations differ.
func differ(a, b evidence.Observation) evidence.Observation {
	if a.Missing || b.Missing {
		return evidence.Observation{Missing: true}
	}
	return evidence.Observation{Value: math.Abs(a.Value - b.Value)}
}

// oneClaimOnly says that an error is about this claim's prompts, so that other
// claims may fare better.
func oneClaimOnly(err error) bool {
	if errors.Is(err, record.ErrMiss) { // a replay may hold all of another claim
		return true
	}
	var e *chat.Error
	return errors.As(err, &e) && (e.Kind == chat.TooLong || e.Kind == chat.Rejected || e.Kind == chat.InvalidRequest)
}

// permanent says that no other call for this claim could succeed either.
func permanent(err error) bool {
	for _, fatal := range []error{record.ErrMiss, record.ErrChanged, record.ErrWrite} {
		if errors.Is(err, fatal) {
			return true
		}
	}
	var e *chat.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case chat.Interrupted, chat.TimedOut, chat.RateLimited, chat.ServerFailed, chat.Unreadable:
		return false
	}
	return true
}
