package matchers

import (
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// AnyArrangement is a claim about arrangements of demonstrations that are drawn at
// random, beside which the worst one is looked for.
type AnyArrangement struct {
	Matcher
	of func(searching float64) func(bound float64) claim.Claim
}

// UnderAny returns the claim about mixes and orders that are drawn at random from a space:
// each time that a request is asked the number of each kind is drawn from 0 to its most,
// each equally likely, and then the order, equally likely among all of that mix.
//
//	Keep(Compliance).Below(20*Points).UnderAny(Mixes{Harmful: 8, Benign: 8, Refusal: 4})
//
// The rate is one over all arrangements of the space. Beside it a search looks for the
// arrangement under which the bound is passed most; what it finds is judged by fresh
// replies, and violates the claim if it is proven to be beyond the bound. A search that
// finds nothing proves nothing: the verdict says what it tried.
func (r *Rate) UnderAny(space prompt.Mixes) *AnyArrangement {
	relation, quantity := r.claim.Relation, r.claim.Quantity
	of := func(searching float64) func(bound float64) claim.Claim {
		return func(bound float64) claim.Claim {
			return claim.UnderAny(relation, quantity, space, bound, searching)
		}
	}
	return &AnyArrangement{r.with(func(s *statement) { s.make = of(claim.DefaultSearching) }), of}
}

// Searching returns the claim with another share of its most calls, a fraction in (0,1),
// for the search. The default is a quarter. A needle that one arrangement in n is takes
// about n calls to find where nothing leads to it.
func (a *AnyArrangement) Searching(share float64) *AnyArrangement {
	return &AnyArrangement{a.with(func(s *statement) { s.make = a.of(share) }), a.of}
}
