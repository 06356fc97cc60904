package evidence

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// pairDesign is the claim "not raised by more than margin".
func pairDesign(margin float64) Design {
	return Design{
		Arms:       []string{"control", "treated"},
		Conditions: []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: margin}},
		Control:    0, Headroom: 1 - 2*margin,
		Batch: 10, MaxTrials: 400, Cells: 240,
	}
}

// equivalence is the claim that two arms differ by less than margin either way.
func equivalence(margin float64) Design {
	d := pairDesign(margin)
	d.Conditions = []Condition{
		{Name: "not raised", Weights: []float64{-1, 1}, Threshold: margin},
		{Name: "not lowered", Weights: []float64{1, -1}, Threshold: margin},
	}
	return d
}

// atLeast is the claim that one arm's rate is at least r.
func atLeast(r float64) Design {
	d := rateDesign(1 - r)
	d.Conditions = []Condition{{Name: "at least", Weights: []float64{-1}, Offset: 1, Threshold: 1 - r, Rate: true}}
	return d
}

// reduction is the claim "lower than the control by at least x", of a control
// that complies every other time.
func reduction(x float64) Design {
	d := pairDesign(.1)
	d.Conditions = []Condition{{Name: "lower", Weights: []float64{-1, 1}, Threshold: -x}}
	d.Control, d.Headroom = -1, 0
	d.Planned = Guess{Rate: .5, Correlation: .3}
	return d
}

// interaction is the claim that what raises the second pair of arms raises it by
// no more than the margin beyond what it does to the first.
func interaction(margin, base float64) Design {
	return Design{
		Arms:       []string{"A before", "A after", "B before", "B after"},
		Conditions: []Condition{{Name: "interaction", Weights: []float64{1, -1, -1, 1}, Threshold: margin}},
		Control:    -1, Batch: 20, MaxTrials: 400, Cells: 60,
		Planned: Guess{Rate: base, Correlation: 1. / 3},
	}
}

// rateDesign is the claim that one arm's rate is at most r.
func rateDesign(r float64) Design {
	return Design{
		Arms:       []string{"refusals"},
		Conditions: []Condition{{Name: "at most", Weights: []float64{1}, Threshold: r, Rate: true}},
		Control:    -1, Batch: 10, MaxTrials: 400, Cells: 240,
	}
}

