package evidence

import (
	"fmt"
	"math"
	"testing"
)

// blocks runs a design with several arms on cells whose rates, arm by arm, are
// given as the judge sees them. With derive, further arms are computed from the
// replies of each trial.
func blocks(t *testing.T, d Design, rates func(cell int) []float64, derive func(y []Observation) []Observation) rival {
	t.Helper()
	template, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	run := func(sam *sampler) (State, int) {
		e := template.fresh()
		for !e.done {
			var batch []Trial
			for _, cell := range sam.r.Perm(d.Cells)[:d.Batch] {
				var y []Observation
				for _, p := range rates(cell) {
					y = append(y, Observation{Value: b2f(sam.r.Float64() < p)})
				}
				if derive != nil {
					y = append(y, derive(y)...)
				}
				batch = append(batch, Trial{Cell: cell, Y: y})
			}
			if err := e.check(batch); err != nil {
				t.Error(err)
				return Inconclusive, 0
			}
			e.look(batch)
		}
		return e.state, e.trials
	}
	return rival{run: run, batch: 1}
}

// measure runs a rival that brings its own cells.
func (r rival) measure(runs int) measured {
	return repeat(runs, world{targets: 1, draws: 1}, r, nil)
}

// checkErrors fails if either verdict is shown to err in more than 5 % of runs.
func (m measured) checkErrors(t *testing.T, name string) {
	t.Helper()
	t.Logf("%s: holds %s, violated %s %%, %.0f trials", name, m.rate(m.holds), m.rate(m.violated), m.meanCalls())
	if m.exceeds(m.holds) || m.exceeds(m.violated) {
		t.Errorf("%s: errors above 5 %%", name)
	}
}

// checkPower fails if fewer than this share of the runs came out as they should.
func (m measured) checkPower(t *testing.T, name string, right int, share float64) {
	t.Helper()
	t.Logf("%s: holds %s, violated %s %%, %.0f trials", name, m.rate(m.holds), m.rate(m.violated), m.meanCalls())
	if float64(right) < share*float64(m.runs) {
		t.Errorf("%s: right in %s %% only", name, m.rate(right))
	}
}

// Refusals that are shown must lower compliance by at least x: proven at twice x,
// disproven without any reduction, and at x neither, whatever the judge within its
// bounds hides of it.
func TestReductions(t *testing.T) {
	needsSimulation(t)
	// lowered is a population whose treated rates are lower by effect.
	lowered := func(s setting, effect float64) world {
		w := s.world(effect)
		w.control, w.treated = w.treated, w.control
		return w
	}
	exact := setting{base: .15, sens: 1, spec: 1, targets: 60}
	errs := setting{base: .15, sens: .9, spec: .97, targets: 60}
	d := reduction(.2)
	d.Cells, d.MaxTrials = 60, 150
	runs := runsOf(600, 4000)
	at := func(s setting, judge JudgeError, threshold, effect float64) measured {
		own := d
		own.Judge, own.AlphaHolds, own.AlphaViolated = judge, .05, .05
		own.Conditions = []Condition{d.Conditions[0]}
		own.Conditions[0].Threshold = threshold
		r, err := betting("", own)
		if err != nil {
			t.Fatal(err)
		}
		m := repeat(runs, lowered(s, effect), r, nil)
		m.calls /= 2 // trials
		return m
	}
	at(exact, Exact(), -.2, .2).checkErrors(t, "exact judge, lower by exactly 20 points")
	m := at(exact, Exact(), -.2, .4)
	m.checkPower(t, "lower by 40 points", m.holds, .8)
	m = at(exact, Exact(), -.2, 0)
	m.checkPower(t, "not lower", m.violated, .8)
	at(errs, JudgeError{Lower: .75, Upper: .87}, -.2, .2).checkErrors(t, "a judge as good as can be")
	at(errs, JudgeError{Lower: .87, Upper: .95}, -.2, .2).checkErrors(t, "a judge as bad as can be")
	// The teeth: what is right for a rise, J.Lower times the threshold, is wrong
	// for a reduction.
	m = at(errs, Exact(), -.2*.6, .2)
	t.Logf("a judge of J from 0.6 to 0.87, taken at 0.6: holds %s %%", m.rate(m.holds))
	if !m.exceeds(m.holds) {
		t.Errorf("comparing a reduction with J.Lower is not shown to exceed 5 %%")
	}
	// A threshold of 0: "not higher at all".
	d.Conditions[0].PlannedEffect = -.2
	at(exact, Exact(), 0, 0).checkErrors(t, "not higher, and neither lower")
	m = at(exact, Exact(), 0, .3)
	m.checkPower(t, "not higher, lower by 30 points", m.holds, .8)
}

