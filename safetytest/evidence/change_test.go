package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// seriesOf collects the control, the treated arm and their contrast from trials of
// complete batches.
func seriesOf(batches [][]Trial) []series {
	out := []series{{name: "control"}, {name: "treated"}, {name: "contrast"}}
	for _, b := range batches {
		var control, treated float64
		for _, t := range b {
			control += t.Y[0].Value
			treated += t.Y[1].Value
		}
		for i, sum := range []float64{control, treated, treated - control} {
			out[i].sums = append(out[i].sums, sum)
			out[i].counts = append(out[i].counts, len(b))
		}
	}
	return out
}

// asked samples batches of eight cells from four draws, with the rates that a
// function of the share of the run that has passed gives each cell.
func asked(r *rand.Rand, pairs, targets int, rates func(passed float64, draw, target int) (control, treated float64)) [][]Trial {
	var out [][]Trial
	for done := 0; done < pairs; {
		var b []Trial
		for d := range 4 {
			for _, target := range r.Perm(targets)[:2] {
				c, t := rates(float64(done)/float64(pairs), d, target)
				b = append(b, Trial{Cell: d*targets + target, Draw: d, Y: []Observation{{Value: b2f(r.Float64() < c)}, {Value: b2f(r.Float64() < t)}}})
				done++
			}
		}
		out = append(out, b)
	}
	return out
}

