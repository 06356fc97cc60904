package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// plain and dressed are a judge that knows its way about plain replies and misses
// a quarter of what comes in a format that it does not know.
var (
	plain   = known("plain", .90, .97)
	dressed = known("dressed", .75, .99)
)

// known are errors that are known exactly.
func known(name string, sens, spec float64) ArmError {
	return ArmError{Name: name, Sensitivity: Range{sens, sens}, Specificity: Range{spec, spec}}
}

// wide are errors of which less is known.
func wide(name string, sensLower, sensUpper, specLower, specUpper float64) ArmError {
	return ArmError{Name: name, Sensitivity: Range{sensLower, sensUpper}, Specificity: Range{specLower, specUpper}}
}

// readBy is the claim "not raised by more than the margin" with the errors of its arms.
func readBy(margin float64, errors ...ArmError) Design {
	d := pairDesign(margin)
	d.Control, d.ArmErrors = -1, errors
	return d
}

// What an outcome contributes on either side, computed by hand.
func TestCorrections(t *testing.T) {
	a, b := wide("a", .8, .9, .9, .98), wide("b", .7, .8, .95, .99)
	tests := []struct {
		name    string
		weights []float64
		errors  []ArmError
		side    side
		y       []float64
		want    float64
	}{
		{"exact", []float64{-1, 1}, []ArmError{known("a", 1, 1), known("b", 1, 1)}, holdSide, []float64{1, 0}, -1},
		// Control: (1 - .03)/.87 is taken off, treated: (1 - .01)/.74 added.
		{"known, both", []float64{-1, 1}, []ArmError{plain, dressed}, holdSide, []float64{1, 1}, .99/.74 - .97/.87},
		{"known, other side", []float64{-1, 1}, []ArmError{plain, dressed}, violSide, []float64{1, 1}, .99/.74 - .97/.87},
		{"known, neither", []float64{-1, 1}, []ArmError{plain, dressed}, holdSide, []float64{0, 0}, .03/.87 - .01/.74},
		// Hold side: the control at its highest (.9, .1), the treated at its
		// lowest (.7, .01).
		{"ranges, hold", []float64{-1, 1}, []ArmError{a, b}, holdSide, []float64{1, 1}, .99/.69 - .9/.8},
		{"ranges, hold, neither", []float64{-1, 1}, []ArmError{a, b}, holdSide, []float64{0, 0}, .1/.8 - .01/.69},
		// The other: control (.8, .02), treated (.8, .05).
		{"ranges, violated", []float64{-1, 1}, []ArmError{a, b}, violSide, []float64{1, 1}, .95/.75 - .98/.78},
		// Two arms of b, with J in [.65, .79] and false positives of .01 at least:
		// these count .01 (1/.65 - 1/.79) at least. The control a of weight -1:
		// (.9, .1).
		{"shared", []float64{-1, -1, 2}, []ArmError{a, b, b}, holdSide, []float64{1, 1, 1}, -.9/.8 - 1/.79 + 2/.65 - .01*(2/.65-1/.79)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := Condition{Weights: tt.weights, armErrors: tt.errors}
			got := c.correct(tt.side)
			var y []Observation
			for _, v := range tt.y {
				y = append(y, Observation{Value: v})
			}
			if x := got.of(y); math.Abs(x-tt.want) > 1e-12 {
				t.Errorf("%v, want %v", x, tt.want)
			}
		})
	}
}

