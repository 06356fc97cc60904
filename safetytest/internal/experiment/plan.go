package experiment

import (
	"github.com/safetyspec/safetyspec/safetytest/claim"
)

// Plan says what testing a claim will take. It calls no model. It reports what
// Test would report before its first call: a malformed claim, or a mix larger
// than the policy's pool.
func (s *Subject) Plan(c claim.Claim) (claim.Plan, error) {
	if err := c.Validate(); err != nil {
		return claim.Plan{}, err
	}
	e, err := s.experiment(c)
	if err != nil {
		return claim.Plan{}, err
	}
	d, err := s.design(c, nil)
	if err != nil {
		return claim.Plan{}, err
	}
	f, err := s.forecast(d)
	if err != nil {
		return claim.Plan{}, err
	}
	p := claim.Plan{Claim: c, Forecast: f, CallsPerPair: c.Questions(), JudgeCalls: s.Judge().Describe().Calls}
	p.TokensPerCall = e.tokensPerCall()
	p.Unprovable = s.judged().Unmeasured(c)
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
