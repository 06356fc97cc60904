package evidence

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Bad arguments of the fixed-n procedures are errors that name them.
func TestBadArguments(t *testing.T) {
	good := Pairs{Neither: 10}
	nan := math.NaN()
	errs := map[string]func() error{
		"n 0":                          func() error { _, err := Wilson(0, 0, .9); return err },
		"x 3 of n 2":                   func() error { _, err := ClopperPearson(3, 2, .9); return err },
		"x -1 of n 2":                  func() error { _, err := ClopperPearson(-1, 2, .9); return err },
		"level 1":                      func() error { _, err := Wilson(0, 2, 1); return err },
		"level NaN":                    func() error { _, err := good.Tango(nan); return err },
		"level 0":                      func() error { _, err := good.Newcombe(0); return err },
		"OnlyTreated:-1":               func() error { _, err := Pairs{OnlyTreated: -1, Neither: 3}.Tango(.9); return err },
		"at least one pair":            func() error { _, err := Pairs{}.Tango(.9); return err },
		"margin 1":                     func() error { _, err := good.TangoTest(1); return err },
		"margin -2":                    func() error { _, err := ScoreTest(1, 2, 1, 2, -2); return err },
		"x 4 of n 3":                   func() error { _, err := ScoreTest(1, 2, 4, 3, .1); return err },
		"x 9 of n 3":                   func() error { _, err := NewcombeUnpaired(9, 3, 1, 2, .9); return err },
		"none may be negative":         func() error { _, err := Pairs{OnlyControl: -1}.McNemar(); return err },
		"rate 0":                       func() error { _, err := ZeroEventTrials(0, .05); return err },
		"alpha 1":                      func() error { _, err := ZeroEventTrials(.05, 1); return err },
		"2 x, 1 n":                     func() error { _, err := CochranArmitage([]int{1, 2}, []int{3}, []float64{0, 1}); return err },
		"dose 1: x 4 of n 3":           func() error { _, err := CochranArmitage([]int{1, 4}, []int{3, 3}, []float64{0, 1}); return err },
		"there are none":               func() error { _, err := LogisticSlope(nil); return err },
		"all have the dose 2":          func() error { _, err := LogisticSlope([]DoseOutcome{{Dose: 2}, {Dose: 2}}); return err },
		"dose NaN":                     func() error { _, err := LogisticSlope([]DoseOutcome{{Dose: nan}}); return err },
		"cells 1":                      func() error { _, err := cellMeans{1}.TTest(.1); return err },
		"cell 1: effect NaN":           func() error { _, err := cellMeans{1, nan}.TTest(.1); return err },
		"margin 0":                     func() error { _, err := cellMeans{1, 2}.TTest(0); return err },
		"nothing can be said":          func() error { _, err := cellMeans{1, 1}.TTest(.1); return err },
		"have the effect 1: nothing":   func() error { _, err := cellMeans{1, 1}.bootstrapT(.9, 199, 1); return err },
		"resamples 10":                 func() error { _, err := cellMeans{1, 2}.bootstrapT(.9, 10, 1); return err },
		"Hits of Positives: n 0":       func() error { _, err := Calibration{Negatives: 3}.Error(.01); return err },
		"Rejections of Negatives: x 5": func() error { _, err := Calibration{Positives: 3, Rejections: 5, Negatives: 3}.Error(.01); return err },
		"alpha 0":                      func() error { _, err := Calibration{Positives: 3, Negatives: 3}.Error(0); return err },
		"label more replies": func() error {
			_, err := Calibration{Hits: 5, Positives: 10, Rejections: 5, Negatives: 10}.Error(.01)
			return err
		},
		"specificity 1.2":     func() error { _, _, err := RoganGladen(.1, .9, 1.2); return err },
		"must be above 0":     func() error { _, _, err := RoganGladen(.1, .5, .5); return err },
		"lambda 2":            func() error { _, err := ppi(make([]Labelled, 3), []float64{1}, 2, .9); return err },
		"1 labelled":          func() error { _, err := ppiTuned(make([]Labelled, 1), []float64{1}, .9); return err },
		"judged trial 0: NaN": func() error { _, err := ppiTuned(make([]Labelled, 2), []float64{nan}, .9); return err },
		"1 doses":             func() error { _, err := SlopeWeights([]float64{1}); return err },
		"dose -1":             func() error { _, err := SlopeWeights([]float64{1, -1}); return err },
		"all doses are 3":     func() error { _, err := SlopeWeights([]float64{3, 3}); return err },
		"miss 0":              func() error { _, err := SuitePower(0, 3); return err },
		"claims 0":            func() error { _, err := SuitePower(.1, 0); return err },
	}
	for names, f := range errs {
		t.Run(names, func(t *testing.T) {
			if err := f(); err == nil || !strings.Contains(err.Error(), names) {
				t.Errorf("error %v does not name %q", err, names)
			}
		})
	}
}

