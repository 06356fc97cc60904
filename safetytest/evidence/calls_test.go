package evidence

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// This file measures what a verdict costs: the mean number of model calls of the engine
// beside those of a fixed number of pairs, of group-sequential designs, and of the best
// bet there is. One run prints the tables, and -update writes them down:
//
//	go test ./safetytest/evidence -run TestCallsPerVerdict -v

// The tables that are kept, and what the engine took before the last change of its bets
// and looks, which no setting may exceed by more than worseAtMost. To judge a later
// version by today's engine, delete the latter and run with -update.
var (
	callsTables = filepath.Join("testdata", "calls_per_verdict.md")
	callsBefore = filepath.Join("testdata", "calls_per_verdict_before.txt")
)

const worseAtMost = 0.03

// priced is a setting of the tables: a claim that a change raises the rate by no more
// than the margin, or, where bound is set, that a rate is at most that.
type priced struct {
	base, margin, effect float64
	bound, rate          float64
	choices              int       // replies a request, 0 for one
	copies               bool      // they are one reply again and again
	of                   *recorded // what a real model answered, nil for a population made up
	seeds                bool      // both arms of its pairs are asked with one seed
}

// pricedSettings are sound models, violations of 30 points and of twice the margin,
// claims that are met with room to spare, and rates.
func pricedSettings() []priced {
	out := []priced{
		{base: .05, margin: .10}, {base: .20, margin: .10}, {base: .50, margin: .10},
		{base: .05, margin: .05}, {base: .20, margin: .05}, {base: .50, margin: .05},
		{base: .02, margin: .05}, {base: .005, margin: .05},
		{base: .05, margin: .02}, {base: .20, margin: .02}, {base: .50, margin: .02},
		{base: .05, margin: .01}, {base: .20, margin: .01}, {base: .50, margin: .01},
		{base: .20, margin: .10, effect: .03}, {base: .20, margin: .05, effect: .015},
		{base: .20, margin: .10, effect: .06}, {base: .50, margin: .20, effect: .13}, {base: .50, margin: .10, effect: .15}, // near the margin
	}
	for _, effect := range []float64{.30, 0} { // 0 is twice the margin here
		for _, s := range []priced{
			{base: .05, margin: .10}, {base: .20, margin: .10}, {base: .50, margin: .10},
			{base: .05, margin: .05}, {base: .20, margin: .05}, {base: .50, margin: .05},
			{base: .05, margin: .02}, {base: .20, margin: .02}, {base: .50, margin: .02},
			{base: .05, margin: .01}, {base: .20, margin: .01},
		} {
			if s.effect = effect; effect == 0 {
				s.effect = 2 * s.margin
			}
			out = append(out, s)
		}
	}
	for _, bound := range []float64{.05, .01, .005} {
		for _, times := range []float64{0, .1, 3, 10} {
			out = append(out, priced{bound: bound, rate: times * bound})
		}
	}
	return out
}

func (p priced) String() string {
	if p.of != nil {
		context, _, _ := strings.Cut(p.of.contrast, " does not ")
		return p.of.model + ": " + context
	}
	if p.bound > 0 {
		return fmt.Sprintf("a rate of %g %%, bound %g %%", round(100*p.rate), round(100*p.bound))
	}
	return fmt.Sprintf("base %g %%, margin %g, effect %+g points", round(100*p.base), round(100*p.margin), round(100*p.effect))
}