// An arm seen less often than its judge may invent outcomes is not read: its true
// rate is 0 at least. Until it was seen, the guess says so.
func TestUnreadArms(t *testing.T) {
	c := Condition{Weights: []float64{-1, 1}, armErrors: []ArmError{wide("a", .8, .9, .9, .98), wide("b", .7, .8, .95, .99)}}
	x := c.planned(holdSide, 0, Guess{Rate: .05})
	rare := []Observation{{Value: 1}, {}}
	if got, want := x.of(rare), -.01/.69; math.Abs(got-want) > 1e-12 {
		t.Errorf("control not worth reading: %v, want %v", got, want)
	}
	x.adapt([]arm{{n: 90, sum: 30}, {n: 90, sum: 5}}, 10)
	if got, want := x.of(rare), -.9/.8-.01/.69; math.Abs(got-want) > 1e-12 {
		t.Errorf("control seen in a third: %v, want %v", got, want)
	}
	if got, want := x.of([]Observation{{Missing: true}, {Missing: true}}), .1/.8+.99/.69; math.Abs(got-want) > 1e-12 {
		t.Errorf("missing: %v, want %v", got, want)
	}
	// An answer that nearly always comes: its true rate is 1 at most.
	x.adapt([]arm{{n: 1000, sum: 900}, {n: 1000, sum: 990}}, 10)
	if got, want := x.of([]Observation{{Value: 1}, {Value: 1}}), 1-.9/.8; math.Abs(got-want) > 1e-12 {
		t.Errorf("treated always: %v, want %v", got, want)
	}
}

// Whatever the rates and the errors within their ranges, the mean of X is
// on its side of the true mean; and where no errors are shared by weights of both signs it
// touches it at every threshold, so that no sharper one would be valid.
func TestCorrectionsAreTheWorstCase(t *testing.T) {
	errorsOf := func(t *rapid.T, name string) ArmError {
		between := func(what string, lo, hi float64) float64 { return rapid.Float64Range(lo, hi).Draw(t, name+what) }
		s, f := between(" sens", .5, 1), between(" spec", .6, 1)
		return wide(name, s, between(" sens to", s, 1), f, between(" spec to", f, 1))
	}
	rapid.Check(t, func(t *rapid.T) {
		known := []ArmError{errorsOf(t, "a"), errorsOf(t, "b"), errorsOf(t, "c")}
		arms := rapid.IntRange(2, 4).Draw(t, "arms")
		var c Condition
		var of []int
		for range arms {
			i := rapid.IntRange(0, 2).Draw(t, "errors")
			of = append(of, i)
			c.armErrors = append(c.armErrors, known[i])
			c.Weights = append(c.Weights, rapid.SampledFrom([]float64{-2, -1, -.5, .5, 1, 2}).Draw(t, "weight"))
		}
		for _, s := range []side{holdSide, violSide} {
			x := c.correct(s)
			mixed := false
			for i := range x.arms {
				a := &x.arms[i]
				mixed = mixed || !a.optional
				a.unread = a.optional && rapid.Bool().Draw(t, "unread")
			}
			lo, hi := c.span()
			if s == holdSide && x.hi < hi-1e-9 || s == violSide && x.lo > lo+1e-9 {
				t.Fatalf("side %v: range %v to %v within %v to %v", s, x.lo, x.hi, lo, hi)
			}
			// excess is how far the mean of X lies on its side of the true mean.
			excess := func(p []float64, errors [][2]float64) float64 {
				mean, truth := x.offset, 0.0
				for i, a := range x.arms {
					e := errors[of[a.arm]]
					if a.unread {
						mean += a.most
					} else {
						mean += a.slope*(e[0]*p[i]+e[1]*(1-p[i])) + a.shift
					}
					truth += c.Weights[a.arm] * p[i]
				}
				if s == violSide {
					return truth - mean
				}
				return mean - truth
			}
			least := math.Inf(1)
			const steps = 2 // of a grid over rates and errors, ends included
			rates, errors := make([]float64, arms), make([][2]float64, len(known))
			var overErrors func(i int)
			var overRates func(i int)
			overErrors = func(i int) {
				if i == len(known) {
					least = math.Min(least, excess(rates, errors))
					return
				}
				f := known[i].falsePositives()
				for k := range (steps + 1) * (steps + 1) {
					u, v := float64(k%(steps+1))/steps, float64(k/(steps+1))/steps
					errors[i] = [2]float64{
						known[i].Sensitivity.Lower + u*(known[i].Sensitivity.Upper-known[i].Sensitivity.Lower),
						f.Lower + v*(f.Upper-f.Lower),
					}
					overErrors(i + 1)
				}
			}
			overRates = func(i int) {
				if i == arms {
					overErrors(0)
					return
				}
				for k := range steps + 1 {
					rates[i] = float64(k) / steps
					overRates(i + 1)
				}
			}
			overRates(0)
			if least < -1e-9 {
				t.Fatalf("side %v: the mean of X may be %v beyond the true mean", s, -least)
			}
			if least > 1e-9 {
				t.Fatalf("side %v: the mean of X is never nearer than %v", s, least)
			}
			if mixed {
				continue
			}
			// At the worst errors of all, rates do not matter.
			worst := make([][2]float64, len(known))
			for i, a := range x.arms {
				r, f := c.armErrors[a.arm], c.armErrors[a.arm].falsePositives()
				worst[of[a.arm]] = [2]float64{r.Sensitivity.Upper, f.Upper}
				if (a.slope > 0) == (s == holdSide) {
					worst[of[a.arm]] = [2]float64{r.Sensitivity.Lower, f.Lower}
				}
				rates[i] = rapid.Float64Range(0, 1).Draw(t, "rate")
				if a.unread {
					rates[i] = b2f(a.most != 0)
				}
			}
			if e := excess(rates, worst); math.Abs(e) > 1e-9 {
				t.Fatalf("side %v: %v at the worst errors", s, e)
			}
		}
	})
}

