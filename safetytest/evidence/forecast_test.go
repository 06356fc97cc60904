package evidence

import (
	"math"
	"reflect"
	"testing"
)

// The forecast of a claim of two arms is what a simulation of the planning point
// measures.
func TestForecastMatchesRuns(t *testing.T) {
	needsSimulation(t)
	s := setting{base: .05, margin: .10, sens: 1, spec: 1, targets: 60}
	d := s.pairClaim(0.90)
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	d.MaxTrials = f.Max
	r, err := betting("", d)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		effect float64
		want   Expectation
	}{{0, f.AtZero}, {s.margin, f.AtMargin}, {2 * s.margin, f.AtTwice}} {
		m := repeat(600, s.world(at.effect), r, nil)
		holds, violated, trials := float64(m.holds)/600, float64(m.violated)/600, m.meanCalls()/2
		t.Logf("effect %.2f: holds %.3f, violated %.3f, %.0f trials; forecast %.3f, %.3f, %.0f", at.effect, holds, violated, trials, at.want.Holds, at.want.Violated, at.want.Trials)
		// Where cells differ in their effect, arms depend on one another less
		// than was planned, and a violation is found a little less often.
		if math.Abs(holds-at.want.Holds) > .06 || math.Abs(violated-at.want.Violated) > .2 || math.Abs(trials/at.want.Trials-1) > .12 {
			t.Errorf("effect %.2f: forecast is off", at.effect)
		}
	}
}

func TestForecast(t *testing.T) {
	slope, err := SlopeWeights([]float64{0, 1, 2, 4, 8})
	if err != nil {
		t.Fatal(err)
	}
	doses := pairDesign(.02)
	doses.Arms, doses.Control = []string{"0", "1", "2", "4", "8"}, -1
	doses.Conditions = []Condition{{Name: "slope", Weights: slope, Threshold: .02}}
	fixed := pairDesign(.1)
	fixed.Stopping = FixedN
	suite := pairDesign(.1)
	suite.Power = 1 - .1/8
	greedy := pairDesign(.1)
	greedy.WithoutReplacement, greedy.Cells = true, 60
	half := pairDesign(.005)
	rare := rateDesign(.0001)
	tests := []struct {
		name     string
		design   Design
		min, max int
	}{
		{"pairs", pairDesign(.1), 100, 160},
		{"pairs, fixed n", fixed, 60, 100},
		{"pairs in a suite of eight", suite, 160, 250},
		{"equivalence", equivalence(.1), 110, 220},
		{"rate of 5 %", rateDesign(.05), 100, 200},
		{"rate of 0.01 %", rare, 50000, 100000},
		{"half a point", half, 5000, 200000},
		{"greedy", greedy, 10, 60},
		{"slope", doses, 100, 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.design
			d.MaxTrials = 0
			f, err := d.Forecast()
			if err != nil {
				t.Fatal(err)
			}
			checkFinite(t, "forecast", reflect.ValueOf(f))
			t.Logf("%+v", f)
			if f.Needs < tt.min || f.Needs > tt.max || f.Max != f.Needs {
				t.Errorf("needs %d, plans %d, expected %d to %d", f.Needs, f.Max, tt.min, tt.max)
			}
			if f.AtZero.Holds < d.withDefaults().Power-.02 || f.AtZero.Trials > float64(f.Max) {
				t.Errorf("%+v", f)
			}
			if !(f.SmallestMargin > 0 && f.SmallestMargin <= max(.005, d.Conditions[0].Threshold)+.0001) {
				t.Errorf("the budget proves margins of %v and more, but was chosen for %v", f.SmallestMargin, d.Conditions[0].Threshold)
			}
		})
	}
}

// Small budgets say what they cannot do.
func TestForecastOfTooLittle(t *testing.T) {
	d := pairDesign(.05)
	d.MaxTrials = 40
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	if f.Needs <= 40 || f.AtZero.Holds > .1 || f.SmallestMargin < .1 {
		t.Errorf("%+v", f)
	}
	d.MaxTrials = 5
	if _, err := d.Forecast(); err == nil {
		t.Error("a budget of half a batch is no error")
	}
}