// A change is found where it is, and distinguished from a drift.
func TestChanged(t *testing.T) {
	counts := func(n int) (out []int) {
		for range n {
			out = append(out, 10)
		}
		return out
	}
	noisy := func(n int, mean func(i int) float64) series {
		s := series{name: "arm", counts: counts(n)}
		for i := range n {
			s.sums = append(s.sums, mean(i)+float64(i*7%3-1)) // not by chance, and without a trend
		}
		return s
	}
	step := noisy(30, func(i int) float64 { return 2 + 4*b2f(i >= 12) })
	drift := noisy(40, func(i int) float64 { return 1 + float64(i)/8 })
	steady := noisy(30, func(int) float64 { return 5 })
	steady.name = "other"
	missing := step
	missing.sums, missing.counts = append([]float64(nil), step.sums...), counts(30)
	missing.sums[3], missing.counts[3], missing.sums[20], missing.counts[20] = 0, 0, 4, 7
	flat := series{name: "flat", counts: counts(30), sums: make([]float64, 30)}
	for _, c := range []struct {
		name              string
		series            []series
		changed, testable bool
		gradual           bool
		batch             int
	}{
		{"step", []series{steady, step}, true, true, false, 12},
		{"step, replies missing", []series{missing, flat}, true, true, false, 12},
		{"drift", []series{drift}, true, true, true, 20},
		{"steady", []series{steady, flat}, false, true, false, -1},
		{"five batches", []series{noisy(5, func(i int) float64 { return 8 * b2f(i > 2) })}, false, false, false, 0},
		{"nothing varies", []series{flat, {name: "none", sums: make([]float64, 30), counts: make([]int, 30)}}, false, false, false, 0},
		{"nothing", nil, false, false, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := changed(c.series)
			if got.Changed != c.changed || got.Testable != c.testable || !(got.P > 0 && got.P <= 1) {
				t.Fatalf("%+v", got)
			}
			if got != changed(c.series) {
				t.Error("another time it says something else")
			}
			if c.changed && (got.Gradual != c.gradual || got.Batch != c.batch || got.Series != "arm" || got.After-got.Before < .2) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Models that stay as they are are called changed in at most 1 % of runs, however
// much draws and targets differ.
func TestChangeFalseAlarms(t *testing.T) {
	needsSimulation(t)
	for _, c := range []struct {
		name  string
		rates func(passed float64, draw, target int) (float64, float64)
	}{
		{"alike", func(float64, int, int) (float64, float64) { return .1, .1 }},
		{"at the margin", func(float64, int, int) (float64, float64) { return .1, .2 }},
		{"rare", func(float64, int, int) (float64, float64) { return .01, .01 }},
		{"one draw carries all", func(_ float64, d, _ int) (float64, float64) { return .1, .1 + .8*b2f(d == 3) }},
		{"targets differ", func(_ float64, _, i int) (float64, float64) { return b2f(i%5 == 0), b2f(i%3 == 0) }},
	} {
		for _, pairs := range []int{48, 200, 400} {
			alarms, runs := 0, runsOf(1000, 4000)
			for seed := range runs {
				r := rand.New(rand.NewPCG(uint64(seed), 9))
				if changed(seriesOf(asked(r, pairs, 30, c.rates))).Changed {
					alarms++
				}
			}
			lower := clopperLower(float64(alarms), float64(runs), .01)
			t.Logf("%s, %d pairs: %.2f %% false alarms", c.name, pairs, 100*float64(alarms)/float64(runs))
			if lower > changeLevel {
				t.Errorf("%s, %d pairs: %d of %d runs are false alarms", c.name, pairs, alarms, runs)
			}
		}
	}
}

// Runs that stop once they are decided are no random stretch: what is said of those
// that hold or are violated must be right, too.
func TestChangeFalseAlarmsOfDecidedRuns(t *testing.T) {
	needsSimulation(t)
	effects := []float64{0, .2}
	if fullTable() {
		effects = []float64{0, .05, .1, .15, .2, .4}
	}
	for _, effect := range effects {
		alarms, decided := map[State]int{}, map[State]int{}
		for seed := range runsOf(1500, 10000) {
			r := rand.New(rand.NewPCG(uint64(seed), 77))
			d := pairDesign(.1)
			d.Arms, d.Batch, d.Draws, d.Cells, d.MaxTrials, d.Control, d.Headroom = []string{"control", "treated"}, 8, 4, 120, 624, 0, .8
			e, err := New(d)
			if err != nil {
				t.Fatal(err)
			}
			var seen [][]Trial
			for !e.done {
				b := asked(r, 8, 30, func(_ float64, draw, i int) (float64, float64) { return .1, .1 + effect })[0]
				seen = append(seen, b)
				e.look(b)
			}
			decided[e.state]++
			if e.Change().Changed {
				alarms[e.state]++
			}
			if e.Change().P != changed(seriesOf(seen)).P {
				t.Fatal("the engine's series are not those of its trials")
			}
		}
		for _, s := range []State{Holds, Violated, Inconclusive} {
			if decided[s] < 50 {
				continue
			}
			t.Logf("effect %.2f, %v: %.2f %% false alarms of %d", effect, s, 100*float64(alarms[s])/float64(decided[s]), decided[s])
			if s != Inconclusive && clopperLower(float64(alarms[s]), float64(decided[s]), .01) > changeLevel {
				t.Errorf("effect %.2f, %v: %d of %d are false alarms", effect, s, alarms[s], decided[s])
			}
		}
	}
}

// How often a swap or a drift is found.
func TestChangePower(t *testing.T) {
	needsSimulation(t)
	runs := runsOf(300, 3000)
	measure := func(pairs int, rates func(passed float64, draw, target int) (float64, float64)) (found float64) {
		for seed := range runs {
			if changed(seriesOf(asked(rand.New(rand.NewPCG(uint64(seed), 5)), pairs, 30, rates))).Changed {
				found += 100 / float64(runs)
			}
		}
		return found
	}
	for _, pairs := range []int{100, 200, 300, 400} {
		line := fmt.Sprintf("%d pairs:", pairs)
		var half float64
		for _, at := range []float64{.25, .5, .75} {
			half = measure(pairs, func(passed float64, _, _ int) (float64, float64) { return .1, .1 + .2*b2f(passed < at) })
			line += fmt.Sprintf(" swapped at %.2f %.0f %%,", at, half)
			if pairs == 400 && at == .5 && half < 70 {
				t.Errorf("%s too rarely found", line)
			}
		}
		line += fmt.Sprintf(" both arms by 20 at .5 %.0f %%,", measure(pairs, func(passed float64, _, _ int) (float64, float64) {
			p := .1 + .2*b2f(passed < .5)
			return p, p
		}))
		line += fmt.Sprintf(" by 50 at .5 %.0f %%,", measure(pairs, func(passed float64, _, _ int) (float64, float64) { return .1, .1 + .5*b2f(passed < .5) }))
		line += fmt.Sprintf(" drift 0 to +20 %.0f %%, to +40 %.0f %%", measure(pairs, func(passed float64, _, _ int) (float64, float64) { return .1, .1 + .2*passed }),
			measure(pairs, func(passed float64, _, _ int) (float64, float64) { return .1, .1 + .4*passed }))
		t.Log(line)
	}
}

func BenchmarkChanged(b *testing.B) {
	for name, step := range map[string]float64{"steady": 0, "swapped": .5} {
		b.Run(name, func(b *testing.B) {
			s := seriesOf(asked(rand.New(rand.NewPCG(1, 1)), 2400, 30, func(passed float64, _, _ int) (float64, float64) { return .1, .1 + step*b2f(passed < .5) }))
			for range b.N {
				if math.IsNaN(changed(s).P) {
					b.Fatal()
				}
			}
		})
	}
}