func b2f(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// A script says how many of every hundred replies comply, per arm, and how many of
// the treated arm are missing.
type script struct{ control, treated, missing int }

// trial returns the n-th trial: compliances are spread evenly, the arms' over
// different cells.
func (s script) trial(n int, d Design) Trial {
	hit := func(percent, shift int) float64 {
		k := n + shift
		return b2f((k+1)*percent/100 > k*percent/100)
	}
	t := Trial{Cell: n % d.Cells, Y: []Observation{{Value: hit(s.control, 0)}}}
	if len(d.Arms) > 1 {
		t.Y = append(t.Y, Observation{Value: hit(s.treated, 37), Missing: hit(s.missing, 11) == 1})
	}
	return t
}

// play feeds a script to an engine until it is done.
func play(t *testing.T, d Design, s script) Result {
	t.Helper()
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; {
		var batch []Trial
		for range min(d.Batch, e.cap-n) {
			batch = append(batch, s.trial(n, d))
			n++
		}
		r, err := e.Add(batch)
		if err != nil {
			t.Fatal(err)
		}
		checkResult(t, r)
		if r.Done {
			return r
		}
	}
}

func TestVerdicts(t *testing.T) {
	fixed := func(d Design) Design { d.Stopping = FixedN; return d }
	misses := func(d Design) Design {
		d.Judge = JudgeError{Lower: .75, Upper: .85, FalsePositive: .1}
		return d
	}
	tests := []struct {
		name   string
		design Design
		script script
		state  State
		reason Reason
		most   int // trials by which it must be over
	}{
		{"refuses always", pairDesign(.1), script{0, 0, 0}, Holds, "", 60},
		{"steady", pairDesign(.1), script{5, 5, 0}, Holds, "", 120},
		{"raised", pairDesign(.1), script{5, 45, 0}, Violated, "", 60},
		{"at the margin", pairDesign(.1), script{5, 15, 0}, Inconclusive, Futile, 390},
		{"complies always", pairDesign(.1), script{100, 100, 0}, Inconclusive, NoHeadroom, 32},
		{"complies often", pairDesign(.1), script{95, 95, 0}, Inconclusive, NoHeadroom, 80},
		{"complies much", pairDesign(.1), script{85, 85, 0}, Inconclusive, NoHeadroom, 400},
		{"both comply always", equivalence(.1), script{100, 100, 0}, Inconclusive, NoHeadroom, 32},
		{"without headroom, and lowered", equivalence(.1), script{100, 60, 0}, Violated, "", 80},
		{"lowered is not raised", pairDesign(.1), script{45, 5, 0}, Holds, "", 60},
		{"lowered is not equivalent", equivalence(.1), script{45, 5, 0}, Violated, "", 80},
		{"equivalent", equivalence(.1), script{5, 5, 0}, Holds, "", 160},
		{"few missing", pairDesign(.1), script{5, 5, 2}, Holds, "", 200},
		{"many missing", pairDesign(.1), script{5, 5, 20}, Inconclusive, MissingReplies, 120},
		{"violated although missing many", pairDesign(.1), script{5, 60, 20}, Inconclusive, MissingReplies, 120},
		{"rate low", rateDesign(.05), script{0, 0, 0}, Holds, "", 80},
		{"rate high", rateDesign(.05), script{30, 0, 0}, Violated, "", 60},
		{"rate at least", atLeast(.8), script{95, 0, 0}, Holds, "", 100},
		{"rate not at least", atLeast(.8), script{50, 0, 0}, Violated, "", 60},
		{"rate at least, shown by a judge better than likely", misses(atLeast(.9)), script{100, 0, 0}, Holds, "", 100},
		{"lowered", reduction(.2), script{55, 10, 0}, Holds, "", 100},
		{"not lowered", reduction(.2), script{50, 50, 0}, Violated, "", 300},
		{"raised instead", reduction(.2), script{5, 45, 0}, Violated, "", 40},
		{"lowered by just as much", reduction(.2), script{40, 20, 0}, Inconclusive, Futile, 390},
		{"refuses always, so is not lowered", reduction(.2), script{0, 0, 0}, Violated, "", 60},
		{"lowered, many missing", reduction(.2), script{55, 10, 20}, Inconclusive, MissingReplies, 120},
		{"fixed lowered", fixed(reduction(.2)), script{55, 10, 0}, Holds, "", 400},
		{"fixed not lowered", fixed(reduction(.2)), script{50, 50, 0}, Violated, "", 400},
		{"fixed steady", fixed(pairDesign(.1)), script{5, 5, 0}, Holds, "", 400},
		{"fixed raised", fixed(pairDesign(.1)), script{5, 25, 0}, Violated, "", 400},
		{"fixed at the margin", fixed(pairDesign(.1)), script{5, 15, 0}, Inconclusive, Budget, 400},
		{"fixed without headroom", fixed(pairDesign(.1)), script{100, 100, 0}, Inconclusive, NoHeadroom, 400},
		{"fixed equivalent", fixed(equivalence(.1)), script{5, 5, 0}, Holds, "", 400},
		{"fixed not equivalent", fixed(equivalence(.1)), script{25, 5, 0}, Violated, "", 400},
		{"fixed rate low", fixed(rateDesign(.05)), script{2, 0, 0}, Holds, "", 400},
		{"fixed rate high", fixed(rateDesign(.05)), script{9, 0, 0}, Violated, "", 400},
		{"fixed many missing", fixed(pairDesign(.1)), script{5, 5, 20}, Inconclusive, MissingReplies, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := play(t, tt.design, tt.script)
			if r.State != tt.state || r.Reason != tt.reason || r.Trials > tt.most {
				t.Errorf("%v (%q) after %d trials, want %v (%q) by %d", r.State, r.Reason, r.Trials, tt.state, tt.reason, tt.most)
			}
		})
	}
}

// Below its floor a run decides nothing, says nothing of its conditions and gives
// nothing up; what was shown is said at the floor.
func TestMinTrials(t *testing.T) {
	tests := []struct {
		name   string
		script script
		state  State
		reason Reason
		trials int
	}{
		{"holds at once", script{0, 0, 0}, Holds, "", 200},
		{"violated at once", script{5, 45, 0}, Violated, "", 200},
		{"futile", script{5, 15, 0}, Inconclusive, Futile, 390},
		{"without headroom", script{100, 100, 0}, Inconclusive, NoHeadroom, 200},
		{"too many missing", script{0, 0, 40}, Inconclusive, MissingReplies, 60},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := pairDesign(.1)
			d.MinTrials = 195 // two hundred, in whole batches
			r := play(t, d, tt.script)
			if r.State != tt.state || r.Reason != tt.reason || r.Trials > tt.trials || tt.state != Inconclusive && r.Trials < tt.trials {
				t.Errorf("%v (%q) after %d trials, want %v (%q) after %d", r.State, r.Reason, r.Trials, tt.state, tt.reason, tt.trials)
			}
		})
	}
	d := pairDesign(.1)
	d.MinTrials = 200
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	for n := 0; n < 100; n += 10 {
		var batch []Trial
		for k := range 10 {
			batch = append(batch, script{0, 0, 0}.trial(n+k, d))
		}
		if r, err = e.Add(batch); err != nil {
			t.Fatal(err)
		}
	}
	if c := r.Conditions[0]; c.State != Inconclusive || c.Upper > .1 || r.Needs != 100 {
		t.Errorf("after 100 of 200 trials: %+v", r)
	}
	if r = e.Stop(Deadline); r.State != Inconclusive || r.Conditions[0].State != Inconclusive {
		t.Errorf("stopped below the floor: %+v", r)
	}
}

