package suite

import (
	"fmt"
	"io"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
)

// bill is what the claims of a plan are expected to cost.
type bill struct {
	expected, most float64
	known, unknown int // claims: those whose models all have a price, and others
}

func (b *bill) add(p claim.Plan) {
	if !p.Priced {
		b.unknown++
		return
	}
	b.known++
	b.expected, b.most = b.expected+p.Cost(p.Forecast.AtZero), b.most+p.MostCost()
}

// print says what the plan costs, as far as prices are known; of nothing known it says
// nothing.
func (b *bill) print(w io.Writer, c safetytest.Config) {
	if len(c.Prices) == 0 {
		return
	}
	switch {
	case b.known == 0 && b.unknown > 0:
		fmt.Fprintf(w, "money: unknown, because the table of prices lacks the models that are asked\n")
		return
	case b.unknown > 0:
		fmt.Fprintf(w, "money: about %.2f %s, at most %.2f, without %d claims that ask models of unknown price\n", b.expected, c.Currency, b.most, b.unknown)
	default:
		fmt.Fprintf(w, "money: about %.2f %s, at most %.2f, by prompts as long as these and replies as long as they may be; judging models come on top\n", b.expected, c.Currency, b.most)
	}
	if c.MaxCost > 0 && b.most > c.MaxCost {
		fmt.Fprintf(w, "note: SAFETYTEST_MAX_COST=%v may end the run before every claim is decided\n", c.MaxCost)
	}
}
