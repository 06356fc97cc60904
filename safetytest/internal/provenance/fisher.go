package provenance

import "math"

// Fisher returns the two-sided p value of Fisher's exact test that a of n and b of m
// have one rate: the probability, given the total, of all tables that are no more
// likely than the one seen. It is 1 where there is nothing to compare.
func Fisher(a, n, b, m int) float64 {
	if n == 0 || m == 0 {
		return 1
	}
	total := a + b
	choose := func(n, k int) float64 {
		x, _ := math.Lgamma(float64(n + 1))
		y, _ := math.Lgamma(float64(k + 1))
		z, _ := math.Lgamma(float64(n - k + 1))
		return x - y - z
	}
	logP := func(a int) float64 { return choose(n, a) + choose(m, total-a) - choose(n+m, total) }
	seen, p := logP(a), 0.0
	for k := max(0, total-m); k <= min(n, total); k++ {
		if l := logP(k); l <= seen+1e-9 {
			p += math.Exp(l)
		}
	}
	return min(p, 1)
}