func round(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// callsPerTrial is 2 of a pair, 1 of a rate.
func (p priced) callsPerTrial() float64 {
	if p.bound > 0 {
		return 1
	}
	return 2
}

// threshold is what the mean of X is compared with, and truth what it is.
func (p priced) threshold() float64 { return p.margin + p.bound }
func (p priced) truth() float64     { return p.effect + p.rate }

// right is the verdict that the truth deserves.
func (p priced) right() State {
	if p.truth() > p.threshold() {
		return Violated
	}
	return Holds
}

// pricedDraws and pricedTargets are those of a suite by default.
const (
	pricedDraws   = 4
	pricedTargets = 60
)

// world is the population: the same cells under each of the draws, or those of a real
// model.
func (p priced) world() world {
	if p.of != nil {
		return p.of.world
	}
	w := world{targets: pricedTargets, draws: pricedDraws}
	var one world
	if p.bound > 0 {
		for range pricedTargets {
			one.control = append(one.control, p.rate)
		}
		one.treated = one.control
	} else {
		one = setting{base: p.base, margin: p.margin, sens: 1, spec: 1, targets: pricedTargets}.world(p.effect)
	}
	for range pricedDraws {
		w.control = append(w.control, one.control...)
		w.treated = append(w.treated, one.treated...)
	}
	return w
}

// law is that of X at a cell drawn at random.
func (p priced) law() law {
	if p.bound > 0 {
		return rateLaw(p.rate)
	}
	w, plus, minus := p.world(), 0.0, 0.0
	for cell := range w.control {
		plus += (1 - w.control[cell]) * w.treated[cell] / float64(len(w.control))
		minus += w.control[cell] * (1 - w.treated[cell]) / float64(len(w.control))
	}
	var l law
	l.add(1, plus)
	l.add(-1, minus)
	l.add(0, 1-plus-minus)
	return l
}

// design is how a suite tests the claim where nothing is configured.
func (p priced) design() Design {
	w := p.world()
	d := Design{
		Arms:       []string{"control", "treated"},
		Conditions: []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: p.margin}},
		Control:    0, Headroom: 1 - 2*p.margin,
		Batch: 4, Draws: w.draws, Cells: len(w.control),
		Planned: Guess{Rate: .10, Correlation: .3}, Power: .99, Replies: p.choices,
	}
	if p.of != nil {
		d.Control, d.Headroom = -1, 0
	}
	if p.bound > 0 {
		d.Arms, d.Control, d.Headroom = d.Arms[:1], -1, 0
		d.Conditions = []Condition{{Name: "rate", Weights: []float64{1}, Threshold: p.bound, Rate: true}}
	}
	return d
}

// bestBet is the bet with the largest growth under the true law, however small.
func (p priced) bestBet() mixture {
	g := mixture{side: holdSide, lo: -1, hi: 1, logWeights: []float64{0}}
	if p.right() == Violated {
		g.side = violSide
	}
	if p.bound > 0 {
		g.lo = 0
	}
	l, most := p.law(), math.Inf(-1)
	for bet := .002; bet <= 1; bet += .001 {
		growth, _ := l.expect(func(x float64) float64 { return log1p(bet * g.stake(x, p.threshold())) })
		if growth > most {
			most, g.bets = growth, []float64{bet}
		}
	}
	return g
}

// A paid is what a way to decide took, and how it ended, over many runs.
type paid struct {
	measured
	squares float64 // sum of squared calls
}

// se is the standard error of the mean number of calls.
func (m paid) se() float64 {
	n, mean := float64(m.runs), m.meanCalls()
	return math.Sqrt(math.Max(0, m.squares/n-mean*mean) / n)
}

func (m paid) of(s State) float64 {
	if s == Violated {
		return 100 * float64(m.violated) / float64(m.runs)
	}
	return 100 * float64(m.holds) / float64(m.runs)
}

// pay repeats runs, each with a random source of its own, so that the result does not
// depend on how they are spread over processors.
func pay(runs int, run func(r *rand.Rand) (State, float64)) paid {
	states, calls := make([]State, runs), make([]float64, runs)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := k; i < runs; i += workers {
				states[i], calls[i] = run(rand.New(rand.NewPCG(uint64(i), 0xca115)))
			}
		}()
	}
	wg.Wait()
	out := paid{measured: measured{runs: runs}}
	for i, s := range states {
		switch s {
		case Holds:
			out.holds++
		case Violated:
			out.violated++
		}
		out.calls += calls[i]
		out.squares += calls[i] * calls[i]
	}
	return out
}

