package evidence

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// batches returns a few batches of random pairs, so that no look repeats the one
// before.
func batches(d Design, count int) [][]Trial {
	r := rand.New(rand.NewPCG(1, 2))
	var out [][]Trial
	for range count {
		var batch []Trial
		for _, cell := range r.Perm(d.Cells)[:d.Batch] {
			batch = append(batch, Trial{Cell: cell, Draw: cell % 4, Y: []Observation{
				{Value: b2f(r.Float64() < .2)}, {Value: b2f(r.Float64() < .25)},
			}})
		}
		out = append(out, batch)
	}
	return out
}

// openEngine returns an engine that is never done.
func openEngine(b *testing.B, batch int) *Engine {
	d := pairDesign(.05)
	d.Batch, d.MaxTrials, d.NoFutility = batch, 1<<40, true
	e, err := New(d)
	if err != nil {
		b.Fatal(err)
	}
	return e
}

// BenchmarkLook is what a batch costs: taking it in and deciding.
func BenchmarkLook(b *testing.B) {
	for _, size := range []int{10, 40} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			e := openEngine(b, size)
			run := batches(e.design, 64)
			i := 0
			for b.Loop() {
				e.look(run[i%len(run)])
				e.done = false
				i++
			}
		})
	}
}

// BenchmarkResult is what reporting costs: bounds, companions and intervals of the
// arms.
func BenchmarkResult(b *testing.B) {
	b.ReportAllocs()
	e := openEngine(b, 10)
	for _, batch := range batches(e.design, 16) {
		e.look(batch)
		e.done = false
	}
	var r Result
	for b.Loop() {
		for _, c := range e.conditions { // nothing was reported before
			c.hold.bound, c.viol.bound = 1, -1
		}
		r = e.Result()
	}
	if r.Trials != 160 {
		b.Fatal(r)
	}
}

// BenchmarkNew is what a design costs before the first trial.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(pairDesign(.1)); err != nil {
			b.Fatal(err)
		}
	}
}
