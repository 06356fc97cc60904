package evidence

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func greedyDesign(cells int, margin float64) Design {
	d := pairDesign(margin)
	d.Batch, d.Draws, d.Cells, d.MaxTrials = 8, 4, cells, 624
	return d
}

// A bound from few repeats is wide, whether they agree or not.
func TestDisagreementBound(t *testing.T) {
	for _, c := range []struct {
		repeats, disagreed int
		want               float64
	}{{20, 0, .2327}, {100, 0, .0516}, {1000, 0, .00528}, {100, 1, .0721}, {4, 4, 1}} {
		got, err := disagreementBound(c.repeats, c.disagreed, .005)
		if err != nil || math.Abs(got-c.want) > 2e-4 {
			t.Errorf("%d of %d: %v, %v; want %v", c.disagreed, c.repeats, got, err, c.want)
		}
	}
	for _, bad := range [][2]int{{0, 0}, {-1, 0}, {5, 6}, {5, -1}} {
		if _, err := disagreementBound(bad[0], bad[1], .005); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
	if _, err := disagreementBound(5, 0, 1); err == nil {
		t.Error("alpha 1: no error")
	}
}

// Sampling without replacement takes many repeats that agree, and more of them the
// fewer the cells and the smaller the margin.
func TestDeterministic(t *testing.T) {
	for _, c := range []struct {
		name               string
		design             Design
		repeats, disagreed int
		worth, ever        bool
	}{
		{"nothing measured", greedyDesign(240, .1), 0, 0, false, true},
		{"few that agree", greedyDesign(240, .1), 20, 0, false, true},
		{"many that agree", greedyDesign(240, .1), 400, 0, true, true},
		{"many, thirty do not", greedyDesign(240, .1), 400, 30, false, true},
		{"few cells", greedyDesign(40, .1), 400, 0, false, true},
		{"a small margin", greedyDesign(240, .02), 400, 0, false, true},
		{"very few cells", greedyDesign(8, .05), 100000, 0, false, false},
	} {
		got, err := c.design.Deterministic(c.repeats, c.disagreed)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		t.Logf("%s: %+v", c.name, got)
		if got.Worth != c.worth || (got.Repeats > 0) != c.ever || got.Why == "" {
			t.Errorf("%s: %+v", c.name, got)
		}
		if got.Repeats > 0 {
			enough, _ := c.design.Deterministic(got.Repeats, 0)
			short, _ := c.design.Deterministic(got.Repeats-1, 0)
			if !enough.Worth || short.Worth {
				t.Errorf("%s: %d repeats are said to be the fewest; with them %v, with one less %v", c.name, got.Repeats, enough.Worth, short.Worth)
			}
		}
	}
	if _, err := greedyDesign(240, .1).Deterministic(3, 4); err == nil || !strings.Contains(err.Error(), "x 4 of n 3") {
		t.Errorf("4 of 3: %v", err)
	}
}

// What outcomes may be off by moves both thresholds, and no error rate is used twice.
func TestDisagreementMovesThresholds(t *testing.T) {
	plain, noisy := greedyDesign(240, .1), greedyDesign(240, .1)
	plain.WithoutReplacement, noisy.WithoutReplacement, noisy.Disagreement = true, true, .01
	a, b := plain.withDefaults(), noisy.withDefaults().withDefaults()
	if math.Abs(b.AlphaHolds-.04) > 1e-12 || math.Abs(b.AlphaViolated-.04) > 1e-12 || a.AlphaHolds != .05 {
		t.Errorf("the engine's shares are %v and %v, %v without", b.AlphaHolds, b.AlphaViolated, a.AlphaHolds)
	}
	c, was := &b.Conditions[0], &a.Conditions[0]
	if !(c.holdsAt() < was.holdsAt()-.01 && c.violatedAt() > was.violatedAt()+.01) {
		t.Errorf("thresholds %v and %v, without noise %v", c.holdsAt(), c.violatedAt(), was.holdsAt())
	}
	if up, low := c.trueUpper(c.holdsAt()), c.trueLower(c.violatedAt()); math.Abs(up-.1) > 1e-12 || math.Abs(low-.1) > 1e-12 {
		t.Errorf("the bounds at the thresholds are %v and %v", up, low)
	}
	noisy.WithoutReplacement = false
	if c := noisy.withDefaults(); math.Abs(c.AlphaHolds-.045) > 1e-12 || c.Conditions[0].noise != [2]float64{} {
		t.Errorf("with replacement: %v, %v", c.AlphaHolds, c.Conditions[0].noise)
	}
	for want, d := range map[string]Design{
		"Disagreement -1": func() Design { d := noisy; d.Disagreement = -1; return d }(),
		"Disagreement 2":  func() Design { d := noisy; d.Disagreement = 2; return d }(),
		"could hide all of": func() Design {
			d := rateDesign(.05)
			d.WithoutReplacement, d.Disagreement, d.Cells, d.Batch = true, .5, 20, 10
			return d
		}(),
		"no healthy model is plann": func() Design { d := noisy; d.WithoutReplacement, d.Disagreement = true, .5; return d }(),
	} {
		d.MaxTrials = 20 * d.Batch
		if _, err := New(d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// The allowance covers what realised outcomes are off by, wherever the noise is.
func TestAllowanceCoversNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	for _, where := range []string{"everywhere", "one arm", "few cells"} {
		d := greedyDesign(120, .1)
		d.WithoutReplacement, d.Disagreement = true, .04
		allowed := d.withDefaults().Conditions[0].noise[holdSide]
		p := make([][2]float64, d.Cells)
		for i := range p {
			// 2 p (1-p) is 0.04 on average.
			q := (1 - math.Sqrt(1-2*.04)) / 2
			switch where {
			case "everywhere":
				p[i] = [2]float64{q, q}
			case "one arm":
				p[i][1] = (1 - math.Sqrt(1-4*.04)) / 2
			case "few cells":
				if float64(i) < .08*120 {
					p[i] = [2]float64{.5, .5}
				}
			}
		}
		mean := 0.0
		for _, q := range p {
			mean += (q[1] - q[0]) / float64(len(p))
		}
		off, runs := 0, 20000
		for range runs {
			realised := 0.0
			for _, q := range p {
				realised += (b2f(r.Float64() < q[1]) - b2f(r.Float64() < q[0])) / float64(len(p))
			}
			off += int(b2f(realised < mean-allowed))
		}
		t.Logf("%s: allowance %.3f, further off in %.2f %%", where, allowed, 100*float64(off)/float64(runs))
		if clopperLower(float64(off), float64(runs), .01) > .005 {
			t.Errorf("%s: off by more than %.3f in %d of %d", where, allowed, off, runs)
		}
	}
}

// The whole procedure on servers at temperature 0: repeats, the choice of how to
// sample, and the run, with the claim at its margin. Outcomes that repeat always,
// nearly always or not at all: neither few repeats nor many buy a false verdict.
func TestGreedyServers(t *testing.T) {
	needsSimulation(t)
	const cells = 240
	for _, flips := range []float64{0, .01, .03, 1} {
		for _, repeats := range []int{5, 50, 400} {
			var once, holds, violated, healthy int
			runs := runsOf(300, 4000)
			for _, effect := range []float64{.1, 0} {
				for seed := range runs {
					r := rand.New(rand.NewPCG(uint64(seed), uint64(repeats)))
					state, without := greedyRun(t, r, cells, repeats, flips, effect)
					once += int(b2f(without && effect > 0))
					switch {
					case effect == 0:
						healthy += int(b2f(state == Holds))
					case state == Holds:
						holds++
					case state == Violated:
						violated++
					}
				}
			}
			share := func(n int) float64 { return 100 * float64(n) / float64(runs) }
			t.Logf("%3.0f %% flips, %3d repeats: without replacement in %.0f %%; at the margin holds %.1f, violated %.1f %%; no effect holds %.1f %%",
				100*flips, repeats, share(once), share(holds), share(violated), share(healthy))
			for _, n := range []int{holds, violated} {
				if clopperLower(float64(n), float64(runs), .01) > .05 {
					t.Errorf("%v flips, %d repeats: %d of %d verdicts are false", flips, repeats, n, runs)
				}
			}
		}
	}
}

// greedyRun asks a server whose outcomes are those of a fixed table but for a share of
// flips, of which 1 is a server that samples.
func greedyRun(t *testing.T, r *rand.Rand, cells, repeats int, flips, effect float64) (State, bool) {
	d := greedyDesign(cells, .1)
	p := make([][2]float64, cells)
	// A table whose mean effect is as wanted once outcomes flip: those flip either way.
	rise := effect
	if flips < 1 {
		rise = effect / (1 - 2*flips)
	}
	for i := range p {
		base, treated := .1, .1+effect
		if flips < 1 {
			base, treated = b2f(i%10 == 0), b2f(i%10 == 0)
			base, treated = base*(1-2*flips)+flips, treated*(1-2*flips)+flips
		}
		p[i] = [2]float64{base, treated}
	}
	if flips < 1 { // exactly so many cells rise, whichever
		want := int(math.Round(rise * float64(cells)))
		for _, i := range r.Perm(cells) {
			if want > 0 && i%10 != 0 {
				p[i][1] = 1 - flips
				want--
			}
		}
	}
	ask := func(cell, arm int) float64 { return b2f(r.Float64() < p[cell][arm]) }
	disagreed := 0
	for range repeats {
		cell, arm := r.IntN(cells), r.IntN(2)
		disagreed += int(b2f(ask(cell, arm) != ask(cell, arm)))
	}
	det, err := d.Deterministic(repeats, disagreed)
	if err != nil {
		t.Fatal(err)
	}
	d.WithoutReplacement, d.Disagreement = det.Worth, det.Disagreement
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	per := cells / 4
	var orders [4][]int
	for at := 0; !e.done; at += 2 {
		var batch []Trial
		for k := range 4 {
			if !det.Worth || at == 0 {
				orders[k] = r.Perm(per)
			}
			from := 0
			if det.Worth {
				from = at
			}
			for _, i := range orders[k][from : from+2] {
				cell := k*per + i
				batch = append(batch, Trial{Cell: cell, Draw: k, Y: []Observation{{Value: ask(cell, 0)}, {Value: ask(cell, 1)}}})
			}
		}
		if err := e.check(batch); err != nil {
			t.Fatal(err)
		}
		e.look(batch)
	}
	return e.state, det.Worth
}
