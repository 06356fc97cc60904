package claim

import "github.com/safetyspec/safetyspec/safetytest/evidence"

// Plan is what a claim is expected to cost and to be able to show, known before
// the first call.
type Plan struct {
	Claim Claim
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
	// CostPerCall is what these tokens cost in the currency of the prices; Priced says
	// that the price of every model is known.
	CostPerCall float64
	Priced      bool
	// ReportCalls are the calls for arms that are only reported.
	ReportCalls int
	// SearchCalls are those that a claim about any arrangement spends on looking for the
	// worst one, and FoundCalls the most that judging it takes, which are made only where
	// the search sees one beyond the bound.
	SearchCalls, FoundCalls int
	// Unprovable says why the claim cannot hold whatever is seen, nil if it can.
	Unprovable error
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

// Cost is a guess at what the calls of the tested models cost at one of the forecast's
// effects, 0 where no price is known.
func (p Plan) Cost(at evidence.Expectation) float64 {
	return float64(p.replies(int(at.Trials+0.5))) * p.CostPerCall
}

// MostCost is a guess at the most that they can cost.
func (p Plan) MostCost() float64 { return float64(p.mostReplies()) * p.CostPerCall }

// Most is the largest number of calls that the claim can take, those of judging
// models included, without retries.
func (p Plan) Most() int { return p.mostReplies() * (1 + p.JudgeCalls) }

func (p Plan) mostReplies() int { return p.replies(p.Forecast.Max) + p.FoundCalls }

// replies is the number of replies that some pairs take.
func (p Plan) replies(pairs int) int { return pairs*p.CallsPerPair + p.ReportCalls + p.SearchCalls }
