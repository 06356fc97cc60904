package evidence

import (
	"math"
	"slices"
)

// A rival is a way to decide the same question; run returns its verdict and the
// number of model calls it took. "Passes" of today's practices are counted as
// Holds and their failures as Violated.
type rival struct {
	name string
	// most is the largest number of calls.
	most int
	// batch is the number of pairs asked at a time.
	batch int
	run   func(s *sampler) (State, int)
}

// counts are the outcomes of pairs, and of the two arms taken separately.
type counts struct{ n, control, treated, onlyControl, onlyTreated float64 }

func (c *counts) add(trials []Trial) {
	for i := range trials {
		x0, x1 := trials[i].Y[0].Value, trials[i].Y[1].Value
		c.n++
		c.control += x0
		c.treated += x1
		c.onlyControl += x0 * (1 - x1)
		c.onlyTreated += x1 * (1 - x0)
	}
}

func verdict(fail bool) State {
	if fail {
		return Violated
	}
	return Holds
}

// zTest is the pooled one-sided z-test of two proportions at 5 %.
func (c *counts) zTest() bool {
	pooled := (c.control + c.treated) / (2 * c.n)
	se := math.Sqrt(2 * pooled * (1 - pooled) / c.n)
	return se > 0 && (c.treated-c.control)/c.n/se > normalQuantile(0.95)
}

// onceEach asks every target once per arm and compares.
func onceEach(name string, s setting, fail func(c *counts) bool) rival {
	return rival{name, 2 * s.targets, 10, func(sam *sampler) (State, int) {
		var c counts
		c.add(sam.pass())
		return verdict(fail(&c)), 2 * int(c.n)
	}}
}

// peeking tests every ten pairs and stops at the first failure.
func peeking(pairs int) rival {
	return rival{"z-test, peeking every 10 pairs", 2 * pairs, 10, func(sam *sampler) (State, int) {
		var c counts
		for c.n < float64(pairs) {
			c.add(sam.batch())
			if c.zTest() {
				return Violated, 2 * int(c.n)
			}
		}
		return Holds, 2 * int(c.n)
	}}
}

// fixedUnpaired is the score test for two samples whose replies are not matched.
func fixedUnpaired(theta float64, perArm int) rival {
	return rival{"fixed n, unpaired score", 2 * perArm, 10, func(sam *sampler) (State, int) {
		var a, b counts
		for a.n < float64(perArm) {
			a.add(sam.batch()[:min(len(sam.trials), perArm-int(a.n))])
			b.add(sam.batch()[:min(len(sam.trials), perArm-int(b.n))])
		}
		z := scoreZ(a.control, a.n, b.treated, b.n, theta)
		return threeStates(z), 2 * perArm
	}}
}

// fixedPaired is Tango's test of pairs.
func fixedPaired(theta float64, pairs int) rival {
	return rival{"fixed n, paired Tango", 2 * pairs, 10, func(sam *sampler) (State, int) {
		var c counts
		for c.n < float64(pairs) {
			c.add(sam.batch()[:min(len(sam.trials), pairs-int(c.n))])
		}
		return threeStates(tangoZ(c.n, c.onlyControl, c.onlyTreated, theta)), 2 * pairs
	}}
}

func threeStates(z float64) State {
	switch bound := normalQuantile(0.95); {
	case z <= -bound:
		return Holds
	case z >= bound:
		return Violated
	}
	return Inconclusive
}

// pocockBounds spends 5 % one-sided over five looks.
var pocockBounds = []float64{2.17621, 2.14375, 2.11328, 2.08960, 2.07100}

// groupSequential is Tango's test at five looks with Pocock spending.
func groupSequential(theta float64, pairs int) rival {
	return rival{"group-sequential Tango, 5 looks", 2 * pairs, 10, func(sam *sampler) (State, int) {
		var c counts
		for k, bound := range pocockBounds {
			for end := pairs * (k + 1) / 5; int(c.n) < end; {
				c.add(sam.batch()[:min(len(sam.trials), end-int(c.n))])
			}
			switch z := tangoZ(c.n, c.onlyControl, c.onlyTreated, theta); {
			case z <= -bound:
				return Holds, 2 * int(c.n)
			case z >= bound:
				return Violated, 2 * int(c.n)
			}
		}
		return Inconclusive, 2 * int(c.n)
	}}
}

// betting is the engine itself.
func betting(name string, d Design) (rival, error) {
	template, err := New(d)
	if err != nil {
		return rival{}, err
	}
	return rival{name, 2 * template.cap, d.Batch, func(sam *sampler) (State, int) {
		sam.iid = d.Stopping == TerminalLook
		e := template.fresh()
		for !e.done {
			e.look(sam.batch())
		}
		return e.state, 2 * e.trials
	}}, nil
}

// fresh returns an engine of the same design that has seen nothing, without
// planning anew.
func (e *Engine) fresh() *Engine {
	f := &Engine{
		design: e.design, cap: e.cap, arms: make([]arm, len(e.arms)), draws: map[int]*draw{},
		headroomGrowth: e.headroomGrowth, state: Inconclusive,
	}
	unplayed := func(p eProcess) eProcess {
		q := newEProcess(p.mixture, p.theta, math.Exp(-p.logThreshold), int(p.population))
		q.final = p.final
		return q
	}
	for _, c := range e.conditions {
		f.conditions = append(f.conditions, &condition{
			Condition: c.Condition, hold: unplayed(c.hold), viol: unplayed(c.viol),
			above: c.above.fresh(), below: c.below.fresh(), between: c.between,
			growth: c.growth, cells: make([]cellMean, len(c.cells)), asks: c.asks, state: Inconclusive,
		})
	}
	if e.headroom != nil {
		headroom, full := unplayed(*e.headroom), unplayed(*e.full)
		f.headroom, f.full = &headroom, &full
	}
	if e.visited != nil {
		f.visited = map[armCell]bool{}
	}
	return f
}

// fresh returns the correction as it was before the first trial.
func (c correction) fresh() correction {
	c.arms = slices.Clone(c.arms)
	unseen := 0
	for _, a := range c.arms {
		unseen = max(unseen, a.arm+1)
	}
	c.adapt(make([]arm, unseen), 1)
	return c
}
