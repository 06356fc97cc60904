package safetytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// This file asks whether a claim's replies can count at all (design, rule 10): whether
// the model saw what was sent (window.go), answered it freshly (cache.go, cache_partial.go),
// and ended it itself (cut.go). What can be asked beforehand is, with a few calls a
// run; the rest is read off the replies.

// DoubtfulReplies is the reason of a claim whose replies cannot count as a model's
// answers to what was sent. The warnings say what was seen.
const DoubtfulReplies evidence.Reason = "the replies cannot count as this model's answers to what was sent"

// origins is what a run knows of its endpoints, shared by all claims.
type origins struct {
	whole map[string]wholePrompts // by model
	asked map[string]bool         // models of which some questions were asked anew
	// cleared are those of which many were, because answers often repeated.
	cleared map[string]bool
	stale   map[string]provenance.Finding
}

// real says whether a model is somebody's endpoint that may be asked about itself:
// not one of ours, and not one that the caller made.
func (s *Subject) real(model string) bool {
	if !s.admitsItself || s.config.Replies == RepliesReplay {
		return false
	}
	return !s.simulates(model)
}

// sharesReplies says whether claims may take over each other's replies of a model. One
// of ours stays as it is. Of others a reply is as old as the claim that asked first,
// while the arm that it is compared with is asked now: what changed meanwhile would
// pass for an effect.
func (s *Subject) sharesReplies(model string) bool {
	return s.simulates(model) || s.config.allows(provenance.Time)
}

// SharesReplies says whether claims take over each other's replies of equal arms.
func (s *Subject) SharesReplies() bool { return s.sharesReplies("") }

// simulates says whether a model is one of ours.
func (s *Subject) simulates(model string) bool {
	name := s.config.Model
	if model != "" {
		name = s.config.Models[model].Model
	}
	return strings.HasPrefix(name, simPrefix)
}

// allows says whether the configuration declares that a doubt does not apply.
func (c Config) allows(k provenance.Kind) bool { return slices.Contains(c.Allow, string(k)) }

// probe asks something that is no evidence, with the sampling of the run: servers
// keep room for the reply, and cut the prompt for its sake. It is counted and
// recorded like any call; its answer says nothing about a claim.
func (e *experiment) probe(ctx context.Context, q *script, what string, messages []chat.Message) (chat.Reply, error) {
	s := e.s
	request := chat.Request{Messages: messages, Sampling: s.config.Sampling, Cell: "probe/" + what}
	if q.arm.Model != "" {
		request.Cell += "@" + q.arm.Model
	}
	at := question{script: q, at: q.asks.At(0, 0, 0)}
	key := record.KeyOf(request)
	key.Check = e.rec.Run() // what an endpoint did in an earlier run says nothing about this one
	reply, recorded, err := s.reply(ctx, at, request, key)
	c := &call{recorded: recorded, attempts: max(reply.Attempts, 1)}
	if err == nil {
		c.tokens = reply.Spent(request.EstimateTokens())
	}
	if x := (*chat.Error)(nil); errors.As(err, &x) {
		c.attempts = x.Attempts
	} else if err != nil || recorded {
		c.attempts, c.tokens = 0, 0
	}
	e.pay(c)
	return reply, err
}

// pay counts what a probe cost. Several may be under way at once.
func (e *experiment) pay(c *call) {
	e.probed.mu.Lock()
	defer e.probed.mu.Unlock()
	e.probed.calls, e.probed.tokens = e.probed.calls+c.attempts, e.probed.tokens+c.tokens
	if c.recorded {
		e.probed.recorded++
	}
}

