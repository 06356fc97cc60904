package evidence

import (
	"fmt"
	"math"
)

// SignTest returns the two-sided mid-p value, in [0, 1], of a pairs that differ one way
// and b that differ the other, where each way is as likely (McNemar's test with half of
// the probability of what was observed): whether two arms have equal rates, which is a
// question about a difference of exactly 0 and not about a margin.
func SignTest(a, b int) (float64, error) {
	if a < 0 || b < 0 {
		return 0, fmt.Errorf("sign test: counts %d and %d: none may be negative", a, b)
	}
	n, few := a+b, min(a, b)
	if n == 0 {
		return 1, nil
	}
	return math.Min(1, 2*coinTail(few, n)-coinProb(few, n)), nil
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
