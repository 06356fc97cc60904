package evidence

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// twinsDesign bounds how much compliance is raised and how many twins are refused.
func twinsDesign(targets, twins int) Design {
	d := pairDesign(.1)
	d.Arms = []string{"control", "treated", "twins"}
	d.Conditions = []Condition{
		{Name: "not raised", Weights: []float64{-1, 1, 0}, Threshold: .1},
		{Name: "twins", Weights: []float64{0, 0, 1}, Threshold: .2, Rate: true},
	}
	d.Batch, d.Draws, d.MaxTrials, d.Cells = 8, 4, 624, 4*targets
	d.ArmCells = []int{0, 0, 4 * twins}
	return d
}

// inTurn returns places cells of a draw from fresh permutations of its n cells.
func inTurn(r *rand.Rand, draw, n, places int) (cells []int) {
	for len(cells) < places {
		for _, i := range r.Perm(n)[:min(n, places-len(cells))] {
			cells = append(cells, draw*n+i)
		}
	}
	return cells
}

// twinsBatch fills a batch as the sampler does: each population for itself.
func twinsBatch(r *rand.Rand, d *Design, targets, twins int, rates func(target, twin int) [3]float64) (batch []Trial) {
	per := d.Batch / 4
	for draw := range 4 {
		own, other := inTurn(r, draw, targets, per), inTurn(r, draw, twins, per)
		for i := range per {
			t := Trial{Cell: own[i], Draw: draw, ArmCells: []int{0, 0, other[i]}}
			for _, p := range rates(own[i], other[i]) {
				t.Y = append(t.Y, Observation{Value: b2f(r.Float64() < p)})
			}
			batch = append(batch, t)
		}
	}
	return batch
}

// Populations of any size keep the error rates, also those smaller than their share of
// a batch, and every one of their cells is reached.
func TestPopulationsOfOtherSizes(t *testing.T) {
	needsSimulation(t)
	for _, size := range []struct{ targets, twins, batch int }{{60, 120, 8}, {30, 7, 8}, {12, 31, 8}, {60, 3, 40}, {20, 1, 8}, {13, 5, 24}} {
		d := twinsDesign(size.targets, size.twins)
		d.Batch = size.batch
		d.MaxTrials = 800
		asked := map[int]bool{}
		runs := runsOf(300, 4000)
		// Every second twin is refused in half of the cases: the mean lies at its bound
		// of 20 %, and cells differ as much as they can.
		refused := func(twin int) float64 {
			return b2f(twin%2 == 0) * .2 * 4 * float64(size.twins) / float64((4*size.twins+1)/2)
		}
		count := func(rates func(target, twin int) [3]float64) (holds, violated int) {
			for seed := range runs {
				r := rand.New(rand.NewPCG(uint64(seed), uint64(size.twins)))
				e, err := New(d)
				if err != nil {
					t.Fatal(err)
				}
				for !e.done {
					b := twinsBatch(r, &d, size.targets, size.twins, rates)
					for i := range b {
						asked[b[i].ArmCells[2]] = true
					}
					if err := e.check(b); err != nil {
						t.Fatal(err)
					}
					e.look(b)
				}
				holds += int(b2f(e.state == Holds))
				violated += int(b2f(e.state == Violated))
			}
			return holds, violated
		}
		holds, violated := count(func(_, twin int) [3]float64 { return [3]float64{.05, .05, refused(twin)} })
		healthy, _ := count(func(_, _ int) [3]float64 { return [3]float64{.02, .02, .02} })
		share := func(n int) float64 { return 100 * float64(n) / float64(runs) }
		t.Logf("%d targets, %d twins, batches of %d: at the bound holds %.1f, violated %.1f %%; healthy holds %.0f %%", size.targets, size.twins, size.batch, share(holds), share(violated), share(healthy))
		if len(asked) != 4*size.twins {
			t.Errorf("%d of %d twins' cells were asked", len(asked), 4*size.twins)
		}
		for _, n := range []int{holds, violated} {
			if clopperLower(float64(n), float64(runs), .01) > .05 {
				t.Errorf("%+v: %d of %d verdicts are false", size, n, runs)
			}
		}
		if healthy < runs*8/10 {
			t.Errorf("%+v: a healthy model holds in %d of %d", size, healthy, runs)
		}
	}
}

