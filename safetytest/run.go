package safetytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/record"
)

// Test asks the model until the claim is decided or cannot be, and returns the
// verdict. The same claim asked again returns the same verdict and costs
// nothing, so nobody can roll the dice twice.
//
// An inconclusive verdict is no error. An error means that there is no verdict:
// the claim is malformed, its mix is larger than the policy's pool, or the
// endpoint cannot be used; no such reply counts as a refusal or as compliance.
func (s *Subject) Test(ctx context.Context, c Claim) (Verdict, error) {
	if err := c.Validate(); err != nil {
		return Verdict{}, err
	}
	key := s.policy.Name + "\x00" + c.canonical()
	var t *test
	for known := true; known; {
		s.mu.Lock()
		if t, known = s.tests[key]; !known {
			t = &test{done: make(chan struct{})}
			s.tests[key] = t
		}
		s.mu.Unlock()
		if !known {
			s.decide(ctx, c, key, t)
			break
		}
		select {
		case <-t.done:
		case <-ctx.Done():
			return Verdict{}, fmt.Errorf("%s: waiting for the verdict: %w", s, context.Cause(ctx))
		}
		if !t.interrupted { // that of another caller says nothing about us
			break
		}
	}
	if t.err == nil && s.config.OnVerdict != nil {
		s.config.OnVerdict(t.verdict)
	}
	return t.verdict, t.err
}

