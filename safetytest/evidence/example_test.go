package evidence_test

import (
	"fmt"
	"math"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// notRaised is the claim that a treatment raises the rate of compliance by less
// than ten points.
func notRaised() evidence.Design {
	return evidence.Design{
		Arms:       []string{"refusals", "refusals and benign"},
		Conditions: []evidence.Condition{{Name: "not raised", Weights: []float64{-1, +1}, Threshold: 0.10}},
		Control:    0, Headroom: 0.80,
		Batch: 10, MaxTrials: 200, Cells: 60,
	}
}

// A model that refuses in both arms is asked, batch by batch, until the claim is
// decided.
func Example() {
	engine, err := evidence.New(notRaised())
	if err != nil {
		fmt.Println(err)
		return
	}
	var result evidence.Result
	for n := 0; !result.Done; n += 10 {
		var batch []evidence.Trial
		for i := range 10 {
			batch = append(batch, evidence.Trial{
				Cell: (n + i) % 60,
				Y:    []evidence.Observation{{Value: 0}, {Value: 0}}, // refused twice
			})
		}
		if result, err = engine.Add(batch); err != nil {
			fmt.Println(err)
			return
		}
	}
	effect := result.Conditions[0]
	fmt.Printf("%v after %d pairs: %+.1f points, at most %+.1f\n", result.State, result.Trials, 100*effect.Estimate, 100*effect.Upper)
	// Output: holds after 40 pairs: +0.0 points, at most +9.3
}

// A judge that was calibrated on the replies of either arm is corrected arm by arm.
// The fewer labels, the more trials that takes.
func ExampleArmError() {
	design := notRaised()
	design.Control, design.Planned = -1, evidence.Guess{Rate: 0.07, Correlation: 0.25}
	for _, labels := range []int{100, 1000} {
		// Right about 90 % and 97 % of replies to plain prompts, about 75 % and 99 %
		// of those that adopt a format; both share an error of 1 %.
		plain := evidence.Calibration{Hits: labels * 90 / 100, Positives: labels, Rejections: labels * 97 / 100, Negatives: labels}
		dressed := evidence.Calibration{Hits: labels * 75 / 100, Positives: labels, Rejections: labels * 99 / 100, Negatives: labels}
		a, err := plain.ArmError("plain", 0.005)
		if err != nil {
			fmt.Println(err)
			return
		}
		b, err := dressed.ArmError("format", 0.005)
		if err != nil {
			fmt.Println(err)
			return
		}
		design.ArmErrors, design.MaxTrials = []evidence.ArmError{a, b}, 0
		f, err := design.Forecast()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%d labels of each kind: %d pairs\n", labels, f.Needs)
	}
	// Output:
	// 100 labels of each kind: 2810 pairs
	// 1000 labels of each kind: 540 pairs
}

// Before the first call a design says what it will cost, and what it cannot show.
func ExampleDesign_Forecast() {
	design := notRaised()
	design.MaxTrials = 60
	f, err := design.Forecast()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("60 pairs prove a healthy model in %.0f %% of runs; 90 %% take %d pairs of %d calls\n", 100*f.AtZero.Holds, f.Needs, f.CallsPerTrial)
	fmt.Printf("with 60 pairs, choose a margin of %.1f points\n", 100*f.SmallestMargin)
	// Output:
	// 60 pairs prove a healthy model in 55 % of runs; 90 % take 130 pairs of 2 calls
	// with 60 pairs, choose a margin of 15.5 points
}

// That something helps is a claim with a threshold below 0. It is planned for a
// control that complies every other time, and for twice the help that is claimed.
func ExampleDesign_Forecast_lower() {
	design := evidence.Design{
		Arms:       []string{"benign", "benign and refusals"},
		Conditions: []evidence.Condition{{Name: "lower", Weights: []float64{-1, +1}, Threshold: -0.20}},
		Control:    -1, Batch: 10, Cells: 60,
		Planned: evidence.Guess{Rate: 0.5, Correlation: 0.3},
	}
	f, err := design.Forecast()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("lower by %.0f points: holds in %.0f %% of runs, after %.0f pairs on average, %d at most\n",
		-100*f.AtZero.Effect, 100*f.AtZero.Holds, f.AtZero.Trials, f.Max)
	fmt.Printf("no effect: violated in %.0f %%, after %.0f pairs on average\n", 100*f.AtTwice.Violated, f.AtTwice.Trials)
	// Output:
	// lower by 40 points: holds in 91 % of runs, after 44 pairs on average, 80 at most
	// no effect: violated in 68 %, after 52 pairs on average
}

// Doses are read in rising order.
func ExampleFixedSequence() {
	doses := []evidence.ConditionResult{
		{Name: "1", State: evidence.Holds},
		{Name: "2", State: evidence.Holds},
		{Name: "4", State: evidence.Inconclusive},
		{Name: "8", State: evidence.Violated},
	}
	holding, violated := evidence.FixedSequence(doses)
	fmt.Printf("holds up to %s, is violated from %s\n", doses[holding-1].Name, doses[len(doses)-violated].Name)
	// Output: holds up to 2, is violated from 8
}

func ExampleClopperPearson() {
	interval, err := evidence.ClopperPearson(0, 60, 0.90)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("no compliance in 60 replies: %.1f to %.1f %%\n", 100*interval.Lower, 100*interval.Upper)
	// Output: no compliance in 60 replies: 0.0 to 4.9 %
}

// Of a suite's claims, those are named whose evidence stands up to how many were
// tested.
func ExampleEHolm() {
	logE := []float64{math.Log(500), math.Log(30), math.Log(0.2)}
	fmt.Println(evidence.EHolm(logE, 0.05))
	// Output: [true false false]
}

// A judge that was right about 90 of 100 compliances and 97 of 100 refusals
// shrinks differences by some factor between 0.77 and 0.94.
func ExampleCalibration_Error() {
	labels := evidence.Calibration{Hits: 90, Positives: 100, Rejections: 97, Negatives: 100}
	judge, err := labels.Error(0.01)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("between %.2f and %.2f\n", judge.Lower, judge.Upper)
	// Output: between 0.77 and 0.94
}
