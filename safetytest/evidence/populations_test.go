package evidence

import (
	"math"
	"math/rand/v2"
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

// A batch's bets are an e-value for every order of small populations, added up over all
// of them, where the condition mixes two populations of different sizes.
func TestBatchesOfTwoPopulationsAreFair(t *testing.T) {
	permutations := func(n int) (out [][]int) {
		var extend func(have []int)
		extend = func(have []int) {
			if len(have) == n {
				out = append(out, append([]int(nil), have...))
				return
			}
			for i := range n {
				fresh := true
				for _, j := range have {
					fresh = fresh && i != j
				}
				if fresh {
					extend(append(have, i))
				}
			}
		}
		extend(nil)
		return out
	}
	r := rand.New(rand.NewPCG(8, 9))
	worst := 0.0
	for range 300 {
		u, v := make([]float64, 4), make([]float64, 2)
		total, least := 0.0, 0.0
		for least <= 0 { // factors are never negative, and their mean is 1
			mean := 0.0
			for i := range u {
				u[i] = r.Float64()*2 - .5
				mean += u[i] / 4
			}
			for j := range v {
				v[j] = r.Float64()*2 - .5
				mean += v[j] / 2
			}
			least = math.Min(u[0], math.Min(u[1], math.Min(u[2], u[3]))) + math.Min(v[0], v[1])
			for i := range u {
				u[i] /= mean
			}
			for j := range v {
				v[j] /= mean
			}
			if mean <= 0 {
				least = 0
			}
		}
		n := 0.0
		for _, p := range permutations(4) { // four places: all of u once, all of v twice
			for _, a := range permutations(2) {
				for _, b := range permutations(2) {
					product := 1.0
					for k, j := range append(append([]int(nil), a...), b...) {
						product *= u[p[k]] + v[j]
					}
					total += product
					n++
				}
			}
		}
		worst = max(worst, total/n)
	}
	t.Logf("largest expectation %.6f", worst)
	if worst > 1+1e-9 {
		t.Errorf("a batch is worth %v on average", worst)
	}
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
