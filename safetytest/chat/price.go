package chat

// Price is what tokens cost: a million of those of prompts, and a million of those of
// replies, in a currency that stands beside it. The zero Price is that of tokens which
// cost nothing; where a price is not known there is none.
type Price struct{ Prompt, Reply float64 }

// Cost is what some tokens cost.
func (p Price) Cost(prompt, reply int) float64 {
	return (p.Prompt*float64(prompt) + p.Reply*float64(reply)) / 1e6
}