func TestSlopeWeights(t *testing.T) {
	w, err := SlopeWeights([]float64{0, 1, 3, 7})
	if err != nil {
		t.Fatal(err)
	}
	// log2(1+dose) is 0, 1, 2, 3: a rise of 0.1 per doubling must be found as such.
	slope, sum := 0.0, 0.0
	for k := range w {
		slope += w[k] * (0.2 + 0.1*float64(k))
		sum += w[k]
	}
	if math.Abs(slope-0.1) > 1e-12 || math.Abs(sum) > 1e-12 {
		t.Errorf("slope %v, sum of weights %v", slope, sum)
	}
}

// With no compliance at dose 0 the ordinary slope is infinite; Firth's is not, and
// is large.
func TestLogisticSlopeSeparated(t *testing.T) {
	var replies []DoseOutcome
	for k := range 20 {
		replies = append(replies, DoseOutcome{Dose: 0, Cluster: k}, DoseOutcome{Dose: 1, Outcome: true, Cluster: k})
	}
	fit, err := LogisticSlope(replies)
	if err != nil {
		t.Fatal(err)
	}
	// Both doses are shrunk by half a reply: the log-odds are +-log(20.5/0.5).
	if want := 2 * math.Log(20.5/0.5); !fit.Firth || math.Abs(fit.Slope-want) > 1e-6 {
		t.Errorf("%+v, want a slope of %v", fit, want)
	}
}

// The bootstrap-t interval covers the mean of skewed cells about as often as it
// says.
func TestBootstrapTCoverage(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const runs, cells = 300, 40
	low, high := 0, 0
	for run := range runs {
		c := make(cellMeans, cells)
		for i := range c {
			c[i] = r.ExpFloat64() / 10
		}
		i, err := c.bootstrapT(.9, 199, uint64(run))
		if err != nil {
			t.Fatal(err)
		}
		if i.Lower > .1 {
			high++
		}
		if i.Upper < .1 {
			low++
		}
	}
	t.Logf("%d of %d intervals lie below the mean, %d above", low, runs, high)
	if low+high > runs/5 || low+high < runs/50 {
		t.Errorf("%d of %d intervals miss", low+high, runs)
	}
}

func TestPPITuned(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	sample := func(useful bool) (labelled []Labelled, judged []float64) {
		for i := range 400 {
			truth := b2f(r.Float64() < .2)
			seen := b2f(r.Float64() < .2)
			if useful && r.Float64() < .95 {
				seen = truth
			}
			if i < 100 {
				labelled = append(labelled, Labelled{truth, seen})
			} else {
				judged = append(judged, seen)
			}
		}
		return labelled, judged
	}
	width := func(i Interval) float64 { return i.Upper - i.Lower }
	for _, useful := range []bool{true, false} {
		labelled, judged := sample(useful)
		tuned, err := ppiTuned(labelled, judged, .9)
		if err != nil {
			t.Fatal(err)
		}
		for _, lambda := range []float64{0, 1} {
			other, err := ppi(labelled, judged, lambda, .9)
			if err != nil {
				t.Fatal(err)
			}
			if width(tuned.Interval) > width(other.Interval)*1.02 {
				t.Errorf("judge useful %v: tuned (lambda %.2f) is wider than lambda %v: %.3f, %.3f", useful, tuned.Lambda, lambda, width(tuned.Interval), width(other.Interval))
			}
		}
		if useful != (tuned.Lambda > .4) {
			t.Errorf("judge useful %v: lambda %v", useful, tuned.Lambda)
		}
	}
}

