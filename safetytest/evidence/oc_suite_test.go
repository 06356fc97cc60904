package evidence

import (
	"fmt"
	"strings"
	"testing"
	"text/tabwriter"
)

// A suite of eight healthy claims passes nine times in ten only if each holds with
// power 0.9875. A fixed design pays for that in every run, a sequential one only
// raises a maximum that it rarely uses.
func TestSuiteBudgets(t *testing.T) {
	needsSimulation(t)
	const claims = 8
	power, err := SuitePower(0.10, claims)
	if err != nil {
		t.Fatal(err)
	}
	settings := []setting{{.05, .10, .9, .97, 60}}
	if fullTable() {
		settings = append(settings, setting{.20, .10, .9, .97, 60}, setting{.05, .05, .9, .97, 60})
	}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 2, 8, 2, ' ', 0)
	fmt.Fprintln(w, "base\tmargin\tunpaired: calls\tbetting: most\tcalls at 0\tcalls at 2 margins\tholds at 0 %\tviolated at 2 margins %\tsaved at 0\tsaved at 2 margins")
	for _, s := range settings {
		d := s.pairClaim(power)
		f, err := d.Forecast()
		if err != nil {
			t.Fatal(err)
		}
		d.MaxTrials = f.Needs
		r, err := betting("betting", d)
		if err != nil {
			t.Fatal(err)
		}
		unpaired := 2 * unpairedSize(s.seen(s.base), s.j()*s.margin, power)
		runs := runsOf(400, 4000)
		zero := repeat(runs, s.world(0), r, nil)
		twice := repeat(runs, s.world(2*s.margin), r, nil)
		saved := func(m measured) float64 { return 100 * (1 - m.meanCalls()/float64(unpaired)) }
		fmt.Fprintf(w, "%.2f\t%.2f\t%d\t%d\t%.0f\t%.0f\t%s\t%s\t%.0f %%\t%.0f %%\n", s.base, s.margin, unpaired, r.most,
			zero.meanCalls(), twice.meanCalls(), zero.rate(zero.holds), twice.rate(twice.violated), saved(zero), saved(twice))
		if saved(zero) < 50 {
			t.Errorf("base %v, margin %v: a healthy suite saves %.0f %% of the calls", s.base, s.margin, saved(zero))
		}
	}
	w.Flush()
	t.Log("\n" + out.String())
}

// Two claims may share the replies of a control arm: the chance that both hold
// although one is at its margin, and the chance of any false alarm by e-Holm when
// both are, stay within 5 %.
func TestSharedControl(t *testing.T) {
	needsSimulation(t)
	s := setting{base: .05, margin: .10, sens: 1, spec: 1, targets: 60}
	d := s.pairClaim(0.90)
	d.MaxTrials = 240
	d.NoFutility = true
	template, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	atMargin, healthy := s.world(s.margin), s.world(0)
	// both runs two claims on the same cells and control replies; the second
	// claim's treated arm has the rates given.
	both := func(second []float64) func(sam *sampler) (State, int) {
		return func(sam *sampler) (State, int) {
			engines := []*Engine{template.fresh(), template.fresh()}
			for !engines[0].done || !engines[1].done {
				batch := sam.batch()
				for k, e := range engines {
					if e.done {
						continue
					}
					if k == 1 {
						for i := range batch {
							y := []Observation{batch[i].Y[0], {Value: sam.ask(batch[i].Cell, 1, second[batch[i].Cell])}}
							batch[i].Y = y
						}
					}
					e.look(batch)
				}
			}
			var logE []float64
			holds := 0
			for _, e := range engines {
				logE = append(logE, logMean(e.logEViolated()))
				if e.state == Holds {
					holds++
				}
			}
			for _, alarm := range EHolm(logE, 0.05) {
				if alarm {
					return Violated, 0
				}
			}
			if holds == 2 {
				return Holds, 0
			}
			return Inconclusive, 0
		}
	}
	runs := runsOf(600, 4000)
	one := repeat(runs, atMargin, rival{batch: d.Batch, run: both(healthy.treated)}, nil)
	two := repeat(runs, atMargin, rival{batch: d.Batch, run: both(atMargin.treated)}, nil)
	t.Logf("one of two claims at its margin: both hold in %s %%; both at their margins: any alarm in %s %%", one.rate(one.holds), two.rate(two.violated))
	if one.exceeds(one.holds) || two.exceeds(two.violated) {
		t.Errorf("suite errors above 5 %%")
	}
}