// Where the control is expected to comply often, headroom takes longer to show than
// the effect does.
func TestForecastOfHeadroom(t *testing.T) {
	d := pairDesign(.2)
	d.Headroom = 0.30
	d.Planned = Guess{Rate: .2, Correlation: .8}
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	d.Control = -1
	free, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	if f.Needs < 2*free.Needs {
		t.Errorf("needs %d trials with headroom to be shown, %d without", f.Needs, free.Needs)
	}
}

// What a reduction costs, whichever way it is planned.
func TestForecastOfReductions(t *testing.T) {
	often := reduction(.2)
	often.Planned.Rate = .3 // so a reduction by 30 points at most
	planned := reduction(.2)
	planned.Conditions[0].PlannedEffect = -.3
	judged := reduction(.2)
	judged.Judge = JudgeError{Lower: .75, Upper: .92}
	not := reduction(0)
	not.Conditions[0].PlannedEffect = -.2
	tests := []struct {
		name     string
		design   Design
		min, max int
		effects  [3]float64 // healthy, at the threshold, broken
		provable float64
	}{
		{"by 20 points", reduction(.2), 40, 90, [3]float64{-.4, -.2, 0}, -.2},
		{"rarely complies", often, 150, 350, [3]float64{-.3, -.2, 0}, -.2},
		{"planned for 30 points", planned, 300, 500, [3]float64{-.3, -.2, 0}, -.2},
		{"judge errs", judged, 80, 250, [3]float64{-.4, -.2, 0}, -.2},
		{"not higher", not, 60, 150, [3]float64{-.2, 0, .2}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.design
			d.MaxTrials = 0
			f, err := d.Forecast()
			if err != nil {
				t.Fatal(err)
			}
			checkFinite(t, "forecast", reflect.ValueOf(f))
			t.Logf("%+v", f)
			if f.Needs < tt.min || f.Needs > tt.max || f.Max != f.Needs {
				t.Errorf("needs %d, plans %d, expected %d to %d", f.Needs, f.Max, tt.min, tt.max)
			}
			if got := [3]float64{f.AtZero.Effect, f.AtMargin.Effect, f.AtTwice.Effect}; math.Abs(got[0]-tt.effects[0])+math.Abs(got[1]-tt.effects[1])+math.Abs(got[2]-tt.effects[2]) > 1e-9 {
				t.Errorf("effects %v, want %v", got, tt.effects)
			}
			if f.AtZero.Holds < .88 || f.AtZero.Violated > .01 || f.AtTwice.Violated < .5 || f.AtTwice.Holds > .01 || f.AtMargin.Holds > .05 || f.AtMargin.Violated > .05 {
				t.Errorf("%+v", f)
			}
			// Sized for its own threshold, that and little more can be proven.
			if f.SmallestMargin > tt.provable || f.SmallestMargin < tt.provable-.03 {
				t.Errorf("reductions to %v are said to be provable", f.SmallestMargin)
			}
		})
	}
}

// A floor is part of what a claim needs and costs.
func TestForecastOfFloor(t *testing.T) {
	d := pairDesign(.1)
	d.MaxTrials, d.MinTrials = 0, 195
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	if f.Needs != 200 || f.Max != 200 || f.AtZero.Trials != 200 || f.AtTwice.Trials != 200 {
		t.Errorf("%+v", f)
	}
	d.MaxTrials = 400
	if f, err = d.Forecast(); err != nil {
		t.Fatal(err)
	}
	if f.AtZero.Trials < 200 || f.AtZero.Trials > 210 || f.AtMargin.Trials < 220 {
		t.Errorf("%+v", f)
	}
	// Nothing is given up below the floor.
	d.MinTrials = 400
	if f, err = d.Forecast(); err != nil {
		t.Fatal(err)
	}
	d.NoFutility = true
	stubborn, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	if f.AtMargin != stubborn.AtMargin || f.AtMargin.Trials != 400 {
		t.Errorf("%+v, without futility %+v", f.AtMargin, stubborn.AtMargin)
	}
}

