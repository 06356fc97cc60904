package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// estimated runs a two-armed claim, or a rate, with labels drawn anew, and returns
// its only condition.
func estimated(t *testing.T, r *rand.Rand, labels int, truth Rates, rates []float64, d Design, perArm bool) Result {
	t.Helper()
	draw := func() Calibration {
		c := Calibration{Positives: labels, Negatives: labels}
		for range labels {
			if r.Float64() < truth.Sensitivity {
				c.Hits++
			}
			if r.Float64() < truth.Specificity {
				c.Rejections++
			}
		}
		return c
	}
	if perArm {
		for k := range rates {
			judge, err := draw().ArmError(fmt.Sprint("arm ", k), .005)
			if err != nil {
				t.Fatal(err)
			}
			d.ArmErrors = append(d.ArmErrors, judge)
		}
	} else if len(rates) == 1 {
		judge, err := draw().ArmError("all", .01)
		if err != nil {
			t.Fatal(err)
		}
		d.ArmErrors = []ArmError{judge}
	} else {
		judge, err := draw().Error(.01)
		if err != nil {
			t.Fatal(err)
		}
		d.Judge = judge
	}
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]Trial, d.Batch)
	for at := 0; at < d.MaxTrials; at += d.Batch {
		for i := range batch {
			batch[i] = Trial{Cell: i}
			for _, rate := range rates {
				seen := 1 - truth.Specificity
				if r.Float64() < rate {
					seen = truth.Sensitivity
				}
				y := 0.0
				if r.Float64() < seen {
					y = 1
				}
				batch[i].Y = append(batch[i].Y, Observation{Value: y})
			}
		}
		if _, err := e.Add(batch); err != nil {
			break // decided
		}
	}
	return e.Result()
}

// Estimates are corrected by the estimate of the judge's errors and not by its
// bounds: over many sets of labels they are right on average, and so are the rates
// beside them.
func TestEstimatesAreCorrectedByEstimates(t *testing.T) {
	raced.Skip(t)
	runs := 600
	if testing.Short() {
		runs = 200
	}
	contrast := []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: .45}}
	level := []Condition{{Name: "at most", Weights: []float64{1}, Threshold: .55, Rate: true}}
	atLeast := []Condition{{Name: "at least", Weights: []float64{-1}, Offset: 1, Threshold: .9, Rate: true}}
	for _, c := range []struct {
		name       string
		labels     int
		judge      Rates
		rates      []float64
		conditions []Condition
		perArm     bool
		want       float64
	}{
		{"a raise, good judge", 100, Rates{.95, .93}, []float64{.2, .5}, contrast, false, .3},
		{"a raise, blunt judge", 100, Rates{.85, .9}, []float64{.3, .7}, contrast, false, .4},
		{"no raise", 100, Rates{.9, .9}, []float64{.4, .4}, contrast, false, 0},
		{"a reduction", 100, Rates{.9, .95}, []float64{.7, .3}, contrast, false, -.4},
		{"a rate", 100, Rates{.85, .92}, []float64{.4}, level, false, .4},
		{"a rate of others", 100, Rates{.85, .92}, []float64{.4}, atLeast, false, .6},
		{"a raise, arm by arm", 400, Rates{.95, .93}, []float64{.2, .5}, contrast, true, .3},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(7, uint64(len(c.name))))
			var all, corrected tally
			d := Design{Arms: []string{"control", "treated"}[:len(c.rates)], Conditions: c.conditions, Control: -1, Batch: 40, MaxTrials: 400, Cells: 40, NoFutility: true, MinTrials: 400}
			outside := 0
			for range runs {
				got := estimated(t, r, c.labels, c.judge, c.rates, d, c.perArm)
				x := got.Conditions[0]
				if x.Estimate < x.Lower || x.Estimate > x.Upper || x.JudgeLower < x.Lower-1e-9 || x.JudgeUpper > x.Upper+1e-9 || x.JudgeLower > x.JudgeUpper {
					t.Fatalf("%+v: what is nearer stands outside", x)
				}
				if x.Lower > c.want || x.Upper < c.want {
					outside++
				}
				all.add(x.Estimate, 1)
				arms := 0.0
				for k, w := range c.conditions[0].Weights {
					arms += w * got.Arms[k].Corrected
				}
				corrected.add(c.conditions[0].Offset+arms, 1)
			}
			se := math.Sqrt(all.variance() / float64(runs))
			t.Logf("true %.3f: estimated %.4f, standard error %.4f of the mean and %.4f of one; by the arms %.4f; bounds miss in %d of %d", c.want, all.mean(), se, math.Sqrt(all.variance()), corrected.mean(), outside, runs)
			// 1/J is curved: its mean over labels lies a little above, by the square
			// of the labels' own error.
			curved := math.Abs(c.want) * .006
			if math.Abs(all.mean()-c.want) > 3.5*se+curved || math.Abs(corrected.mean()-c.want) > 3.5*se+curved {
				t.Errorf("estimated %.4f and by the arms %.4f on average, true %.4f, standard error %.4f", all.mean(), corrected.mean(), c.want, se)
			}
			if float64(outside) > .1*float64(runs) {
				t.Errorf("the bounds leave out the truth in %d of %d runs", outside, runs)
			}
		})
	}
}

