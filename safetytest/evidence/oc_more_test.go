package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// Rates against a bound, computed exactly: the figures of a sequential test of
// "at most r" with a look after every reply, for true rates from 0 to 5 r. The
// expected calls were measured by simulation elsewhere.
func TestRateClaims(t *testing.T) {
	tests := []struct {
		r, p        float64
		most        int
		holds, viol float64
		calls       float64
	}{
		{.05, 0, 200, 1, 0, 67},
		{.05, .005, 200, .96, 0, 92},
		{.05, .01, 200, .80, 0, 118},
		{.05, .05, 200, .04, .02, 192},
		{.05, .10, 200, 0, .64, 129},
		{.05, .20, 200, 0, 1, 28},
		{.01, 0, 1000, 1, 0, 341},
		{.01, .001, 1000, .97, 0, 462},
		{.01, .01, 1000, .04, .03, 955},
		{.01, .03, 1000, 0, .98, 295},
		{.01, .05, 1000, 0, 1, 98},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("r %v p %v", tt.r, tt.p), func(t *testing.T) {
			d := Design{
				Arms:       []string{"refusals"},
				Conditions: []Condition{{Name: "at most", Weights: []float64{1}, Threshold: tt.r, Rate: true}},
				Control:    -1, Batch: 1, MaxTrials: tt.most, Cells: 60, NoFutility: true,
			}.withDefaults()
			open, calls := 1.0, 0.0
			future := d.follow(&d.Conditions[0], rateLaw(tt.p), tt.most, false)
			for _, p := range future {
				calls += open
				open = p.open
			}
			end := future[len(future)-1]
			t.Logf("holds %.3f, violated %.3f, %.0f calls", end.holds, end.violated, calls)
			if math.Abs(end.holds-tt.holds) > .02 || math.Abs(end.violated-tt.viol) > .03 || math.Abs(calls/tt.calls-1) > .04 {
				t.Errorf("holds %.3f, violated %.3f, %.0f calls; expected %v, %v, %v", end.holds, end.violated, calls, tt.holds, tt.viol, tt.calls)
			}
			if tt.p == tt.r && (end.holds > .05 || end.violated > .05) {
				t.Errorf("errors above 5 %%")
			}
		})
	}
}

// A judge that misses and invents shrinks differences: against the bare margin a
// claim holds too often, against J times the margin it does not, also if J comes
// from labels that err themselves.
func TestJudgeError(t *testing.T) {
	needsSimulation(t)
	s := setting{base: .05, margin: .10, sens: .8, spec: .95, targets: 60}
	d := s.pairClaim(0.90)
	d.MaxTrials = 400
	measure := func(d Design, calibrate bool) measured {
		r, err := betting("", d)
		if err != nil {
			t.Fatal(err)
		}
		if calibrate {
			r.run = func(sam *sampler) (State, int) {
				own := d
				own.Judge = s.calibrated(sam.r)
				e, err := New(own)
				if err != nil {
					t.Error(err)
					return Inconclusive, 0
				}
				for !e.done {
					e.look(sam.batch())
				}
				return e.state, 2 * e.trials
			}
		}
		return repeat(runsOf(400, 4000), s.world(s.margin), r, nil)
	}
	naive := d
	naive.Judge = Exact()
	m := measure(naive, false)
	t.Logf("error ignored: holds %s %% at the margin", m.rate(m.holds))
	if !m.exceeds(m.holds) {
		t.Errorf("ignoring the judge's error is not shown to exceed 5 %%")
	}
	m = measure(d, false)
	t.Logf("J known: holds %s %%", m.rate(m.holds))
	if m.exceeds(m.holds) || m.exceeds(m.violated) {
		t.Errorf("J known: errors above 5 %%")
	}
	d.AlphaHolds, d.AlphaViolated = 0.04, 0.04
	m = measure(d, true)
	t.Logf("J from 100 + 100 labels: holds %s %%", m.rate(m.holds))
	if m.exceeds(m.holds) || m.exceeds(m.violated) {
		t.Errorf("J calibrated: errors above 5 %%")
	}
}

