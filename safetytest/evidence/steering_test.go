package evidence

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// steeredProcess is the hold side of a claim on pairs, as a suite plans it.
func steeredProcess(t interface{ Fatal(...any) }, margin float64) *eProcess {
	d := pairDesign(margin)
	d.Planned = Guess{Rate: .1, Correlation: .3}
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	p := &e.conditions[0].hold
	if !p.steering.steers() {
		t.Fatal("the bets are not steered")
	}
	return p
}

// again plays the batches from the beginning.
func (p *eProcess) again(batches []tally) *eProcess {
	q := newEProcess(p.mixture, p.theta, .05, 0)
	for i := range batches {
		q.look(&batches[i], false)
	}
	return &q
}

func pairsTally(plus, minus, zero int) (t tally) {
	t.add(1, int64(plus))
	t.add(-1, int64(minus))
	t.add(0, int64(zero))
	return t
}

// What has been seen may choose the bets, what is being seen may not: whatever came
// before, the capital is expected to be the same after the next batch if the limit is
// the true mean. Bets that knew their own batch would be expected to win.
func TestSteeredBetsAreFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := steeredProcess(t, rapid.SampledFrom([]float64{.01, .05, .1, .3}).Draw(t, "margin"))
		var past []tally
		for range rapid.IntRange(0, 12).Draw(t, "batches") {
			n := rapid.IntRange(1, 40).Draw(t, "n")
			plus := rapid.IntRange(0, n).Draw(t, "plus")
			past = append(past, pairsTally(plus, rapid.IntRange(0, n-plus).Draw(t, "minus"), 0))
		}
		now := p.again(past).logEAt(p.theta)
		minus := rapid.Float64Range(0, (1-p.theta)/2).Draw(t, "P(-1)")
		plus := minus + p.theta
		after := 0.0
		const size = 3
		for a := range size + 1 {
			for b := range size + 1 - a {
				c := size - a - b
				ways := 6. / float64(factorial(a)*factorial(b)*factorial(c))
				chance := ways * math.Pow(plus, float64(a)) * math.Pow(minus, float64(b)) * math.Pow(1-plus-minus, float64(c))
				next := p.again(append(slices.Clone(past), pairsTally(a, b, c)))
				after += chance * math.Exp(next.logEAt(p.theta)-now)
			}
		}
		if math.Abs(after-1) > 1e-9 {
			t.Fatalf("after the next batch the capital is expected to be %.6f times as large", after)
		}
	})
}

func factorial(n int) int {
	if n < 2 {
		return 1
	}
	return n * factorial(n-1)
}

// The more a limit allows, the more evidence there is against it, whatever was staked
// when; else the bounds would be none.
func TestSteeredBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		p := steeredProcess(t, .1)
		var past []tally
		for range 1 + r.IntN(40) {
			plus, minus := r.IntN(3), r.IntN(3)
			past = append(past, pairsTally(plus, minus, 8-plus-minus))
		}
		q := p.again(past)
		if now := q.logEAt(q.theta); math.Abs(now-q.now) > 1e-9*(1+math.Abs(now)) {
			t.Fatalf("%v: the evidence is %v at the look and %v over all epochs", past, q.now, now)
		}
		last := math.Inf(-1)
		for theta := -.9; theta < 1; theta += .05 {
			logE := q.logEAt(theta)
			if logE < last-1e-9 {
				t.Fatalf("%v: evidence %v against a mean of %v at least, %v against less", past, logE, theta, last)
			}
			last = logE
		}
		if upper := q.limit(); upper < q.hi && q.logEAt(upper+1e-9) < q.logThreshold {
			t.Fatalf("the upper bound %v is not rejected: evidence %v", upper, q.logEAt(upper))
		}
	}
}

// Where pairs differ more often than planned less is staked, where less often more, and
// nothing before some trials.
func TestSteeredBetsFollow(t *testing.T) {
	p := steeredProcess(t, .1)
	planned := p.bets[0]
	few := p.again([]tally{pairsTally(4, 4, 0)})
	if got := few.betting()[0]; got != planned {
		t.Errorf("after 8 pairs the bet is %v, planned %v", got, planned)
	}
	often, rarely := p.again([]tally{pairsTally(40, 40, 80)}), p.again([]tally{pairsTally(1, 1, 158)})
	if a, b := often.betting()[0], rarely.betting()[0]; !(a < .7*planned && b > 1.3*planned && b <= largestBet) {
		t.Errorf("the bet is %v where half of the pairs differ and %v where hardly any do, planned %v", a, b, planned)
	}
	for _, d := range []Design{
		func() Design { d := pairDesign(.1); d.WithoutReplacement = true; return d }(),
		func() Design { d := pairDesign(.1); d.Stopping = TerminalLook; d.MaxTrials = 60; return d }(),
		func() Design { d := pairDesign(.1); d.Stopping = FixedN; return d }(),
	} {
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		if e.conditions[0].hold.steering.steers() {
			t.Errorf("%v, without replacement %v: bets are steered", d.Stopping, d.WithoutReplacement)
		}
	}
}

// All shares of the capital together are the capital.
func TestStakesAreTheCapital(t *testing.T) {
	for name, stakes := range map[string][]stake{"hold": holdStakes, "violated": violStakes} {
		total := 0.0
		for _, k := range stakes {
			total += k.share
			if k.share <= 0 || k.fraction < 0 || k.fraction >= 1 || (k.fraction > 0) == (k.odds > 0) {
				t.Errorf("%s: stake %+v", name, k)
			}
		}
		if math.Abs(total-1) > 1e-12 {
			t.Errorf("%s: the shares add up to %v", name, total)
		}
	}
}

// Contrasts of four arms are more variable than planning thinks, and their effects need
// not be none: what is staked on them loses no tenth against a grid of bets around
// the planned one, whatever the rates are, and mostly wins.
func TestStakesOnInteractions(t *testing.T) {
	needsSimulation(t)
	for _, theta := range []float64{.05, .15} {
		d := interaction(theta, .1)
		d.NoFutility = true
		d = d.withDefaults()
		c := &d.Conditions[0]
		hold, viol := d.mixtures(c)
		for _, tt := range []struct {
			g       mixture
			at      point
			effects []float64
		}{{hold, healthy, []float64{0, .3 * theta}}, {viol, broken, []float64{2 * theta, .45}}} {
			l := c.lawAt(tt.g.side, d.effect(c, tt.at), d.Planned)
			grid := newMixture(tt.g.side, tt.g.lo, tt.g.hi)
			bet, _ := grid.kelly(&l, theta)
			grid.plan(bet)
			for _, base := range []float64{.02, .1, .4} {
				for _, effect := range tt.effects {
					rates := []float64{base, base, base, base + effect}
					staked, before := meanTrials(tt.g, theta, c.Weights, rates), meanTrials(grid, theta, c.Weights, rates)
					if staked > 1.10*before {
						t.Errorf("threshold %v, rates %v: %.0f trials, %.0f with a grid of bets", theta, rates, staked, before)
					}
				}
			}
		}
	}
}

// meanTrials is how long a mixture takes against theta, looked at every eight trials.
func meanTrials(g mixture, theta float64, weights, rates []float64) float64 {
	return pay(200, func(r *rand.Rand) (State, float64) {
		p := newEProcess(g, theta, .05, 0)
		for !p.crossed && p.all.n < 20_000 {
			var batch tally
			for range 8 {
				x := 0.0
				for k, w := range weights {
					x += w * b2f(r.Float64() < rates[k])
				}
				batch.add(x, 1)
			}
			p.look(&batch, false)
		}
		return Inconclusive, float64(p.all.n)
	}).meanCalls()
}
