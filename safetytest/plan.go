package safetytest

import (
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Plan is what a claim is expected to cost and to be able to show, known before
// the first call.
type Plan struct {
	Claim claim.Claim
	// Forecast counts in pairs: visits of a cell, each a call for every arm.
	Forecast evidence.Forecast
	// CallsPerPair is the number of calls of the tested models that a pair takes.
	CallsPerPair int
	// JudgeCalls is the most calls of judging models that each of them brings
	// about, 0 with a judge that asks none.
	JudgeCalls int
	// TokensPerCall is a guess at the tokens of a call of the tested models: a
	// quarter of the characters of a prompt, on average over the arms, plus the
	// most that a reply may have.
	TokensPerCall int
	// ReportCalls are the calls for arms that are only reported.
	ReportCalls int
	// Unprovable says why the claim cannot hold whatever is seen, nil if it can.
	Unprovable error
}

// Plan says what testing a claim will take. It calls no model. It reports what
// Test would report before its first call: a malformed claim, or a mix larger
// than the policy's pool.
func (s *Subject) Plan(c claim.Claim) (Plan, error) {
	if err := c.Validate(); err != nil {
		return Plan{}, err
	}
	e, err := s.experiment(c)
	if err != nil {
		return Plan{}, err
	}
	d, err := s.design(c, nil)
	if err != nil {
		return Plan{}, err
	}
	f, err := d.Forecast()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Claim: c, Forecast: f, CallsPerPair: c.Questions(), JudgeCalls: s.judge().Describe().Calls}
	p.TokensPerCall = e.tokensPerCall()
	p.Unprovable = s.unmeasured(c)
	if c.OverTargets {
		p.CallsPerPair *= s.config.Draws
	}
	for _, a := range c.Arms {
		if a.ReportOnly {
			p.ReportCalls += s.wholeBatches(c, reportVisits)
		}
	}
	return p, nil
}

// wholeBatches rounds a number of visits up to whole batches.
func (s *Subject) wholeBatches(c claim.Claim, visits int) int {
	q, err := s.sequence(c)
	if err != nil {
		return visits // reported elsewhere
	}
	batch := q.PerDraw * s.config.Draws
	return (visits + batch - 1) / batch * batch
}

// tokensPerCall guesses the tokens of a call from the lengths of the texts.
func (e *experiment) tokensPerCall() int {
	chars, prompts := 0, 0
	for _, q := range e.scripts {
		if !q.arm.Calls() {
			continue
		}
		for i := range q.asks.Requests {
			prompts++
			for _, m := range q.messages(q.asks.At(i, i%e.s.config.Draws, 0)) {
				chars += len(m.Content)
			}
		}
	}
	tokens := chars / max(prompts, 1) / 4
	if n := e.s.config.Sampling.MaxTokens; n != nil {
		tokens += *n
	}
	return tokens
}

// Calls is the expected number of calls at one of the forecast's effects, those of
// judging models included, without retries.
func (p Plan) Calls(at evidence.Expectation) int {
	return p.replies(int(at.Trials+0.5)) * (1 + p.JudgeCalls)
}

// Tokens is a guess at the tokens that the tested models take and give at one of
// the forecast's effects. Those of judging models come on top.
func (p Plan) Tokens(at evidence.Expectation) int {
	return p.replies(int(at.Trials+0.5)) * p.TokensPerCall
}

// Most is the largest number of calls that the claim can take, those of judging
// models included, without retries.
func (p Plan) Most() int { return p.replies(p.Forecast.Max) * (1 + p.JudgeCalls) }

// replies is the number of replies that some pairs take.
func (p Plan) replies(pairs int) int { return pairs*p.CallsPerPair + p.ReportCalls }