// atOnce does n things at once, as many as the run may have in flight, and returns when
// all are done.
func (s *Subject) atOnce(n int, do func(i int)) {
	slots := make(chan struct{}, max(1, s.config.Concurrency))
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// together makes n probes at once and returns the first error of them that leaves nothing
// more to ask.
func (e *experiment) together(ctx context.Context, n int, probe func(i int) error) error {
	errs := make([]error, n)
	e.s.atOnce(n, func(i int) { errs[i] = probe(i) })
	for _, err := range errs {
		if endsAsking(ctx, err) {
			return err
		}
	}
	return nil
}

// budgetSpent reports whether an error says that no further call may be made.
func budgetSpent(err error) bool { return errors.Is(err, record.ErrBudget) }

// endsAsking reports whether an error leaves nothing more to ask for this claim: no
// other call could succeed, the budget is spent, or the context has ended. Any other
// error is one call's own.
func endsAsking(ctx context.Context, err error) bool {
	return err != nil && (permanent(err) || budgetSpent(err) || ctx.Err() != nil)
}

// endBy ends a claim at an error that leaves nothing more to ask: without a verdict
// where the budget or the time is the reason, and with the error otherwise.
func (e *experiment) endBy(ctx context.Context, err error) (evidence.Result, error) {
	switch {
	case budgetSpent(err):
		e.noBudget = true
		return e.stop(evidence.Budget), nil
	case ctx.Err() != nil:
		return e.stop(stopReason(ctx)), nil
	}
	return evidence.Result{}, err
}

// doubts are what the replies so far say against counting them. They are looked for
// as replies come, so that nothing is bought in vain.
func (e *experiment) doubts() []provenance.Finding {
	var out []provenance.Finding
	for model, of := range e.byModel() {
		if e.s.simulates(model) {
			continue
		}
		replies := repliesOf(of)
		out = append(out, provenance.Cut(replies)...)
		out = append(out, provenance.Stale(replies)...)
		if f := provenance.Several(replies); f != nil {
			out = append(out, *f)
		}
	}
	return e.undeclared(append(out, e.unmarked()...))
}

// undeclared drops the doubts that the configuration declares not to apply, with a
// note.
func (e *experiment) undeclared(found []provenance.Finding) []provenance.Finding {
	return slices.DeleteFunc(found, func(f provenance.Finding) bool {
		if e.s.config.allows(f.Kind) {
			if e.allowed == nil {
				e.allowed = map[provenance.Kind]string{}
			}
			e.allowed[f.Kind] = f.Text
			return true
		}
		return false
	})
}

// knownStale is what was found of the claim's models before: the replies of one that
// answers from a cache count for no claim.
func (e *experiment) knownStale() []provenance.Finding {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	var found []provenance.Finding
	for model, f := range e.s.origins.stale {
		if slices.ContainsFunc(e.claim.Arms, func(a claim.Arm) bool { return a.Calls() && a.Model == model }) {
			found = append(found, f)
		}
	}
	return found
}

// origin is a reply's origin with what it answered.
type origin struct {
	provenance.Reply
	model     string
	arm       int
	script    *script
	at        order.Place
	judgement judge.Judgement
}

// byModel sorts the claim's replies by who was asked, in the order of asking.
func (e *experiment) byModel() map[string][]origin {
	all := e.origins[:len(e.origins):len(e.origins)]
	if len(all) == 0 {
		return nil
	}
	one := all[0].model
	if !slices.ContainsFunc(all, func(r origin) bool { return r.model != one }) {
		return map[string][]origin{one: all}
	}
	out := map[string][]origin{}
	for _, r := range all {
		out[r.model] = append(out[r.model], r)
	}
	return out
}

// remember keeps where a reply came from.
func (e *experiment) remember(q question, c *call) {
	if c.state != chat.Answered && c.state != chat.Unfinished {
		return
	}
	e.origins = append(e.origins, origin{Reply: c.from, model: q.script.arm.Model, arm: q.script.first, script: q.script, at: q.at, judgement: c.judgement})
}

// doubtful ends a claim whose replies cannot count.
func (e *experiment) doubtful(found []provenance.Finding) evidence.Result {
	e.warnOf(found)
	return e.stop(DoubtfulReplies)
}

// warnOf gives the first doubt as the reason, and warns of the others.
func (e *experiment) warnOf(found []provenance.Finding) {
	for i, f := range found {
		if i == 0 {
			e.doubt = f.Text
		} else {
			e.warn("%s", f.Text)
		}
	}
}

// note1 warns once.
func (e *experiment) note1(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(e.warnings, text) {
		e.warnings = append(e.warnings, text)
	}
}