// Arms that share their errors keep the sharper correction, where errors cancel; a
// rate has the errors of its own arm; a condition's own judge comes first.
func TestArmErrorsThatAreAlike(t *testing.T) {
	r := wide("a", .8, .9, .9, .98)
	alike := readBy(.1, r, r)
	rate := Design{
		Arms: []string{"a", "b"}, Conditions: []Condition{{Weights: []float64{0, 1}, Threshold: .2, Rate: true}},
		Control: -1, Batch: 10, MaxTrials: 100, Cells: 60, ArmErrors: []ArmError{plain, r},
	}
	least := rate
	least.Conditions = []Condition{{Weights: []float64{0, -1}, Offset: 1, Threshold: .2, Rate: true}}
	mean := least // over the visits of a target
	mean.Conditions = []Condition{{Weights: []float64{0, -1}, Offset: 1, Threshold: .2}}
	mean.OverTargets = true
	judged := mean
	judged.ArmErrors, judged.Judge = nil, JudgeError{Lower: .8, Upper: .9}
	own := readBy(.1, plain, dressed)
	own.Conditions[0].Judge = &JudgeError{Lower: .8, Upper: .9}
	apart := readBy(.1, plain, dressed)
	tests := []struct {
		name            string
		design          Design
		holds, violated float64
	}{
		{"shared errors", alike, .1 * (.8 + .9 - 1), .1 * (.9 + .98 - 1)},
		{"a rate", rate, .8*.2 + .02*.8, .9*.2 + .1*.8},
		{"a rate at least", least, .9*.2 + .1*.8, .98*.2 + .2*.8},
		{"a mean at least", mean, .9*.2 + .1*.8, .98*.2 + .2*.8},
		{"a mean, one judge", judged, .8 * .2, .8*.2 + .2},
		{"its own judge", own, .08, .09},
		{"apart", apart, .1, .1},
	}
	for _, tt := range tests {
		e, err := New(tt.design)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		c := e.conditions[0]
		if math.Abs(c.hold.theta-tt.holds) > 1e-12 || math.Abs(c.viol.theta-tt.violated) > 1e-12 {
			t.Errorf("%s: %v, %v; want %v, %v", tt.name, c.hold.theta, c.viol.theta, tt.holds, tt.violated)
		}
		if e.design.AlphaHolds != .04 {
			t.Errorf("%s: alpha %v; calibration took its part", tt.name, e.design.AlphaHolds)
		}
		if u, l := c.trueUpper(tt.holds), c.trueLower(tt.violated); math.Abs(u-c.Threshold) > 1e-12 || math.Abs(l-c.Threshold) > 1e-12 {
			t.Errorf("%s: true bounds %v, %v", tt.name, u, l)
		}
	}
	exact := readBy(.1, known("code", 1, 1), known("marker", 1, 1))
	e, err := New(exact)
	if err != nil {
		t.Fatal(err)
	}
	if e.design.AlphaHolds != .05 {
		t.Errorf("judges that are right: alpha %v", e.design.AlphaHolds)
	}
	// The control's headroom is judged with its own errors.
	high := readBy(.1, r, dressed)
	high.Control, high.Headroom, high.Conditions[0].Threshold = 0, .5, .3
	if e, err = New(high); err != nil {
		t.Fatal(err)
	}
	if want := .8*.5 + .02*.5; math.Abs(e.headroom.theta-want) > 1e-12 {
		t.Errorf("headroom at %v, want %v", e.headroom.theta, want)
	}
}