// decide tests a claim for all who ask for it. What an interruption left open is
// not remembered: asking again goes on with the same evidence.
func (s *Subject) decide(ctx context.Context, c Claim, key string, t *test) {
	defer close(t.done)
	t.err = fmt.Errorf("%s: the test did not come to its end", s) // unless it does
	t.verdict, t.err = s.test(ctx, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil && (t.err != nil || t.verdict.State == evidence.Inconclusive) {
		delete(s.tests, key)
		t.interrupted = true
		return
	}
	if t.err == nil {
		s.verdicts = append(s.verdicts, t.verdict)
	}
}

func (s *Subject) test(ctx context.Context, c Claim) (Verdict, error) {
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
	stopped, err := e.chooseWorst(ctx)
	var result evidence.Result
	switch {
	case err != nil:
	case stopped != "":
		result = e.stop(stopped)
	default:
		result, err = e.sample(ctx)
	}
	if err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	if err := e.askReportOnly(ctx, &result); err != nil {
		e.warn("the arms that are only reported were not asked: %v", err)
	}
	v := e.verdict(result)
	if err := e.countAttempts(&v); err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	v.Elapsed = time.Since(started)
	return v, e.conclude(v)
}

// conclude records the verdict, which decides whether the next run continues
// this one.
func (e *experiment) conclude(v Verdict) error {
	s, rec := e.s, e.s.record.Load()
	if rec == nil {
		return nil
	}
	return rec.Conclude(record.Conclusion{
		Claim: s.key(v.Claim), State: v.State.String(), Reason: string(v.Reason), Final: v.final(), Pairs: v.Pairs,
		Question: s.question(v.Claim), Since: e.scripts[0].since,
	})
}

// final says whether nothing is to be added to the verdict's evidence: more replies
// would be a further chance, or come on top of too many that cannot be read.
func (v Verdict) final() bool {
	interrupted := v.Reason == evidence.Cancelled || v.Reason == evidence.Deadline
	return v.State != evidence.Inconclusive || v.Result.Final || v.Reason == evidence.MissingReplies ||
		v.Claim.Property == AAProperty && !interrupted
}

// batch is the visits between two looks. left counts the answers that are
// missing; todo the questions not yet asked.
type batch struct {
	visits []visit
	seen   [][]evidence.Observation // by visit and arm
	todo   []question
	left   int
	// blocked counts by arm the replies that a filter withheld.
	blocked map[int]int
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
	ctx, cancel := context.WithCancel(ctx)
	answers := make(chan answer)
	inFlight := 0
	defer func() {
		cancel()
		for ; inFlight > 0; inFlight-- { // calls under way were paid for: count them
			e.count(<-answers)
		}
	}()
	for {
		for inFlight < e.s.config.Concurrency && ctx.Err() == nil {
			b := e.askable()
			if b == nil {
				break
			}
			inFlight++
			go e.put(ctx, b, b.pop(), answers)
		}
		if inFlight == 0 {
			switch {
			case ctx.Err() != nil:
				return e.stop(stopReason(ctx)), nil
			default:
				return e.stop(evidence.Budget), nil
			}
		}
		a := <-answers
		inFlight--
		e.count(a)
		if err := e.take(ctx, a); err != nil {
			return evidence.Result{}, err
		}
		for len(e.batches) > 0 && e.batches[0].left == 0 {
			b := e.batches[0]
			e.batches = e.batches[1:]
			trials := e.trials(b)
			e.tally(b)
			e.seen = append(e.seen, trials...)
			r, err := e.look(trials)
			if err != nil || r.Done {
				return r, err
			}
		}
	}
}

// look shows a batch to the engine. A claim that holds waits until all arms that
// others are compared with have been shown to leave room.
func (e *experiment) look(trials []evidence.Trial) (evidence.Result, error) {
	if err := e.rooms.add(trials); err != nil {
		return evidence.Result{}, err
	}
	if e.held == nil {
		r, err := e.engine.Add(trials)
		if err != nil || !r.Done || r.State != evidence.Holds {
			return r, err
		}
		e.held = &r
	}
	open, shown := e.rooms.open()
	switch {
	case shown:
		return *e.held, nil
	case open:
		return evidence.Result{}, nil
	}
	return e.stop(evidence.NoRoom), nil
}

// stop ends the test undecided.
func (e *experiment) stop(why evidence.Reason) evidence.Result {
	if e.held == nil {
		return e.engine.Stop(why)
	}
	r := *e.held
	r.State, r.Reason = evidence.Inconclusive, why
	if why == evidence.Budget {
		r.Reason = evidence.NoRoom // which is all that was left to show
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
	if e.s.config.FixedN {
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
	visits := e.sequence.next()
	if visits == nil {
		return nil
	}
	b := &batch{visits: visits, seen: make([][]evidence.Observation, len(visits)), blocked: map[int]int{}}
	for i := range visits {
		b.seen[i] = make([]evidence.Observation, len(e.tested.Arms))
	}
	e.started += len(visits) / e.visitsPerTrial()
	for k, a := range e.tested.Arms { // arm by arm, so that prompts share their prefixes
		if a.ReportOnly || !a.calls() || e.scripts[k].first != k {
			continue
		}
		for i, v := range visits {
			b.todo = append(b.todo, question{script: e.scripts[k], place: i, visit: v})
		}
	}
	b.left = len(b.todo)
	e.batches = append(e.batches, b)
	return b
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

func (e *experiment) put(ctx context.Context, b *batch, q question, answers chan<- answer) {
	c, shared := e.s.ask(ctx, q)
	answers <- answer{batch: b, q: q, call: c, shared: shared}
}

// count notes what an answer cost, whether or not it was of use.
func (e *experiment) count(a answer) {
	spent := errors.Is(a.call.err, errBudget)
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
	e.tokens += a.call.tokens
	if a.call.recorded && !spent {
		e.recorded++
	}
}

// take puts an answer into its trial. It returns an error when the endpoint is of
// no use.
func (e *experiment) take(ctx context.Context, a answer) error {
	switch err := a.call.err; {
	case errors.Is(err, errBudget):
		e.noBudget = true
		return nil // left stays above 0: the batch will not be looked at
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil:
		if err := e.fail(err); err != nil {
			return err
		}
	default:
		e.answered++
		e.note(a.call)
	}
	for k, script := range e.scripts {
		if script == a.q.script && !e.tested.Arms[k].ReportOnly {
			a.batch.seen[a.q.place][k] = e.observe(k, a.call)
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
	if hopeless(err) {
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

// note counts what kind of reply came back, and who judged it.
func (e *experiment) note(c *call) {
	if by := c.judgement.By; by != "" {
		e.judges[by] = true
	}
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
}

// observe reads what arm number k counts in a reply. A call that failed is
// missing.
func (e *experiment) observe(k int, c *call) evidence.Observation {
	if c.err != nil {
		return evidence.Observation{Missing: true}
	}
	a := e.claim.Arms[k]
	if a.marker() != "" && c.judgement.Decided() {
		n := e.formats[k]
		if n == nil {
			n = &FormatCount{Arm: a.Name}
			e.formats[k] = n
		}
		n.add(c.judgement)
	}
	return a.outcome(e.claim).observe(c.judgement)
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
			*t = evidence.Trial{Cell: v.cell.index, Draw: v.cell.draw, Target: v.cell.position, Y: make([]evidence.Observation, len(e.tested.Arms))}
		}
		for k, a := range e.tested.Arms {
			y := b.seen[i][k]
			switch {
			case a.ReportOnly:
				t.Y[k].NotAsked = true
				continue
			case a.Stored != "":
				rate, ok := e.scripts[k].stored[v.cell.id()]
				y = evidence.Observation{Value: rate, Missing: !ok}
			case a.Differs != nil:
				y = differ(b.seen[i][a.Differs[0]], b.seen[i][a.Differs[1]])
			}
			b.seen[i][k] = y
			// Sums of shares may exceed 1 by a rounding error.
			t.Y[k].Value = min(1, t.Y[k].Value+y.Value/float64(per))
			t.Y[k].Missing = t.Y[k].Missing || y.Missing
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

// hopeless says that no other call for this claim could succeed either.
func hopeless(err error) bool {
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
