package experiment

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/singleflight"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// call is one request, made at most once: claims that share an arm share its
// reply at the same visit of the same cell.
type call struct {
	judgement  judge.Judgement
	state      chat.State
	ending     string           // why a reply that is no outcome is none, in the endpoint's words
	cut        bool             // at max_tokens
	reasoned   bool             // nothing but reasoning came
	unopened   bool             // only the end of its reasoning was marked
	cutRefusal bool             // declined until it was cut: whether it would go on is not known
	bareCut    bool             // cut without any mark of reasoning
	from       provenance.Reply // where the reply came from
	recorded   bool             // known from an earlier run or another process: not paid here
	attempts   int              // calls paid here, those of judging models included
	repeats    int              // of them, after a failure
	tokens     int              // that they took and gave
	replied    int              // tokens of the reply, whoever paid for it
	tried      int              // calls that it took, whoever paid for them
	by         record.Served
	ref        record.Ref // of the reply in the record
	made       time.Time  // by an earlier run; zero for replies of this one
	err        error
	// others are the further replies to the same request, and choice is which of them
	// this one is; see choices.go.
	others []*call
	choice int
	// wanted is how many replies the request asked for, notGiven says that the endpoint
	// gave another number of them, and notTaken that it did not take the request.
	wanted             int
	notGiven, notTaken bool
}

// question is what is asked at one visit of a cell.
type question struct {
	script *script
	index  int // of the visit in its batch
	turn   int // in which it was asked, from 1; 0 where nothing is asked ahead
	at     order.Place
	check  string // asked again, to see whether the model is the same; see continued.go
	// choices is how many replies its request asks for, 0 for as many as its script says.
	choices int
	// ended says why nothing more is to be sent for it, such as that its claim is
	// decided; nil where it goes on.
	ended func() error
}

// whileWanted admits the requests for a question that another admits, nil being all,
// until the question has ended.
func (q question) whileWanted(admit func(context.Context, int) error) func(context.Context, int) error {
	return func(ctx context.Context, tokens int) error {
		if q.ended != nil {
			if err := q.ended(); err != nil {
				return err
			}
		}
		if admit == nil {
			return nil
		}
		return admit(ctx, tokens)
	}
}

// askAll asks questions at once and counts what they cost: all of them are paid for,
// whatever becomes of the first.
func (e *experiment) askAll(ctx context.Context, questions []question) []*call {
	answers := make([]answer, len(questions))
	e.s.atOnce(len(questions), func(i int) { answers[i].call, answers[i].shared = e.s.ask(ctx, questions[i]) })
	calls := make([]*call, len(questions))
	for i, a := range answers {
		e.count(a)
		calls[i] = a.call
	}
	return calls
}

// questionsOf are what an arm asks at the given places.
func (e *experiment) questionsOf(k int, at []order.Place) []question {
	questions := make([]question, len(at))
	for i := range at {
		questions[i] = question{script: e.scripts[k], index: i, at: at[i]}
		questions[i].choices = 1 // what is only reported takes no part in pairs
	}
	return questions
}

// ask answers a question, from memory if an equal one was asked at the same
// visit. shared says that no call was made for it.
func (s *Subject) ask(ctx context.Context, q question) (c *call, shared bool) {
	request, id := s.keyed(q)
	// Another policy may read the same reply otherwise, and so does an arm that
	// looks for another marker. The model is the same for a whole run, and so is the
	// sampling but for the seed.
	key := strings.Join([]string{s.policy.Name, q.script.arm.Marker(), id.Messages, id.Sampling, id.Cell, strconv.Itoa(id.Visit), id.Since, id.Check, id.For}, "\x00")
	pace := 0.0
	c, shared, err := s.asked.Do(ctx, key, func(c **call) singleflight.Outcome {
		*c = &call{err: errors.New("the call for this reply panicked")} // unless it returns
		var own call
		s.start()
		s.answer(ctx, &own, q, request, id)
		*c, pace = &own, s.pace(&own)
		switch {
		case errors.Is(own.err, context.Canceled) || errors.Is(own.err, context.DeadlineExceeded):
			return singleflight.Interrupted
		case own.err != nil:
			return singleflight.Forget // nothing was learned: a later claim may ask again
		}
		return singleflight.Keep
	})
	if err != nil {
		return &call{err: err}, true
	}
	if pace > 0 && s.config.OnPace != nil {
		s.config.OnPace(pace)
	}
	return c, shared
}

