package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/judged"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/reread"
	"github.com/safetyspec/safetyspec/safetytest/internal/shrink"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// asker asks the configured model about causes, and records what it answers. What is
// recorded is not asked again: a search that was interrupted follows the same way until
// it comes to what it had not asked.
type asker struct {
	config safetytest.Config
	policy policy.Policy
	rec    *record.Record
	rules  reread.Rules
	draws  int
	seed   int64
	grace  time.Duration // for calls under way after an interruption

	models  map[string]chat.Model
	servers []*simulated.Server
	clients []*chat.Client

	step     int // whose sequence it is
	sequence *order.Sequence
}

// batchOf is how many cells a look takes.
const batchOf = 8

// openAsker connects to the models and opens the record of a search.
func openAsker(dir string, config safetytest.Config, p policy.Policy, m record.Manifest, claims ...string) (*asker, error) {
	a := &asker{config: config, policy: p, draws: cmp.Or(m.Draws, 4), seed: cmp.Or(m.Seed, 1), models: map[string]chat.Model{}, grace: 10 * time.Second}
	a.rules = reread.Rules{BlockedRefuses: config.BlockedRefuses, CutRefuses: config.Simulated() || slices.Contains(config.Allow, string(provenance.Ending))}
	endpoint := config.BaseURL
	if config.Simulated() {
		endpoint = "simulated"
	}
	about := record.Manifest{Model: config.Model, Endpoint: endpoint, Sampling: config.Sent(), Policy: m.Policy, Judge: p.Judge.Describe().String(),
		Design: fmt.Sprintf("shrink: batch %d", cmp.Or(config.Batch, batchOf)), Seed: a.seed, Draws: a.draws, Claims: claims}
	rec, err := record.Open(dir, about, record.Options{
		SamplingSeed: config.SamplingSeed, Release: config.Release, Patience: cmp.Or(config.Timeout, 2*time.Minute) + 2*time.Minute,
		RequestsPerMinute: config.RequestsPerMinute, TokensPerMinute: config.TokensPerMinute, MaxTokens: config.MaxSpendTokens,
		MaxCost: config.MaxCost, Currency: config.Currency,
	})
	if err != nil {
		return nil, err
	}
	a.rec = rec
	return a, nil
}

// model is the model under test, or another one of the configuration by its name.
func (a *asker) model(name string) (chat.Model, error) {
	if m, ok := a.models[name]; ok {
		return m, nil
	}
	c := a.config
	e := safetytest.Endpoint{BaseURL: c.BaseURL, Model: c.Model, APIKey: c.APIKey, Headers: c.Headers, Query: c.Query}
	if name != "" {
		other, ok := c.Models[name]
		if !ok {
			return nil, fmt.Errorf("the claim asks a model named %q, and none is configured: set SAFETYTEST_BASELINE_MODEL, and SAFETYTEST_BASELINE_BASE_URL where it is served elsewhere", name)
		}
		if other.BaseURL == "" || other.BaseURL == c.BaseURL {
			other = safetytest.Endpoint{BaseURL: c.BaseURL, Model: other.Model, APIKey: cmp.Or(other.APIKey, c.APIKey), Headers: c.Headers, Query: c.Query}
		}
		e = other
	}
	to := chat.Endpoint{BaseURL: e.BaseURL, Model: e.Model, APIKey: e.APIKey, Timeout: cmp.Or(c.Timeout, 2*time.Minute), Protocol: c.Protocol, Concurrency: cmp.Or(c.Concurrency, 8)}
	to.Headers, to.Query = e.Headers, e.Query
	if profile, ok := strings.CutPrefix(e.Model, simulated.Prefix); ok {
		p, err := simulated.Lookup(profile)
		if err != nil {
			return nil, err
		}
		server, err := simulated.Start(p, a.policy)
		if err != nil {
			return nil, fmt.Errorf("the simulated model cannot be served on loopback: %w", err)
		}
		a.servers = append(a.servers, server)
		to.BaseURL, to.Model, to.APIKey, to.Protocol = server.URL(), server.Model(), "", chat.Protocol{}
	}
	client, err := chat.Open(to)
	if err != nil {
		return nil, err
	}
	a.clients, a.models[name] = append(a.clients, client), client
	return client, nil
}

