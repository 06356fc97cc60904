package evidence

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// The bench measures what the package promises, on simulated trials, beside the
// practices of today. Short by default; SAFETYTEST_OC=full gives the whole table
// with 4000 runs a cell.
func fullTable() bool { return os.Getenv("SAFETYTEST_OC") == "full" }

// needsSimulation skips a test that simulates hundreds of runs in short mode.
func needsSimulation(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("simulates hundreds of runs; not in short mode")
	}
}

// measured counts a rival's verdicts at one true effect.
type measured struct {
	runs, holds, violated int
	calls                 float64
}

func (m measured) meanCalls() float64 { return m.calls / float64(m.runs) }

// rate prints x of the runs with its exact 95 % interval, in percent.
func (m measured) rate(x int) string {
	i, err := ClopperPearson(x, m.runs, 0.95)
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("%.1f (%.1f-%.1f)", 100*float64(x)/float64(m.runs), 100*i.Lower, 100*i.Upper)
}

// exceeds says whether x of the runs prove, at 99.9 %, an error rate above 5 %.
func (m measured) exceeds(x int) bool {
	i, err := ClopperPearson(x, m.runs, 0.998)
	return err == nil && i.Lower > 0.05
}

// repeat runs a rival again and again on fresh samples of a world. Seeds belong
// to runs, so the result does not depend on how they are spread over processors.
func repeat(runs int, w world, r rival, prepare func(*sampler)) measured {
	var mu sync.Mutex
	var wg sync.WaitGroup
	total := measured{runs: runs}
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var mine measured
			for run := k; run < runs; run += workers {
				s := newSampler(w, r.batch, uint64(run))
				if prepare != nil {
					prepare(s)
				}
				state, calls := r.run(s)
				mine.calls += float64(calls)
				switch state {
				case Holds:
					mine.holds++
				case Violated:
					mine.violated++
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.holds += mine.holds
			total.violated += mine.violated
			total.calls += mine.calls
		}()
	}
	wg.Wait()
	return total
}

// pairClaim is the claim "not raised by more than the margin" in a setting.
func (s setting) pairClaim(power float64) Design {
	p := s.seen(s.base)
	// The correlation that the spread of the cells gives to their pairs.
	rho := s.j() * s.j() * s.base * (1 - s.base) / 3 / (p * (1 - p))
	return Design{
		Arms:       []string{"control", "treated"},
		Conditions: []Condition{{Name: "not raised", Weights: []float64{-1, 1}, Threshold: s.margin}},
		Control:    0, Headroom: 1 - 2*s.margin,
		AlphaHolds: 0.05, AlphaViolated: 0.05,
		Judge: JudgeError{Lower: s.j(), Upper: s.j()},
		Batch: 10, Cells: s.targets,
		Planned: Guess{Rate: p, Correlation: rho}, Power: power,
	}
}