// Every condition is compared with what its own judge can do, and the errors of
// the run leave a share for the calibration of any of them.
func TestJudgesOfConditions(t *testing.T) {
	one, two := JudgeError{Lower: .8, Upper: .9}, JudgeError{Lower: .5}
	d := pairDesign(.1)
	d.Control = -1
	d.Conditions = []Condition{
		{Name: "design's", Weights: []float64{-1, 1}, Threshold: .1},
		{Name: "its own", Weights: []float64{-1, 1}, Threshold: .1, Judge: &two},
		{Name: "code", Weights: []float64{0, 1}, Threshold: .1, Rate: true, Judge: &JudgeError{Lower: 1, Upper: 1}},
	}
	tests := []struct {
		design JudgeError
		theta  [3]float64
		alpha  float64
	}{
		{one, [3]float64{.08, .05, .1}, .04},
		{Exact(), [3]float64{.1, .05, .1}, .04},
	}
	for _, tt := range tests {
		d.Judge = tt.design
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		for k, c := range e.conditions {
			if math.Abs(c.hold.theta-tt.theta[k]) > 1e-12 {
				t.Errorf("%s: holds below %v, want %v", c.Name, c.hold.theta, tt.theta[k])
			}
		}
		if e.design.AlphaHolds != tt.alpha || e.design.AlphaViolated != tt.alpha {
			t.Errorf("alpha %v and %v, want %v", e.design.AlphaHolds, e.design.AlphaViolated, tt.alpha)
		}
	}
	// A judge that reads nothing that decides spends nothing.
	d.Judge, d.Conditions = one, d.Conditions[2:]
	if got := d.withDefaults().AlphaHolds; got != .05 {
		t.Errorf("alpha %v", got)
	}
	if d.Conditions[0].Judge.Lower != 1 || d.Conditions[0].Threshold != .1 {
		t.Error("the caller's conditions were changed")
	}
}

// A derived arm needs no reply of its own; where one of those it is derived from
// is missing, so is it, and X is bounded both ways.
func TestDerivedArms(t *testing.T) {
	d := Design{
		Arms:       []string{"one order", "another", "differ"},
		Conditions: []Condition{{Name: "flips", Weights: []float64{0, 0, 1}, Threshold: .3, Rate: true}},
		Control:    -1, Batch: 20, MaxTrials: 400, Cells: 60,
	}
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	for !r.Done {
		var batch []Trial
		for i := range d.Batch {
			y := []Observation{{Value: b2f(i%2 == 0)}, {Value: b2f(i%2 == 0 && i > 0), Missing: i == 2}}
			differ := Observation{Value: math.Abs(y[0].Value - y[1].Value), Missing: y[0].Missing || y[1].Missing}
			batch = append(batch, Trial{Cell: i, Y: append(y, differ)})
		}
		if r, err = e.Add(batch); err != nil {
			t.Fatal(err)
		}
	}
	// One reply in twenty differs and one is missing. Only the derived arm decides.
	if c := r.Conditions[0]; r.State != Holds || r.Missing != r.Trials/20 || r.Arms[2].Rate != 1./19 || c.LogEHolds < 3 {
		t.Errorf("%+v", r)
	}
	if got := e.conditions[0].hold.all.mean(); got != .1 {
		t.Errorf("the share of flips counted against the claim is %v, want 0.1", got)
	}
}

// Draws are compared by the size of the margin, also where it is a reduction.
func TestDrawsOfReductions(t *testing.T) {
	for _, tt := range []struct {
		draws [2]int // of 1000 pairs, in how many only the control complies
		warns bool
	}{{[2]int{250, 400}, false}, {[2]int{200, 600}, true}} {
		d := reduction(.2)
		d.Draws, d.Batch, d.MaxTrials, d.MinTrials, d.Cells = 2, 2000, 2000, 2000, 2000
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		var batch []Trial
		for i := range 2000 {
			batch = append(batch, Trial{Cell: i, Draw: i % 2, Y: []Observation{{Value: b2f(i/2 < tt.draws[i%2])}, {}}})
		}
		r, err := e.Add(batch)
		if err != nil {
			t.Fatal(err)
		}
		if warns := strings.Contains(strings.Join(r.Warnings, " "), "draws differ by more than the margin"); warns != tt.warns {
			t.Errorf("%v: %q", tt.draws, r.Warnings)
		}
	}
}

// The last few trials of a budget cannot turn the evidence round.
func TestCurtailed(t *testing.T) {
	d := pairDesign(.05)
	d.MaxTrials, d.Batch, d.NoFutility = 30, 2, true
	r := play(t, d, script{0, 0, 0})
	if r.State != Inconclusive || r.Reason != Curtailed || r.Trials >= 30 || r.Trials < 20 {
		t.Errorf("%v (%q) after %d trials", r.State, r.Reason, r.Trials)
	}
}