// close lets go of the record and the models.
func (a *asker) close() error {
	errs := []error{a.rec.Close()}
	for _, c := range a.clients {
		errs = append(errs, c.Close())
	}
	for _, s := range a.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// population is the set of requests that a cause asks.
func (a *asker) population(c shrink.Cause) (*order.Population, error) {
	from := a.policy.Targets
	switch c.Requests {
	case claim.Twins:
		from = a.policy.Twins
	case claim.Unrelated:
		from = a.policy.Unrelated
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("the run's policy has no %s", c.Requests)
	}
	p := order.NewPopulation(c.Requests, from, a.draws)
	for i := range from {
		p.Topics = append(p.Topics, cmp.Or(from[i].Topic, a.policy.Targets[i*len(a.policy.Targets)/len(from)].Topic))
	}
	return p, nil
}

// begin is the order in which a step visits cells: one of its own.
func (a *asker) begin(step int, c shrink.Cause) (*order.Sequence, error) {
	p, err := a.population(c)
	if err != nil {
		return nil, err
	}
	seed := order.Hash("shrink %d/%d", a.rec.SamplingSeed(), step)
	return order.New(seed, a.draws, cmp.Or(a.config.Batch, batchOf), p), nil
}

// Design is the test of a cause in numbers.
func (a *asker) Design(c shrink.Cause) (evidence.Design, error) {
	d := bounds.DesignOf(c.Claim())
	q, err := a.begin(0, c)
	if err != nil {
		return d, err
	}
	d.Cells, d.Draws, d.Batch = a.draws*len(q.Own.Requests), a.draws, a.draws*q.PerDraw
	return d, judged.Of(a.policy.Judge, a.config.Simulated()).Allow(c.Claim(), &d)
}

// Ask asks one batch of a step.
func (a *asker) Ask(ctx context.Context, step, batch int, c shrink.Cause) ([]evidence.Trial, int, error) {
	if batch == 0 || step != a.step {
		q, err := a.begin(step, c)
		if err != nil {
			return nil, 0, err
		}
		a.step, a.sequence = step, q
	}
	visits := a.sequence.Next()
	trials := make([]evidence.Trial, len(visits))
	var questions []shrinkQuestion
	for k := range c.Contexts {
		shown, err := a.shown(c, k)
		if err != nil {
			return nil, 0, err
		}
		for i, v := range visits {
			trials[i] = evidence.Trial{Cell: v.Cell.Index, Draw: v.Cell.Draw, Target: v.Cell.Position, Y: make([]evidence.Observation, len(c.Contexts))}
			questions = append(questions, shrinkQuestion{context: k, trial: i, at: v.Place, demos: shown[a.sequence.Own.Topic(v.Cell)][v.Cell.Draw]})
		}
	}
	return a.askAll(ctx, step, c, trials, questions)
}

// shrinkQuestion is one call of a batch.
type shrinkQuestion struct {
	context, trial int
	at             order.Place
	demos          []prompt.Demonstration
}

// askAll asks what a batch takes, as many at once as the configuration says. After an
// interruption it begins no call, and waits for those under way, which are paid for.
func (a *asker) askAll(ctx context.Context, step int, c shrink.Cause, trials []evidence.Trial, questions []shrinkQuestion) ([]evidence.Trial, int, error) {
	under, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(a.grace, stop) })()
	var mu sync.Mutex
	var errs []error
	calls := 0
	slots := make(chan struct{}, cmp.Or(a.config.Concurrency, 8))
	var wg sync.WaitGroup
	for i := range questions {
		slots <- struct{}{}
		mu.Lock()
		failed := len(errs) > 0
		mu.Unlock()
		if failed || ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			q := questions[i]
			y, n, err := a.observe(under, step, c, q)
			mu.Lock()
			defer mu.Unlock()
			calls += n
			if err != nil {
				errs = append(errs, err)
			}
			trials[q.trial].Y[q.context] = y
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, calls, context.Cause(ctx)
	}
	if len(errs) > 0 {
		return nil, calls, errs[0]
	}
	return trials, calls, nil
}