// Effects are those of the truth, and the bounds contain them.
func TestEffectsAreCorrected(t *testing.T) {
	d := readBy(.10, plain, dressed)
	d.Batch, d.Cells, d.MaxTrials, d.NoFutility = 1000, 1000, 1000, true
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var batch []Trial
	for i := range d.Batch { // .2 and .3 true: .87*.2 + .03 and .74*.3 + .01 seen
		batch = append(batch, Trial{Cell: i, Y: []Observation{{Value: b2f(i < 204)}, {Value: b2f(i >= 600 && i < 832)}}})
	}
	r, err := e.Add(batch)
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Conditions[0]; math.Abs(c.Estimate-.1) > 1e-9 || c.Lower > .1 || c.Upper < .1 || c.Lower < 0 || c.Upper > .23 {
		t.Errorf("%+v", c)
	}
}

// A rate is corrected for its errors, and its complement alike.
func TestRatesAreCorrected(t *testing.T) {
	for _, tt := range []struct {
		c    Condition
		want float64
	}{
		{Condition{Weights: []float64{1}, Threshold: .5, Rate: true}, (.4 - .03) / .87},
		{Condition{Weights: []float64{-1}, Offset: 1, Threshold: .5, Rate: true}, 1 - (.4-.03)/.87},
	} {
		d := rateDesign(.5)
		d.Conditions, d.ArmErrors, d.NoFutility = []Condition{tt.c}, []ArmError{plain}, true
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		var batch []Trial
		for i := range d.Batch {
			batch = append(batch, Trial{Cell: i, Y: []Observation{{Value: b2f(i%5 < 2)}}})
		}
		r, err := e.Add(batch)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Conditions[0].Estimate; math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%+v: estimate %v, want %v", tt.c, got, tt.want)
		}
	}
}

// No effect is larger than effects can be.
func TestEffectsAreClipped(t *testing.T) {
	d := readBy(.10, plain, dressed)
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var batch []Trial
	for i := range d.Batch {
		batch = append(batch, Trial{Cell: i, Y: []Observation{{}, {Value: 1}}})
	}
	r, err := e.Add(batch)
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Conditions[0]; c.Estimate != 1 || c.Upper != 1 {
		t.Errorf("%+v", c)
	}
}

// Which arms are read changes between batches only where every batch says the same
// of the mean over all cells.
func TestOneSumForACensus(t *testing.T) {
	a, b := wide("plain", .820, .953, .914, .994), wide("dressed", .648, .836, .946, .9997)
	for _, tt := range []struct {
		name   string
		change func(*Design)
		unread bool
	}{
		{"sequential", func(*Design) {}, false},
		{"fixed n", func(d *Design) { d.Stopping = FixedN }, true},
		{"census", func(d *Design) { d.WithoutReplacement = true }, true},
	} {
		d := readBy(.30, a, b)
		d.Planned, d.NoFutility = Guess{Rate: .05}, true
		tt.change(&d)
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		var batch []Trial
		for i := range d.Batch {
			batch = append(batch, Trial{Cell: i, Y: []Observation{{Value: b2f(i%2 == 0)}, {Value: b2f(i%2 == 0)}}})
		}
		if _, err := e.Add(batch); err != nil {
			t.Fatal(err)
		}
		if got := e.conditions[0].above.arms[0].unread; got != tt.unread {
			t.Errorf("%s: control unread is %v", tt.name, got)
		}
	}
}

