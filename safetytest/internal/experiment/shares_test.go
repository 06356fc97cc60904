package experiment

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestABudgetIsDividedByPlan(t *testing.T) {
	sound := []need{{key: "a", expected: 100, most: 300}, {key: "b", expected: 200, most: 400}, {key: "c", expected: 100, most: 100}}
	later := []need{{key: "a", expected: 100, most: 300, tried: 2}, {key: "b", expected: 200, most: 400, tried: 1}, {key: "c", expected: 100, most: 100, final: true}}
	for _, c := range []struct {
		budget int
		needs  []need
		want   string
	}{
		{800, sound, "map[a:300 b:400 c:100]"},
		{400, sound, "map[a:100 b:200 c:100]"},
		{600, sound, "map[a:200 b:300 c:100]"}, // half of what they may take beyond
		{300, sound, "map[a:100 b:200]"},
		{250, sound, "map[a:100 b:150]"},
		{150, sound, "map[a:100 c:50]"}, // for b it would be spent in vain
		{50, sound, "map[a:50]"},        // the first gets what there is
		{300, later, "map[a:100 b:200]"},
		{200, later, "map[b:200]"},
		{50, later, "map[b:50]"},
	} {
		if got := fmt.Sprint(allot(c.budget, c.needs)); got != c.want {
			t.Errorf("%d: %s, want %s", c.budget, got, c.want)
		}
	}
}

func TestSharesKeepToTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.IntRange(0, 2000).Draw(t, "budget")
		var needs []need
		for i := range rapid.IntRange(0, 9).Draw(t, "claims") {
			expected := rapid.IntRange(0, 500).Draw(t, "expected")
			needs = append(needs, need{key: fmt.Sprint(i), expected: expected, most: expected + rapid.IntRange(0, 900).Draw(t, "beyond"),
				tried: rapid.IntRange(0, 3).Draw(t, "tried"), final: rapid.Bool().Draw(t, "final")})
		}
		sum := 0
		shares := allot(budget, needs)
		for _, n := range needs {
			sum += shares[n.key]
			if shares[n.key] < 0 || shares[n.key] > max(n.most, n.expected) && shares[n.key] > budget {
				t.Fatalf("%+v gets %d of %d", n, shares[n.key], budget)
			}
		}
		if sum > budget {
			t.Fatalf("%d of %d are given away", sum, budget)
		}
	})
}