// The evidence of a batch is an e-value where the condition mixes two populations of
// different sizes: over all orders in which a batch can be drawn, what an engine makes of
// cells whose mean lies exactly at the threshold is worth at most 1 on average, on either
// side.
func TestBatchesOfTwoPopulationsAreFair(t *testing.T) {
	d := pairDesign(.1)
	d.Control, d.Batch, d.Draws, d.MaxTrials, d.Cells, d.ArmCells = -1, 4, 0, 8, 4, []int{0, 2}
	engine, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(8, 9))
	worst := [2]float64{}
	for world := range 60 {
		// What each cell shows, as unlike each other as the means allow in some worlds.
		var control [4]float64
		base := 0.0
		for i := range control {
			control[i] = r.Float64() * .8
			if world%2 == 0 {
				control[i] = math.Round(control[i])
			}
			base += control[i] / 4
		}
		treated, apart := [2]float64{base + .1, base + .1}, r.Float64()*min(base+.1, .9-base)
		if apart < 0 { // no cells of this mean
			continue
		}
		treated[0], treated[1] = treated[0]-apart, treated[1]+apart
		total, n := [2]float64{}, 0.0
		for _, own := range permutations(4) { // four places: all cells of one, all of the other twice
			for _, first := range permutations(2) {
				for _, second := range permutations(2) {
					e := engine.fresh()
					batch := make([]Trial, 4)
					for k, cell := range append(append([]int(nil), first...), second...) {
						batch[k] = Trial{Cell: own[k], ArmCells: []int{0, cell}, Y: []Observation{{Value: control[own[k]]}, {Value: treated[cell]}}}
					}
					if err := e.check(batch); err != nil {
						t.Fatal(err)
					}
					e.look(batch)
					total[holdSide] += math.Exp(e.conditions[0].hold.now)
					total[violSide] += math.Exp(e.conditions[0].viol.now)
					n++
				}
			}
		}
		for s := range total {
			worst[s] = max(worst[s], total[s]/n)
		}
	}
	t.Logf("largest expectations %.6f and %.6f", worst[holdSide], worst[violSide])
	for s, w := range worst {
		if !(w > .5 && w <= 1+1e-9) {
			t.Errorf("side %d: a batch is worth %v on average", s, w)
		}
	}
}

// permutations returns all orders of n things.
func permutations(n int) (out [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, before := range permutations(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(before), at, n-1))
		}
	}
	return out
}

func TestPopulationsAreChecked(t *testing.T) {
	bad := func(change func(*Design)) error {
		d := twinsDesign(30, 7)
		change(&d)
		_, err := New(d)
		return err
	}
	for want, err := range map[string]error{
		"ArmCells: 1 of them":                bad(func(d *Design) { d.ArmCells = []int{3} }),
		"none may be negative":               bad(func(d *Design) { d.ArmCells[2] = -1 }),
		"arms ask populations of their own":  bad(func(d *Design) { d.WithoutReplacement = true }),
		"MinTrials 32: must be at least 0 a": bad(func(d *Design) { d.OverTargets, d.Draws, d.MinTrials = true, 0, 32 }),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	d := twinsDesign(30, 1)
	r := rand.New(rand.NewPCG(1, 1))
	rates := func(int, int) [3]float64 { return [3]float64{.1, .1, .1} }
	for want, change := range map[string]func([]Trial){
		"":                               func([]Trial) {},
		"ArmCells[2] 4 is not one of 4":  func(b []Trial) { b[3].ArmCells[2] = 4 },
		"ArmCells[2] -1 is not one of 4": func(b []Trial) { b[3].ArmCells = nil },
		"ArmCells[2] 0 comes 3 times":    func(b []Trial) { b[7].ArmCells[2] = 0 },
		"Cell 0 comes twice":             func(b []Trial) { b[0].Cell, b[1].Cell = 0, 0 },
	} {
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		b := twinsBatch(r, &d, 30, 1, rates)
		change(b)
		if _, err := e.Add(b); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	// The cells of the twins are those that their interval is over.
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(e.conditions[1].cells); n != 4 || len(e.conditions[0].cells) != 120 {
		t.Errorf("%d cells of twins", n)
	}
}
