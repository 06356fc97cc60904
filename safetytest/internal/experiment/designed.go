package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file asks a designed set of questions: all of them, in the order given, without
// looking at what the answers say. Whether they can count is asked as it is for a claim.

// Designed is a set of questions.
type Designed struct {
	// Name identifies the set in the run's record: equal names are equal sets.
	Name     string
	Settings []prompt.Setting
	// Questions are asked in this order.
	Questions []DesignedQuestion
	// Answered, unless nil, is called after each answer with how many there are.
	Answered func(n int)
}

// DesignedQuestion is one question: a request of the policy's targets, or of its twins,
// by its place, behind one of the settings under a draw. Visit tells questions apart that
// are the same.
type DesignedQuestion struct {
	Setting              int
	Twin                 bool
	Request, Draw, Visit int
}

// DesignedReply is what became of a question. The zero value is one that was not asked.
type DesignedReply struct {
	// Asked is the request's ID.
	Asked     string
	State     chat.State
	Judgement judge.Judgement
	// Failed says why there is no reply; empty where there is one.
	Failed string
	// Cut says that the reply ended at the token limit.
	Cut bool
	// Made is when an earlier run received it; zero for replies of this one.
	Made   time.Time
	Served record.Served
	// Prompt, Cached and Reply are tokens as the endpoint counted them.
	Prompt, Cached, Reply int
}

// DesignedReplies are the answers to a set, by question.
type DesignedReplies struct {
	Replies []DesignedReply
	// Answered is how many questions were answered, Earlier of them by earlier runs.
	// Lost ones among them had a call that failed after the model may have begun.
	Answered, Earlier, Lost int
	// Probes are calls that were made to learn about the endpoint.
	Probes int
	// Doubts say why the replies cannot count; where there are any, perhaps not all
	// questions were asked. Notes say what else a reader should know.
	Doubts, Notes []string
}

// scriptKey names a script of a designed set.
type scriptKey struct {
	setting int
	twin    bool
}

// AskOf has a subject of package safetytest ask a set of questions, within its run's
// budget and record. That package sets it.
var AskOf func(ctx context.Context, subject any, d Designed) (DesignedReplies, error)

// AskDesigned asks a set of questions. Replies that the run's record holds are read
// again, and not paid for. It returns an error where the run ended before all were
// asked; what was answered is recorded, and the same set goes on from it.
func (s *Subject) AskDesigned(ctx context.Context, d Designed) (DesignedReplies, error) {
	s.mu.Lock()
	dead := s.dead
	s.mu.Unlock()
	if dead != nil {
		return DesignedReplies{}, dead
	}
	e, scripts, err := s.designed(d)
	if err != nil {
		return DesignedReplies{}, err
	}
	r := &designedRun{e: e, d: d, scripts: scripts, key: d.Name}
	if s.policy.Name != s.main {
		r.key += "@" + s.policy.Name
	}
	r.out.Replies = make([]DesignedReply, len(d.Questions))
	if err := r.begin(); err != nil {
		return r.out, err
	}
	err = r.ask(ctx)
	r.out.Probes = e.probed.made()
	if err != nil {
		return r.out, fmt.Errorf("%s: %s: %w", s, r.out.recorded(), err)
	}
	return r.out, r.conclude()
}

// recorded says what the record of a set holds that came to no end.
func (r DesignedReplies) recorded() string {
	all := len(r.Replies)
	if r.Lost == 0 {
		return fmt.Sprintf("%d of %d questions are answered and recorded", r.Answered, all)
	}
	return fmt.Sprintf("%d of %d questions are answered and recorded, and the replies to %d more are lost and stay so: SAFETYTEST_REPLIES=fresh begins anew", r.Answered-r.Lost, all, r.Lost)
}

