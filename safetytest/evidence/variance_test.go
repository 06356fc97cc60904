package evidence

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// crossed returns trials of X = target + draw + cell + chance, with the given
// standard deviations; cells are visited 0 to 4 times.
func crossed(r *rand.Rand, targets, draws int, sd Components) []Trial {
	var trials []Trial
	byTarget := make([]float64, targets)
	for i := range byTarget {
		byTarget[i] = sd.Targets * r.NormFloat64()
	}
	for draw := range draws {
		byDraw := sd.Draws * r.NormFloat64()
		for target := range targets {
			mean := .3 + byTarget[target] + byDraw + sd.Cells*r.NormFloat64()
			for range r.IntN(5) {
				trials = append(trials, Trial{
					Target: target, Draw: draw,
					Y: []Observation{{}, {Value: mean + sd.Sampling*r.NormFloat64()}},
				})
			}
		}
	}
	return trials
}

// On average over many runs, with unequal numbers of visits, the estimates are the
// truth.
func TestVarianceComponents(t *testing.T) {
	raced.Skip(t)
	contrast := Condition{Weights: []float64{-1, 1}}
	tests := []struct {
		name           string
		targets, draws int
		truth          Components
	}{
		{"all differ", 30, 6, Components{Sampling: .5, Draws: .2, Targets: .3, Cells: .1}},
		{"chance alone", 30, 6, Components{Sampling: .5}},
		{"draws alone", 20, 8, Components{Sampling: .1, Draws: .3}},
		{"targets alone", 40, 4, Components{Sampling: .1, Targets: .3}},
		{"draws that suit some targets", 30, 6, Components{Sampling: .3, Cells: .4}},
		{"a single draw", 60, 1, Components{Sampling: .4, Targets: .3}},
		{"a single target", 1, 60, Components{Sampling: .4, Draws: .3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const runs = 400
			var mean variances
			for seed := range uint64(runs) {
				s, err := tableOf(crossed(rand.New(rand.NewPCG(seed, 9)), tt.targets, tt.draws, tt.truth), contrast)
				if err != nil {
					t.Fatal(err)
				}
				v, err := s.variances()
				if err != nil {
					t.Fatal(err)
				}
				mean.sampling += v.sampling / runs
				mean.draws += v.draws / runs
				mean.targets += v.targets / runs
				mean.cells += v.cells / runs
			}
			for name, v := range map[string][2]float64{
				"sampling": {mean.sampling, tt.truth.Sampling}, "draws": {mean.draws, tt.truth.Draws},
				"targets": {mean.targets, tt.truth.Targets}, "cells": {mean.cells, tt.truth.Cells},
			} {
				if want := v[1] * v[1]; math.Abs(v[0]-want) > .0015+.07*want {
					t.Errorf("%s: variance %.4f on average, want %.4f", name, v[0], want)
				}
			}
		})
	}
}

// A single cell has chance and nothing else.
func TestVarianceComponentsOfOneCell(t *testing.T) {
	trials := []Trial{{Y: []Observation{{Value: 0}}}, {Y: []Observation{{Value: 1}}}}
	got, err := VarianceComponents(trials, Condition{Weights: []float64{1}})
	if want := (Components{Sampling: math.Sqrt(.5)}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// With as many visits of every cell the method of moments is the analysis of
// variance.
func TestVarianceComponentsBalanced(t *testing.T) {
	// Two targets, two draws, two visits: mean squares by hand.
	x := map[[2]int][2]float64{{0, 0}: {0, 1}, {0, 1}: {1, 1}, {1, 0}: {0, 0}, {1, 1}: {.5, 1}}
	var trials []Trial
	for at, visits := range x {
		for _, v := range visits {
			trials = append(trials, Trial{Target: at[0], Draw: at[1], Y: []Observation{{Value: v}}})
		}
	}
	// A trial with a missing observation says nothing.
	trials = append(trials, Trial{Y: []Observation{{Missing: true}}})
	got, err := VarianceComponents(trials, Condition{Weights: []float64{1}})
	if err != nil {
		t.Fatal(err)
	}
	// Cell means .5, 1, 0, .75; targets .75, .375; draws .25, .875; all .5625.
	within := (.5 + 0 + 0 + .125) / 4
	msTargets := 4 * 2 * .1875 * .1875
	msDraws := 4 * 2 * .3125 * .3125
	msCells := 2 * 4 * .0625 * .0625
	want := Components{
		Sampling: math.Sqrt(within),
		Targets:  math.Sqrt((msTargets - msCells) / 4),
		Draws:    math.Sqrt((msDraws - msCells) / 4),
		Cells:    math.Sqrt(max(0, (msCells-within)/2)),
	}
	for name, v := range map[string][2]float64{
		"sampling": {got.Sampling, want.Sampling}, "targets": {got.Targets, want.Targets},
		"draws": {got.Draws, want.Draws}, "cells": {got.Cells, want.Cells},
	} {
		if math.Abs(v[0]-v[1]) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, v[0], v[1])
		}
	}
}

func TestVarianceComponentsOfTooLittle(t *testing.T) {
	visit := func(target, draw int) Trial {
		return Trial{Target: target, Draw: draw, Y: []Observation{{}, {Value: 1}}}
	}
	contrast := Condition{Weights: []float64{-1, 1}}
	tests := []struct {
		says   string
		trials []Trial
	}{
		{"no trial is complete", nil},
		{"no trial is complete", []Trial{{Y: []Observation{{}, {Missing: true}}}}},
		{"no cell was visited twice", []Trial{visit(0, 0), visit(0, 1), visit(1, 0)}},
		{"cannot be separated", []Trial{visit(0, 0), visit(0, 0), visit(1, 1), visit(1, 1)}},
		{"trial 1: Y[1] was not asked", []Trial{visit(0, 0), {Y: []Observation{{}}}}},
		{"trial 0: Y[1] was not asked", []Trial{{Y: []Observation{{}, {NotAsked: true}}}}},
	}
	for _, tt := range tests {
		if c, err := VarianceComponents(tt.trials, contrast); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v, %v; want an error that says %q", c, err, tt.says)
		}
	}
}
