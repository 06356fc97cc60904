package evidence

import (
	"math"
	"sort"
)

// A distribution follows the exact joint distribution of how many of n independent
// trials came out +1 and how many -1 (or, for a rate, how many came out 1), and
// takes out of it what stops. Counts so improbable that they do not matter are
// dropped into lost.
type distribution struct {
	plus, minus float64 // probabilities of +1 and -1 at each trial
	n           int
	// mass[p][m] is the probability of p and m not having stopped; only
	// [loP, hiP] x [loM, hiM] holds any.
	mass               [][]float64
	loP, hiP, loM, hiM int
	lost               float64
	// negligible is the probability that may be dropped at each pruning.
	negligible float64
}

// How precisely a distribution is to be followed: for a forecast, or for error rates.
const (
	coarse = 1e-8
	fine   = 1e-11
)

func newDistribution(plus, minus, negligible float64) *distribution {
	return &distribution{plus: plus, minus: minus, negligible: negligible, mass: [][]float64{{1}}}
}

// step adds one trial.
func (w *distribution) step() {
	if w.plus > 0 {
		w.hiP++
	}
	if w.minus > 0 {
		w.hiM++
	}
	for len(w.mass) <= w.hiP {
		w.mass = append(w.mass, nil)
	}
	for p := w.loP; p <= w.hiP; p++ {
		for len(w.mass[p]) <= w.hiM {
			w.mass[p] = append(w.mass[p], 0)
		}
	}
	zero := 1 - w.plus - w.minus
	for p := w.hiP; p >= w.loP; p-- {
		row := w.mass[p]
		if p > w.loP {
			below := w.mass[p-1]
			for m := w.hiM; m > w.loM; m-- {
				row[m] = row[m]*zero + row[m-1]*w.minus + below[m]*w.plus
			}
			row[w.loM] = row[w.loM]*zero + below[w.loM]*w.plus
			continue
		}
		for m := w.hiM; m > w.loM; m-- {
			row[m] = row[m]*zero + row[m-1]*w.minus
		}
		row[w.loM] *= zero
	}
	w.n++
}

// each calls f with every count that holds more than a trace of mass, and removes
// those for which it returns true.
func (w *distribution) each(f func(plus, minus int, mass float64) bool) {
	for p := w.loP; p <= w.hiP; p++ {
		for m := w.loM; m <= w.hiM; m++ {
			if mass := w.mass[p][m]; mass > w.negligible*1e-4 && f(p, m, mass) {
				w.mass[p][m] = 0
			}
		}
	}
}

// first returns the smallest count of -1 in the window from which on a monotone
// property holds.
func (w *distribution) first(holds func(minus int) bool) int {
	return w.loM + sort.Search(w.hiM-w.loM+1, func(i int) bool { return holds(w.loM + i) })
}

// take removes the mass of so many +1 and from <= -1 < to, and returns it.
func (w *distribution) take(plus, from, to int) float64 {
	total := 0.0
	for m := from; m < to; m++ {
		total += w.mass[plus][m]
		w.mass[plus][m] = 0
	}
	return total
}

// prune drops the outer rows and columns that hold next to nothing.
func (w *distribution) prune() {
	row := func(p int) (total float64) {
		for m := w.loM; m <= w.hiM; m++ {
			total += w.mass[p][m]
		}
		return total
	}
	column := func(m int) (total float64) {
		for p := w.loP; p <= w.hiP; p++ {
			total += w.mass[p][m]
		}
		return total
	}
	drop := func(lo, hi *int, total func(int) float64) {
		budget := w.negligible
		for *lo < *hi && total(*lo) <= budget {
			w.lost += total(*lo)
			budget -= total(*lo)
			*lo++
		}
		for *lo < *hi && total(*hi) <= budget {
			w.lost += total(*hi)
			budget -= total(*hi)
			*hi--
		}
	}
	// Dropped rows and columns must read as empty when the window grows again.
	loM, hiM := w.loM, w.hiM
	hiP := w.hiP
	drop(&w.loP, &w.hiP, row)
	drop(&w.loM, &w.hiM, column)
	for p := w.hiP + 1; p <= hiP; p++ {
		clear(w.mass[p])
	}
	for p := w.loP; p <= w.hiP; p++ {
		clear(w.mass[p][loM:w.loM])
		clear(w.mass[p][w.hiM+1 : hiM+1])
	}
}

// A ledger evaluates one mixture at one threshold for counts of +1, -1 and 0.
type ledger struct {
	logWeights        []float64
	plus, minus, zero []float64 // log factors by bet
	logs              []float64
	logCount          float64
}

func newLedger(g *mixture, theta float64) *ledger {
	l := &ledger{logWeights: g.logWeights, logs: make([]float64, len(g.bets)), logCount: math.Log(float64(len(g.bets)))}
	for _, c := range g.bets {
		l.plus = append(l.plus, log1p(c*g.stake(1, theta)))
		l.zero = append(l.zero, log1p(c*g.stake(0, theta)))
		if g.lo < 0 {
			l.minus = append(l.minus, log1p(c*g.stake(-1, theta)))
		} else {
			l.minus = append(l.minus, 0) // a rate has no -1
		}
	}
	return l
}

// reaches says whether logE is at least threshold, mostly without taking an
// exponential: the mixture is worth at least its best bet, and at most as
// many times that as there are bets.
func (l *ledger) reaches(threshold float64, n, plus, minus int) bool {
	p, m, z := float64(plus), float64(minus), float64(n-plus-minus)
	top := math.Inf(-1)
	for k := range l.logs {
		l.logs[k] = l.logWeights[k] + p*l.plus[k] + m*l.minus[k] + z*l.zero[k]
		top = max(top, l.logs[k])
	}
	if top >= threshold {
		return true
	}
	return top+l.logCount >= threshold && logSum(l.logs) >= threshold
}

// logE is mixture.logE for counts.
func (l *ledger) logE(n, plus, minus int) float64 {
	p, m, z := float64(plus), float64(minus), float64(n-plus-minus)
	for k := range l.logs {
		l.logs[k] = l.logWeights[k] + p*l.plus[k] + m*l.minus[k] + z*l.zero[k]
	}
	return logSum(l.logs)
}