// The raise of 60 points as judged, at a J of 0.886: 67.7 is its estimate.
func TestTheEstimateOfSixtyPoints(t *testing.T) {
	judge, err := (Calibration{Hits: 100, Positives: 103, Rejections: 65, Negatives: 71}).Error(.01)
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(Design{Arms: []string{"control", "treated"}, Conditions: []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: .1}},
		Control: -1, Batch: 20, MaxTrials: 20, Cells: 20, Judge: judge})
	if err != nil {
		t.Fatal(err)
	}
	var batch []Trial
	for i := range 20 {
		raised := Observation{}
		if i < 12 {
			raised.Value = 1
		}
		batch = append(batch, Trial{Cell: i, Y: []Observation{{}, raised}})
	}
	r, err := e.Add(batch)
	if err != nil {
		t.Fatal(err)
	}
	want := .6 / (100./103 + 65./71 - 1)
	if got := r.Conditions[0].Estimate; math.Abs(got-want) > 1e-9 || math.Abs(r.Draws[0].Estimate-want) > 1e-9 {
		t.Errorf("estimated %.4f, by draw %.4f, want %.4f", got, r.Draws[0].Estimate, want)
	}
	if c := r.Arms[1].Corrected; !r.Arms[1].HasCorrection || math.Abs(c-(.6-6./71)/(100./103+65./71-1)) > 1e-9 {
		t.Errorf("the treated rate is corrected to %v", c)
	}
}

// Where the judge's errors cover the threshold more trials are no advice.
func TestMoreTrialsAreNotAdvisedWhereTheJudgeIsTheLimit(t *testing.T) {
	for _, c := range []struct {
		name    string
		judge   Calibration
		rate    float64 // as judged
		limited bool
	}{
		{"few labels, a rate at its bound", Calibration{44, 50, 45, 50}, .42, true},
		{"many labels, a rate at its bound", Calibration{8800, 10000, 9000, 10000}, .46, false},
		{"few labels, a rate far above", Calibration{44, 50, 45, 50}, .8, false},
		{"few labels, a rate far below", Calibration{44, 50, 45, 50}, .12, false},
	} {
		judge, err := c.judge.ArmError("judge", .01)
		if err != nil {
			t.Fatal(err)
		}
		d := Design{Arms: []string{"arm"}, Conditions: []Condition{{Name: "at most", Weights: []float64{1}, Threshold: .4, Rate: true}},
			Control: -1, Batch: 100, MaxTrials: 400, Cells: 100, NoFutility: true, ArmErrors: []ArmError{judge}}
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		for range 3 {
			batch := make([]Trial, 100)
			for i := range batch {
				batch[i] = Trial{Cell: i, Y: []Observation{{}}}
				if float64(i) < 100*c.rate {
					batch[i].Y[0].Value = 1
				}
			}
			if r, err = e.Add(batch); err != nil {
				break
			}
		}
		x := r.Conditions[0]
		if r.JudgeLimited != c.limited || x.JudgeLimited != c.limited || c.limited && (r.Needs != 0 || x.JudgeLower > .4 || x.JudgeUpper < .4) {
			t.Errorf("%s: limited %v, needs %d, %v: %.3f to %.3f at best", c.name, r.JudgeLimited, r.Needs, r.State, x.JudgeLower, x.JudgeUpper)
		}
	}
}