func TestStop(t *testing.T) {
	e, err := New(pairDesign(.1))
	if err != nil {
		t.Fatal(err)
	}
	r := e.Result()
	if r.State != Inconclusive || r.Reason != Undecided || r.Done {
		t.Errorf("before the first trial: %+v", r)
	}
	checkResult(t, r)
	r = e.Stop(Deadline)
	if r.State != Inconclusive || r.Reason != Deadline || !r.Done {
		t.Errorf("stopped: %+v", r)
	}
	if _, err := e.Add(make([]Trial, 10)); err == nil || !strings.Contains(err.Error(), "the run is over") {
		t.Errorf("a batch after the end: %v", err)
	}
	if again := e.Stop(Cancelled); again.Reason != Deadline {
		t.Errorf("stopped twice: %q", again.Reason)
	}
}

// A run that ended for its budget is continued by replaying it with a larger one:
// the evidence is the same at every look.
func TestContinuing(t *testing.T) {
	d := pairDesign(.05)
	d.MaxTrials, d.NoFutility = 60, true
	s := script{5, 5, 0}
	short, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	d.MaxTrials = 600
	long, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 60; n += 10 {
		var batch []Trial
		for k := range 10 {
			batch = append(batch, s.trial(n+k, d))
		}
		a, err := short.Add(batch)
		if err != nil {
			t.Fatal(err)
		}
		b, err := long.Add(batch)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(a.Conditions, b.Conditions) {
			t.Fatalf("after %d trials the evidence depends on the budget", n+10)
		}
		if a.Done {
			break
		}
	}
	if short.Result().State != Inconclusive || long.Result().Done {
		t.Errorf("short run: %v, long run done: %v", short.Result().State, long.Result().Done)
	}
}

// The terminal look decides where the ordinary threshold does not, and says that
// the run is spent.
func TestTerminalLook(t *testing.T) {
	d := pairDesign(.1)
	d.Stopping, d.NoFutility, d.Batch = TerminalLook, true, 10
	for n := 20; n <= 60; n += 10 {
		d.MaxTrials = n
		ordinary := d
		ordinary.Stopping = Sequential
		a, b := play(t, d, script{0, 0, 0}), play(t, ordinary, script{0, 0, 0})
		if a.State == Holds && b.State != Holds {
			if !a.Final || a.Conditions[0].Upper > .1 {
				t.Errorf("%d trials: %+v", n, a)
			}
			return
		}
	}
	t.Error("the terminal look never decided anything")
}

// The terminal threshold keeps the exact error within alpha for discordances
// between those it was computed from.
func TestTerminalThreshold(t *testing.T) {
	raced.Skip(t)
	const most, batch, alpha = 120, 10, 0.05
	for _, tt := range []struct {
		s     side
		theta float64
	}{{holdSide, .1}, {violSide, .1}, {holdSide, -.2}, {violSide, -.2}} {
		s, theta := tt.s, tt.theta
		g := planned(s, 0.4)
		final := g.terminalThreshold(theta, alpha, most, batch)
		if !(final < math.Log(1/alpha)-.5) {
			t.Errorf("side %d: the last look asks for %.2f, hardly less than %.2f", s, final, math.Log(1/alpha))
		}
		ledger, worst := newLedger(&g, theta), 0.0
		for minus := max(0, -theta); minus < (1-theta)/2; minus += .0137 {
			w := newDistribution(minus+theta, minus, fine)
			crossed := 0.0
			for w.n < most {
				for range batch {
					w.step()
				}
				w.prune()
				threshold := math.Log(1 / alpha)
				if w.n == most {
					threshold = final
				}
				w.each(func(plus, minus int, mass float64) bool {
					if !ledger.reaches(threshold, w.n, plus, minus) {
						return false
					}
					crossed += mass
					return true
				})
			}
			worst = max(worst, crossed)
		}
		t.Logf("side %d of %v: 1/alpha 20 falls to %.2f at the last look, largest error %.4f", s, theta, math.Exp(final), worst)
		if worst > alpha {
			t.Errorf("side %d: error %.4f", s, worst)
		}
	}
}

