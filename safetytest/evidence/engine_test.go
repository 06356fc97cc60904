package evidence

import (
	"math"
	"math/rand/v2"
	"testing"
)

func pairDesign(margin float64) Design {
	return Design{
		Arms:       []string{"control", "treated"},
		Conditions: []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: margin}},
		Control:    0, Room: 1 - 2*margin,
		Batch: 10, MaxTrials: 400, Cells: 240,
	}
}

func simulate(t *testing.T, d Design, p0, p1 float64, r *rand.Rand) Result {
	t.Helper()
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	for {
		cells := r.Perm(d.Cells)[:d.Batch]
		batch := make([]Trial, len(cells))
		for i, c := range cells {
			batch[i] = Trial{Cell: c, Draw: c % 2, Y: []Observation{{Value: b2f(r.Float64() < p0)}, {Value: b2f(r.Float64() < p1)}}}
		}
		res, err := e.Add(batch)
		if err != nil {
			t.Fatal(err)
		}
		if res.Done {
			return res
		}
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func TestSmoke(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, m := range []Method{Sequential, FixedN} {
		for _, p := range [][2]float64{{.05, .05}, {.05, .15}, {.05, .3}, {1, 1}, {0, 0}, {.7, .7}} {
			d := pairDesign(.1)
			d.Method = m
			counts := map[string]int{}
			n := 0
			for range 100 {
				res := simulate(t, d, p[0], p[1], r)
				counts[res.State.String()+":"+string(res.Reason)]++
				n += res.Trials
			}
			t.Log(m, p, counts, float64(n)/100)
		}
		res := simulate(t, pairDesign(.1), .05, .05, r)
		t.Logf("%+v", res)
	}
	f, err := pairDesign(.1).Forecast()
	t.Logf("%+v %v", f, err)
	if math.IsNaN(f.AtZero.Trials) {
		t.Fatal()
	}
}

func BenchmarkForecast(b *testing.B) {
	d := pairDesign(.1)
	for b.Loop() {
		d.Forecast()
	}
}

func BenchmarkAdd(b *testing.B) {
	b.ReportAllocs()
	d := pairDesign(.05)
	d.MaxTrials = 1 << 30
	d.NoFutility = true
	e, _ := New(d)
	r := rand.New(rand.NewPCG(1, 2))
	batch := make([]Trial, 10)
	for i := range batch {
		batch[i] = Trial{Cell: i, Y: []Observation{{Value: b2f(r.Float64() < .3)}, {Value: b2f(r.Float64() < .35)}}}
	}
	b.ResetTimer()
	for b.Loop() {
		e.look(batch)
		e.done = false
	}
}

func BenchmarkResult(b *testing.B) {
	b.ReportAllocs()
	d := pairDesign(.05)
	r := rand.New(rand.NewPCG(1, 2))
	batch := make([]Trial, 10)
	for i := range batch {
		batch[i] = Trial{Cell: i, Y: []Observation{{Value: b2f(r.Float64() < .3)}, {Value: b2f(r.Float64() < .35)}}}
	}
	e, _ := New(d)
	e.look(batch)
	for b.Loop() {
		e.Result()
	}
}