func TestCalibration(t *testing.T) {
	e, err := Calibration{Hits: 100, Positives: 100, Rejections: 100, Negatives: 100}.Error(.05)
	if err != nil {
		t.Fatal(err)
	}
	if e.Upper != 1 || e.Lower < .95 || e.Lower > .98 || e.FalsePositive < .02 || e.FalsePositive > .03 {
		t.Errorf("%+v", e)
	}
	if rate, clipped, err := RoganGladen(.02, .9, .97); err != nil || rate >= 0 || clipped != 0 {
		t.Errorf("%v, %v, %v", rate, clipped, err)
	}
}

// An absolute rate is disproven only beyond what the judge may invent.
func TestJudgedRates(t *testing.T) {
	atMost := rateDesign(.05).Conditions[0]
	atLeast := Condition{Weights: []float64{-1}, Offset: 1, Threshold: .2, Rate: true}
	lower := Condition{Weights: []float64{1, -1}, Threshold: -.2}
	raised := Condition{Weights: []float64{-1, 1}, Threshold: .1}
	tests := []struct {
		name            string
		c               Condition
		judge           JudgeError
		holds, violated float64
	}{
		{"at most, exact", atMost, Exact(), .05, .05},
		{"at most", atMost, JudgeError{Lower: .8, Upper: 1}, .04, .8*.05 + .2},
		{"at most, few false positives", atMost, JudgeError{Lower: .8, Upper: .9, FalsePositive: .03}, .04, .9*.05 + .03},
		{"at most, few false positives, J may be 1", atMost, JudgeError{Lower: .8, Upper: 1, FalsePositive: .03}, .04, .97*.05 + .03},
		// What is not seen as an outcome may be one that the judge missed; with few
		// false positives some certainly are.
		{"at least, exact", atLeast, Exact(), .2, .2},
		{"at least", atLeast, JudgeError{Lower: .8, Upper: 1}, .16, .8*.2 + .2},
		{"at least, few false positives", atLeast, JudgeError{Lower: .8, Upper: .9, FalsePositive: .03}, .9*.2 + .07, .8*.2 + .2},
		{"at least, few false positives, J may be 1", atLeast, JudgeError{Lower: .8, Upper: 1, FalsePositive: .03}, .97 * .2, .8*.2 + .2},
		{"at least, many false positives", atLeast, JudgeError{Lower: .8, Upper: .9, FalsePositive: .3}, .16, .8*.2 + .2},
		// A reduction looks smaller than it is, so proving it takes all of J.
		{"raised", raised, JudgeError{Lower: .8, Upper: .9}, .08, .09},
		{"lower, exact", lower, Exact(), -.2, -.2},
		{"lower", lower, JudgeError{Lower: .8, Upper: .9}, -.18, -.16},
	}
	for _, tt := range tests {
		c := tt.c
		c.Judge = &tt.judge
		if h, v := c.holdsAt(), c.violatedAt(); math.Abs(h-tt.holds) > 1e-12 || math.Abs(v-tt.violated) > 1e-12 {
			t.Errorf("%s: %v, %v; want %v, %v", tt.name, h, v, tt.holds, tt.violated)
		}
		// Bounds at the thresholds read as the claim's bound itself.
		if u, l := c.trueUpper(tt.holds), c.trueLower(tt.violated); math.Abs(u-c.Threshold) > 1e-12 || math.Abs(l-c.Threshold) > 1e-12 {
			t.Errorf("%s: true bounds %v, %v", tt.name, u, l)
		}
	}
}