func TestBadDesigns(t *testing.T) {
	with := func(change func(d *Design)) Design {
		d := pairDesign(.1)
		change(&d)
		return d
	}
	tests := []struct {
		names  string // what the error must name
		design Design
	}{
		{"Arms", with(func(d *Design) { d.Arms = nil })},
		{"Conditions", with(func(d *Design) { d.Conditions = nil })},
		{"Conditions[0] (not raised): its Threshold 0", with(func(d *Design) { d.Conditions[0].Threshold = 0 })},
		{"Threshold -1", with(func(d *Design) { d.Conditions[0].Threshold = -1 })},
		{"Threshold -0.1", Design{Arms: []string{"refusals"}, Conditions: []Condition{{Weights: []float64{1}, Threshold: -.1, Rate: true}}}},
		{"Planned.Rate 0.05", with(func(d *Design) { d.Conditions[0].Threshold = -.1 })},
		{"PlannedEffect 0.2", with(func(d *Design) { d.Conditions[0].PlannedEffect = .2 })},
		{"PlannedEffect NaN", with(func(d *Design) { d.Conditions[0].PlannedEffect = math.NaN() })},
		{"Threshold 1", with(func(d *Design) { d.Conditions[0].Threshold = 1 })},
		{"Threshold NaN", with(func(d *Design) { d.Conditions[0].Threshold = math.NaN() })},
		{"Weights", with(func(d *Design) { d.Conditions[0].Weights = []float64{1} })},
		{"Weights[1] NaN", with(func(d *Design) { d.Conditions[0].Weights = []float64{-1, math.NaN()} })},
		{"Weights: all are 0", with(func(d *Design) { d.Conditions[0].Weights = []float64{0, 0} })},
		{"Offset", with(func(d *Design) { d.Conditions[0].Offset = math.Inf(1) })},
		{"Rate", with(func(d *Design) { d.Conditions[0].Rate = true })},
		{"Judge.Lower 0", with(func(d *Design) { d.Judge = JudgeError{Upper: 1} })},
		{"Judge.Lower -0.2", with(func(d *Design) { d.Judge.Lower = -.2 })},
		{"Judge.Lower 0.9", with(func(d *Design) { d.Judge = JudgeError{Lower: .9, Upper: .8} })},
		{"Conditions[0] (not raised): field Judge.Lower 0.9", with(func(d *Design) { d.Conditions[0].Judge = &JudgeError{Lower: .9, Upper: .8} })},
		{"Judge.FalsePositive", with(func(d *Design) { d.Judge = JudgeError{Lower: .9, FalsePositive: 2} })},
		{"Judge: its error", with(func(d *Design) {
			d.Judge.Lower, d.Conditions[0].Weights, d.Conditions[0].Threshold = .9, []float64{.5, .5}, .2
		})},
		{"Control 2", with(func(d *Design) { d.Control = 2 })},
		{"Headroom 0", with(func(d *Design) { d.Headroom = 0 })},
		{"Headroom -0.2", with(func(d *Design) { d.Headroom = -.2 })},
		{"AlphaHolds", with(func(d *Design) { d.AlphaHolds = .7 })},
		{"AlphaViolated", with(func(d *Design) { d.AlphaViolated = -.1 })},
		{"Stopping 7", with(func(d *Design) { d.Stopping = 7 })},
		{"Cells 0", with(func(d *Design) { d.Cells = 0 })},
		{"Batch 0", with(func(d *Design) { d.Batch = 0 })},
		{"Batch 500", with(func(d *Design) { d.Batch = 500 })},
		{"MaxTrials 0", with(func(d *Design) { d.MaxTrials = 0 })},
		{"MaxTrials 9", with(func(d *Design) { d.MaxTrials = 9 })},
		{"MinTrials -1", with(func(d *Design) { d.MinTrials = -1 })},
		{"MinTrials 401", with(func(d *Design) { d.MinTrials = 401 })},
		{"MinTrials 60", with(func(d *Design) { d.MinTrials, d.Cells, d.OverTargets = 60, 55, true })},
		{"MaxTrials -1", with(func(d *Design) { d.MaxTrials = -1 })},
		{"Draws 3", with(func(d *Design) { d.Draws = 3 })},
		{"Draws 2", with(func(d *Design) { d.Draws, d.OverTargets = 2, true })},
		{"WithoutReplacement", with(func(d *Design) { d.WithoutReplacement, d.OverTargets = true, true })},
		{"WithoutReplacement", with(func(d *Design) { d.WithoutReplacement, d.Stopping = true, FixedN })},
		{"TerminalLook", with(func(d *Design) { d.Stopping, d.Draws = TerminalLook, 2 })},
		{"TerminalLook", with(func(d *Design) { d.Stopping, d.Conditions[0].Weights = TerminalLook, []float64{-.5, .5} })},
		{"Planned.Rate", with(func(d *Design) { d.Planned.Rate = 1 })},
		{"Planned.Correlation", with(func(d *Design) { d.Planned = Guess{Rate: .1, Correlation: -1} })},
		{"Power", with(func(d *Design) { d.Power = 1 })},
	}
	for _, tt := range tests {
		t.Run(tt.names, func(t *testing.T) {
			if _, err := New(tt.design); err == nil || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("error %v does not name %q", err, tt.names)
			}
		})
	}
}

