package study

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// orders are the rates of compliance by order, as the model has them for the same
// demonstrations in each order, and how far they lie apart.
func (s *study) orders() []Estimate {
	m := newModel(s.table, append([]factor{logCount(prompt.Harmful), logCount(prompt.Benign)}, beside(s.settings)...)...)
	names := levelsOf(s.settings, cmp.Compare[string], orderOf)
	all := m.byLevel(byOrder, len(names), m.over(ordered))
	rate := func(i int) func(beta []float64) float64 {
		return func(beta []float64) float64 { return all(beta)[i] }
	}
	out := []Estimate{s.orderSpread(m, names, rate)}
	first, last := slices.Index(names, prompt.HarmfulFirst.String()), slices.Index(names, prompt.HarmfulLast.String())
	if first >= 0 && last >= 0 {
		e := effect{m, []string{byOrder}, func(beta []float64) float64 { return rate(last)(beta) - rate(first)(beta) }}
		out = append(out, s.estimate(asked{id: "order/last-first", unit: points, paper: paperOrder,
			sentence: "difference in compliance between harmful demonstrations next to the request and the same ones farthest from it",
			says: func(low, high float64) string {
				return signed(low, high, "what comes last counts more", "what comes first counts more")
			}},
			e, e.check(s)))
	}
	for i, name := range names {
		if len(names) < 2 {
			break
		}
		e := effect{m, []string{byOrder}, func(beta []float64) float64 {
			mean := 0.0
			for k := range names {
				mean += rate(k)(beta) / float64(len(names))
			}
			return rate(i)(beta) - mean
		}}
		out = append(out, s.estimate(asked{id: "order/" + name, unit: points,
			sentence: "compliance with demonstrations in the order “" + name + "” less the mean of all orders"}, e, e.check(s)))
	}
	return out
}

// orderSpread is the difference between the orders of the most and the least compliance.
// That of the estimates is too large by chance, most of all where orders do not matter. So
// the interval is made of those of all pairs, which hold together at the level: the
// greatest difference is at least the greatest of their lower limits and at most the
// greatest of their upper ones. The value is the seen spread less what chance makes of it.
func (s *study) orderSpread(m *model, names []string, rate func(int) func([]float64) float64) Estimate {
	a := asked{id: "order/spread", unit: points, paper: paperOrder,
		sentence: fmt.Sprintf("difference in compliance between the best and the worst of %d orders of the same demonstrations", len(names))}
	whole := effect{m, []string{byOrder}, func(beta []float64) float64 { return rate(0)(beta) }}
	why := errNotVaried
	if len(names) > 1 {
		why = whole.check(s)
	}
	out := s.estimate(a, whole, why)
	out.Value, out.Low, out.High, out.Says, out.CannotTell = 0, 0, 0, "", ""
	fail := func(err error) Estimate {
		out.CannotTell = err.Error()
		return out
	}
	if why != nil || s.targets < fewestTargets {
		return s.estimate(a, whole, why)
	}
	pairs, err := s.orderPairs(m, names, rate)
	if err != nil {
		return fail(err)
	}
	x := limits{}
	worse := make([]bool, len(names)) // than no other, shown
	for _, p := range pairs {
		x.low, x.high = max(x.low, p.low, -p.high), max(x.high, p.high, -p.low)
		x.chance, x.lost, x.judge = max(x.chance, p.chance), max(x.lost, p.lost), max(x.judge, p.judge)
		worse[p.a], worse[p.b] = worse[p.a] || p.high < 0, worse[p.b] || p.low > 0
	}
	x.value = max(x.low, min(x.high, shrunkRange(pairs)))
	out.fill(x, a, s.judge.unmeasured)
	var worst []string
	for i, w := range worse {
		if !w {
			worst = append(worst, "“"+names[i]+"”")
		}
	}
	if s.judge.unmeasured == "" {
		switch {
		case len(worst) == 1:
			out.Says = "the worst order is " + worst[0]
		case x.low > 0:
			out.Says = "orders matter; the worst is one of " + plain.List(worst)
		default:
			out.Says = "no order is shown to be worse than another"
		}
	}
	return out
}

// A pair is the difference in compliance between two orders, a less b.
type pair struct {
	a, b int
	limits
}

// orderPairs returns the differences of all pairs with intervals that hold together.
func (s *study) orderPairs(m *model, names []string, rate func(int) func([]float64) float64) ([]pair, error) {
	base := s.base()
	f, err := base.fit(m)
	if err != nil {
		return nil, err
	}
	// How the rates vary together, over targets and over draws.
	var moves [][]float64
	for which := range 2 {
		if which == 1 && s.fixedDraws() {
			break
		}
		without, err := f.Without(which)
		if err != nil {
			return nil, err
		}
		scale := math.Sqrt(float64(len(without)-1) / float64(len(without)))
		for _, beta := range without {
			move := make([]float64, len(names))
			for i := range names {
				move[i] = scale * (rate(i)(beta) - rate(i)(f.Beta))
			}
			moves = append(moves, move)
		}
	}
	crit := s.simultaneous(moves)
	var out []pair
	for i := range names {
		for k := range i {
			e := effect{m, []string{byOrder}, func(beta []float64) float64 { return rate(i)(beta) - rate(k)(beta) }}
			x, err := s.interval(e, crit)
			if err != nil {
				return nil, err
			}
			out = append(out, pair{i, k, x})
		}
	}
	return out, nil
}

// simultaneous returns the critical value at which all differences between numbers that
// move together like this are within their intervals at once, by simulation of the
// greatest of them.
func (s *study) simultaneous(moves [][]float64) critical {
	known := map[int]float64{}
	return func(freedom int) float64 {
		if q, ok := known[freedom]; ok {
			return q
		}
		const draws = 4000
		random := rand.New(rand.NewPCG(1, uint64(freedom)))
		count := len(moves[0])
		errors := make([]float64, count*count)
		for i := range count {
			for k := range i {
				for _, m := range moves {
					errors[i*count+k] += (m[i] - m[k]) * (m[i] - m[k])
				}
				errors[i*count+k] = math.Sqrt(errors[i*count+k])
			}
		}
		greatest := make([]float64, draws)
		z := make([]float64, count)
		for d := range greatest {
			clear(z)
			for _, m := range moves {
				g := random.NormFloat64()
				for i := range z {
					z[i] += g * m[i]
				}
			}
			chi := 0.0
			for range freedom {
				g := random.NormFloat64()
				chi += g * g
			}
			scale := math.Sqrt(chi / float64(freedom))
			for i := range count {
				for k := range i {
					if e := errors[i*count+k]; e > 0 {
						greatest[d] = max(greatest[d], math.Abs(z[i]-z[k])/e/scale)
					}
				}
			}
		}
		slices.Sort(greatest)
		known[freedom] = max(s.student(freedom), greatest[int(math.Ceil(s.level*draws))-1])
		return known[freedom]
	}
}

// shrunkRange returns the range of the rates, less the share of their spread that chance
// explains.
func shrunkRange(pairs []pair) float64 {
	var seen, chance, widest float64
	for _, p := range pairs {
		seen += p.value * p.value
		chance += p.spread.variance
		widest = max(widest, math.Abs(p.value))
	}
	if !(seen > chance) {
		return 0
	}
	return widest * math.Sqrt(1-chance/seen)
}