// calibrated returns the judge's error as 100 labels of either kind show it.
func (s setting) calibrated(r *rand.Rand) JudgeError {
	draw := func(p float64) (x int) {
		for range 100 {
			if r.Float64() < p {
				x++
			}
		}
		return x
	}
	e, err := Calibration{Hits: draw(s.sens), Positives: 100, Rejections: draw(s.spec), Negatives: 100}.Error(0.01)
	if err != nil {
		panic(err)
	}
	return e
}

// Greedy replies never change: betting without replacement ends early and a
// census is never wrong.
func TestGreedyDecoding(t *testing.T) {
	needsSimulation(t)
	const cells, draws = 240, 4
	for _, rise := range []int{0, 24, 25, 60} { // cells out of 240 that flip
		d := Design{
			Arms:       []string{"control", "treated"},
			Conditions: []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: 0.10}},
			Control:    0, Headroom: 0.8, Batch: 40, MaxTrials: cells, Cells: cells, Draws: draws, WithoutReplacement: true,
		}
		template, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		run := func(sam *sampler) (State, int) {
			// All flips in one draw, as adverse as it gets.
			orders := make([][]int, draws)
			for k := range orders {
				orders[k] = sam.r.Perm(cells / draws)
			}
			e := template.fresh()
			for at := 0; !e.done; at += d.Batch / draws {
				var batch []Trial
				for k := range draws {
					for _, target := range orders[k][at : at+d.Batch/draws] {
						y := 0.0
						if k == 0 && target < rise {
							y = 1
						}
						batch = append(batch, Trial{Cell: k*cells/draws + target, Draw: k, Y: []Observation{{}, {Value: y}}})
					}
				}
				if err := e.check(batch); err != nil {
					t.Error(err)
				}
				e.look(batch)
			}
			return e.state, e.trials
		}
		m := repeat(runsOf(400, 4000), world{targets: 1, draws: 1}, rival{batch: 1, run: run}, nil)
		t.Logf("%d of %d cells raised: holds %s, violated %s %%, %.0f of %d cells asked", rise, cells, m.rate(m.holds), m.rate(m.violated), m.meanCalls(), cells)
		if within := float64(rise) <= 0.10*cells; within && (m.exceeds(m.violated) || m.holds < m.runs*9/10) || !within && (m.exceeds(m.holds) || m.violated < m.runs*9/10) {
			t.Errorf("%d of %d cells raised: wrong verdicts", rise, cells)
		}
		if m.holds+m.violated != m.runs {
			t.Errorf("%d raised: a census must decide", rise)
		}
	}
}

// A claim about all targets of the kind takes the target as its unit; visits of
// the same few targets pooled as if they were new ones err too often.
func TestOverTargets(t *testing.T) {
	needsSimulation(t)
	const targets, visits, margin = 40, 10, 0.10
	// Each target has no rise or a large one; over the domain the mean rise is the
	// margin.
	domain := func(r *rand.Rand) (rise []float64) {
		for range targets {
			x := 0.0
			if r.Float64() < margin/0.5 {
				x = 0.5
			}
			rise = append(rise, x)
		}
		return rise
	}
	claim := func(over bool) *Engine {
		d := Design{
			Arms:       []string{"control", "treated"},
			Conditions: []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: margin}},
			Control:    -1, Batch: targets, MaxTrials: targets * visits, Cells: targets, OverTargets: over, NoFutility: true,
		}
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	fixedSet, overTargets := claim(false), claim(true)
	pooled := func(sam *sampler) (State, int) {
		rise, e := domain(sam.r), fixedSet.fresh()
		for !e.done {
			var batch []Trial
			for cell := range targets {
				batch = append(batch, Trial{Cell: cell, Y: []Observation{{}, {Value: b2f(sam.r.Float64() < rise[cell])}}})
			}
			e.look(batch)
		}
		return e.state, e.trials
	}
	perTarget := func(sam *sampler) (State, int) {
		rise, e := domain(sam.r), overTargets.fresh()
		var batch []Trial
		for cell := range targets {
			mean := 0.0
			for range visits {
				mean += b2f(sam.r.Float64() < rise[cell]) / visits
			}
			batch = append(batch, Trial{Cell: cell, Y: []Observation{{}, {Value: min(1, mean)}}})
		}
		e.look(batch)
		return e.state, e.trials
	}
	runs := runsOf(600, 4000)
	m := repeat(runs, world{targets: 1, draws: 1}, rival{batch: 1, run: pooled}, nil)
	t.Logf("fixed-set claim read as one about the domain: holds %s %% at the margin", m.rate(m.holds))
	if !m.exceeds(m.holds) {
		t.Errorf("reading a fixed-set claim as one about the domain is not shown to exceed 5 %%")
	}
	m = repeat(runs, world{targets: 1, draws: 1}, rival{batch: 1, run: perTarget}, nil)
	t.Logf("over targets: holds %s %% at the margin", m.rate(m.holds))
	if m.exceeds(m.holds) || m.exceeds(m.violated) {
		t.Errorf("over targets: errors above 5 %%")
	}
}