// shown fills a context for every topic and draw.
func (a *asker) shown(c shrink.Cause, k int) (map[string][][]prompt.Demonstration, error) {
	p := a.policy
	if c.Showing != nil {
		p = p.Showing(c.IDs()...)
	}
	pool, err := prompt.NewPool(p.Demonstrations)
	if err != nil {
		return nil, err
	}
	out := map[string][][]prompt.Demonstration{}
	for _, topic := range a.sequence.Own.Topics {
		for d := len(out[topic]); d < a.draws; d++ {
			demos, err := pool.Draw(a.seed, d).Fill(c.Contexts[k].Composition, topic)
			if err != nil {
				return nil, err
			}
			out[topic] = append(out[topic], demos)
		}
	}
	return out, nil
}

// stepVisits sets the visits of steps apart: each step asks anew.
const stepVisits = 1_000_000

// observe asks one question and reads the reply, and says how many calls that took.
func (a *asker) observe(ctx context.Context, step int, c shrink.Cause, q shrinkQuestion) (evidence.Observation, int, error) {
	x := claim.Arm{Setting: c.Contexts[q.context], Requests: c.Requests}
	model, err := a.modelOf(x.Model)
	if err != nil {
		return evidence.Observation{}, 0, err
	}
	system := a.policy.System
	switch {
	case x.NoSystem:
		system = ""
	case x.System != "":
		system = x.System
	}
	request := q.at.Cell.Target.Request
	r := chat.Request{Messages: x.Presentation.Messages(system, q.demos, request), Sampling: a.config.Sampling, Cell: q.at.Cell.ID(), Visit: step*stepVisits + q.at.N}
	if x.Model != "" {
		r.Cell += "@" + x.Model
	}
	if a.config.SendSeed || a.config.Simulated() {
		seed := int64(order.Hash("request %d/%s/%d/%d", a.rec.SamplingSeed(), r.Cell, r.Visit, q.context) >> 33)
		r.Seed = &seed
	}
	key := record.KeyOf(r)
	key.Arm, key.Asked = x.Shows(), q.at.Cell.Target.ID
	reply, _, err := a.rec.Ask(ctx, key, func(ctx context.Context, asked *record.Call) (chat.Reply, error) {
		price := a.config.Prices[a.served(x.Model)]
		asked.Price(price, most(a.config.Sampling))
		r.Admit = asked.Admit
		reply, err := model.Ask(ctx, r)
		if e := (*chat.Error)(nil); errors.As(err, &e) && e.Kind == chat.Cancelled && e.Attempts > 0 {
			// Slow perhaps because of what it says: asking again would count an easier one.
			return chat.Reply{State: chat.Lost, Trouble: "given up before it was complete, because the search was interrupted", Attempts: e.Attempts}, nil
		}
		return reply, err
	})
	if err != nil {
		return evidence.Observation{}, 0, err
	}
	calls := max(1, reply.Attempts)
	j, _, err := a.rules.Read(ctx, a.policy.Judge, judge.Exchange{Request: request, Reply: reply}, x.Marker())
	if err != nil {
		return evidence.Observation{}, calls, err
	}
	return bounds.Observed(c.Quantity, j), calls, nil
}

// served is the name that a model is asked for by.
func (a *asker) served(name string) string {
	if name == "" {
		return a.config.Model
	}
	return a.config.Models[name].Model
}

// most is how many tokens a reply may have, 0 where nothing bounds it.
func most(s chat.Sampling) int {
	if s.MaxTokens == nil {
		return 0
	}
	return *s.MaxTokens
}

// modelOf is a model that was connected to before the search.
func (a *asker) modelOf(name string) (chat.Model, error) {
	if m, ok := a.models[name]; ok {
		return m, nil
	}
	return nil, fmt.Errorf("model %q is not connected", name)
}
