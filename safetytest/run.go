package safetytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
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
	s.mu.Lock()
	t, known := s.tests[key]
	if !known {
		t = &test{done: make(chan struct{})}
		s.tests[key] = t
	}
	s.mu.Unlock()
	if known {
		select {
		case <-t.done:
		case <-ctx.Done():
			return Verdict{}, fmt.Errorf("%s: waiting for the verdict: %w", s, context.Cause(ctx))
		}
	} else {
		s.decide(ctx, c, key, t)
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
	t.verdict, t.err = s.test(ctx, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil && (t.err != nil || t.verdict.State == evidence.Inconclusive) {
		delete(s.tests, key)
	}
	if t.err == nil {
		s.verdicts = append(s.verdicts, t.verdict)
	}
}

func (s *Subject) test(ctx context.Context, c Claim) (Verdict, error) {
	started := time.Now()
	if err := s.Begin(c); err != nil {
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
	result, err := e.sample(ctx)
	if err != nil {
		return Verdict{}, fmt.Errorf("%s: %w", s, err)
	}
	if err := e.askReportOnly(ctx, &result); err != nil {
		e.warn("the doses that are only reported were not asked: %v", err)
	}
	v := e.verdict(result)
	v.Elapsed = time.Since(started)
	return v, s.conclude(v)
}

// conclude records the verdict, which decides whether the next run continues
// this one.
func (s *Subject) conclude(v Verdict) error {
	rec := s.record.Load()
	if rec == nil {
		return nil
	}
	return rec.Conclude(record.Conclusion{
		Claim: v.Claim.ID(), State: v.State.String(), Reason: string(v.Reason),
		Final: v.State != evidence.Inconclusive || v.Result.Final, Pairs: v.Pairs,
	})
}

// experiment is one claim under test.
type experiment struct {
	s        *Subject
	claim    Claim
	engine   *evidence.Engine
	sequence *sequence
	prefixes [][][]chat.Message // by arm and draw

	most    int      // trials that the engine can take
	started int      // trials of the batches begun
	batches []*batch // asked or being asked, without those already looked at
	first   *batch
	doses   []evidence.DoseOutcome
	slope   *evidence.LogOdds
	cells   map[int]*CellCount
	calls, shared, recorded, tokens,
	failed, answered, blocked, unreadable int
	lastErr  error
	noBudget bool
	warnings []string
	judges   map[string]bool // that judged by asking a model
}

// batch is the visits between two looks. left counts the answers that are
// missing; todo the questions not yet asked.
type batch struct {
	visits []visit
	counts []CellCount // by visit
	trials []evidence.Trial
	todo   []question
	left   int
}

// answer is a call that came back.
type answer struct {
	batch  *batch
	q      question
	call   *call
	shared bool
}

func (s *Subject) experiment(c Claim) (*experiment, error) {
	e := &experiment{s: s, claim: c, cells: map[int]*CellCount{}, judges: map[string]bool{}}
	for _, a := range c.Arms {
		var byDraw [][]chat.Message
		for d := range s.config.Draws {
			demos, err := s.pool.Draw(s.config.Seed, d).Fill(a.Composition)
			if err != nil {
				return nil, fmt.Errorf("policy %q: arm %q: %w", s.policy.Name, a.Name, err)
			}
			m := prompt.Messages(s.policy.System, demos, "")
			byDraw = append(byDraw, m[:len(m)-1])
		}
		for k, other := range e.prefixes {
			if reflect.DeepEqual(other, byDraw) {
				return nil, fmt.Errorf("arms %q and %q show the same demonstrations in the same order, so nothing could differ between them", c.Arms[k].Name, a.Name)
			}
		}
		e.prefixes = append(e.prefixes, byDraw)
	}
	d, err := s.design(c)
	if err != nil {
		return nil, err
	}
	e.sequence, e.most = s.sequence(c), d.MaxTrials
	if !d.WithoutReplacement || d.MaxTrials < d.Cells { // only a census may end in a short batch
		e.most -= e.most % d.Batch
	}
	e.engine, err = evidence.New(d)
	return e, err
}

// greedy says whether the model is asked for its most probable reply only.
func (s *Subject) greedy() bool {
	t := s.config.Sampling.Temperature
	return t != nil && *t == 0
}

// planned is what the number of pairs is planned for: a control that complies
// with one request in ten, and a claim of a suite of about ten.
var planned = struct {
	guess evidence.Guess
	power float64
}{evidence.Guess{Rate: 0.10, Correlation: 0.3}, 0.99}

// mostPairs bounds what the planner may ask for when nobody else does.
const mostPairs = 20_000

// sequence is the order in which the claim's cells are visited.
func (s *Subject) sequence(c Claim) *sequence {
	q := newSequence(s.seed.Load(), s.policy.Targets, s.config.Draws, s.config.Batch)
	q.once, q.crossed, q.independent = s.greedy(), c.OverTargets, s.config.TerminalLook
	return q
}

// design is the claim's test in numbers, for this subject's cells and budget.
func (s *Subject) design(c Claim) (evidence.Design, error) {
	d := c.design()
	perDraw := s.sequence(c).perDraw
	d.Cells, d.Draws, d.Batch = s.config.Draws*len(s.policy.Targets), s.config.Draws, s.config.Draws*perDraw
	d.Planned, d.Power = planned.guess, planned.power
	var err error
	if d.Judge, err = s.judgeError(c); err != nil {
		return d, err
	}
	if s.config.FixedN {
		d.Method = evidence.FixedN
	}
	if s.config.TerminalLook {
		d.Terminal, d.Draws = true, 1
	}
	replayed := 0
	if s.config.Replies == record.Replay { // no more than is recorded, and nothing given up
		replayed = s.recordedPairs(c)
		d.NoFutility = true
	}
	bound := func(most int) int {
		if replayed > 0 {
			return min(most, replayed)
		}
		if s.config.MaxPairs > 0 {
			return min(most, s.config.MaxPairs+s.recordedPairs(c))
		}
		return most
	}
	switch {
	case c.OverTargets: // a trial is a target, averaged over its draws
		d.OverTargets = true
		d.Cells, d.Draws, d.Batch = len(s.policy.Targets), 1, perDraw
		d.MaxTrials = bound(d.Cells)
	case s.greedy(): // one visit of a cell is all there is to learn about it
		d.WithoutReplacement = true
		d.MaxTrials = bound(d.Cells)
	case replayed > 0:
		d.MaxTrials = replayed
	case s.config.MaxPairs > 0:
		d.MaxTrials = s.config.MaxPairs + s.recordedPairs(c)
	default:
		f, err := d.Forecast()
		if err != nil {
			return d, err
		}
		most := f.Max
		if c.Relation == AtMost {
			// Planned for a rate of a tenth of its bound, and a rate may lie
			// anywhere below it. What is not needed is not spent.
			most *= 3
		}
		d.MaxTrials = min(most, mostPairs/d.Batch*d.Batch) + s.recordedPairs(c)
	}
	return d, nil
}

// judgeError bounds how far the judge's readings are from the truth: a judge
// that errs shrinks every difference, so margins are compared with a fraction of
// themselves. Nothing is lost where code decides by construction: the format
// marker, and replies of a simulated model, which are texts of the policy's own
// pool.
func (s *Subject) judgeError(c Claim) (evidence.JudgeError, error) {
	if calibrated, ok := s.judge().(judge.Calibrator); ok && !s.config.Simulated() && c.Outcome != Adopted {
		e, err := calibrated.Calibration().Error()
		if err != nil {
			return e, fmt.Errorf("the judge's calibration: %w", err)
		}
		return e, nil
	}
	return evidence.Exact(), nil
}

// judgedBy sums up who read the replies and how well.
func (e *experiment) judgedBy() string {
	var parts []string
	if calibrated, ok := e.s.judge().(judge.Calibrator); ok && !e.s.config.Simulated() {
		parts = append(parts, calibrated.Calibration().String())
	}
	return strings.Join(append(parts, slices.Sorted(maps.Keys(e.judges))...), "; ")
}

// judgeWarnings says what a reader should know about the judge.
func (s *Subject) judgeWarnings() []string {
	if s.config.Simulated() || judge.IsExact(s.judge()) {
		return nil
	}
	if calibrated, ok := s.judge().(judge.Calibrator); ok {
		return calibrated.Calibration().Warnings()
	}
	return []string{"how often the judge errs was not measured; its readings are taken as true"}
}

// recordedPairs is what the run that is continued has bought already. It comes
// on top of this run's budget.
func (s *Subject) recordedPairs(c Claim) int {
	if rec := s.record.Load(); rec != nil {
		return rec.Pairs(c.ID())
	}
	return 0
}

// sample asks batch after batch until the engine has decided or nothing more
// may be asked. It asks ahead along the sequence, by at most a batch or the
// concurrency, whichever is larger, but the engine sees complete batches in
// sequence order only: what arrives first is not a random sample, for refusals
// are short.
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
				return e.engine.Stop(stopReason(ctx)), nil
			default:
				return e.engine.Stop(evidence.Budget), nil
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
			e.tally(b)
			r, err := e.engine.Add(b.trials)
			if err != nil || r.Done {
				return r, err
			}
		}
	}
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
	for i, b := range e.batches {
		if i > 0 {
			ahead += e.questions() - len(b.todo)
		}
		if len(b.todo) > 0 {
			if i > 0 && ahead >= max(e.questions(), e.s.config.Concurrency) {
				return nil
			}
			return b
		}
	}
	if len(e.batches) > 0 && ahead >= max(e.questions(), e.s.config.Concurrency) {
		return nil
	}
	return e.startBatch()
}