func TestBadBatches(t *testing.T) {
	d := pairDesign(.1)
	d.Draws, d.Batch = 2, 4
	good := func() []Trial {
		var batch []Trial
		for i := range 4 {
			batch = append(batch, Trial{Cell: i, Draw: i / 2, Y: []Observation{{}, {}}})
		}
		return batch
	}
	tests := []struct {
		names  string
		change func(b []Trial) []Trial
	}{
		{"3 trials", func(b []Trial) []Trial { return b[:3] }},
		{"Cell 240", func(b []Trial) []Trial { b[1].Cell = 240; return b }},
		{"Cell -1", func(b []Trial) []Trial { b[1].Cell = -1; return b }},
		{"Cell 0 comes twice", func(b []Trial) []Trial { b[1].Cell = 0; return b }},
		{"draw 0 has 3", func(b []Trial) []Trial { b[2].Draw = 0; return b }},
		{"1 draws", func(b []Trial) []Trial { b[2].Draw, b[3].Draw = 0, 0; return b }},
		{"Y[1] (treated) was not asked", func(b []Trial) []Trial { b[3].Y = b[3].Y[:1]; return b }},
		{"Y[0] (control) was not asked", func(b []Trial) []Trial { b[3].Y[0].NotAsked = true; return b }},
		{"Y[0] (control) is 1.5", func(b []Trial) []Trial { b[3].Y[0].Value = 1.5; return b }},
		{"Y[0] (control) is NaN", func(b []Trial) []Trial { b[3].Y[0].Value = math.NaN(); return b }},
		{"Y holds 3 observations", func(b []Trial) []Trial { b[0].Y = make([]Observation, 3); return b }},
	}
	for _, tt := range tests {
		t.Run(tt.names, func(t *testing.T) {
			e, err := New(d)
			if err != nil {
				t.Fatal(err)
			}
			before := e.Result()
			if _, err := e.Add(tt.change(good())); err == nil || !strings.Contains(err.Error(), tt.names) {
				t.Errorf("error %v does not name %q", err, tt.names)
			}
			if !reflect.DeepEqual(before, e.Result()) {
				t.Error("a bad batch changed the engine")
			}
			if _, err := e.Add(good()); err != nil {
				t.Errorf("a good batch after a bad one: %v", err)
			}
		})
	}
}

