package evidence

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// anyDesign draws a design that New accepts.
func anyDesign(t *rapid.T) Design {
	margin := float64(rapid.IntRange(1, 45).Draw(t, "margin")) / 100
	var d Design
	switch rapid.IntRange(0, 6).Draw(t, "claim") {
	case 0:
		d = pairDesign(margin)
	case 1:
		d = equivalence(margin)
	case 2:
		d = rateDesign(margin)
	case 3:
		d = atLeast(1 - margin)
	case 4:
		d = reduction(margin)
	case 5:
		d = interaction(margin, .2)
	default:
		w, err := SlopeWeights([]float64{0, 1, 4})
		if err != nil {
			t.Fatal(err)
		}
		d = pairDesign(margin)
		d.Arms = []string{"0", "1", "4"}
		d.Conditions = []Condition{
			{Name: "slope", Weights: w, Threshold: margin / 3},
			{Name: "endpoints", Weights: []float64{-1, 0, 1}, Threshold: margin},
		}
	}
	d.Cells = rapid.SampledFrom([]int{8, 24, 48}).Draw(t, "cells")
	d.Batch = rapid.SampledFrom([]int{2, 4, 8}).Draw(t, "batch")
	d.MaxTrials = rapid.SampledFrom([]int{16, 48, 160}).Draw(t, "trials")
	d.Draws = rapid.SampledFrom([]int{0, 2}).Draw(t, "draws")
	d.NoFutility = rapid.Bool().Draw(t, "no futility")
	switch rapid.IntRange(0, 2).Draw(t, "judge") {
	case 1:
		d.Judge = JudgeError{Lower: 0.8, Upper: 0.95}
	case 2:
		for k := range d.Arms {
			d.ArmErrors = append(d.ArmErrors, []ArmError{plain, dressed, dressed, known("code", 1, 1)}[k])
		}
	}
	if rapid.Bool().Draw(t, "a condition's judge errs") {
		d.Conditions[0].Judge = &JudgeError{Lower: 0.6, Upper: 0.9, FalsePositive: 0.1}
	}
	d.MinTrials = rapid.SampledFrom([]int{0, 3, 8}).Draw(t, "floor")
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 1:
		d.Stopping = FixedN
	case 2:
		d.WithoutReplacement = true
	case 3:
		d.Draws, d.OverTargets = 0, true
	}
	return d
}

// anyRun draws the batches of a run: binary or graded outcomes, some missing.
func anyRun(t *rapid.T, d Design) [][]Trial {
	graded, missing := rapid.Bool().Draw(t, "graded"), rapid.Bool().Draw(t, "missing")
	// Outcomes that rise from arm to arm violate several conditions at a time.
	rising := rapid.Bool().Draw(t, "rising")
	d = d.withDefaults()
	cells := rapid.Permutation(identity(d.Cells)).Draw(t, "cells")
	var run [][]Trial
	for n := 0; n < d.cap(); {
		size := min(d.Batch, d.cap()-n)
		var batch []Trial
		for i := range size {
			x := Trial{Cell: cells[(n+i)%len(cells)]}
			if d.Draws == 2 {
				x.Draw = i % 2
			}
			for k := range d.Arms {
				y := Observation{Value: float64(rapid.IntRange(0, 1).Draw(t, "y"))}
				switch {
				case rising && k != rapid.IntRange(0, len(d.Arms)).Draw(t, "exception"):
					y.Value = float64(min(k, 1))
				case graded:
					y.Value = float64(rapid.IntRange(0, 4).Draw(t, "graded y")) / 4
				}
				y.Missing = missing && rapid.IntRange(0, 19).Draw(t, "lost") == 0
				x.Y = append(x.Y, y)
			}
			batch = append(batch, x)
		}
		run = append(run, batch)
		n += size
	}
	return run
}