// Six orders against a reference: the claim holds only if every one does, and
// e-Holm names the one that does not.
func TestSeveralArms(t *testing.T) {
	needsSimulation(t)
	const orders = 6
	d := Design{Arms: []string{"reference"}, Control: 0, Headroom: 0.8, Batch: 20, MaxTrials: 400, Cells: 60}
	for k := range orders {
		d.Arms = append(d.Arms, fmt.Sprintf("order %d", k+1))
		w := make([]float64, orders+1)
		w[0], w[k+1] = -1, 1
		d.Conditions = append(d.Conditions, Condition{Name: d.Arms[k+1], Weights: w, Threshold: 0.10})
	}
	template, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	named, misnamed := 0, 0
	simulate := func(last float64) rival {
		return rival{batch: 1, run: func(sam *sampler) (State, int) {
			e := template.fresh()
			for !e.done {
				var batch []Trial
				for _, cell := range sam.r.Perm(d.Cells)[:d.Batch] {
					y := make([]Observation, orders+1)
					for k := range y {
						p := 0.05
						if k == orders {
							p = last
						}
						y[k].Value = b2f(sam.r.Float64() < p)
					}
					batch = append(batch, Trial{Cell: cell, Y: y})
				}
				e.look(batch)
			}
			return e.state, e.trials
		}}
	}
	runs := runsOf(300, 4000)
	m := repeat(runs, world{targets: 1, draws: 1}, simulate(.05), nil)
	t.Logf("all healthy: holds %s %%, %.0f blocks", m.rate(m.holds), m.meanCalls())
	if m.holds < runs*8/10 {
		t.Errorf("healthy orders hold in %s %%", m.rate(m.holds))
	}
	m = repeat(runs, world{targets: 1, draws: 1}, simulate(.15), nil)
	t.Logf("one at the margin: holds %s, violated %s %%", m.rate(m.holds), m.rate(m.violated))
	if m.exceeds(m.holds) || m.exceeds(m.violated) {
		t.Errorf("one order at its margin: errors above 5 %%")
	}
	// One order is bad: single-threaded, to see who is named.
	for seed := range uint64(runs / 4) {
		e := template.fresh()
		sam := newSampler(world{targets: 1, draws: 1}, 1, seed)
		for !e.done {
			var batch []Trial
			for _, cell := range sam.r.Perm(d.Cells)[:d.Batch] {
				y := make([]Observation, orders+1)
				for k := range y {
					p := 0.05
					if k == orders {
						p = .45
					}
					y[k].Value = b2f(sam.r.Float64() < p)
				}
				batch = append(batch, Trial{Cell: cell, Y: y})
			}
			e.look(batch)
		}
		r := e.Result()
		if r.State != Violated {
			t.Errorf("seed %d: one order at +40 points: %v", seed, r.State)
		}
		for k, c := range r.Conditions {
			if c.State == Violated && k == orders-1 {
				named++
			} else if c.State == Violated {
				misnamed++
			}
		}
	}
	t.Logf("culprit named in %d of %d runs, another in %d", named, runs/4, misnamed)
	if named < runs/4*8/10 || misnamed > runs/40 {
		t.Errorf("culprit named in %d of %d runs, another in %d", named, runs/4, misnamed)
	}
}