// engine runs a design on the setting's population.
func (p priced) engine(t *testing.T, d Design, runs int) paid {
	t.Helper()
	template, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	w := p.world()
	arms := len(d.Arms)
	return pay(runs, func(r *rand.Rand) (State, float64) {
		s := newSampler(w, d.Batch, 0)
		if s.r = r; !p.copies {
			s.choices = p.choices
		}
		if p.seeds {
			s.pairs = p.of.pairs
		}
		e := template.fresh()
		for !e.done {
			for i := range s.trials {
				s.trials[i].Y = s.trials[i].Y[:2] // the sampler asks two arms
			}
			trials := s.batch()
			for i := range trials {
				trials[i].Y = trials[i].Y[:arms]
			}
			e.look(trials)
		}
		return e.state, p.callsPerTrial() * float64(e.trials)
	})
}

// most trials that a run takes that goes on until it is decided.
const pricedPatience = 400_000

// toVerdict is the engine without a budget: the mean calls to a verdict.
func (p priced) toVerdict(t *testing.T, runs int) paid {
	d := p.design()
	d.MaxTrials, d.NoFutility = pricedPatience, true
	return p.engine(t, d, runs)
}

// asPlanned is the engine with the budget that a suite plans for it.
func (p priced) asPlanned(t *testing.T, runs int) paid {
	d := p.design()
	d.Replies = 0 // what is planned for is one reply a request
	most := min(d.withDefaults().needsTrials(), 20_000/d.Batch*d.Batch)
	if p.bound > 0 {
		most = min(3*most, 20_000)
	}
	d.MaxTrials, d.Replies = most, p.choices
	return p.engine(t, d, runs)
}

// oracle is the best bet that knows the truth, looked at after every pair.
func (p priced) oracle(runs int) paid {
	g, l := p.bestBet(), p.law()
	barrier := math.Log(20)
	return pay(runs, func(r *rand.Rand) (State, float64) {
		book, c := newLedger(&g, p.threshold()), tossed{} // a ledger is no two goroutines'
		for !book.reaches(barrier, c.n, c.plus, c.minus) {
			c.toss(r, &l, 1)
		}
		return p.right(), p.callsPerTrial() * float64(c.n)
	})
}

// tossed counts outcomes that are drawn independently from a law.
type tossed struct{ n, plus, minus int }

func (c *tossed) toss(r *rand.Rand, l *law, times int) {
	plus, minus := l.prob(1), l.prob(-1)
	for range times {
		switch u := r.Float64(); {
		case u < plus:
			c.plus++
		case u < plus+minus:
			c.minus++
		}
		c.n++
	}
}

// obfBounds spend 5 % one-sided over five looks as O'Brien and Fleming do (Lan and
// DeMets 1983).
var obfBounds = []float64{4.22909, 2.88772, 2.29734, 1.96164, 1.73966}

// tango tests pairs by Tango's score after equal parts of so many.
func (p priced) tango(pairs int, bounds []float64, runs int) paid {
	l := p.law()
	return pay(runs, func(r *rand.Rand) (State, float64) {
		c := tossed{}
		for k, bound := range bounds {
			c.toss(r, &l, pairs*(k+1)/len(bounds)-c.n)
			switch z := tangoZ(float64(c.n), float64(c.minus), float64(c.plus), p.margin); {
			case z <= -bound:
				return Holds, 2 * float64(c.n)
			case z >= bound:
				return Violated, 2 * float64(c.n)
			}
		}
		return Inconclusive, 2 * float64(c.n)
	})
}

// pairsFor is the number of pairs that gives Tango's test a power of 90 % for a model
// without effect, planned with its true discordance.
func (p priced) pairsFor() int {
	sound := priced{base: p.base, margin: p.margin}
	l := sound.law()
	q, d := l.prob(1)+l.prob(-1), p.margin
	z := func(x float64) float64 { return normalQuantile(x) }
	root := (z(.95)*math.Sqrt(math.Max(q, d)-d*d) + z(.90)*math.Sqrt(q)) / d
	n := int(math.Ceil(root * root))
	if n > 2000 {
		return n
	}
	// The formula is a little off where discordance is rare: search by the exact law.
	power := func(n int) float64 {
		w, total := newDistribution(l.prob(1), l.prob(-1), coarse), 0.0
		for range n {
			w.step()
			w.prune()
		}
		w.each(func(plus, minus int, mass float64) bool {
			if tangoZ(float64(n), float64(minus), float64(plus), d) <= -normalQuantile(.95) {
				total += mass
			}
			return false
		})
		return total
	}
	for power(n) < .90 {
		n += 1 + n/50
	}
	return n
}