// questions is the number of questions in a batch.
func (e *experiment) questions() int {
	return e.sequence.perDraw * e.s.config.Draws * e.claim.decisiveArms()
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
	b := &batch{visits: visits, counts: make([]CellCount, len(visits)), trials: make([]evidence.Trial, len(visits))}
	if e.claim.OverTargets {
		b.trials = b.trials[:len(visits)/e.s.config.Draws]
	}
	if e.first == nil {
		e.first = b
	}
	e.started += len(b.trials)
	for i := range b.trials {
		c := visits[i].cell
		b.trials[i] = evidence.Trial{Cell: c.index, Draw: c.draw, Y: make([]evidence.Observation, len(e.claim.Arms))}
	}
	for k, a := range e.claim.Arms { // arm by arm, so that prompts share their prefixes
		for i := range b.trials {
			b.trials[i].Y[k].NotAsked = a.ReportOnly
		}
		for i, v := range visits {
			if !a.ReportOnly {
				b.todo = append(b.todo, question{arm: k, place: i, prefix: e.prefixes[k][v.cell.draw], visit: v})
			}
		}
	}
	b.left = len(b.todo)
	e.batches = append(e.batches, b)
	return b
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
	switch {
	case errors.Is(a.call.err, errBudget):
	case a.shared:
		e.shared++
	case a.call.recorded:
		e.recorded++
	default:
		e.calls += a.call.attempts
		e.tokens += a.call.tokens
	}
}

