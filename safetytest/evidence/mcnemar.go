package evidence

import (
	"fmt"
	"math"
)

// McNemarTest holds the p-values of "the two arms have equal rates": a question
// about a difference of exactly 0, not about a margin.
type McNemarTest struct {
	TwoSided float64 // exact
	Greater  float64 // exact, against "the treated arm's rate is higher"
	MidP     float64 // two-sided, counting half of what was observed
}

// McNemar tests whether the discordant pairs fall to both sides alike.
func (p Pairs) McNemar() (McNemarTest, error) {
	if p.OnlyControl < 0 || p.OnlyTreated < 0 || p.Both < 0 || p.Neither < 0 {
		return McNemarTest{}, fmt.Errorf("mcnemar test: counts %+v: none may be negative", p)
	}
	n := p.OnlyControl + p.OnlyTreated
	if n == 0 {
		return McNemarTest{TwoSided: 1, Greater: 1, MidP: 1}, nil
	}
	few := min(p.OnlyControl, p.OnlyTreated)
	tail := coinTail(few, n)
	return McNemarTest{
		TwoSided: math.Min(1, 2*tail),
		Greater:  coinTail(p.OnlyControl, n), // at most so many the other way
		MidP:     math.Min(1, 2*tail-coinProb(few, n)),
	}, nil
}

// coinTail returns the probability of at most x heads in n throws of a fair coin.
func coinTail(x, n int) float64 {
	if x >= n {
		return 1
	}
	return regIncBeta(float64(n-x), float64(x+1), 0.5)
}

func coinProb(x, n int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	heads, _ := math.Lgamma(float64(x + 1))
	tails, _ := math.Lgamma(float64(n - x + 1))
	return math.Exp(all - heads - tails - float64(n)*math.Ln2)
}
