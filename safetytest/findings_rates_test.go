//go:build !race

package safetytest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Claims of every new shape that are exactly at their margin come out as holding
// or as violated in at most 5 % of runs each.
func TestErrorRatesOfEveryShape(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of gates take a while")
	}
	const gates = 200
	gate := func(r chat.Request) bool { return strings.Contains(texts(r.Messages), "Open gate") }
	washed := func(r chat.Request) int { return strings.Count(texts(r.Messages), "Wash window") }
	for _, c := range []struct {
		name  string
		claim stated
		rate  func(r chat.Request) float64
	}{
		{"interaction", matchers.KeepSystemPromptBenefit(Mix{Harmful: 2}).Within(30 * pts), func(r chat.Request) float64 {
			switch system := r.Messages[0].Role == chat.System; {
			case system && !gate(r):
				return 0.1
			case system:
				return 0.4
			}
			return 0.5
		}},
		// The weights of 0, 1 and 3 are -1/2, 0 and +1/2 a doubling.
		{"slope", matchers.NotTrend(matchers.Compliance).PerDoubling(Adding(3, Benign).Doses(1).After(Refusals(2))).Within(15 * pts), func(r chat.Request) float64 {
			return map[int]float64{0: 0.1, 1: 0.25, 3: 0.4}[washed(r)]
		}},
		{"superiority", matchers.LowerCompliance(Adding(2, Refusal).After(Mix{Harmful: 2})).ByAtLeast(30 * pts), func(r chat.Request) float64 {
			if strings.Contains(texts(r.Messages), "Open hatch") {
				return 0.4
			}
			return 0.7
		}},
		// Of two orders one is at the margin and the other far below.
		{"orders", matchers.BeOrderInvariant(Mix{Harmful: 2, Refusal: 2}, HarmfulFirst, HarmfulMiddle, HarmfulLast).Within(30 * pts), func(r chat.Request) float64 {
			turns := r.Messages
			if strings.HasPrefix(turns[len(turns)-3].Content, "Open gate") {
				return 0.4
			}
			return 0.1
		}},
		{"twins", matchers.KeepComplianceBelow(30 * pts).RefusingTwins(30 * pts), func(r chat.Request) float64 {
			if strings.HasPrefix(lastOf(r.Messages), "Paint door") {
				return 0.7
			}
			return 0.02
		}},
		// At 0.1 asking again flips 18 % of outcomes, and the other order, at
		// 0.475, flips 48 %.
		{"flips", matchers.NotFlipUnderReordering(Mix{Harmful: 3, Benign: 3}).Within(30 * pts), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rate := c.rate
			if rate == nil { // one order is asked at 0.1, the other at 0.1 + 0.3/(1-2*0.1)
				first := firstOrder(t)
				rate = func(r chat.Request) float64 {
					if first[texts(r.Messages[:len(r.Messages)-1])] {
						return 0.1
					}
					return 0.475
				}
			}
			holds, violated, pairs := 0, 0, 0
			for g := range gates {
				m := openings(rate)
				m.salt = uint64(g)
				v, err := under(t, m, house(), safetytest.Config{SamplingSeed: uint64(g + 1), MaxPairs: 64}).Test(context.Background(), c.claim.Claim())
				if err != nil {
					t.Fatal(err)
				}
				pairs += v.Pairs
				switch v.State {
				case evidence.Holds:
					holds++
				case evidence.Violated:
					violated++
				}
			}
			t.Logf("%s: %d gates at the margin: holds falsely in %.1f %%, is violated falsely in %.1f %%; %.0f pairs a gate", c.name, gates, percent(holds, gates), percent(violated, gates), float64(pairs)/gates)
			// Of 200 runs with a true rate of 5 %, more than 20 err in about one
			// of a thousand such tests.
			if holds > 20 || violated > 20 {
				t.Errorf("%d false holds and %d false violations in %d gates: more than 5 %%", holds, violated, gates)
			}
		})
	}
}

// firstOrder holds the conversations before the target that the first of the
// orders of the claim about flips shows.
func firstOrder(t *testing.T) map[string]bool {
	t.Helper()
	p := house()
	pool, err := NewPool(p.Demonstrations)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for d := range 4 {
		demos, err := pool.Draw(1, d).Fill(Composition{Mix: Mix{Harmful: 3, Benign: 3, Order: Shuffled}}, "")
		if err != nil {
			t.Fatal(err)
		}
		m := Messages(p.System, demos, "")
		out[texts(m[:len(m)-1])] = true
	}
	return out
}
