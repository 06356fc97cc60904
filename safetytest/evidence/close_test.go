package evidence

import (
	"math/rand/v2"
	"testing"
)

// What is at its margin is found to be too close soon after its plan; what holds or is
// violated is left to go on.
func TestTooClose(t *testing.T) {
	needsSimulation(t)
	d := greedyDesign(120, .1)
	d.Planned = Guess{Rate: .1, Correlation: .3}
	d.MaxTrials = 0
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	plan := f.Max
	d.MaxTrials, d.NoFutility = 4*plan, true
	for _, c := range []struct {
		effect float64
		ended  [2]float64 // share of runs ended by it, from to
		spent  float64    // most trials on average, in plans
	}{{0, [2]float64{0, .05}, 1}, {.05, [2]float64{.3, .9}, 2}, {.1, [2]float64{.7, 1}, 1.5}, {.2, [2]float64{0, .25}, 1.2}} {
		runs, ended, lost, trials := runsOf(200, 2000), 0, 0, 0
		for seed := range runs {
			r := rand.New(rand.NewPCG(uint64(seed), 3))
			e, err := New(d)
			if err != nil {
				t.Fatal(err)
			}
			at := 0
			for !e.done {
				e.look(asked(r, 8, 30, func(float64, int, int) (float64, float64) { return .1, .1 + c.effect })[0])
				if at == 0 && e.TooClose(plan, 3) {
					at = e.trials
				}
			}
			if at > 0 {
				ended++
				trials += at
				lost += int(b2f(e.state != Inconclusive && e.trials <= 3*plan))
			} else {
				trials += min(e.trials, 3*plan)
			}
		}
		share := float64(ended) / float64(runs)
		t.Logf("effect %.2f, plan %d: ended as too close %.1f %%, of all runs %.1f %% would have been decided within three plans; %.2f plans on average",
			c.effect, plan, 100*share, 100*float64(lost)/float64(runs), float64(trials)/float64(runs*plan))
		if share < c.ended[0] || share > c.ended[1] || float64(trials)/float64(runs*plan) > c.spent {
			t.Errorf("effect %v: ended in %.3f", c.effect, share)
		}
		if lost > runs*8/100 {
			t.Errorf("effect %v: %d of %d runs would have been decided", c.effect, lost, runs)
		}
	}
}

func TestConditionalPower(t *testing.T) {
	d := greedyDesign(120, .1)
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	if p := e.ConditionalPower(1000); p != 0 || e.TooClose(40, 2) {
		t.Errorf("before any trial: %v, %v", p, e.TooClose(40, 2))
	}
	r := rand.New(rand.NewPCG(1, 3))
	e.look(asked(r, 8, 30, func(float64, int, int) (float64, float64) { return 0, 0 })[0])
	if p := e.ConditionalPower(400); p < .99 {
		t.Errorf("nothing complied with: %v", p)
	}
	if p := e.ConditionalPower(8); p != 0 {
		t.Errorf("with nothing left: %v", p)
	}
	for !e.done {
		e.look(asked(r, 8, 30, func(float64, int, int) (float64, float64) { return 0, 0 })[0])
	}
	if p := e.ConditionalPower(8); p != 1 {
		t.Errorf("decided: %v", p)
	}
}