// unpairedSize returns the smallest number of replies per arm that gives the
// score test the power at effect 0, with both arms at rate p.
func unpairedSize(p, theta, power float64) int {
	z := normalQuantile(0.95)
	reaches := func(n int) bool {
		law := binomial(n, p)
		total := 0.0
		for x0, m0 := range law {
			if m0 < 1e-9 {
				continue
			}
			// The verdict is monotone in the treated arm's count.
			for x1, m1 := range law {
				if m1 >= 1e-9 {
					if scoreZ(float64(x0), float64(n), float64(x1), float64(n), theta) > -z {
						break
					}
					total += m0 * m1
				}
			}
		}
		return total >= power
	}
	n := 10
	for !reaches(2 * n) {
		n *= 2
	}
	lo, hi := n, 2*n
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; reaches(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}

func binomial(n int, p float64) []float64 {
	w := newDistribution(p, 0, fine)
	for range n {
		w.step()
	}
	out := make([]float64, n+1)
	for x := range out {
		if x <= w.hiP {
			out[x] = w.mass[x][0]
		}
	}
	return out
}

// rivals returns the practices of today, the fixed designs and the engine, each
// controlled one sized for the same power at effect 0.
func (s setting) rivals(t *testing.T, power float64) []rival {
	t.Helper()
	theta := s.j() * s.margin
	claim := s.pairClaim(power)
	size := func(d Design) int {
		f, err := d.Forecast()
		if err != nil {
			t.Fatal(err)
		}
		return f.Needs
	}
	unpaired := unpairedSize(s.seen(s.base), theta, power)
	once := claim
	once.Stopping, once.Batch, once.Control = FixedN, 1, -1
	paired := size(once)
	claim.MaxTrials = size(claim)
	everyPair := claim
	everyPair.Batch, everyPair.NoFutility = 1, true
	terminal := claim
	terminal.Stopping = TerminalLook
	terminal.MaxTrials = claim.MaxTrials * 4 / 5 / claim.Batch * claim.Batch
	out := []rival{
		onceEach("once each, fail if B > A", s, func(c *counts) bool { return c.treated > c.control }),
		onceEach("once each, fail if B > A + margin", s, func(c *counts) bool { return (c.treated-c.control)/c.n > s.margin }),
		onceEach("once each, fail if z-test p < .05", s, (*counts).zTest),
		peeking((unpaired + 9) / 10 * 10),
		fixedUnpaired(theta, unpaired),
		fixedPaired(theta, paired),
		groupSequential(theta, (paired*5/4+9)/10*10),
	}
	for _, d := range []struct {
		name string
		Design
	}{
		{"betting, a look at each pair, no futility", everyPair},
		{"betting, batch 10, futility (default)", claim},
		{"betting, batch 10, futility, terminal look", terminal},
	} {
		r, err := betting(d.name, d.Design)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func isEngine(r rival) bool { return strings.HasPrefix(r.name, "betting") }

func TestOperatingCharacteristics(t *testing.T) {
	needsSimulation(t)
	settings := []setting{
		{base: .05, margin: .10, sens: .9, spec: .97, targets: 60},
		{base: .02, margin: .05, sens: 1, spec: 1, targets: 60}, // rare events
	}
	runs := 400
	if fullTable() {
		settings, runs = nil, 4000
		for _, judge := range [][2]float64{{.9, .97}, {1, 1}} {
			for _, base := range []float64{.02, .05, .20} {
				for _, margin := range []float64{.05, .10} {
					settings = append(settings, setting{base, margin, judge[0], judge[1], 60})
				}
			}
		}
	}
	for _, s := range settings {
		name := fmt.Sprintf("base %.0f %%, margin %.0f points, judge %.2f/%.2f, %d targets", 100*s.base, 100*s.margin, s.sens, s.spec, s.targets)
		t.Run(name, func(t *testing.T) { s.table(t, runs) })
	}
}

// table measures all rivals of a setting at effects 0, the margin, twice the
// margin and 20 points, prints them and checks the errors of the engine.
func (s setting) table(t *testing.T, runs int) {
	effects := []float64{0, s.margin, 2 * s.margin}
	if s.margin < .10 {
		effects = append(effects, .20)
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 2, 8, 2, ' ', 0)
	fmt.Fprint(w, "design\tmost")
	for _, effect := range effects {
		fmt.Fprintf(w, "\t%+.0f: holds %%\tviolated %%\tcalls", 100*effect)
	}
	fmt.Fprintln(w)
	var reference, byDefault []measured
	for _, r := range s.rivals(t, 0.90) {
		fmt.Fprintf(w, "%s\t%d", r.name, r.most)
		var row []measured
		for _, effect := range effects {
			m := repeat(runs, s.world(effect), r, nil)
			row = append(row, m)
			fmt.Fprintf(w, "\t%s\t%s\t%.0f", m.rate(m.holds), m.rate(m.violated), m.meanCalls())
		}
		fmt.Fprintln(w)
		if isEngine(r) {
			if at := row[1]; at.exceeds(at.holds) || at.exceeds(at.violated) {
				t.Errorf("%s: errors at the margin: holds %s, violated %s %%, promised 5", r.name, at.rate(at.holds), at.rate(at.violated))
			}
			if row[0].holds < runs*17/20 {
				t.Errorf("%s: holds at effect 0 in %s %%, planned 90", r.name, row[0].rate(row[0].holds))
			}
		}
		switch {
		case strings.HasSuffix(r.name, "(default)"):
			byDefault = row
		case r.name == "fixed n, unpaired score":
			reference = row
		}
	}
	w.Flush()
	for k, effect := range effects {
		fmt.Fprintf(&out, "default against fixed unpaired at %+.0f points: %+.0f %% calls\n",
			100*effect, 100*(byDefault[k].meanCalls()/reference[k].meanCalls()-1))
	}
	t.Log("\n" + out.String())
	// Where a handful of pairs suffices there is little to save, and a batch of ten
	// is coarse.
	saved, promised := 1-byDefault[0].meanCalls()/reference[0].meanCalls(), .10
	if reference[0].meanCalls() > 300 {
		promised = .25
	}
	if !(saved >= promised) {
		t.Errorf("a healthy model saves %.0f %% of the calls of the fixed unpaired design", 100*saved)
	}
}
