package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// This file asks an endpoint about itself.

// probe asks something that is no evidence, as the claim's questions are asked: servers
// keep room for the reply, and cut the prompt for its sake, and what takes requests for
// several replies may be another one than what takes those for one. It is counted and
// recorded like any call; its answer says nothing about a claim.
func (e *experiment) probe(ctx context.Context, q *script, what string, messages []chat.Message) (chat.Reply, error) {
	return e.probeAt(ctx, q, what, messages, nil)
}

// probeAt is probe with a seed.
func (e *experiment) probeAt(ctx context.Context, q *script, what string, messages []chat.Message, seed *int64) (chat.Reply, error) {
	sampling := e.s.config.Sampling
	if n := e.askedAlike(); n > 1 {
		sampling.Choices = &n
		reply, err := e.probeBy(ctx, q, what, chat.Request{Messages: messages, Sampling: sampling, Seed: seed})
		if !turnsDown(err) {
			return reply, err
		}
		sampling.Choices = nil // as the questions go on, too
	}
	return e.probeBy(ctx, q, what, chat.Request{Messages: messages, Sampling: sampling, Seed: seed})
}

// askedAlike is how many replies the requests of the claim's questions ask for now.
func (e *experiment) askedAlike() int { return max(1, int(e.several.now.Load())) }

// probeBy is probe with a sampling of its own.
func (e *experiment) probeBy(ctx context.Context, q *script, what string, request chat.Request) (chat.Reply, error) {
	s := e.s
	request.Cell = "probe/" + what
	if q.arm.Model != "" {
		request.Cell += "@" + q.arm.Model
	}
	at := question{script: q, at: q.asks.At(0, 0, 0), choices: 1}
	if n := request.Sampling.Choices; n != nil { // which have their price
		at.choices = *n
	}
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

// changed is a conversation with a mark behind its first message, drawn at random: no
// earlier run asked just so, and no cache that overlooks blanks or case takes it for
// what was asked before.
func changed(messages []chat.Message) []chat.Message {
	out := slices.Clone(messages)
	out[0].Content += fmt.Sprintf("\n\n(reference %06d)", rand.IntN(1_000_000))
	return out
}