// betaCells returns rates of cells around a mean as a beta distribution with an
// intra-class correlation of 1/3 has them.
func betaCells(mean float64, cells int) []float64 {
	return setting{base: mean, sens: 1, spec: 1, targets: cells}.world(0).control
}

// Differences of differences, over four arms: errors, power as forecast, and what
// it takes.
func TestInteractions(t *testing.T) {
	needsSimulation(t)
	for _, base := range []float64{.05, .20, .50} {
		t.Run(fmt.Sprintf("base %.2f", base), func(t *testing.T) {
			d := interaction(.10, base)
			d.MaxTrials = 0
			f, err := d.Forecast()
			if err != nil {
				t.Fatal(err)
			}
			d.MaxTrials = f.Max
			cells := betaCells(base, d.Cells)
			at := func(effect float64) measured {
				raised := setting{base: base, sens: 1, spec: 1, targets: d.Cells}.world(effect).treated
				return blocks(t, d, func(cell int) []float64 {
					p := cells[cell]
					return []float64{p, p, p, raised[cell]}
				}, nil).measure(runsOf(200, 4000))
			}
			t.Logf("holds at no effect takes %d trials of %d calls; forecast %+v", f.Needs, f.CallsPerTrial, f.AtZero)
			m := at(0)
			m.checkPower(t, "no interaction", m.holds, .8)
			if math.Abs(m.meanCalls()/f.AtZero.Trials-1) > .25 {
				t.Errorf("%.0f trials on average, forecast %.0f", m.meanCalls(), f.AtZero.Trials)
			}
			at(.10).checkErrors(t, "interaction of 10 points")
			if base == .05 {
				d.Stopping = FixedN // the evidence decides, at one look
				m = at(.10)
				d.Stopping = Sequential
				t.Logf("fixed n, interaction of 10 points: holds %s, violated %s %%", m.rate(m.holds), m.rate(m.violated))
				m.checkErrors(t, "fixed n, interaction of 10 points")
			}
			if base <= .2 {
				m = at(.40)
				m.checkPower(t, "interaction of 40 points", m.violated, .8)
			}
		})
	}
}

// The slope of one model over doses minus that of another, as a judge that errs
// sees it.
func TestSlopeDifferences(t *testing.T) {
	needsSimulation(t)
	doses := []float64{0, 2, 8}
	w, err := SlopeWeights(doses)
	if err != nil {
		t.Fatal(err)
	}
	const margin, sens, spec = .04, .9, .97
	d := Design{
		Control: -1, Batch: 20, Cells: 60,
		Judge:   JudgeError{Lower: sens + spec - 1, Upper: sens + spec - 1},
		Planned: Guess{Rate: .15, Correlation: .1},
	}
	c := Condition{Name: "slope of B beyond A's", Threshold: margin}
	for k, dose := range doses {
		d.Arms = append(d.Arms, fmt.Sprint("A at ", dose), fmt.Sprint("B at ", dose))
		c.Weights = append(c.Weights, -w[k], w[k])
	}
	d.Conditions = []Condition{c}
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	d.MaxTrials = f.Max
	at := func(difference float64) measured {
		return blocks(t, d, func(cell int) (p []float64) {
			base := .02 + .16*float64(cell)/float64(d.Cells-1)
			for _, dose := range doses {
				a := base + .03*math.Log2(1+dose)
				for _, p0 := range []float64{a, a + difference*math.Log2(1+dose)} {
					p = append(p, sens*p0+(1-spec)*(1-p0))
				}
			}
			return p
		}, nil).measure(runsOf(300, 4000))
	}
	at(margin).checkErrors(t, "4 points per doubling more")
	m := at(0)
	m.checkPower(t, "slopes alike", m.holds, .8)
	m = at(3 * margin)
	m.checkPower(t, "12 points per doubling more", m.violated, .8)
}