func identity(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestEngineProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := anyDesign(rt)
		run := anyRun(rt, d)
		straight, err := New(d)
		if err != nil {
			rt.Fatal(err)
		}
		mixed, _ := New(d)
		previous := straight.Result()
		for _, batch := range run {
			r, err := straight.Add(batch)
			if err != nil {
				rt.Fatal(err)
			}
			checkResult(t, r)
			for j, c := range r.Conditions {
				p := previous.Conditions[j]
				if !r.contradicted() && (c.Lower < p.Lower || c.Upper > p.Upper) {
					rt.Fatalf("bounds of %s widened from [%v, %v] to [%v, %v]", c.Name, p.Lower, p.Upper, c.Lower, c.Upper)
				}
				// Verdict and bounds never disagree.
				if !r.contradicted() && c.State == Holds && c.Upper > c.Threshold+1e-9 {
					rt.Fatalf("%s holds with the upper bound %v beyond %v", c.Name, c.Upper, c.Threshold)
				}
				if d.Stopping != FixedN && r.Trials < d.MinTrials && (c.State != Inconclusive || r.State != Inconclusive) {
					rt.Fatalf("%s is %v after %d trials, below the floor of %d", c.Name, c.State, r.Trials, d.MinTrials)
				}
				if !r.contradicted() && c.State == Violated && c.Lower < c.Threshold-1e-9 {
					rt.Fatalf("%s is violated with the lower bound %v within %v", c.Name, c.Lower, c.Threshold)
				}
				if r.Done && !r.contradicted() && c.State == Inconclusive && (c.Upper < c.Threshold-1e-9 || c.Lower > c.Threshold+1e-9) {
					rt.Fatalf("%s is open with the bounds %v and %v beyond %v", c.Name, c.Lower, c.Upper, c.Threshold)
				}
			}
			// The order of replies within a batch does not matter.
			again, err := mixed.Add(rapid.Permutation(batch).Draw(rt, "order"))
			if err != nil {
				rt.Fatal(err)
			}
			if !near(reflect.ValueOf(r), reflect.ValueOf(again)) {
				rt.Fatalf("the order within a batch matters:\n%+v\n%+v", r, again)
			}
			previous = r
			if r.Done {
				return
			}
		}
		rt.Fatalf("not done after the whole budget: %+v", previous)
	})
}

// contradicted says whether the two bounds have crossed, which good data makes
// as rare as the error rates and random data does often.
func (r Result) contradicted() bool {
	for _, c := range r.Conditions {
		if c.Upper-c.Lower < 1e-6 {
			return true
		}
	}
	return len(r.Warnings) > 0
}

// near says whether two values are equal up to rounding.
func near(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Float64:
		return math.Abs(a.Float()-b.Float()) <= 1e-7*(1+math.Abs(a.Float()))
	case reflect.Struct:
		for i := range a.NumField() {
			if !near(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !near(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// Merging counts equals streaming the outcomes.
func TestTallyProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOf(rapid.SampledFrom([]float64{-1, -.5, 0, .25, 1})).Draw(t, "x")
		cut := rapid.IntRange(0, len(xs)).Draw(t, "cut")
		var whole, left, right tally
		for i, x := range xs {
			whole.add(x, 1)
			if i < cut {
				left.add(x, 1)
			} else {
				right.add(x, 1)
			}
		}
		left.merge(&right)
		if !reflect.DeepEqual(whole, left) {
			t.Fatalf("%+v and %+v", whole, left)
		}
	})
}

// The evidence for a claim grows with the threshold and shrinks when an outcome
// gets worse; both e-processes are mirror images.
func TestEProcessProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "n")
		plus := rapid.IntRange(0, n).Draw(t, "plus")
		minus := rapid.IntRange(0, n-plus).Draw(t, "minus")
		count := func(plus, minus int) *tally {
			var x tally
			x.add(1, int64(plus))
			x.add(-1, int64(minus))
			x.add(0, int64(n-plus-minus))
			return &x
		}
		theta := rapid.Float64Range(-.9, .9).Draw(t, "theta")
		more := rapid.Float64Range(theta, .95).Draw(t, "more")
		hold, viol := planned(holdSide, .33), planned(violSide, .33)
		x := count(plus, minus)
		if hold.logE(x, more) < hold.logE(x, theta)-1e-9 || viol.logE(x, more) > viol.logE(x, theta)+1e-9 {
			t.Fatal("evidence is not monotone in the threshold")
		}
		if plus > 0 {
			better := count(plus-1, minus)
			if hold.logE(better, theta) < hold.logE(x, theta) || viol.logE(better, theta) > viol.logE(x, theta) {
				t.Fatal("evidence is not monotone in the outcomes")
			}
		}
		mirror := count(minus, plus)
		if a, b := hold.logE(x, theta), viol.logE(mirror, -theta); math.Abs(a-b) > 1e-9*(1+math.Abs(a)) {
			t.Fatalf("mirror image: %v and %v", a, b)
		}
		ledger := newLedger(&hold, theta)
		if a, b := hold.logE(x, theta), ledger.logE(n, plus, minus); math.Abs(a-b) > 1e-9*(1+math.Abs(a)) {
			t.Fatalf("ledger: %v and %v", a, b)
		}
		if at := hold.logE(x, theta); ledger.reaches(at-1e-9, n, plus, minus) != true || ledger.reaches(at+1e-6*(1+math.Abs(at)), n, plus, minus) {
			t.Fatal("the short cut of the ledger goes astray")
		}
	})
}