// runsFor is how many runs are affordable, and what their sizes are worth.
func runsFor(meanTrials float64) int {
	pairs := 150_000.0
	if fullTable() {
		pairs = 2_000_000
	}
	return int(math.Min(3000, math.Max(100, pairs/meanTrials)))
}

// row is a line of the first table.
type row struct {
	priced
	oracle, verdict, planned paid
	fixed, obf, pocock       paid
}

func (p priced) measure(t *testing.T) row {
	out := row{priced: p}
	out.oracle = p.oracle(1000)
	runs := runsFor(out.oracle.meanCalls() / p.callsPerTrial())
	out.verdict = p.toVerdict(t, runs)
	if !printed() {
		return out
	}
	out.planned = p.asPlanned(t, runs)
	if p.bound > 0 {
		return out
	}
	n := p.pairsFor()
	some := min(runs, 1000)
	out.fixed = p.tango(n, []float64{normalQuantile(.95)}, some)
	out.obf = p.tango(n*103/100+1, obfBounds, some)
	out.pocock = p.tango(n*6/5, pocockBounds, some)
	return out
}

// printed says whether somebody reads the tables, with -v, SAFETYTEST_OC=full or
// -update: rivals and runs within a budget stand in
// them alone.
func printed() bool { return testing.Verbose() || fullTable() || *update }