// designed is an experiment that has the scripts of a set and no claim. Demonstrations
// are drawn for the questions that there are.
func (s *Subject) designed(d Designed) (*experiment, map[scriptKey]*script, error) {
	e := &experiment{s: s, rec: s.Record(), judges: map[string]bool{}, inquiries: map[string]*inquiry{}, examineAt: 32, sight: &sight{}}
	draws := make([]prompt.Draw, s.config.Draws)
	for i := range draws {
		draws[i] = s.pool.Draw(s.config.Seed, i)
	}
	scripts := map[scriptKey]*script{}
	for i, n := range d.Questions {
		if n.Setting < 0 || n.Setting >= len(d.Settings) || n.Draw < 0 || n.Draw >= len(draws) {
			return nil, nil, fmt.Errorf("question %d: there is no setting %d under draw %d", i, n.Setting, n.Draw)
		}
		key := scriptKey{n.Setting, n.Twin}
		q, known := scripts[key]
		if !known {
			var err error
			if q, err = s.designedScript(len(e.scripts), d.Settings[n.Setting], n.Twin); err != nil {
				return nil, nil, fmt.Errorf("policy %q: %s: %w", s.policy.Name, d.Settings[n.Setting], err)
			}
			scripts[key] = q
			e.scripts = append(e.scripts, q)
			e.claim.Arms = append(e.claim.Arms, q.arm)
		}
		if n.Request < 0 || n.Request >= len(q.asks.Requests) {
			return nil, nil, fmt.Errorf("question %d: there is no request %d of %s", i, n.Request, q.asks.Asks)
		}
		if shown := q.demos[""]; shown[n.Draw] == nil {
			demos, err := draws[n.Draw].Fill(q.arm.Composition, "")
			if err != nil {
				return nil, nil, fmt.Errorf("policy %q: %w", s.policy.Name, err)
			}
			shown[n.Draw] = demos
		}
	}
	return e, scripts, nil
}

// designedScript is a setting before targets or twins, with room for what its draws
// show.
func (s *Subject) designedScript(number int, x prompt.Setting, twin bool) (*script, error) {
	if x.Composition.Choice >= prompt.OnTopic || x.Model != "" || x.Stored != "" {
		return nil, errors.New("a designed set asks the model under test, and does not choose demonstrations by topic")
	}
	a := claim.Arm{Setting: x, Requests: claim.Targets}
	if twin {
		a.Requests = claim.Twins
	}
	q := &script{arm: a, shows: a.Shows(), first: number, system: s.policy.System, model: s.models[""],
		demos: map[string][][]prompt.Demonstration{"": make([][]prompt.Demonstration, s.config.Draws)}}
	switch {
	case x.NoSystem:
		q.system = ""
	case x.System != "":
		q.system = x.System
	}
	var err error
	q.asks, err = s.population(a.Requests)
	return q, err
}

// designedRun is a set while it is asked.
type designedRun struct {
	e       *experiment
	d       Designed
	scripts map[scriptKey]*script
	key     string // in the record
	out     DesignedReplies
}

// question is the i-th of the set.
func (r *designedRun) question(i int) question {
	n := r.d.Questions[i]
	q := r.scripts[scriptKey{n.Setting, n.Twin}]
	return question{script: q, index: i, at: q.asks.At(n.Request, n.Draw, n.Visit)}
}

// begin notes in the record what is going to be asked. What an interrupted run answered
// counts; what any other did does not.
func (r *designedRun) begin() error {
	rec, since := r.e.rec, ""
	switch {
	case rec.Continues():
		since = rec.Since(r.key, r.key)
	case rec.HoldsEarlier():
		since = rec.Now()
	}
	r.e.under(since)
	if r.e.s.config.Replay {
		return nil
	}
	for _, part := range r.e.contexts() {
		if err := rec.Say(part); err != nil {
			return err
		}
	}
	return rec.Begin(r.key, r.key, since)
}

// ask asks whether the endpoint reads the longest prompts whole, then all questions, and
// at last whether their answers can count.
func (r *designedRun) ask(ctx context.Context) error {
	e := r.e
	doubted, err := r.sees(ctx)
	if doubted || err != nil {
		return err
	}
	if doubted, err = r.sample(ctx); doubted || err != nil {
		return err
	}
	found := e.doubts()
	if !e.s.config.Simulated() {
		found = append(found, e.cutShort(e.endings)...)
	}
	found = append(found, e.undeclared(r.changed())...)
	if r.doubts(append(found, e.undeclared(r.drifted())...)) {
		return nil
	}
	found, err = e.madeAnew(ctx)
	switch {
	case ctx.Err() != nil || budgetSpent(err):
		return fmt.Errorf("it could not be found out whether the answers were made for their questions: %w", err)
	case err != nil:
		r.out.Doubts = append(r.out.Doubts, fmt.Sprintf("it could not be found out whether the answers were made for their questions: %v", err))
	}
	r.doubts(found)
	return nil
}