// Whatever the judge within its bounds, what it shows of a truth at the threshold
// neither holds nor is violated, and the bounds contain every truth.
func TestJudgeBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		between := func(name string, lo, hi float64) float64 { return rapid.Float64Range(lo, hi).Draw(t, name) }
		j := between("J", .1, 1)
		f := between("false positives", 0, 1-j)
		bounds := JudgeError{Lower: j * between("lower", .2, 1), Upper: j + (1-j)*between("upper", 0, 1)}
		if rapid.Bool().Draw(t, "false positives known") {
			bounds.FalsePositive = min(.999, f+between("slack", .001, .5))
		}
		c := rapid.SampledFrom([]Condition{
			{Weights: []float64{1}, Rate: true},
			{Weights: []float64{-1}, Offset: 1, Rate: true},
			{Weights: []float64{-1, 1}},
			{Weights: []float64{1, -1, -1, 1}},
		}).Draw(t, "condition")
		c.Judge = &bounds
		lo, hi := c.span()
		c.Threshold = between("threshold", lo, hi)
		seen := func(truth float64) float64 {
			switch {
			case c.contrast():
				return j * truth
			case c.Offset == 1:
				return 1 - (j*(1-truth) + f)
			}
			return j*truth + f
		}
		if at := seen(c.Threshold); at < c.holdsAt()-1e-9 || at > c.violatedAt()+1e-9 {
			t.Fatalf("a truth at the threshold is seen at %v, outside [%v, %v]", at, c.holdsAt(), c.violatedAt())
		}
		truth := between("truth", lo, hi)
		if u, l := c.trueUpper(seen(truth)), c.trueLower(seen(truth)); u < truth-1e-9 || l > truth+1e-9 {
			t.Fatalf("a truth of %v is said to lie in [%v, %v]", truth, l, u)
		}
	})
}

// The error of a false Violated is shared by conditions that can be at their
// thresholds together.
func TestSharedErrors(t *testing.T) {
	band := equivalence(.1)
	exactly := equivalence(.1)
	exactly.Conditions[1].Threshold = -.1 // raised by ten points, no more and no less
	several := equivalence(.1)
	several.Conditions[1] = several.Conditions[0]
	for want, designs := range map[int][]Design{1: {band, pairDesign(.1)}, 2: {exactly, several}} {
		for _, d := range designs {
			if got := d.tests(); got != want {
				t.Errorf("%+v: %d tests, want %d", d.Conditions, got, want)
			}
		}
	}
}

func TestFixedSequence(t *testing.T) {
	tests := []struct {
		states            string // H, V or I
		holding, violated int
	}{
		{"", 0, 0},
		{"HHHH", 4, 0},
		{"VVV", 0, 3},
		{"HHIV", 2, 1},
		{"HHVV", 2, 2},
		{"IHHH", 0, 0},
		{"HIHV", 1, 1},
		{"HVHV", 1, 1},
		{"VVHI", 0, 0},
		{"-H", 0, 0},
	}
	for _, tt := range tests {
		var ordered []ConditionResult
		for _, s := range tt.states {
			ordered = append(ordered, ConditionResult{State: map[rune]State{'H': Holds, 'V': Violated, 'I': Inconclusive}[s]})
		}
		if h, v := FixedSequence(ordered); h != tt.holding || v != tt.violated {
			t.Errorf("%s: %d, %d; want %d, %d", tt.states, h, v, tt.holding, tt.violated)
		}
	}
}

func TestMultiplicity(t *testing.T) {
	log := math.Log
	tests := []struct {
		e        []float64
		holm, bh []bool
	}{
		{nil, []bool{}, []bool{}},
		{[]float64{20}, []bool{true}, []bool{true}},
		{[]float64{19.9}, []bool{false}, []bool{false}},
		{[]float64{30, 41}, []bool{true, true}, []bool{true, true}},
		{[]float64{30, 30}, []bool{false, false}, []bool{true, true}},
		{[]float64{1, 41, 1}, []bool{false, false, false}, []bool{false, false, false}},
	}
	for _, tt := range tests {
		logE := make([]float64, len(tt.e))
		for i, e := range tt.e {
			logE[i] = log(e) + 1e-12
		}
		if got := EHolm(logE, .05); !slices.Equal(got, tt.holm) {
			t.Errorf("e-Holm of %v: %v", tt.e, got)
		}
		if got := EBH(logE, .05); !slices.Equal(got, tt.bh) {
			t.Errorf("e-BH of %v: %v", tt.e, got)
		}
	}
}