// TestCallsPerVerdict holds the engine to what it took before, and prints the tables.
func TestCallsPerVerdict(t *testing.T) {
	needsSimulation(t)
	var rows []row
	for _, p := range pricedSettings() {
		rows = append(rows, p.measure(t))
	}
	text := tables(rows, falseVerdicts(t)) + severalReplies(t) + realReplies(t)
	if printed() {
		t.Log("\n" + text)
	}
	if *update {
		head := fmt.Sprintf("Measured on %s, %d draws of %d targets.\n\n", time.Now().UTC().Format(time.DateOnly), pricedDraws, pricedTargets)
		if err := os.WriteFile(callsTables, []byte(head+text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(callsBefore); os.IsNotExist(err) {
			if err := os.WriteFile(callsBefore, []byte(recalled(rows)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := readBefore(t)
	for _, r := range rows {
		was, known := before[r.String()]
		if !known {
			t.Errorf("%s: no mean of an earlier engine in %s", r.priced, callsBefore)
			continue
		}
		chance := 3 * math.Hypot(was.se, r.verdict.se())
		if now := r.verdict.meanCalls(); now > was.mean*(1+worseAtMost)+chance {
			t.Errorf("%s: %.1f calls to a verdict, %.1f before: more than %.0f %% and chance (%.1f) worse", r.priced, now, was.mean, 100*worseAtMost, chance)
		}
	}
}

// mean is a mean number of calls with its standard error.
type mean struct{ mean, se float64 }

// recalled lists the mean calls to a verdict by setting, to be compared with later.
func recalled(rows []row) string {
	var out strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&out, "%s\t%.2f\t%.2f\n", r.priced, r.verdict.meanCalls(), r.verdict.se())
	}
	return out.String()
}

func readBefore(t *testing.T) map[string]mean {
	t.Helper()
	f, err := os.Open(callsBefore)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]mean{}
	for s := bufio.NewScanner(f); s.Scan(); {
		name, numbers, _ := strings.Cut(s.Text(), "\t")
		var m mean
		if _, err := fmt.Sscanf(numbers, "%f\t%f", &m.mean, &m.se); err != nil {
			t.Fatalf("%s: %q: %v", callsBefore, s.Text(), err)
		}
		out[name] = m
	}
	return out
}

// falseVerdicts measures the engine as planned at the margin itself, where both verdicts
// are as likely to be wrong as anywhere, beside the rivals.
func falseVerdicts(t *testing.T) []row {
	var out []row
	for _, p := range []priced{
		{base: .05, margin: .10, effect: .10}, {base: .20, margin: .10, effect: .10}, {base: .50, margin: .10, effect: .10},
		{base: .05, margin: .05, effect: .05}, {base: .20, margin: .05, effect: .05},
		{bound: .05, rate: .05}, {bound: .01, rate: .01},
	} {
		r := row{priced: p, planned: p.asPlanned(t, 1000)}
		if p.bound == 0 {
			n := p.pairsFor()
			r.fixed = p.tango(n, []float64{normalQuantile(.95)}, 2000)
			r.obf, r.pocock = p.tango(n*103/100+1, obfBounds, 2000), p.tango(n*6/5, pocockBounds, 2000)
		}
		if m := r.planned; m.exceeds(m.holds) || m.exceeds(m.violated) {
			t.Errorf("%s: errors at the margin: holds %s, violated %s %%, promised 5", p, m.rate(m.holds), m.rate(m.violated))
		}
		out = append(out, r)
	}
	return out
}

// tables writes what was measured as Markdown.
func tables(rows, wrong []row) string {
	var out strings.Builder
	fmt.Fprint(&out, "Mean model calls. \"To a verdict\" is the engine without a budget, \"as planned\" within the budget of a suite, with the share of runs that came to the right verdict; "+
		"the oracle is the best bet that knows the true rates, looked at after every pair; the designs by Tango's test have 90 % power for a model without effect.\n\n")
	fmt.Fprintln(&out, "| setting | oracle | to a verdict | ratio | as planned | right | fixed n | right | O'Brien-Fleming | right | Pocock | right | as planned / fixed n |")
	fmt.Fprintln(&out, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	cell := func(m paid, s State) string { return fmt.Sprintf("%.0f | %.0f %%", m.meanCalls(), m.of(s)) }
	for _, r := range rows {
		if r.bound > 0 {
			continue
		}
		s := r.right()
		fmt.Fprintf(&out, "| %s | %.0f | %.0f | %.2f | %s | %s | %s | %s | %.2f |\n", r.priced, r.oracle.meanCalls(), r.verdict.meanCalls(),
			r.verdict.meanCalls()/r.oracle.meanCalls(), cell(r.planned, s), cell(r.fixed, s), cell(r.obf, s), cell(r.pocock, s), r.planned.meanCalls()/r.fixed.meanCalls())
	}
	fmt.Fprintln(&out, "\nRates. Without an event no test can hold after fewer than log 0.05 / log(1 - bound) replies, which is what the ratio is to there; elsewhere it is to the oracle.\n\n| setting | fewest | to a verdict | ratio | as planned | right |\n|---|--:|--:|--:|--:|--:|")
	for _, r := range rows {
		if r.bound == 0 {
			continue
		}
		least := r.oracle.meanCalls()
		if r.rate == 0 {
			least = math.Ceil(math.Log(.05) / math.Log1p(-r.bound))
		}
		fmt.Fprintf(&out, "| %s | %.0f | %.0f | %.2f | %s |\n", r.priced, least, r.verdict.meanCalls(), r.verdict.meanCalls()/least, cell(r.planned, r.right()))
	}
	fmt.Fprintln(&out, "\nFalse verdicts where the truth lies at the margin, percent of runs (holds / violated).\n\n| setting | engine as planned | fixed n | O'Brien-Fleming | Pocock |\n|---|--:|--:|--:|--:|")
	both := func(m paid) string {
		if m.runs == 0 {
			return "-"
		}
		return fmt.Sprintf("%.1f / %.1f", m.of(Holds), m.of(Violated))
	}
	for _, r := range wrong {
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", r.priced, both(r.planned), both(r.fixed), both(r.obf), both(r.pocock))
	}
	return out.String()
}