// doubts keeps what speaks against counting the replies, and says whether there is any.
func (r *designedRun) doubts(found []provenance.Finding) bool {
	for _, f := range found {
		r.out.Doubts = append(r.out.Doubts, f.Text)
	}
	return len(found) > 0
}

// sees finds out whether the endpoint reads the longest prompt of each form whole.
func (r *designedRun) sees(ctx context.Context) (doubted bool, err error) {
	e := r.e
	if e.s.config.Replay {
		switch then, ok := e.rec.Last(r.key); {
		case !ok:
			r.out.Doubts = append(r.out.Doubts, "the run that is replayed came to no end, so that nobody knows whether the model saw what it was asked and answered afresh")
		case then.Reason != "":
			r.out.Doubts = append(r.out.Doubts, "the run that is replayed found: "+then.Reason)
		}
		return len(r.out.Doubts) > 0, nil
	}
	if !e.s.real("") {
		return false, nil
	}
	longest, sizes := map[shownTo]*script{}, map[shownTo]int{}
	for i := range r.d.Questions {
		q := r.question(i)
		to := q.script.shownTo()
		if n := q.script.size(q.at, q.script.messages(q.at)); n > sizes[to] {
			longest[to], sizes[to] = q.script, n
		}
	}
	doubt, err := e.seesAll(ctx, longest)
	if err != nil {
		return false, err
	}
	e.unseen = e.sight.unknown
	if e.sight.note != "" {
		r.out.Notes = append(r.out.Notes, e.sight.note)
	}
	if doubt != nil && r.doubts(e.undeclared([]provenance.Finding{*doubt})) {
		return true, nil
	}
	if e.windowUnknown() {
		r.out.Doubts = append(r.out.Doubts, e.unseen)
	}
	return len(r.out.Doubts) > 0, nil
}

// sample asks all questions in their order. It ends early where what comes cannot count.
func (r *designedRun) sample(ctx context.Context) (doubted bool, err error) {
	e := r.e
	f := e.newFlights(ctx)
	defer f.land()
	for asked := 0; ; {
		for f.n < e.s.config.Concurrency && asked < len(r.d.Questions) && ctx.Err() == nil {
			f.start(nil, r.question(asked))
			asked++
		}
		if f.n == 0 && ctx.Err() == nil {
			return false, nil
		}
		a, ok := f.next(ctx, nil)
		if !ok {
			return false, context.Cause(ctx)
		}
		e.count(a)
		if err := r.take(ctx, a); err != nil {
			return false, err
		}
		if n := len(e.origins); n >= enoughToAskAnew && n&(n-1) == 0 {
			e.inquire(ctx, enoughToAskAnew)
		}
		if len(e.origins) >= e.examineAt {
			e.examineAt = 2 * len(e.origins)
			if r.doubts(e.doubts()) {
				return true, nil
			}
		}
	}
}

// take keeps an answer. It returns an error where no other could fare better.
func (r *designedRun) take(ctx context.Context, a answer) error {
	c, e := a.call, r.e
	to := &r.out.Replies[a.q.index]
	to.Asked = a.q.at.Cell.Target.ID
	switch {
	case budgetSpent(c.err):
		return c.err
	case c.err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case c.err != nil:
		to.Failed = c.err.Error()
		return e.fail(c.err)
	}
	*to = DesignedReply{Asked: to.Asked, State: c.state, Judgement: c.judgement, Cut: c.cut, Made: c.made, Served: c.by, Prompt: c.from.Reported, Cached: c.from.Cached, Reply: c.replied}
	r.out.Answered++
	if c.state == chat.Lost {
		r.out.Lost++
	}
	if !c.made.IsZero() {
		r.out.Earlier++
	}
	// Single settings are asked too seldom to be compared: prompts of about one size
	// that are shown alike are.
	c.from.Arm = fmt.Sprintf("prompts shown %s, of %d to %d tokens", a.q.script.arm.Presentation.Form, 1<<(bits.Len(uint(c.from.Size))-1), 1<<bits.Len(uint(c.from.Size)))
	e.remember(a.q, c)
	err := e.note(c)
	if r.d.Answered != nil {
		r.d.Answered(r.out.Answered)
	}
	return err
}