// From no trial to ten million, and at every corner of the counts, all numbers
// stay finite and the bounds in order.
func TestTenMillionTrials(t *testing.T) {
	for _, g := range [][2]mixture{
		{planned(holdSide, .5), planned(violSide, .5)},
		{newRateMixture(holdSide, .01), newRateMixture(violSide, .01)},
		{newRateMixture(holdSide, .9), newRateMixture(violSide, .9)},
	} {
		lo, hi := g[0].lo, g[0].hi
		for _, n := range []int64{0, 1, 10, 1000, 10_000_000} {
			for _, share := range [][2]float64{{0, 0}, {1, 0}, {0, 1}, {.5, .5}, {.001, 0}, {.3, .2}} {
				plus, minus := int64(share[0]*float64(n)), int64(share[1]*float64(n))
				if lo == 0 {
					plus, minus = plus+minus, 0
				}
				plus = min(plus, n)
				var x tally
				x.add(1, plus)
				x.add(-1, minus)
				x.add(0, n-plus-minus)
				theta := .01
				hold, viol := newEProcess(g[0], theta, .05, 0), newEProcess(g[1], theta, .05, 0)
				hold.look(&x, false)
				viol.look(&x, false)
				lower, upper := viol.limit(), hold.limit()
				for name, v := range map[string]float64{"log E holds": hold.now, "log E violated": viol.now, "lower": lower, "upper": upper, "needs": hold.needs(3)} {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Errorf("n %d, %d plus, %d minus: %s is %v", n, plus, minus, name, v)
					}
				}
				if lower > upper || lower < lo || upper > hi {
					t.Errorf("n %d, %d plus, %d minus: bounds [%v, %v]", n, plus, minus, lower, upper)
				}
				if mean := x.mean(); n > 0 && (mean < lower || mean > upper) {
					t.Errorf("n %d: mean %v outside [%v, %v]", n, mean, lower, upper)
				}
				// The smallest bet limits how narrow the bounds can get.
				if lo < 0 && n == 10_000_000 && upper-lower > .06 {
					t.Errorf("%d plus, %d minus of ten million: bounds [%v, %v]", plus, minus, lower, upper)
				}
			}
		}
	}
}

func TestPairProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(0, 60)
		p := Pairs{Both: count.Draw(t, "both"), OnlyControl: count.Draw(t, "control"), OnlyTreated: count.Draw(t, "treated"), Neither: 1 + count.Draw(t, "neither")}
		swapped := Pairs{Both: p.Both, OnlyControl: p.OnlyTreated, OnlyTreated: p.OnlyControl, Neither: p.Neither}
		tango, err := p.Tango(.9)
		if err != nil {
			t.Fatal(err)
		}
		back, err := swapped.Tango(.9)
		if err != nil {
			t.Fatal(err)
		}
		d := p.Difference()
		if !(tango.Lower <= d && d <= tango.Upper && tango.Lower >= -1 && tango.Upper <= 1) {
			t.Fatalf("%+v: %+v", p, tango)
		}
		if math.Abs(tango.Lower+back.Upper) > 1e-9 {
			t.Fatalf("not antisymmetric: %+v and %+v", tango, back)
		}
		// The test at a margin agrees with the interval.
		margin := rapid.Float64Range(-.9, .9).Draw(t, "margin")
		test, err := p.TangoTest(margin)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(margin-tango.Upper) > 1e-6 && (test.Holds <= .05) != (tango.Upper <= margin) {
			t.Fatalf("p %v at margin %v, interval %+v", test.Holds, margin, tango)
		}
	})
}

// Any bytes make a run that ends without a panic and without a number that is
// none.
func FuzzEngine(f *testing.F) {
	f.Add([]byte{0, 10, 3, 1, 2, 3})
	f.Add([]byte{1, 45, 0, 255, 255, 255, 0, 0, 0})
	f.Add([]byte{2, 1, 9, 7, 7, 7, 7, 7, 7, 7, 7, 7})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 3 {
			return
		}
		margin := float64(data[1]) / 256
		designs := []Design{pairDesign(margin), equivalence(margin), rateDesign(margin)}
		d := designs[int(data[0])%len(designs)]
		d.Cells, d.Batch, d.MaxTrials = 8, 1+int(data[2])%8, 64
		d.WithoutReplacement = data[0]&8 != 0
		d.OverTargets = data[0]&16 != 0
		if data[0]&32 != 0 {
			d.Stopping = FixedN
		}
		e, err := New(d)
		if err != nil {
			return // misuse is an error, never a panic
		}
		data = data[3:]
		for n := 0; len(data) > 0; n++ {
			var batch []Trial
			for i := 0; i < d.Batch && len(data) > 0; i++ {
				b := data[0]
				data = data[1:]
				trial := Trial{Cell: (n*d.Batch + i) % d.Cells}
				for k := range d.Arms {
					trial.Y = append(trial.Y, Observation{Value: float64(b>>(2*k)&3) / 3, Missing: b>>(4+k)&7 == 7})
				}
				batch = append(batch, trial)
			}
			r, err := e.Add(batch)
			checkResult(t, r)
			if err != nil || r.Done {
				break
			}
		}
		checkResult(t, e.Stop(Cancelled))
	})
}