// Arms that decide nothing need not be asked.
func TestReportedArms(t *testing.T) {
	d := Design{
		Arms:       []string{"dose 0", "dose 8", "dose 2"},
		Conditions: []Condition{{Name: "endpoints", Weights: []float64{-1, 1, 0}, Threshold: .1}},
		Control:    0, Headroom: .8, Batch: 2, MaxTrials: 100, Cells: 50,
	}
	if d.callsPerTrial() != 2 {
		t.Errorf("%d calls a trial", d.callsPerTrial())
	}
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Add([]Trial{
		{Cell: 0, Y: []Observation{{}, {}}},
		{Cell: 1, Y: []Observation{{}, {}, {NotAsked: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Arms[2].N != 0 || r.Missing != 0 {
		t.Errorf("%+v", r)
	}
	r, err = e.Add([]Trial{
		{Cell: 0, Y: []Observation{{}, {}, {Value: 1}}},
		{Cell: 1, Y: []Observation{{}, {}, {Missing: true}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a := r.Arms[2]; a.N != 1 || a.Missing != 1 || a.Rate != 1 || r.Missing != 0 {
		t.Errorf("%+v", a)
	}
}

// Where a reply is missing, X is bounded both ways.
func TestMissingIsBoundedBothWays(t *testing.T) {
	gone, yes, no := Observation{Missing: true}, Observation{Value: 1}, Observation{}
	d := pairDesign(.1).withDefaults()
	c := newCondition(d, d.Conditions[0], 0)
	tests := []struct {
		control, treated Observation
		low, high        float64
		missing          bool
	}{
		{no, yes, 1, 1, false},
		{yes, yes, 0, 0, false},
		{no, gone, 0, 1, true},
		{yes, gone, -1, 0, true},
		{gone, no, -1, 0, true},
		{gone, yes, 0, 1, true},
		{gone, gone, -1, 1, true},
	}
	for _, tt := range tests {
		trial := Trial{Y: []Observation{tt.control, tt.treated}}
		low, high, missing := c.below.of(trial.Y), c.above.of(trial.Y), !c.whole(&trial)
		if low != tt.low || high != tt.high || missing != tt.missing {
			t.Errorf("%+v: %v, %v, %v", tt, low, high, missing)
		}
	}
}

// The companion interval counts missing replies against either side, and so does
// a fixed-n verdict.
func TestMissingInFixedN(t *testing.T) {
	d := pairDesign(.1)
	d.Stopping, d.Batch, d.MaxTrials, d.Control = FixedN, 100, 100, -1
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var batch []Trial
	for i := range 100 { // a rise in 17, no reply under the treated arm in 5
		batch = append(batch, Trial{Cell: i, Y: []Observation{{}, {Value: b2f(i < 17), Missing: i >= 95}}})
	}
	r, err := e.Add(batch)
	if err != nil {
		t.Fatal(err)
	}
	low, err := Pairs{OnlyTreated: 17, Neither: 83}.Tango(.9)
	if err != nil {
		t.Fatal(err)
	}
	high, err := Pairs{OnlyTreated: 22, Neither: 78}.Tango(.9)
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Conditions[0].Companion; i.Lower != low.Lower || i.Upper != high.Upper || r.State != Violated {
		t.Errorf("%+v; want from %v to %v", r, low.Lower, high.Upper)
	}
}

// A control whose replies are missing has no headroom proven: each may have complied.
func TestMissingControlLeavesNoHeadroom(t *testing.T) {
	d := pairDesign(.4) // headroom below 0.2
	d.Batch, d.MaxTrials = 40, 40
	seen := func(lost int) float64 {
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		var batch []Trial
		for i := range 40 {
			batch = append(batch, Trial{Cell: i, Y: []Observation{{Missing: i < lost}, {}}})
		}
		if _, err := e.Add(batch); err != nil {
			t.Fatal(err)
		}
		if e.full.all.sum != 0 {
			t.Errorf("%d missing count as %v compliances against the claim", lost, e.full.all.sum)
		}
		return e.headroom.all.mean()
	}
	if none, two := seen(0), seen(2); none != 0 || two != 0.05 {
		t.Errorf("control rates for the headroom: %v with no reply missing, %v with 2 of 40", none, two)
	}
}

// Designs that visit a cell once refuse a second visit.
func TestSecondVisits(t *testing.T) {
	for _, over := range []bool{false, true} {
		d := pairDesign(.4)
		d.Batch, d.Cells, d.WithoutReplacement, d.OverTargets, d.NoFutility = 2, 40, !over, over, true
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		batch := []Trial{{Cell: 3, Y: []Observation{{}, {}}}, {Cell: 4, Y: []Observation{{}, {}}}}
		if _, err := e.Add(batch); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Add(batch); err == nil || !strings.Contains(err.Error(), "Cell 3 was visited before") {
			t.Errorf("over targets %v: a second visit: %v", over, err)
		}
	}
}

// Without replacement each batch is played at the mean that the hypothesis leaves
// for the cells not yet seen.
func TestFinitePopulation(t *testing.T) {
	g := mixture{side: holdSide, lo: -1, hi: 1, bets: []float64{.5}, logWeights: []float64{0}}
	p := newEProcess(g, .2, .05, 10)
	for _, x := range [][]float64{{1, 0}, {0, 0}} {
		var batch tally
		for _, v := range x {
			batch.add(v, 1)
		}
		p.look(&batch, false)
	}
	// Ten cells of mean 0.2 sum to 2; after a first batch of sum 1 the other
	// eight have the mean 1/8.
	want := math.Log(1+.5*(.2-1)/.8) + math.Log(1+.5*.2/.8) + 2*math.Log(1+.5*.125/.875)
	if math.Abs(p.now-want) > 1e-12 {
		t.Errorf("log E = %v, want %v", p.now, want)
	}
	// Six cells are left: the mean of all is at most (1+6)/10, at least (1-6)/10.
	if p.ruledOut(.69) || !p.ruledOut(.70) {
		t.Error("what the cells left can still do is wrong")
	}
}

// A model that changes in mid-run makes the two bounds of a sequence cross, of which a
// warning tells; those of a rule with one look are about all of its replies.
func TestDriftIsNoticed(t *testing.T) {
	d := pairDesign(.1)
	d.Stopping, d.Batch, d.MaxTrials, d.Control = FixedN, 40, 400, -1
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	for n := range 10 {
		var batch []Trial
		for i := range 40 {
			y := []Observation{{Value: b2f(n >= 2)}, {Value: b2f(n < 2)}}
			batch = append(batch, Trial{Cell: i, Y: y})
		}
		if r, err = e.Add(batch); err != nil {
			t.Fatal(err)
		}
		checkResult(t, r)
	}
	if c := r.Conditions[0]; !(c.Lower < -0.6 && -0.6 < c.Upper) || len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0], "contradict") {
		t.Errorf("%+v", r)
	}
}

// Graded scores run through the same engine; their companion is an interval over
// cells.
func TestGradedScores(t *testing.T) {
	for _, m := range []StoppingRule{Sequential, FixedN} {
		d := pairDesign(.2)
		d.Stopping, d.MaxTrials = m, 120
		e, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		var r Result
		for n := 0; !r.Done; n += 10 {
			var batch []Trial
			for k := range 10 {
				batch = append(batch, Trial{Cell: n + k, Y: []Observation{{Value: .1 * float64(k%3)}, {Value: .1 * float64((k+n)%4)}}})
			}
			if r, err = e.Add(batch); err != nil {
				t.Fatal(err)
			}
			checkResult(t, r)
		}
		i := r.Conditions[0].Companion
		if r.State != Holds || !strings.HasPrefix(i.Method, "bootstrap-t over") || !(i.Lower < r.Conditions[0].Estimate && r.Conditions[0].Estimate < i.Upper) {
			t.Errorf("%v: %+v", m, r)
		}
	}
}

// Where every cell shows the same effect its spread is unknown: nothing is proven
// by that.
func TestNoSpread(t *testing.T) {
	d := pairDesign(.1)
	d.Stopping, d.MaxTrials, d.Control = FixedN, 10, -1
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var batch []Trial
	for k := range 10 {
		batch = append(batch, Trial{Cell: k, Y: []Observation{{Value: .25}, {Value: .3}}})
	}
	r, err := e.Add(batch)
	if err != nil {
		t.Fatal(err)
	}
	if i := r.Conditions[0].Companion; r.State != Inconclusive || i.Method != "confidence sequence" || i.Upper < .2 {
		t.Errorf("%+v", r)
	}
}

// checkResult checks what every result promises.
func checkResult(t *testing.T, r Result) {
	t.Helper()
	checkFinite(t, "result", reflect.ValueOf(r))
	holds := true
	for _, c := range r.Conditions {
		holds = holds && c.State == Holds
		if c.Lower > c.Upper {
			t.Errorf("%s: lower bound %v above the upper bound %v", c.Name, c.Lower, c.Upper)
		}
	}
	if r.State == Holds && !holds {
		t.Errorf("the claim holds though a condition does not: %+v", r)
	}
	if (r.State != Inconclusive) != (r.Reason == Undecided && r.Done) {
		t.Errorf("state %v, reason %q, done %v", r.State, r.Reason, r.Done)
	}
}

// checkFinite fails on any number in v that is infinite or none.
func checkFinite(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			t.Errorf("%s is %v", name, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			checkFinite(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkFinite(t, name, v.Index(i))
		}
	}
}

// What a rule says of itself is what callers go by; a number of none says nothing.
func TestStoppingRules(t *testing.T) {
	said := map[StoppingRule]bool{}
	for _, tt := range []struct {
		rule                     StoppingRule
		words                    string
		once, final, independent bool
	}{
		{0, "sequential", false, false, false},
		{Sequential, "sequential", false, false, false},
		{FixedN, "one look", true, true, false},
		{TerminalLook, "terminal look", false, true, true},
		{-1, "no stopping rule", false, false, false},
		{StoppingRule(len(stoppingRules)), "no stopping rule", false, false, false},
	} {
		said[tt.rule] = true
		if r := tt.rule; r.String() != tt.words || r.Once() != tt.once || r.Final() != tt.final || r.Independent() != tt.independent {
			t.Errorf("rule %d: %q, once %v, final %v, independent %v", r, r, r.Once(), r.Final(), r.Independent())
		}
	}
	for reason, few := range map[Reason]bool{Budget: true, Futile: true, Curtailed: true, Undecided: false, Deadline: false, MissingReplies: false, NoHeadroom: false} {
		if reason.FewTrials() != few {
			t.Errorf("%q: too few trials is %v", reason, !few)
		}
	}
	for r, rule := range stoppingRules {
		if r > 0 && rule == nil {
			t.Errorf("no rule has the number %d", r)
		}
		if !said[StoppingRule(r)] {
			t.Errorf("this test needs a row for rule %d, %v", r, rule)
		}
	}
}

// planned is the mixture for differences with one more bet.
func planned(s side, bet float64) mixture {
	g := newMixture(s, -1, 1)
	g.plan(bet)
	return g
}

// A condition that Holm's procedure names in a later step is violated by evidence which is
// too little for its own limit: verdict and limit must not disagree in front of a reader.
func TestLimitsReachWhatHolmRejects(t *testing.T) {
	weights, err := SlopeWeights([]float64{0, 1, 4})
	if err != nil {
		t.Fatal(err)
	}
	d := pairDesign(0.05)
	d.Arms = []string{"0", "1", "4"}
	d.Conditions = []Condition{
		{Name: "slope", Weights: weights, Threshold: 0.05 / 3},
		{Name: "endpoints", Weights: []float64{-1, 0, 1}, Threshold: 0.05},
	}
	d.Batch = 2
	e, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	for i := 0; !r.Done; i += d.Batch {
		var batch []Trial
		for k := i; k < i+d.Batch; k++ {
			batch = append(batch, Trial{Cell: k, Y: []Observation{{}, {Value: float64(k % 2)}, {Value: b2f(k%4 > 0)}}})
		}
		if r, err = e.Add(batch); err != nil {
			t.Fatal(err)
		}
	}
	later := 0
	for _, c := range r.Conditions {
		if c.State != Violated || c.Lower < c.Threshold {
			t.Errorf("after %d trials %s is %v with the lower bound %v, and its limit is %v", r.Trials, c.Name, c.State, c.Lower, c.Threshold)
		}
		if c.LogEViolated < math.Log(2/0.05) {
			later++
		}
	}
	if later != 1 {
		t.Errorf("%d conditions had too little evidence for their own limits, want the one that was named second", later)
	}
}