// The ranges contain the truth as often as they say: of all that labels can
// show, summed exactly, each misses it with probability alpha/2 at most.
func TestCalibratedArmErrorsContainTheTruth(t *testing.T) {
	const labels, alpha = 60, .02
	for _, truth := range []float64{.75, .8, .9, .95, .97, .99} {
		missed := [2]float64{}
		for x, p := range binomial(labels, truth) {
			for i, c := range []Calibration{
				{Hits: x, Positives: labels, Rejections: labels, Negatives: labels},
				{Hits: labels, Positives: labels, Rejections: x, Negatives: labels},
			} {
				r, err := c.ArmError("a", alpha)
				if err != nil {
					continue // so bad that it tells nothing apart, and decides nothing
				}
				rates := []Range{r.Sensitivity, r.Specificity}[i]
				if truth < rates.Lower || truth > rates.Upper {
					missed[i] += p
				}
			}
		}
		if max(missed[0], missed[1]) > alpha/2 {
			t.Errorf("truth %v: missed with probability %v", truth, missed)
		}
	}
}

// Headroom is forecast as the control's own judge sees it.
func TestForecastOfHeadroomAsRead(t *testing.T) {
	d := readBy(.2, known("blind", .5, 1), dressed)
	d.Control, d.Headroom, d.MaxTrials = 0, .3, 0
	d.Planned = Guess{Rate: .2, Correlation: .3} // 40 % in truth
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	if f.Needs != NeverNeeds {
		t.Errorf("%+v", f)
	}
	d.Control = -1
	if f, err = d.Forecast(); err != nil {
		t.Fatal(err)
	}
	if f.Needs == NeverNeeds {
		t.Errorf("without a control: %+v", f)
	}
}

func TestBadArmErrors(t *testing.T) {
	tests := []struct {
		names  string
		design Design
	}{
		{"ArmErrors: 1 of them for 2 arms", readBy(.1, plain)},
		{"ArmErrors[1] (b): Sensitivity 0.9 to 0.8", readBy(.1, plain, wide("b", .9, .8, .9, 1))},
		{"ArmErrors[1] (b): Specificity 0.9 to 1.1", readBy(.1, plain, wide("b", .9, .9, .9, 1.1))},
		{"ArmErrors[0] (a): sensitivity + specificity - 1 may be as low as 0.00", readBy(.1, wide("a", .5, .9, .5, .9), plain)},
		{"ArmErrors[1] its Name", readBy(.1, plain, known("", .9, .9))},
		{"ArmErrors[1] (plain): differs from ArmErrors[0]", readBy(.1, plain, known("plain", .8, .9))},
		{"Judge and ArmErrors", func() Design { d := readBy(.1, plain, dressed); d.Judge = JudgeError{Lower: .9}; return d }()},
		{"TerminalLook", func() Design { d := readBy(.1, plain, dressed); d.Stopping = TerminalLook; return d }()},
		{`Threshold 0.02: the judge errors "a" and "b" leave this undecided`, readBy(.02, wide("a", .8, .9, .9, .98), wide("b", .7, .8, .95, .99))},
	}
	for _, tt := range tests {
		if _, err := New(tt.design); err == nil || !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%q: %v", tt.names, err)
		}
	}
	if _, err := (Calibration{Hits: 9, Positives: 8, Rejections: 1, Negatives: 1}).ArmError("a", .01); err == nil {
		t.Error("more hits than positives are no error")
	}
	if _, err := (Calibration{Hits: 8, Positives: 8, Rejections: 1, Negatives: 1}).ArmError("a", .01); err == nil {
		t.Error("too few labels are no error")
	}
	if _, err := (Calibration{Hits: 8, Positives: 8, Rejections: 8, Negatives: 8}).ArmError("a", 0); err == nil {
		t.Error("an alpha of 0 is no error")
	}
}

// A claim that no number of trials shows is distinguished from one that takes many.
func TestCanBeShown(t *testing.T) {
	d := atLeast(.9)
	d.MaxTrials, d.ArmErrors = 0, []ArmError{wide("a", .75, .95, .9, .98)}
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	if f.Needs != NeverNeeds {
		t.Errorf("%+v", f)
	}
	d.ArmErrors = nil
	if f, err = d.Forecast(); err != nil {
		t.Fatal(err)
	}
	if f.Needs == NeverNeeds {
		t.Errorf("exact: %+v", f)
	}
}

