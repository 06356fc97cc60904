package record

import (
	"fmt"
	"math"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// amount is what calls take: tokens, and millionths of a currency where their prices
// are known.
type amount struct{ tokens, cost int }

func (a amount) plus(b amount) amount  { return amount{a.tokens + b.tokens, a.cost + b.cost} }
func (a amount) minus(b amount) amount { return amount{a.tokens - b.tokens, a.cost - b.cost} }

// within says whether an amount passes neither of two bounds, 0 being none.
func (a amount) within(most amount) bool {
	return (most.tokens == 0 || a.tokens <= most.tokens) && (most.cost == 0 || a.cost <= most.cost)
}

// money is how costs are counted: so many to one of the currency.
const money = 1_000_000

// mostCost bounds what a call is said to cost, in millionths: a thousand million of a
// currency of which one buys little.
const mostCost = 999_999_999_999_999

// most is the run's bound on what its calls take, 0 for none.
func (o Options) most() amount {
	most := amount{tokens: o.MaxTokens}
	if o.MaxCost > 0 { // however little: 0 would be none
		most.cost = max(1, int(math.Min(math.Floor(o.MaxCost*money), mostCost)))
	}
	return most
}

// cost is what tokens cost in millionths, rounded up so that a sum of many is no less
// than their price.
func cost(p chat.Price, prompt, reply int) int {
	return int(math.Min(math.Ceil(money*p.Cost(prompt, reply)), mostCost))
}

// Price says what the call's tokens cost, and how many of them the reply may take at
// most. It comes before Admit.
func (t *Call) Price(p chat.Price, mostReply int) { t.price, t.mostReply = p, mostReply }

// may is what a request may take of which the tokens are an estimate.
func (t *Call) may(tokens int) amount {
	reply := min(tokens, t.mostReply)
	if t.mostReply == 0 { // nobody bounded the reply
		reply = tokens
		if t.price.Prompt > t.price.Reply {
			reply = 0
		}
	}
	return amount{tokens, cost(t.price, tokens-reply, reply)}
}

// spent is what the call cost that brought a reply. What the endpoint did not count is
// priced as it was estimated.
func (t *Call) spent(reply chat.Reply) int {
	all := reply.Spent(int(t.tokens.Load()))
	if reply.PromptTokens+reply.ReplyTokens == all {
		return cost(t.price, reply.PromptTokens, reply.ReplyTokens)
	}
	return t.may(all).cost
}

// Cost is what all processes of the run have spent in the currency of the prices, 0
// where none is known.
func (r *Record) Cost() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return float64(r.spent().of.cost) / money
}

// overBudget says which bound of the run a further amount would pass.
func (r *Record) overBudget(spent, next amount) error {
	most := r.options.most()
	if most.cost > 0 && spent.cost+next.cost > most.cost {
		return fmt.Errorf("%w: %.4f of %.4f %s are spent, and the next call may cost %.4f (SAFETYTEST_MAX_COST)",
			ErrBudget, float64(spent.cost)/money, r.options.MaxCost, r.options.Currency, float64(next.cost)/money)
	}
	return fmt.Errorf("%w: %d of %d tokens are spent, and the next call may take %d (SAFETYTEST_MAX_SPEND_TOKENS)", ErrBudget, spent.tokens, most.tokens, next.tokens)
}