// A judge that misses hides whether a rate is high enough: the forecast says so
// before the first call.
func TestForecastOfHiddenRates(t *testing.T) {
	d := atLeast(.9)
	d.MaxTrials = 0
	exact, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	d.Judge = JudgeError{Lower: .75, Upper: .85, FalsePositive: .1}
	hidden, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", hidden)
	if exact.Needs > 100 || hidden.Needs < 20*exact.Needs || hidden.SmallestMargin < .1 {
		t.Errorf("exact: %+v; hidden: %+v", exact, hidden)
	}
}

// A control that is expected to comply nearly always never leaves headroom.
func TestForecastOfNoHeadroom(t *testing.T) {
	d := pairDesign(.1)
	d.Planned = Guess{Rate: .95, Correlation: .3}
	d.MaxTrials = 0
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	if f.Needs != NeverNeeds || f.AtZero.Holds > .01 || f.SmallestMargin != 0 {
		t.Errorf("%+v", f)
	}
}

func BenchmarkForecast(b *testing.B) {
	b.ReportAllocs()
	d := pairDesign(.1)
	for b.Loop() {
		if _, err := d.Forecast(); err != nil {
			b.Fatal(err)
		}
	}
}

// Whatever a claim was sized for, its own margin is provable, and so is none
// far below it.
func TestSmallestMarginIsThatOfTheDesignItWasSizedFor(t *testing.T) {
	for _, margin := range []float64{0.05, 0.10, 0.20, 0.30} {
		d := Design{
			Arms: []string{"control", "treated"}, Control: 0, Headroom: 1 - 2*margin, Cells: 480, Draws: 4, Batch: 8, Power: 0.99,
			Conditions: []Condition{{Name: "effect", Weights: []float64{-1, 1}, Threshold: margin}},
			Planned:    Guess{Rate: 0.10, Correlation: 0.3},
		}
		f, err := d.Forecast()
		if err != nil {
			t.Fatal(err)
		}
		if f.SmallestMargin > margin || f.SmallestMargin < margin/2 {
			t.Errorf("margin %.3f: sized for it, %d trials are said to prove %.3f at best", margin, f.Max, f.SmallestMargin)
		}
	}
}

// A bound on a rate says beforehand what it costs at the least: what it takes if no
// reply shows the event, and that is not far from what any test whatever must take.
func TestEventless(t *testing.T) {
	for _, bound := range []float64{.05, .01, .005} {
		for name, change := range map[string]func(*Design){
			"a rate":             func(*Design) {},
			"a graded outcome":   func(d *Design) { d.Conditions[0].Rate = false },
			"a rate of at least": func(d *Design) { d.Conditions = atLeast(1 - bound).Conditions },
		} {
			d := rateDesign(bound)
			d.Batch, d.MaxTrials, d.Draws, d.Cells = 4, 10_000, 4, 240
			d.Planned = Guess{Rate: .1, Correlation: .3}
			change(&d)
			f, err := d.Forecast()
			if err != nil {
				t.Fatal(err)
			}
			least, err := ZeroEventTrials(bound, .05)
			if err != nil {
				t.Fatal(err)
			}
			if f.Eventless < least || float64(f.Eventless) > 1.3*float64(least) {
				t.Errorf("%s, bound %v: holds after %d trials without an event, no test after fewer than %d", name, bound, f.Eventless, least)
			}
			e, err := New(d)
			if err != nil {
				t.Fatal(err)
			}
			for !e.done {
				var batch []Trial
				for k := range d.Batch {
					value := 0.
					if d.Conditions[0].Weights[0] < 0 {
						value = 1
					}
					batch = append(batch, Trial{Cell: k, Draw: k, Y: []Observation{{Value: value}}})
				}
				e.look(batch)
			}
			if e.state != Holds || e.trials != f.Eventless {
				t.Errorf("%s, bound %v: %v after %d trials without an event, %d said", name, bound, e.state, e.trials, f.Eventless)
			}
		}
	}
	if f, err := pairDesign(.1).Forecast(); err != nil || f.Eventless != 0 {
		t.Errorf("a comparison: %+v, %v", f.Eventless, err)
	}
}
