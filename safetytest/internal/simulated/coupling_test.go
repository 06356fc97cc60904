package simulated

import (
	"math"
	"testing"
)

// Whatever a server makes of seeds, each reply has its own probability; only how often
// two replies of one seed differ is another.
func TestCouplingLeavesEachReplyItsProbability(t *testing.T) {
	const n = 40000
	for _, c := range []struct {
		p, q   float64
		by     Coupling
		differ [2]float64 // at least and at most
	}{
		{0.20, 0.20, OneUniform, [2]float64{0, 0}},
		{0.20, 0.20, Gumbel, [2]float64{0, 0}},
		{0.10, 0.13, Gumbel, [2]float64{0.03, 0.05}},
		{0.10, 0.13, OneUniform, [2]float64{0.03, 0.16}}, // independent replies differ in .204
		{0.30, 0.70, Gumbel, [2]float64{0.40, 0.48}},
		{0.30, 0.70, OneUniform, [2]float64{0.90, 1}}, // independent ones in .58: what stands first is now the other outcome
	} {
		var first, second, differ float64
		for seed := range uint64(n) {
			a := (&coupled{by: c.by, seed: seed}).chance(c.p)
			b := (&coupled{by: c.by, seed: seed}).chance(c.q)
			for _, x := range []struct {
				is  bool
				sum *float64
			}{{a, &first}, {b, &second}, {a != b, &differ}} {
				if x.is {
					*x.sum += 1.0 / n
				}
			}
		}
		for _, x := range [][2]float64{{first, c.p}, {second, c.q}} {
			if se := math.Sqrt(x[1] * (1 - x[1]) / n); math.Abs(x[0]-x[1]) > 4.5*se {
				t.Errorf("coupling %d: a reply of probability %.2f came in %.4f", c.by, x[1], x[0])
			}
		}
		if differ < c.differ[0]-0.01 || differ > c.differ[1]+0.01 {
			t.Errorf("coupling %d, %.2f and %.2f: %.3f of pairs differ, and should from %.2f to %.2f", c.by, c.p, c.q, differ, c.differ[0], c.differ[1])
		}
	}
}

// The tokens of one seed share nothing with each other.
func TestCoupledTokensAreIndependent(t *testing.T) {
	const n = 40000
	for _, by := range []Coupling{OneUniform, Gumbel} {
		counts := [2][2]float64{}
		for seed := range uint64(n) {
			d := &coupled{by: by, seed: seed}
			counts[d.pick(2)][d.pick(2)] += 1.0 / n
		}
		for i := range 2 {
			for k := range 2 {
				if math.Abs(counts[i][k]-0.25) > 0.012 {
					t.Errorf("coupling %d: outcomes %d and %d came in %.3f of seeds, not in .25", by, i, k, counts[i][k])
				}
			}
		}
	}
}
