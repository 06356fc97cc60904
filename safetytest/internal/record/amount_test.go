package record

import (
	"fmt"
	"math"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Calls of a currency of which one buys little are counted in full, and no price makes
// a call free that is not.
func TestCostsAreCountedInEveryCurrency(t *testing.T) {
	for _, c := range []struct {
		price         chat.Price
		prompt, reply int
		want          int
	}{
		{chat.Price{}, 500, 50, 0},
		{chat.Price{Prompt: 0.15, Reply: 0.6}, 500, 50, 105},
		{chat.Price{Prompt: 0.0001}, 1, 0, 1}, // rounded up
		{chat.Price{Prompt: 2_400_000, Reply: 9_600_000}, 500, 50, 1_680_000_000},
		{chat.Price{Prompt: 1e300}, 500, 0, mostCost},
		{chat.Price{Prompt: math.MaxFloat64, Reply: math.MaxFloat64}, math.MaxInt32, 1, mostCost},
	} {
		got := cost(c.price, c.prompt, c.reply)
		if got != c.want {
			t.Errorf("%+v: %d, want %d", c, got, c.want)
		}
		l, err := parse(fmt.Appendf(nil, `{"reply":"00112233445566778899aabbccddeeff","calls":1,"tokens":2,"cost":%d,"answer":{"state":"answered"}}`, got))
		if err != nil || l.reply.amount.cost != got {
			t.Errorf("%d is read as %+v: %v", got, l.reply, err)
		}
	}
	for most, want := range map[float64]int{0: 0, 1e-9: 1, 2.5: 2_500_000, 1e300: mostCost} {
		if got := (Options{MaxCost: most}).most().cost; got != want {
			t.Errorf("a bound of %v is %d, want %d", most, got, want)
		}
	}
}
