package evidence

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What is unknown of an observation counts as the worst for either side: the upper bound
// is that of a run in which it came out against the claim, the lower bound that of one in
// which it came out for it.
func TestUnknownPartsCountAsTheWorst(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 4))
		d := Design{
			Arms: []string{"control", "treated"}, Conditions: []Condition{{Name: "c", Weights: []float64{-1, 1}, Threshold: .10}},
			Control: 0, Headroom: .8, Batch: 8, Cells: 200, MaxTrials: 160, NoFutility: true, Replies: 4,
		}
		if seed%2 == 1 { // arms with errors of their own
			d.ArmErrors = []ArmError{{Name: "a", Sensitivity: Range{.9, .95}, Specificity: Range{.95, 1}}, {Name: "b", Sensitivity: Range{.85, .95}, Specificity: Range{.95, 1}}}
			d.Conditions[0].Threshold = .30
		}
		engines := make([]*Engine, 3) // as it is, against the claim, for it
		for i := range engines {
			e, err := New(d)
			if err != nil {
				t.Fatal(err)
			}
			engines[i] = e
		}
		for at := 0; at < 160 && !engines[0].done && !engines[1].done && !engines[2].done; at += 8 {
			batches := make([][]Trial, 3)
			for i := range 8 {
				known, unknown := [2]float64{}, [2]float64{}
				for k := range 2 {
					lost := r.IntN(3) / 2 * r.IntN(4)
					unknown[k] = float64(lost) / 4
					known[k] = float64(r.IntN(5-lost)) / 4
				}
				cell := at + i
				for j, y := range [][2]Observation{
					{{Value: known[0], Unknown: unknown[0]}, {Value: known[1], Unknown: unknown[1]}},
					{{Value: known[0]}, {Value: known[1] + unknown[1]}},
					{{Value: known[0] + unknown[0]}, {Value: known[1]}},
				} {
					batches[j] = append(batches[j], Trial{Cell: cell, Y: y[:]})
				}
			}
			var results [3]Result
			for j, e := range engines {
				var err error
				if results[j], err = e.Add(batches[j]); err != nil {
					t.Fatal(err)
				}
			}
			if d.ArmErrors != nil {
				continue // which arms are read follows from the rates that were seen
			}
			is, against, inFavour := results[0].Conditions[0], results[1].Conditions[0], results[2].Conditions[0]
			if math.Abs(is.Upper-against.Upper) > 1e-12 || math.Abs(is.Lower-inFavour.Lower) > 1e-12 {
				t.Fatalf("after %d trials [%v, %v], want the upper bound %v and the lower one %v", at+8, is.Lower, is.Upper, against.Upper, inFavour.Lower)
			}
			if e := is.Estimate; e < inFavour.Estimate-1e-9 || e > against.Estimate+1e-9 {
				t.Fatalf("an estimate of %v, not within [%v, %v]", e, inFavour.Estimate, against.Estimate)
			}
		}
	}
}

// Parts that are missing add up: where they come to more than one reply in twenty there is
// no verdict.
func TestUnknownPartsAreMissing(t *testing.T) {
	for lost, want := range map[float64]Reason{.25: MissingReplies, 0: ""} {
		e, err := New(Design{
			Arms: []string{"control", "treated"}, Conditions: []Condition{{Name: "c", Weights: []float64{-1, 1}, Threshold: .50}},
			Control: -1, Batch: 8, Cells: 400, MaxTrials: 400, NoFutility: true, Replies: 4,
		})
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		for at := 0; !e.done; at += 8 {
			var batch []Trial
			for i := range 8 {
				batch = append(batch, Trial{Cell: at + i, Y: []Observation{{Value: 0}, {Value: 0, Unknown: lost}}})
			}
			if r, err = e.Add(batch); err != nil {
				t.Fatal(err)
			}
		}
		if r.Reason != want || want != "" && r.Arms[1].Missing == 0 {
			t.Errorf("%v of each observation is unknown: %v %q after %d trials, %d missing", lost, r.State, r.Reason, r.Trials, r.Arms[1].Missing)
		}
	}
	e, err := New(Design{Arms: []string{"a"}, Conditions: []Condition{{Name: "c", Weights: []float64{1}, Threshold: .5}}, Control: -1, Batch: 1, Cells: 4, MaxTrials: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Observation{{Value: .8, Unknown: .4}, {Unknown: -1}, {Unknown: 1}, {Unknown: math.NaN()}} {
		if _, err := e.Add([]Trial{{Y: []Observation{o}}}); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}