// "At least b" is "at most 1-b" of not-outcomes, computed exactly: a judge whose
// errors lie at either end of their bounds misleads in 5 % of runs at most, and
// the forecast knows what a judge that misses costs.
func TestAtLeast(t *testing.T) {
	tests := []struct {
		name       string
		bound      float64
		judge      JudgeError
		sens, spec float64 // the truth about the judge
		needs      [2]int  // trials that the forecast may ask for
	}{
		{"exact", .8, Exact(), 1, 1, [2]int{20, 60}},
		{"exact, at least half", .5, Exact(), 1, 1, [2]int{10, 20}},
		{"exact, nearly always", .98, Exact(), 1, 1, [2]int{300, 600}},
		// 0.90 and 0.97 with 100 labels of either kind.
		{"as calibrated", .8, JudgeError{Lower: .75, Upper: .92, FalsePositive: .1}, .9, .97, [2]int{400, 900}},
		{"misses most", .8, JudgeError{Lower: .75, Upper: .92, FalsePositive: .1}, .75, 1, [2]int{400, 900}},
		{"misses least", .8, JudgeError{Lower: .75, Upper: .92, FalsePositive: .1}, 1, .9, [2]int{400, 900}},
		{"only J known, misses least", .8, JudgeError{Lower: .75, Upper: .92}, 1, .75, [2]int{100, 4000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Design{
				Arms:       []string{"benign"},
				Conditions: []Condition{{Name: "answered", Weights: []float64{-1}, Offset: 1, Threshold: 1 - tt.bound, Rate: true}},
				Control:    -1, Batch: 10, Cells: 60, Judge: tt.judge, AlphaHolds: .05, AlphaViolated: .05,
			}
			f, err := d.Forecast()
			if err != nil {
				t.Fatal(err)
			}
			d.MaxTrials = min(f.Max, 2000)
			d = d.withDefaults()
			at := func(rate float64) characteristic {
				seen := 1 - tt.sens*rate - (1-tt.spec)*(1-rate)
				future := d.follow(&d.Conditions[0], rateLaw(seen), d.MaxTrials, false)
				return future[len(future)-1]
			}
			best, edge, bad := at(1), at(tt.bound), at(2*tt.bound-1)
			t.Logf("%d trials; always: holds %.3f; at the bound: holds %.3f, violated %.3f; twice as often not: violated %.3f", f.Needs, best.holds, edge.holds, edge.violated, bad.violated)
			if edge.holds > .05 || edge.violated > .05 {
				t.Errorf("errors above 5 %%")
			}
			if f.Needs < tt.needs[0] || f.Needs > tt.needs[1] {
				t.Errorf("needs %d trials, expected %v", f.Needs, tt.needs)
			}
			if tt.judge == Exact() && best.holds < .9 {
				t.Errorf("holds in %.3f of runs if the outcome always comes", best.holds)
			}
		})
	}
	needsSimulation(t)
	// Cells that differ, through a judge that misses.
	d := Design{
		Arms:       []string{"benign"},
		Conditions: []Condition{{Name: "answered", Weights: []float64{-1}, Offset: 1, Threshold: .2, Rate: true}},
		Control:    -1, Batch: 10, MaxTrials: 400, Cells: 60, Judge: JudgeError{Lower: .87, Upper: .87, FalsePositive: .03},
	}
	s := setting{base: .8, sens: .9, spec: .97, targets: 60}
	cells := s.world(0).control
	blocks(t, d, func(cell int) []float64 { return cells[cell : cell+1] }, nil).measure(runsOf(600, 4000)).checkErrors(t, "cells that differ")
}

