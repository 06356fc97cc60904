package experiment

import (
	"errors"

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
	// Pairs are planned as if a request brought one reply: how much fewer it takes with
	// several is not known before, nor how many those are where that is to be found out.
	if e.several.n = 1; s.config.Choices != AutoChoices {
		e.several.n, _ = e.manyReplies()
	}
	p := claim.Plan{Claim: c, Forecast: f, CallsPerPair: c.Questions(), JudgeCalls: e.several.n * s.Judge().Describe().Calls}
	p.TokensPerCall, p.CostPerCall, p.Priced = e.perCall()
	p.Unprovable = errors.Join(s.judged().Unmeasured(c), s.filed())
	if c.OverTargets {
		p.CallsPerPair *= s.config.Draws
	}
	p.SearchCalls, p.FoundCalls = e.parts.search, e.parts.found
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

// perCall guesses the tokens of a call from the lengths of the texts, and what they
// cost where the price of every model is known.
func (e *experiment) perCall() (tokens int, cost float64, known bool) {
	chars, prompts, reply := 0, 0, max(1, e.several.n)*e.s.config.mostReply()
	known = true
	for _, q := range e.scripts {
		if !q.arm.Calls() {
			continue
		}
		price, is := e.s.config.price(q.arm.Model)
		known = known && is
		for i := range q.asks.Requests {
			prompts++
			size := 0
			for _, m := range q.messages(q.asks.At(i, i%e.s.config.Draws, 0)) {
				size += len(m.Content)
			}
			chars += size
			cost += price.Cost(size/4, reply)
		}
	}
	if !known {
		cost = 0
	}
	return chars/max(prompts, 1)/4 + reply, cost / float64(max(prompts, 1)), known
}