// Replies go missing exactly where they would tell most: counted against either
// verdict, so that losing evidence never buys one.
func TestMissingReplies(t *testing.T) {
	needsSimulation(t)
	s := setting{base: .05, margin: .10, sens: 1, spec: 1, targets: 60}
	d := s.pairClaim(0.90)
	d.MaxTrials = 400
	template, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	// lose loses a share of the treated replies with the outcome y.
	lose := func(y, share float64) rival {
		return rival{batch: d.Batch, run: func(sam *sampler) (State, int) {
			e := template.fresh()
			for !e.done {
				batch := sam.batch()
				for i := range batch {
					reply := &batch[i].Y[1]
					reply.Missing = reply.Value == y && sam.r.Float64() < share
				}
				e.look(batch)
			}
			return e.state, 2 * e.trials
		}}
	}
	for _, tt := range []struct{ outcome, share float64 }{{1, .25}, {0, .05}} {
		m := repeat(runsOf(400, 4000), s.world(s.margin), lose(tt.outcome, tt.share), nil)
		t.Logf("%.0f %% of outcomes %v missing: holds %s, violated %s %%", 100*tt.share, tt.outcome, m.rate(m.holds), m.rate(m.violated))
		if m.exceeds(m.holds) || m.exceeds(m.violated) {
			t.Errorf("errors above 5 %%")
		}
	}
	if m := repeat(100, s.world(0.30), lose(1, 1), nil); m.holds+m.violated > 0 {
		t.Errorf("all compliances missing: decided in %d of %d runs", m.holds+m.violated, m.runs)
	}
}

// The slope over doses is decided cell by cell on the probability scale.
func TestSlopes(t *testing.T) {
	needsSimulation(t)
	doses := []float64{0, 1, 2, 4, 8}
	w, err := SlopeWeights(doses)
	if err != nil {
		t.Fatal(err)
	}
	d := Design{
		Conditions: []Condition{{Name: "slope", Weights: w, Threshold: 0.02}},
		Control:    -1, Batch: 20, MaxTrials: 300, Cells: 60, NoFutility: true,
	}
	for _, dose := range doses {
		d.Arms = append(d.Arms, fmt.Sprint("dose ", dose))
	}
	template, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	at := func(slope float64) measured {
		run := func(sam *sampler) (State, int) {
			e := template.fresh()
			for !e.done {
				var batch []Trial
				for _, cell := range sam.r.Perm(d.Cells)[:d.Batch] {
					y := make([]Observation, len(doses))
					for k := range y {
						y[k].Value = b2f(sam.r.Float64() < 0.05+slope*math.Log2(1+doses[k]))
					}
					batch = append(batch, Trial{Cell: cell, Y: y})
				}
				e.look(batch)
			}
			return e.state, e.trials
		}
		return repeat(runsOf(150, 4000), world{targets: 1, draws: 1}, rival{batch: 1, run: run}, nil)
	}
	for _, slope := range []float64{0, .02, .06} {
		m := at(slope)
		t.Logf("%.0f points per doubling: holds %s, violated %s %%, %.0f blocks", 100*slope, m.rate(m.holds), m.rate(m.violated), m.meanCalls())
		switch {
		case slope == 0.02 && (m.exceeds(m.holds) || m.exceeds(m.violated)):
			t.Errorf("errors above 5 %%")
		case slope == 0 && m.holds < m.runs*8/10:
			t.Errorf("flat doses hold in %s %%", m.rate(m.holds))
		case slope > 0.02 && m.violated < m.runs*8/10:
			t.Errorf("steep doses are violated in %s %%", m.rate(m.violated))
		}
	}
}
