package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file asks a designed set of questions: all of them, in the order given, without
// looking at what the answers say. Whether they can count is asked as it is for a claim.
// Growing sets are in growing.go.

// Designed is a set of questions.
type Designed struct {
	// Name identifies the set in the run's record: equal names are equal sets.
	Name     string
	Settings []DesignedSetting
	// Questions are asked in this order.
	Questions []DesignedQuestion
	// Answered, unless nil, is called after each answer with how many there are.
	Answered func(n int)
}

// DesignedSetting is what is shown before requests.
type DesignedSetting struct {
	prompt.Setting
	// Showing, unless nil, are the IDs of the only demonstrations that there are to show,
	// as of [policy.Policy.Showing].
	Showing []string
}

// DesignedQuestion is one question: a request of a set of the policy's, by its place,
// behind one of the settings under a draw. Visit tells questions apart that are the same.
type DesignedQuestion struct {
	Setting              int
	Requests             claim.Requests
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
	// Calls is how many HTTP requests it took, whichever run made them.
	Calls int
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

// SubjectOf is what asks for a subject of package safetytest, within its run's budget and
// record, after the run began as one that asks the set of questions of that name. That
// package sets it.
var SubjectOf func(subject any, set string) (*Subject, error)

// AskDesigned asks a set of questions. Replies that the run's record holds are read
// again, and not paid for. It returns an error where the run ended before all were
// asked; what was answered is recorded, and the same set goes on from it.
func (s *Subject) AskDesigned(ctx context.Context, d Designed) (DesignedReplies, error) {
	r, err := s.beginDesigned(d.Name)
	if err != nil {
		return DesignedReplies{}, err
	}
	r.answered = d.Answered
	if err := r.add(d.Settings, d.Questions); err != nil {
		return DesignedReplies{}, err
	}
	if err := r.begin(); err != nil {
		return r.out, err
	}
	doubted, err := r.sees(ctx)
	if err == nil && !doubted {
		doubted, err = r.sample(ctx)
	}
	if err == nil && !doubted {
		err = r.count(ctx)
	}
	r.out.Probes = r.e.probed.made()
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

// designedRun is a set while it is asked.
type designedRun struct {
	e        *experiment // that has the scripts of the set, and no claim
	key      string      // in the record
	since    string      // of its keys in the record
	recorded int         // replies there that it goes on from
	grows    bool        // which questions come depends on the answers before
	answered func(n int)
	draws    []prompt.Draw

	questions []designedQuestion
	scripts   map[string]*script // by what they show
	out       DesignedReplies

	sighted int // questions of whose prompts it is known whether they are read whole
	asked   int // questions
}

// designedQuestion is a question with its script.
type designedQuestion struct {
	DesignedQuestion
	script *script
}

// beginDesigned is a set without questions. What an interrupted run answered of it
// counts; what any other did does not.
func (s *Subject) beginDesigned(name string) (*designedRun, error) {
	s.mu.Lock()
	dead := s.dead
	s.mu.Unlock()
	if dead != nil {
		return nil, dead
	}
	r := &designedRun{key: name, scripts: map[string]*script{}, draws: make([]prompt.Draw, s.config.Draws)}
	r.e = &experiment{s: s, rec: s.Record(), judges: map[string]bool{}, inquiries: map[string]*inquiry{}, examineAt: 32, sight: &sight{}}
	if s.policy.Name != s.main {
		r.key += "@" + s.policy.Name
	}
	for i := range r.draws {
		r.draws[i] = s.pool.Draw(s.config.Seed, i)
	}
	switch rec := r.e.rec; {
	case rec.Continues():
		if r.since = rec.Since(r.key, r.key); r.since == rec.Apart(r.since) && !s.config.Replay {
			r.since = rec.Now() // what was answered does not count
		} else {
			r.recorded = rec.Replies()
		}
	case rec.HoldsEarlier():
		r.since = rec.Now()
	}
	return r, nil
}

// begin notes in the record that the set is asked, and what is shown in it.
func (r *designedRun) begin() error {
	rec := r.e.rec
	if r.e.s.config.Replay {
		return nil
	}
	for _, part := range r.e.contexts() {
		if err := rec.Say(part); err != nil {
			return err
		}
	}
	return rec.Begin(r.key, r.key, r.since)
}

// add takes up further questions, whose settings are counted among those that come with
// them.
func (r *designedRun) add(settings []DesignedSetting, questions []DesignedQuestion) error {
	policy := r.e.s.policy.Name
	for i, n := range questions {
		if n.Setting < 0 || n.Setting >= len(settings) || n.Draw < 0 || n.Draw >= len(r.draws) {
			return fmt.Errorf("question %d: there is no setting %d under draw %d", i, n.Setting, n.Draw)
		}
		x := settings[n.Setting]
		q, err := r.script(x, n.Requests)
		if err != nil {
			return fmt.Errorf("policy %q: %s: %w", policy, x, err)
		}
		if n.Request < 0 || n.Request >= len(q.asks.Requests) {
			return fmt.Errorf("question %d: there is no request %d of %s", i, n.Request, q.asks.Asks)
		}
		if shown, drawn := q.demos[""]; drawn && shown[n.Draw] == nil {
			if shown[n.Draw], err = r.draws[n.Draw].Fill(q.arm.Composition, ""); err != nil {
				return fmt.Errorf("policy %q: %w", policy, err)
			}
		}
		r.questions = append(r.questions, designedQuestion{n, q})
	}
	r.out.Replies = append(r.out.Replies, make([]DesignedReply, len(questions))...)
	return nil
}

// script is that of a setting before requests, made for the first question that needs it.
// Of a set that is known whole, demonstrations are drawn for the questions that there are.
func (r *designedRun) script(x DesignedSetting, requests claim.Requests) (*script, error) {
	if x.Stored != "" {
		return nil, errors.New("a designed set asks models, and reads no stored rates")
	}
	a := claim.Arm{Setting: x.Setting, Requests: requests}
	shows := a.Shows()
	if x.Showing != nil {
		shows += "; showing only " + strings.Join(x.Showing, " and ")
	}
	if q := r.scripts[shows]; q != nil {
		return q, nil
	}
	s := r.e.s
	q := &script{arm: a, shows: shows, first: len(r.e.scripts), system: s.policy.System, since: r.since}
	if err := s.address(q); err != nil {
		return nil, err
	}
	pool, err := s.pool, error(nil)
	if x.Showing != nil {
		if pool, err = prompt.NewPool(s.policy.Showing(x.Showing...).Demonstrations); err != nil {
			return nil, err
		}
	}
	if r.grows || x.Showing != nil || x.Composition.Choice >= prompt.OnTopic {
		q.demos, err = s.demonstrations(pool, x.Composition, q.asks)
	} else {
		q.demos = map[string][][]prompt.Demonstration{"": make([][]prompt.Demonstration, len(r.draws))}
	}
	if err != nil {
		return nil, err
	}
	r.scripts[shows] = q
	r.e.scripts, r.e.claim.Arms = append(r.e.scripts, q), append(r.e.claim.Arms, a)
	return q, nil
}

// question is the i-th of the set.
func (r *designedRun) question(i int) question {
	n := r.questions[i]
	return question{script: n.script, index: i, turn: i + 1, at: n.script.asks.At(n.Request, n.Draw, n.Visit)}
}

// sample asks the questions that were not asked yet, in their order. It ends early where what comes cannot count.
func (r *designedRun) sample(ctx context.Context) (doubted bool, err error) {
	e := r.e
	f := e.newFlights(ctx)
	defer f.land()
	for {
		for f.n < e.s.config.Concurrency && r.asked < len(r.questions) && ctx.Err() == nil {
			f.start(nil, r.question(r.asked))
			r.asked++
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
		if n := len(e.origins); n >= enoughToAskAnew && n&(n-1) == 0 && !r.known() {
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

// known says whether all that a growing set was answered is from earlier runs, which
// looked into it when it came.
func (r *designedRun) known() bool { return r.grows && r.out.Earlier == r.out.Answered }

// take keeps an answer. It returns an error where no other could fare better.
func (r *designedRun) take(ctx context.Context, a answer) error {
	c, e := a.call, r.e
	to := &r.out.Replies[a.q.index]
	to.Asked = a.q.at.Cell.Target.ID
	for e.through < len(r.out.Replies) && r.out.Replies[e.through].Asked != "" {
		e.through++
	}
	switch {
	case budgetSpent(c.err):
		return c.err
	case c.err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case c.err != nil:
		to.Failed = c.err.Error()
		return e.fail(c.err)
	}
	*to = DesignedReply{Asked: to.Asked, State: c.state, Judgement: c.judgement, Cut: c.cut, Made: c.made, Served: c.by, Calls: c.tried, Prompt: c.from.Reported, Cached: c.from.Cached, Reply: c.replied}
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
	if r.answered != nil {
		r.answered(r.out.Answered)
	}
	return err
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
	c := record.Conclusion{Claim: r.key, State: "studied", Final: !r.grows, Pairs: r.out.Answered, Question: r.key, Since: r.since}
	if len(r.out.Doubts) > 0 {
		c.State, c.Reason, c.Final, c.Since = "inconclusive", r.out.Doubts[0], false, e.rec.Apart(c.Since)
	}
	return e.rec.Conclude(c, nil)
}