// changed doubts that one model answered all questions: its fingerprint gave way to another
// one, or the targets are complied with at another rate from some block of questions
// on. Blocks under one draw each are asked one after the other, in an order that says
// nothing.
func (r *designedRun) changed() []provenance.Finding {
	if r.e.s.config.Simulated() {
		return nil
	}
	var marks []map[string]int // by block of questions under one draw
	var complied []float64
	var decided []int
	at := -1
	for i, reply := range r.out.Replies {
		q := r.d.Questions[i]
		if i == 0 || q.Draw != r.d.Questions[i-1].Draw {
			marks, complied, decided = append(marks, map[string]int{}), append(complied, 0), append(decided, 0)
			at++
		}
		if reply.Failed == "" && reply.State == chat.Answered {
			marks[at][reply.Served.Fingerprint]++
		}
		if !q.Twin && reply.Judgement.Decided() {
			decided[at]++
			complied[at] += float64(yes(reply.Judgement.Complied()))
		}
	}
	text := swapped(marks)
	if c := evidence.Changed(complied, decided); text == "" && c.Changed {
		text = fmt.Sprintf("compliance with the targets changed from %.0f %% to %.0f %% with the %d. block of questions (by chance so clearly in %.2g of studies): find out what was deployed, loaded or limited meanwhile, and ask again, or", 100*c.Before, 100*c.After, c.Batch+1, c.P)
	} else if text != "" {
		text += "; or"
	}
	if text == "" {
		return nil
	}
	return []provenance.Finding{{Kind: provenance.Time, Text: fmt.Sprintf("%s state SAFETYTEST_ALLOW=%s if you know that it is the same model", text, provenance.Time)}}
}

// drifted doubts that the model of earlier runs is the one of this: the same targets are
// then complied with at another rate, by more than chance and draws explain. Fingerprints
// are compared by the record.
func (r *designedRun) drifted() []provenance.Finding {
	const least = 0.1 // by which rates must differ
	var n, complied [2]int
	for i, reply := range r.out.Replies {
		if r.d.Questions[i].Twin || !reply.Judgement.Decided() {
			continue
		}
		now := yes(reply.Made.IsZero())
		n[now]++
		complied[now] += yes(reply.Judgement.Complied())
	}
	if n[0] == 0 || n[1] == 0 {
		return nil
	}
	was, is := float64(complied[0])/float64(n[0]), float64(complied[1])/float64(n[1])
	if p := provenance.Fisher(complied[0], n[0], complied[1], n[1]); p >= 0.001 || is-was < least && was-is < least {
		return nil
	}
	return []provenance.Finding{{Kind: provenance.Time, Text: fmt.Sprintf("%d replies of earlier runs comply with %.0f %% of the targets, and %d of this run with %.0f %%: the model may have been replaced meanwhile; ask anew with SAFETYTEST_REPLIES=fresh, or state SAFETYTEST_ALLOW=%s if you know that it is the same", n[0], 100*was, n[1], 100*is, provenance.Time)}}
}

// conclude records that all was asked, or why what was answered does not count.
func (r *designedRun) conclude() error {
	e := r.e
	_ = e.settle() // its error was reported where it mattered
	for _, kind := range provenance.Kinds() {
		if text, declared := e.allowed[kind]; declared {
			r.out.Notes = append(r.out.Notes, fmt.Sprintf("declared harmless (SAFETYTEST_ALLOW=%s): %s", kind, text))
		}
	}
	if n := e.failed - e.endings.Lost; n > 0 {
		r.out.Notes = append(r.out.Notes, fmt.Sprintf("%d calls failed, the last one: %v", n, e.lastErr))
	}
	r.out.Notes = append(r.out.Notes, e.endings.warnings(e.lost)...)
	if e.s.config.Replay {
		return nil
	}
	c := record.Conclusion{Claim: r.key, State: "studied", Final: true, Pairs: r.out.Answered, Question: r.key, Since: r.since()}
	if len(r.out.Doubts) > 0 {
		c.State, c.Reason, c.Final, c.Since = "inconclusive", r.out.Doubts[0], false, e.rec.Apart(c.Since)
	}
	return e.rec.Conclude(c, nil)
}

func (r *designedRun) since() string {
	if len(r.e.scripts) == 0 {
		return ""
	}
	return r.e.scripts[0].since
}
