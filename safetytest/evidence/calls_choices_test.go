package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// several are the numbers of replies a request that are compared.
var several = []int{1, 2, 4, 8}

// tossing is the best bet that knows the truth, on means of as many replies a request,
// looked at after every pair.
func (p priced) tossing(runs int) paid {
	w := p.world()
	g := mixture{side: holdSide, lo: -1, hi: 1, logWeights: []float64{0}}
	if p.right() == Violated {
		g.side = violSide
	}
	var l law
	for cell := range w.control {
		for minus, q := range binomialLaw(p.choices, w.control[cell]) {
			for plus, r := range binomialLaw(p.choices, w.treated[cell]) {
				l.add(float64(plus-minus)/float64(p.choices), q*r/float64(len(w.control)))
			}
		}
	}
	most := math.Inf(-1)
	for bet := .002; bet <= 1; bet += .002 {
		if growth, _ := l.expect(func(x float64) float64 { return log1p(bet * g.stake(x, p.threshold())) }); growth > most {
			most, g.bets = growth, []float64{bet}
		}
	}
	return pay(runs, func(r *rand.Rand) (State, float64) {
		s := newSampler(w, pricedDraws, 0)
		s.r, s.choices = r, p.choices
		capital, n := 0.0, 0
		for {
			for _, t := range s.batch() {
				n++
				capital += log1p(g.bets[0] * g.stake(t.Y[1].Value-t.Y[0].Value, p.threshold()))
				if capital >= math.Log(20) {
					return p.right(), 2 * float64(n)
				}
			}
		}
	})
}

// binomialLaw holds the probabilities of 0 to n events.
func binomialLaw(n int, p float64) []float64 {
	out := make([]float64, n+1)
	for k, ways := range logChoose(n) {
		out[k] = math.Exp(ways) * math.Pow(p, float64(k)) * math.Pow(1-p, float64(n-k))
	}
	return out
}

// severalReplies measures what several replies a request save on the population of the
// other tables, and how often they mislead.
func severalReplies(t *testing.T) string {
	var out strings.Builder
	fmt.Fprint(&out, "\nSeveral replies a request (`SAFETYTEST_CHOICES`): mean model calls to a verdict, how many times fewer they are than with one, and the ratio to the best bet that knows the truth. "+
		"Replies of a cell are drawn apart from each other; cells differ as in the tables above. Copies are what it takes where four are asked for and are one again and again. Before is what one reply took before the last change of bets and looks.\n\n"+
		"| setting | before | one | two | four | eight | before over four | one over four | four over oracle | copies |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	before := readBefore(t)
	for _, p := range []priced{
		{base: .05, margin: .10}, {base: .20, margin: .10}, {base: .50, margin: .10},
		{base: .20, margin: .05}, {base: .50, margin: .05},
		{base: .20, margin: .10, effect: .20}, {base: .50, margin: .10, effect: .20},
		{base: .20, margin: .10, effect: .30}, {base: .50, margin: .10, effect: .30},
	} {
		if !printed() {
			break
		}
		calls, best := map[int]float64{}, 0.0
		for _, n := range several {
			p.choices = n
			calls[n] = p.toVerdict(t, 600).meanCalls()
			if n == 4 {
				best = p.tossing(600).meanCalls()
			}
		}
		p.choices, p.copies = 4, true
		copies := p.toVerdict(t, 600).meanCalls()
		was := before[p.String()].mean
		fmt.Fprintf(&out, "| %s | %.0f | %.0f | %.0f | %.0f | %.0f | %.1f | %.1f | %.2f | %.0f |\n", p, was, calls[1], calls[2], calls[4], calls[8], was/calls[4], calls[1]/calls[4], calls[4]/best, copies)
	}
	fmt.Fprint(&out, "\nFalse verdicts of four replies a request where the truth lies at the margin, percent of runs.\n\n| setting | holds | violated |\n|---|--:|--:|\n")
	for _, p := range []priced{
		{base: .05, margin: .10, effect: .10}, {base: .20, margin: .10, effect: .10}, {base: .50, margin: .10, effect: .10}, {base: .20, margin: .05, effect: .05},
	} {
		p.choices = 4
		m := p.asPlanned(t, 1000)
		if m.exceeds(m.holds) || m.exceeds(m.violated) {
			t.Errorf("%s, four replies a request: errors at the margin: holds %s, violated %s %%, promised 5", p, m.rate(m.holds), m.rate(m.violated))
		}
		fmt.Fprintf(&out, "| %s | %.1f | %.1f |\n", p, m.of(Holds), m.of(Violated))
	}
	return out.String()
}