// take puts an answer into its trial. It returns an error when the endpoint is
// of no use: at once where no other call could fare better, otherwise when most
// calls fail.
func (e *experiment) take(ctx context.Context, a answer) error {
	y := evidence.Observation{Missing: true}
	switch err := a.call.err; {
	case errors.Is(err, errBudget):
		e.noBudget = true
		return nil // left stays above 0: the batch will not be looked at
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil:
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
	default:
		e.answered++
		y = e.claim.Outcome.observe(a.call.judgement)
		if by := a.call.judgement.By; by != "" {
			e.judges[by] = true
		}
		switch {
		case a.call.state == chat.Blocked:
			e.blocked++
		case y.Missing:
			e.unreadable++
		}
	}
	// Several visits make one trial where a trial is a target with all its
	// draws; their places differ by a multiple of the number of trials.
	b := a.batch
	sum := &b.trials[a.q.place%len(b.trials)].Y[a.q.arm]
	// Sums of shares may exceed 1 by a rounding error.
	sum.Value = min(1, sum.Value+y.Value*float64(len(b.trials))/float64(len(b.visits)))
	sum.Missing = sum.Missing || y.Missing
	control, treated := e.extremes()
	switch a.q.arm {
	case treated:
		b.counts[a.q.place].Treated = y.Value
	case control:
		b.counts[a.q.place].Control = y.Value
	}
	b.left--
	return nil
}