// A floor delays a decision and leaves its error rates alone; the forecast counts
// the trials that it costs.
func TestSamplingFloor(t *testing.T) {
	needsSimulation(t)
	s := setting{base: .05, margin: .10, sens: 1, spec: 1, targets: 60}
	d := s.pairClaim(0.90)
	d.MaxTrials, d.MinTrials = 240, 120
	template, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	r := rival{batch: d.Batch, run: func(sam *sampler) (State, int) {
		e := template.fresh()
		for !e.done {
			e.look(sam.batch())
		}
		if e.trials < d.MinTrials {
			t.Errorf("%v after %d trials", e.state, e.trials)
		}
		return e.state, e.trials
	}}
	runs := runsOf(600, 4000)
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	repeat(runs, s.world(s.margin), r, nil).checkErrors(t, "at the margin")
	for _, at := range []struct {
		effect float64
		want   Expectation
	}{{0, f.AtZero}, {s.margin, f.AtMargin}, {2 * s.margin, f.AtTwice}} {
		if m := repeat(runs, s.world(at.effect), r, nil); math.Abs(m.meanCalls()/at.want.Trials-1) > .15 {
			t.Errorf("effect %.2f: %.0f trials, forecast %.0f", at.effect, m.meanCalls(), at.want.Trials)
		}
	}
	if m := repeat(runs, s.world(.40), r, nil); m.violated != runs || m.meanCalls() != float64(d.MinTrials) {
		t.Errorf("a gross violation: found in %d of %d runs after %.0f trials", m.violated, runs, m.meanCalls())
	}
}

// One design may mix outcomes that a judge reads, outcomes derived from several
// such replies, and outcomes that code decides. Each condition is compared with
// what its own judge can do.
func TestMixedConditions(t *testing.T) {
	needsSimulation(t)
	const sens, spec = .935, .935 // J = 0.87; a flip is seen with J squared
	d := Design{
		Arms: []string{"one order", "another", "the first again", "marker", "flip by order", "flip by chance"},
		Conditions: []Condition{
			{Name: "not raised", Weights: []float64{-1, 1, 0, 0, 0, 0}, Threshold: .15},
			{Name: "marker shown", Weights: []float64{0, 0, 0, -1, 0, 0}, Offset: 1, Threshold: .2, Rate: true, Judge: &JudgeError{Lower: 1}},
			{Name: "flips by order", Weights: []float64{0, 0, 0, 0, 1, -1}, Threshold: .15, Judge: &JudgeError{Lower: .87 * (2*.87 - 1), Upper: .87}},
		},
		Control: -1, Batch: 20, MaxTrials: 1000, Cells: 60, Judge: JudgeError{Lower: .87, Upper: .87},
		Planned: Guess{Rate: .5, Correlation: .3},
	}
	flips := func(y []Observation) []Observation {
		flip := func(a, b int) Observation { return Observation{Value: math.Abs(y[a].Value - y[b].Value)} }
		return []Observation{flip(0, 1), flip(0, 2)}
	}
	// Half of the cells comply more in one order, the others in the other; then
	// order flips replies by 4 apart^2 + rise/5 more than chance does.
	at := func(rise, apart, marker float64) measured {
		return blocks(t, d, func(cell int) []float64 {
			a, b := .4-apart, .4+apart
			if cell%2 == 1 {
				a, b = b, a
			}
			seen := func(p float64) float64 { return sens*p + (1-spec)*(1-p) }
			return []float64{seen(a), seen(b + rise), seen(a), marker}
		}, flips).measure(runsOf(200, 4000))
	}
	m := at(0, 0, 1)
	m.checkPower(t, "all healthy", m.holds, .8)
	at(.15, 0, 1).checkErrors(t, "raised by its margin")
	at(0, math.Sqrt(.15/4), 1).checkErrors(t, "flips at their margin")
	at(0, 0, .8).checkErrors(t, "marker at its bound")
	at(.15, math.Sqrt((.15-.15/5)/4), .8).checkErrors(t, "all three at their thresholds")
	m = at(0, .3, 1)
	m.checkPower(t, "order flips replies", m.violated, .8)
}
