package evidence

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

var (
	update = flag.Bool("update", false, "rewrite the stored plans and results")
	digits = flag.Int("digits", 7, "significant digits of the plans and results that are compared")
)

// A gridCase is a design of every kind that the engine distinguishes, and the rates at
// which its arms show the outcome in a run that should hold, one at the margin and
// one that should be violated.
type gridCase struct {
	name  string
	of    Design
	rates [3][]float64
}

func gridCases() []gridCase {
	raised := [3][]float64{{.05, .05}, {.05, .15}, {.05, .3}}
	lowered := [3][]float64{{.6, .1}, {.6, .4}, {.6, .6}}
	rate := [3][]float64{{.01}, {.05}, {.15}}
	pair := func(change func(*Design)) Design {
		d := pairDesign(.1)
		d.Batch, d.Draws, d.MaxTrials, d.Cells = 20, 0, 240, 240
		change(&d)
		return d
	}
	one := func(change func(*Design)) Design {
		d := rateDesign(.05)
		d.Batch, d.MaxTrials, d.Cells = 20, 240, 240
		change(&d)
		return d
	}
	low := reduction(.2)
	low.Batch, low.Draws, low.MaxTrials, low.Cells = 20, 0, 240, 240
	both := equivalence(.1)
	both.Batch, both.Draws, both.MaxTrials, both.Cells = 20, 0, 320, 240
	four := interaction(.2, .1)
	four.Batch, four.Draws, four.MaxTrials, four.Cells = 20, 0, 320, 240
	slope, err := SlopeWeights([]float64{0, 1, 4, 8})
	if err != nil {
		panic(err)
	}
	doses := Design{
		Arms: []string{"0", "1", "4", "8"}, Control: -1, Batch: 20, MaxTrials: 240, Cells: 240,
		Conditions: []Condition{{Name: "slope", Weights: slope, Threshold: .05}},
	}
	fixed := func(d Design) Design { d.Stopping = FixedN; return d }
	last := func(d Design) Design { d.Stopping, d.MaxTrials = TerminalLook, 120; return d }
	patient := func(d Design) Design { d.NoFutility = true; return d }
	plain := func(*Design) {}
	erring := func(d *Design) { d.Judge = JudgeError{Lower: .8, Upper: .95, FalsePositive: .05} }
	unlike := func(d *Design) { d.ArmErrors = []ArmError{known("a", .95, .98), wide("b", .9, .95, .95, .99)} }
	return []gridCase{
		{"pairs", pair(plain), raised},
		{"pairs, fixed", fixed(pair(plain)), raised},
		{"pairs, last look", last(pair(plain)), raised},
		{"pairs, patient", patient(pair(plain)), raised},
		{"pairs without control", pair(func(d *Design) { d.Control = -1 }), raised},
		{"pairs, fixed, without control", fixed(pair(func(d *Design) { d.Control = -1 })), raised},
		{"pairs with a floor", pair(func(d *Design) { d.MinTrials = 100 }), raised},
		{"pairs of draws", pair(func(d *Design) { d.Draws = 4 }), raised},
		{"pairs of all cells", pair(func(d *Design) { d.WithoutReplacement, d.Batch = true, 50 }), raised},
		{"pairs that disagree", pair(func(d *Design) { d.WithoutReplacement, d.Disagreement = true, .002 }), raised},
		{"pairs of targets", pair(func(d *Design) { d.OverTargets = true }), raised},
		{"pairs, little budget", pair(func(d *Design) { d.MaxTrials = 60 }), raised},
		{"pairs, full control", pair(plain), [3][]float64{{.97, .97}, {.85, .9}, {1, 1}}},
		{"pairs, full control, fixed", fixed(pair(plain)), [3][]float64{{.97, .97}, {.85, .9}, {1, 1}}},
		{"pairs as judged", pair(erring), raised},
		{"pairs as judged, fixed", fixed(pair(erring)), raised},
		{"pairs as judged, last look", last(pair(erring)), raised},
		{"pairs read unlike", pair(unlike), raised},
		{"pairs read unlike, fixed", fixed(pair(unlike)), raised},
		{"reduction", low, lowered},
		{"reduction, fixed", fixed(low), lowered},
		{"reduction, last look", last(low), lowered},
		{"rate", one(plain), rate},
		{"rate, fixed", fixed(one(plain)), rate},
		{"rate, last look", last(one(plain)), rate},
		{"rate, patient", patient(one(plain)), rate},
		{"rate as judged", one(erring), rate},
		{"rate as judged, fixed", fixed(one(erring)), rate},
		{"rate of all cells", one(func(d *Design) { d.WithoutReplacement = true }), rate},
		{"at least", func() Design { d := atLeast(.8); d.Batch, d.MaxTrials, d.Cells = 20, 240, 240; return d }(), [3][]float64{{.99}, {.8}, {.5}}},
		{"equivalence", both, raised},
		{"equivalence, fixed", fixed(both), raised},
		{"equivalence, last look", last(both), raised},
		{"equivalence, patient", patient(both), raised},
		{"interaction", four, [3][]float64{{.1, .1, .1, .1}, {.1, .1, .1, .3}, {.1, .1, .1, .7}}},
		{"interaction, fixed", fixed(four), [3][]float64{{.1, .1, .1, .1}, {.1, .1, .1, .3}, {.1, .1, .1, .7}}},
		{"doses", doses, [3][]float64{{.1, .1, .1, .1}, {.1, .15, .2, .25}, {.1, .3, .5, .8}}},
		{"doses, fixed", fixed(doses), [3][]float64{{.1, .1, .1, .1}, {.1, .15, .2, .25}, {.1, .3, .5, .8}}},
	}
}