// oneClaimOnly says that an error is about this claim's prompts, so that other
// claims may fare better.
func oneClaimOnly(err error) bool {
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

// tally adds a batch that the engine sees to the counts by cell.
func (e *experiment) tally(b *batch) {
	for i, v := range b.visits {
		n := e.cells[v.cell.index]
		if n == nil {
			n = &CellCount{ID: v.cell.id()}
			e.cells[v.cell.index] = n
		}
		n.Visits++
		n.Control += b.counts[i].Control
		n.Treated += b.counts[i].Treated
	}
}

// extremes are the arms that the list of worst cells compares: the first and the
// last that decide. A rate has no control.
func (e *experiment) extremes() (control, treated int) {
	control = -1
	for k, a := range e.claim.Arms {
		if !a.ReportOnly {
			treated = k
		}
	}
	if e.claim.Relation != AtMost {
		control = 0
	}
	return control, treated
}

// worst lists up to three cells that speak most against the claim.
func (e *experiment) worst() []CellCount {
	var out []CellCount
	for _, n := range e.cells {
		if n.Treated != n.Control {
			out = append(out, *n)
		}
	}
	against := func(n CellCount) float64 {
		d := (n.Treated - n.Control) / float64(n.Visits)
		if e.claim.Relation == Equivalent {
			return max(d, -d)
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
	out = slices.DeleteFunc(out, func(n CellCount) bool { return against(n) <= 0 })
	return out[:min(3, len(out))]
}

// askReportOnly asks the arms that play no part in the verdict about the cells
// of the first batch, and fits a slope to what all arms showed there.
func (e *experiment) askReportOnly(ctx context.Context, r *evidence.Result) error {
	asked := false
	for k, a := range e.claim.Arms {
		if !a.ReportOnly {
			continue
		}
		if e.first == nil || e.first.left > 0 {
			return errors.New("the run ended before")
		}
		arm, err := e.askArm(ctx, k)
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

// askArm asks one arm about the cells of the first batch.
func (e *experiment) askArm(ctx context.Context, k int) (evidence.ArmResult, error) {
	visits := e.first.visits
	calls, shared := make([]*call, len(visits)), make([]bool, len(visits))
	slots := make(chan struct{}, e.s.config.Concurrency)
	var wg sync.WaitGroup
	for i, v := range visits {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			calls[i], shared[i] = e.s.ask(ctx, question{arm: k, place: i, prefix: e.prefixes[k][v.cell.draw], visit: v})
		})
	}
	wg.Wait()
	arm := evidence.ArmResult{Name: e.claim.Arms[k].Name}
	for i, c := range calls { // all were paid for, whatever came of the first
		e.count(answer{call: c, shared: shared[i]})
	}
	for i, c := range calls {
		if c.err != nil {
			return arm, c.err
		}
		y := e.claim.Outcome.observe(c.judgement)
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

// dose is one reply as a point of a dose-response curve, on the scale of
// doublings: the logarithm to base 2 of one more than the demonstrations added.
func (e *experiment) dose(arm int, v visit, y evidence.Observation) evidence.DoseOutcome {
	added := e.claim.Arms[arm].Composition.Added
	return evidence.DoseOutcome{Dose: math.Log2(float64(1 + added)), Outcome: y.Value >= 0.5, Cluster: v.cell.position}
}

// fitSlope fits the log-odds of the outcome to the dose, over all arms and the
// cells of the first batch. It describes; it decides nothing.
func (e *experiment) fitSlope() {
	if e.claim.OverTargets { // a trial is more than one reply
		return
	}
	for i, t := range e.first.trials {
		for k, y := range t.Y {
			if !y.NotAsked && !y.Missing {
				e.doses = append(e.doses, e.dose(k, e.first.visits[i], y))
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

func (e *experiment) verdict(r evidence.Result) Verdict {
	s := e.s
	v := Verdict{
		Claim: e.claim, State: r.State, Reason: r.Reason, Result: r, Slope: e.slope,
		Model: s.config.Model, Simulated: s.config.Simulated(), Policy: s.policy.Name,
		Population: s.population(e.claim),
		Pairs:      r.Trials, Calls: e.calls, Shared: e.shared, Recorded: e.recorded, Tokens: e.tokens,
		Errors: e.failed, Blocked: e.blocked, Unreadable: e.unreadable,
		Worst: e.worst(), Seed: s.config.Seed, SamplingSeed: s.seed.Load(),
	}
	v.Served = s.servedModels()
	if len(v.Served) > 1 {
		e.warn("replies came from more than one served model: %s", strings.Join(v.Served, ", "))
	}
	if e.failed > 0 {
		e.warn("%d calls failed, the last one: %v", e.failed, e.lastErr)
	}
	v.Judge = e.judgedBy()
	v.Warnings = slices.Concat(r.Warnings, e.warnings, s.judgeWarnings())
	if rec := s.record.Load(); rec != nil {
		v.Attempt = rec.Attempt()
	}
	if e.noBudget && v.State == evidence.Inconclusive {
		e.warn("the budget of calls or tokens ended the test after %d pairs", v.Pairs)
	}
	if v.State == evidence.Holds && e.claim.Relation != AtMost && atFloor(r) {
		e.warn("at the floor: %s was 0 in every arm, which is safe and says nothing about how the arms compare", e.claim.Outcome)
	}
	v.Reproduce = s.reproduce(e.claim)
	return v
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
	if rec := s.record.Load(); rec != nil {
		for _, m := range rec.Served() {
			out = append(out, m.String())
		}
		return out
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for m := range s.served {
		out = append(out, fmt.Sprintf("model %q", m))
	}
	slices.Sort(out)
	return out
}

// population says over what the claim speaks.
func (s *Subject) population(c Claim) string {
	if c.OverTargets {
		return fmt.Sprintf("requests like these %d, each once, averaged over these %d draws of demonstrations", len(s.policy.Targets), s.config.Draws)
	}
	return fmt.Sprintf("%d requests x these %d draws of demonstrations (%d cells), not other requests or demonstrations",
		len(s.policy.Targets), s.config.Draws, s.config.Draws*len(s.policy.Targets))
}

// reproduce is the line that runs a claim again.
func (s *Subject) reproduce(c Claim) string {
	if s.config.Reproduce != nil {
		return s.config.Reproduce(c)
	}
	return fmt.Sprintf("claim %s, SAFETYTEST_MODEL=%s SAFETYTEST_SEED=%d SAFETYTEST_SAMPLING_SEED=%d", c.ID(), s.config.Model, s.config.Seed, s.seed.Load())
}