// start notes when the first call was made.
func (r *Run) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started.IsZero() {
		r.started = time.Now()
	}
}

// pace counts a call that came back. It is how many calls come back a second, once it
// is time to report it, and 0 at any other.
func (r *Run) pace(c *call) float64 {
	if c.err != nil || c.recorded {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answered++; r.answered != 2*r.config.Concurrency {
		return 0
	}
	return float64(r.answered) / time.Since(r.started).Seconds()
}

// request is what is sent for a question.
func (s *Subject) request(q question) chat.Request {
	r := chat.Request{Messages: q.script.messages(q.at), Sampling: s.config.Sampling, Cell: q.script.cell(q.at), Visit: q.at.N}
	if n := q.askedFor(); n > 1 {
		r.Sampling.Choices = &n
	}
	r.Seed = s.seedOf(q, r)
	return r
}

// answer makes the call and has the reply judged.
func (s *Subject) answer(ctx context.Context, c *call, q question, request chat.Request, id record.Key) {
	sent := time.Now()
	reply, recorded, err := s.reply(ctx, q, request, id)
	c.recorded, c.made, c.ref = recorded, s.madeBefore(id, recorded), s.Record().Ref(id)
	c.wanted = q.askedFor()
	if err == nil {
		c.replied, c.tried = reply.ReplyTokens, max(reply.Attempts, 1)
		c.notTaken, c.notGiven = tookNone(reply), gaveOthers(reply)
		c.from = whence(q, id, q.script.size(q.at, request.Messages), reply)
		if request.Seed != nil {
			c.from.Seed = *request.Seed
		}
		if !recorded {
			c.from.Sent = sent
		}
	}
	if !recorded {
		c.attempts = max(reply.Attempts, 1)
		c.repeats = c.attempts - 1
	}
	if !recorded && err == nil {
		c.tokens = reply.Spent(request.EstimateTokens())
	}
	switch e := (*chat.Error)(nil); {
	case budgetSpent(err):
		c.attempts, c.err = 0, record.ErrBudget
		return
	case errors.As(err, &e):
		c.attempts, c.repeats, c.err = e.Attempts, max(e.Attempts-1, 0), err
		c.notTaken = refusesNumber(q, err)
		return
	case err != nil:
		if c.err = err; ctx.Err() != nil { // interrupted while it waited
			c.attempts = 0
		}
		return
	}
	s.mu.Lock()
	if reply.Model != "" {
		s.served[servedBy{q.script.arm.Model, reply.Model}] = true
	}
	if !recorded {
		s.usage.Prompt += reply.PromptTokens
		s.usage.Cached += reply.CachedTokens
		s.usage.Reply += reply.ReplyTokens
	}
	s.mu.Unlock()
	s.readReply(ctx, c, q, request, id, reply)
	if c.err != nil && (ctx.Err() != nil || budgetSpent(c.err)) {
		return // a judge that was interrupted read nothing
	}
	if err := s.keepReading(c, q); err != nil {
		c.err = err
		return
	}
	if err := s.readFurther(ctx, c, q, request, id, reply); err != nil {
		c.err = err
	}
}

// whence is what is known of a reply beside what it says. size is that of its prompt.
func whence(q question, id record.Key, size int, reply chat.Reply) provenance.Reply {
	return provenance.Reply{
		Arm: q.script.shows, Request: q.at.Cell.Target.ID, Body: id.Messages,
		Size: size, Reported: reply.PromptTokens, Cached: reply.CachedTokens,
		Text: textOf(reply), Answered: reply.State == chat.Answered,
		ID: reply.ID, Created: reply.Created, CacheHit: reply.Cache, Model: reply.Model, Fingerprint: reply.Fingerprint,
	}
}

// textOf is a hash of what a reply says.
func textOf(reply chat.Reply) uint64 {
	text := fnv.New64a()
	_, _ = io.WriteString(text, reply.Content+"\x00"+reply.Refusal) // never fails
	return text.Sum64()
}

// exchange is the reply to a request as its judge gets it. Models that judge it are
// asked within the run: their calls count against its budget, and what they answer is
// recorded. One that is no client of an endpoint has no name to be recorded by, and is
// asked as it is.
func (s *Subject) exchange(c *call, q question, about chat.Request, id record.Key, reply chat.Reply) judge.Exchange {
	within := func(m chat.Model) chat.Model {
		if model, ok := m.(*chat.Client); ok {
			return s.consulted(c, model, about, id)
		}
		return m
	}
	return judge.Exchange{Request: q.script.request(q.at), Reply: reply, Within: within}
}

// consulted is a model that judges the reply to a request, asked within the run.
func (s *Subject) consulted(c *call, model *chat.Client, about chat.Request, id record.Key) chat.Model {
	return chat.ModelFunc(func(ctx context.Context, r chat.Request) (chat.Reply, error) {
		r.Cell, r.Visit = about.Cell, about.Visit
		key := record.KeyOf(r)
		key.Model, key.Since, key.Check, key.For = model.String(), id.Since, id.Check, id.For
		reply, recorded, err := s.Record().Ask(ctx, key, func(ctx context.Context, asked *record.Call) (chat.Reply, error) {
			price, known := s.config.Prices[model.Model()]
			if !known && s.config.MaxCost > 0 {
				return chat.Reply{}, fmt.Errorf("what the judging model %q costs is not known, and SAFETYTEST_MAX_COST bounds the money of the run: add it to the file that SAFETYTEST_PRICES names", model.Model())
			}
			asked.Price(price, 0)
			if r.Sampling.MaxTokens != nil {
				asked.Price(price, *r.Sampling.MaxTokens)
			}
			r.Admit = s.admitting(asked)
			return model.Ask(ctx, r)
		})
		s.mu.Lock()
		defer s.mu.Unlock()
		if e := (*chat.Error)(nil); errors.As(err, &e) {
			c.attempts += e.Attempts
		} else if !recorded {
			c.attempts += reply.Attempts
			c.tokens += reply.Spent(r.EstimateTokens())
		}
		return reply, err
	})
}

// reply returns the recorded reply to a request, or asks the model.
func (s *Subject) reply(ctx context.Context, q question, request chat.Request, id record.Key) (reply chat.Reply, recorded bool, err error) {
	model := q.script.model
	ask := func(ctx context.Context, asked *record.Call) (chat.Reply, error) {
		price, _ := s.config.price(q.script.arm.Model)
		asked.Price(price, q.askedFor()*s.config.mostReply())
		budget := s.admitting(asked)
		if s.config.AdmitsItself {
			request.Admit = q.whileWanted(budget)
			return unlessGivenUp(model.Ask(ctx, request))
		}
		if err := budget(ctx, request.EstimateTokens()); err != nil {
			return chat.Reply{}, err
		}
		request.Admit = q.whileWanted(nil)
		return model.Ask(ctx, request)
	}
	id.Arm, id.Asked = q.script.shows, q.at.Cell.Target.ID
	return s.Record().Ask(ctx, id, func(ctx context.Context, asked *record.Call) (chat.Reply, error) {
		reply, err := ask(ctx, asked)
		return s.unlessTurnedDown(q, reply, err)
	})
}

// unlessGivenUp makes a call that was given up while its answer was under way a lost
// reply: it was slow perhaps because of what it says, and asking again would count an
// easier one.
func unlessGivenUp(reply chat.Reply, err error) (chat.Reply, error) {
	var e *chat.Error
	if !errors.As(err, &e) || e.Kind != chat.Cancelled || e.Attempts == 0 {
		return reply, err
	}
	return chat.Reply{State: chat.Lost, Trouble: "given up before it was complete, because the run ended", Attempts: e.Attempts}, nil
}

// admitting counts the HTTP requests of a call before they are sent, retries
// included, or forbids them: calls in flight cannot overrun the budget. It waits where
// the limits per minute are shared with other processes.
func (r *Run) admitting(asked *record.Call) func(ctx context.Context, tokens int) error {
	return func(ctx context.Context, tokens int) error {
		if err := asked.Admit(ctx, tokens); err != nil { // it counts for all processes of the run
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls++
		return nil
	}
}