// gridBatch fills the next batch of a run: cells in turn, each as easy under all arms
// alike as its luck is, one reply in a hundred missing.
func gridBatch(r *rand.Rand, d *Design, from, size int, rates []float64) []Trial {
	batch := make([]Trial, size)
	for i := range batch {
		t := &batch[i]
		t.Cell = (from + i) % d.Cells
		if d.Draws > 1 {
			t.Draw = i % d.Draws
		}
		shared := r.Float64()
		for _, p := range rates {
			luck := shared
			if r.Float64() < .7 {
				luck = r.Float64()
			}
			t.Y = append(t.Y, Observation{Value: b2f(luck < p), Missing: r.Float64() < .01})
		}
	}
	return batch
}

// Plans and results of every kind of design are those that are stored: a change of how
// they are computed that was not meant to change them shows here. Run with -update
// to store what is meant, and with -digits 17 -update to compare two ways exactly.
func TestPlansAndResultsStay(t *testing.T) {
	raced.Skip(t)
	var out []string
	for _, g := range gridCases() {
		f, err := g.of.Forecast()
		out = append(out, numbers("%s | plan %+v %v", g.name, f, err))
		for k, rates := range g.rates {
			r := rand.New(rand.NewPCG(20, uint64(k)))
			e, err := New(g.of)
			if err != nil {
				t.Fatal(g.name, err)
			}
			looks, result := 0, e.Result()
			evidence := 0.0 // a change at any look changes the sum
			for !result.Done {
				result, err = e.Add(gridBatch(r, &g.of, result.Trials, min(e.design.Batch, e.cap-e.trials), rates))
				if err != nil {
					t.Fatal(g.name, err)
				}
				looks++
				evidence += result.LogEViolated + float64(result.Needs%1000)
				for _, c := range result.Conditions {
					evidence += c.LogEHolds + c.Estimate + c.Lower + c.Upper + c.JudgeLower + c.JudgeUpper + c.Companion.Lower + c.Companion.Upper
				}
				for _, a := range result.Arms {
					evidence += a.Corrected + a.Lower + a.Upper
				}
			}
			out = append(out, numbers("%s | run %d: %v %s after %d trials in %d looks, %d missing, final %v, needs %d, evidence %v, sum %v, warnings %q", g.name, k,
				result.State, result.Reason, result.Trials, looks, result.Missing, result.Final, result.Needs, result.LogEViolated, evidence, result.Warnings))
		}
	}
	const file = "testdata/plans_and_results.txt"
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	stored, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(stored)), "\n")
	if len(want) != len(out) {
		t.Fatalf("%d plans and results, %d stored", len(out), len(want))
	}
	for i := range out {
		if out[i] != want[i] {
			t.Errorf("got\n%s\nwant\n%s", out[i], want[i])
		}
	}
}

// numbers formats with every number of the arguments to so many digits that no
// rounding of another processor shows.
func numbers(format string, args ...any) string {
	words := strings.FieldsFunc(fmt.Sprintf(format, args...), func(r rune) bool { return r == ' ' })
	for i, w := range words {
		at := strings.LastIndexAny(w, ":{[") + 1
		end := len(w)
		for end > at && strings.ContainsRune("}],", rune(w[end-1])) {
			end--
		}
		var x float64
		if n, err := fmt.Sscan(w[at:end], &x); n == 1 && err == nil && strings.Contains(w[at:end], ".") {
			words[i] = w[:at] + fmt.Sprintf("%.*g", *digits, x) + w[end:]
		}
	}
	return strings.Join(words, " ")
}