// labelled returns the errors as labels of either kind show them.
func labelled(t *testing.T, r *rand.Rand, truth ArmError, labels, arms int) ArmError {
	draw := func(p float64) (x int) {
		for range labels {
			x += int(b2f(r.Float64() < p))
		}
		return x
	}
	got, err := Calibration{
		Hits: draw(truth.Sensitivity.Lower), Positives: labels,
		Rejections: draw(truth.Specificity.Lower), Negatives: labels,
	}.ArmError(truth.Name, .01/float64(arms))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// readAs returns a population of which the arms are judged with these true
// errors.
func (s setting) readAs(effect float64, control, treated ArmError) world {
	s.sens, s.spec = 1, 1
	w := s.world(effect)
	for i := range w.control {
		w.control[i] = setting{sens: control.Sensitivity.Lower, spec: control.Specificity.Lower}.seen(w.control[i])
		w.treated[i] = setting{sens: treated.Sensitivity.Lower, spec: treated.Specificity.Lower}.seen(w.treated[i])
	}
	return w
}

// measureOn repeats a design on a world.
func (d Design) measureOn(t *testing.T, w world, runs int) measured {
	t.Helper()
	r, err := betting("", d)
	if err != nil {
		t.Fatal(err)
	}
	m := repeat(runs, w, r, nil)
	m.calls /= 2 // trials
	return m
}

// A judge who misses more in the treated arm hides a rise. Taken for one who reads
// all arms alike, it makes a claim hold far too often; read arm by arm it does not,
// also where the errors are known from labels only.
func TestArmsReadUnlike(t *testing.T) {
	needsSimulation(t)
	for _, tt := range []struct {
		base, margin float64
		budget       int // with errors known from labels
	}{{.05, .10, 1600}, {.20, .15, 1100}} {
		t.Run(fmt.Sprintf("base %.2f, margin %.2f", tt.base, tt.margin), func(t *testing.T) {
			s := setting{base: tt.base, targets: 60}
			d := readBy(tt.margin, plain, dressed)
			d.Cells, d.AlphaHolds, d.AlphaViolated = 60, .05, .05
			d.Planned = Guess{Rate: .87*tt.base + .03, Correlation: .25}
			d.MaxTrials = 0
			f, err := d.Forecast()
			if err != nil {
				t.Fatal(err)
			}
			d.MaxTrials = f.Max
			runs := runsOf(400, 4000)
			at := func(effect float64) world { return s.readAs(effect, plain, dressed) }
			naive := d
			naive.ArmErrors, naive.Judge = nil, JudgeError{Lower: .87, Upper: .87}
			m := naive.measureOn(t, at(tt.margin), runs)
			t.Logf("taken for alike, at the margin: holds %s %%", m.rate(m.holds))
			if !m.exceeds(m.holds) {
				t.Errorf("ignoring the difference is not shown to exceed 5 %%")
			}
			t.Logf("forecast: %d trials at most, %.0f on average", f.Max, f.AtZero.Trials)
			d.measureOn(t, at(tt.margin), runs).checkErrors(t, "arm by arm, at the margin")
			m = d.measureOn(t, at(0), runs)
			m.checkPower(t, "arm by arm, no effect", m.holds, .8)
			if math.Abs(m.meanCalls()/f.AtZero.Trials-1) > .25 {
				t.Errorf("%.0f trials on average, forecast %.0f", m.meanCalls(), f.AtZero.Trials)
			}
			m = d.measureOn(t, at(4*tt.margin), runs)
			m.checkPower(t, "arm by arm, four times the margin", m.violated, .8)

			own := d
			own.AlphaHolds, own.AlphaViolated, own.MaxTrials = 0, 0, tt.budget
			fromLabels := func(sam *sampler) (State, int) {
				own := own
				own.ArmErrors = []ArmError{labelled(t, sam.r, plain, 400, 2), labelled(t, sam.r, dressed, 400, 2)}
				e, err := New(own)
				if err != nil {
					return Inconclusive, 0 // these labels cannot decide it
				}
				for !e.done {
					e.look(sam.batch())
				}
				return e.state, e.trials
			}
			r := rival{batch: d.Batch, run: fromLabels}
			few := runsOf(100, 4000)
			repeat(few, at(tt.margin), r, nil).checkErrors(t, "400 + 400 labels of either kind of arm, at the margin")
			m = repeat(few, at(0), r, nil)
			m.checkPower(t, "400 + 400 labels, no effect", m.holds, .6)
		})
	}
}

// With errors at those ends of their ranges that hide most, and invent most, false
// verdicts are no more frequent than promised.
func TestArmErrorsAtTheirWorst(t *testing.T) {
	needsSimulation(t)
	// What 400 labels of either kind show of plain and dressed.
	a, b := wide("plain", .847, .940, .935, .990), wide("dressed", .680, .812, .964, .999)
	s := setting{base: .20, targets: 60}
	d := readBy(.15, a, b)
	d.Cells, d.MaxTrials, d.AlphaHolds, d.AlphaViolated = 60, 1100, .05, .05
	d.Planned = Guess{Rate: .2, Correlation: .25}
	runs := runsOf(200, 4000)
	hide := s.readAs(.15, known("", .940, .935), known("", .680, .999))
	d.measureOn(t, hide, runs).checkErrors(t, "a rise hidden as well as it can be")
	show := s.readAs(.15, known("", .847, .990), known("", .812, .964))
	d.measureOn(t, show, runs).checkErrors(t, "a rise shown as well as it can be")
}

// A wrong guess of the rate costs trials, not the verdict: an arm that was not
// worth reading at the rate planned for is read once it is seen more often.
func TestReadingAdapts(t *testing.T) {
	needsSimulation(t)
	// What 200 labels of either kind show.
	a, b := wide("plain", .820, .953, .914, .994), wide("dressed", .648, .836, .946, .9997)
	d := readBy(.30, a, b)
	d.Cells, d.MaxTrials, d.Planned = 60, 600, Guess{Rate: .05, Correlation: .25}
	w := setting{base: .4, targets: 60}.readAs(0, plain, dressed)
	m := d.measureOn(t, w, runsOf(200, 4000))
	m.checkPower(t, "guessed at 5 %, is 40 %", m.holds, .8)
	d.Stopping = FixedN // is about one X, chosen beforehand
	if m = d.measureOn(t, w, 50); m.holds > 0 {
		t.Errorf("fixed n: holds in %d of %d runs", m.holds, m.runs)
	}
}

// Two arms plain and two dressed: what the errors have in common cancels within
// either difference, and each difference is scaled by its own errors.
func TestInteractionsReadUnlike(t *testing.T) {
	needsSimulation(t)
	d := interaction(.10, .08)
	d.ArmErrors = []ArmError{plain, plain, dressed, dressed}
	d.MaxTrials = 0
	f, err := d.Forecast()
	if err != nil {
		t.Fatal(err)
	}
	d.MaxTrials = f.Max
	cells := betaCells(.05, d.Cells)
	seen := func(p float64, r ArmError) float64 {
		return setting{sens: r.Sensitivity.Lower, spec: r.Specificity.Lower}.seen(p)
	}
	// The interaction is what the dressed arm rises by more than the plain one.
	at := func(plainRise, dressedRise float64, runs int) measured {
		return blocks(t, d, func(cell int) []float64 {
			p := cells[cell]
			return []float64{seen(p, plain), seen(p+plainRise, plain), seen(p, dressed), seen(p+dressedRise, dressed)}
		}, nil).measure(runs)
	}
	runs := runsOf(200, 4000)
	m := at(0, 0, runs)
	m.checkPower(t, "no effect", m.holds, .8)
	at(0, .10, runs).checkErrors(t, "interaction of 10 points, above nothing")
	at(.3, .4, runs).checkErrors(t, "interaction of 10 points, above 30")
	d.ArmErrors, d.Judge = nil, JudgeError{Lower: .87, Upper: .87}
	m = at(.3, .4, runs)
	t.Logf("taken for alike: holds %s %%", m.rate(m.holds))
	if !m.exceeds(m.holds) {
		t.Errorf("ignoring the difference is not shown to exceed 5 %%")
	}
}
