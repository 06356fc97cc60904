package evidence

import "math"

// shownBelow says whether n independent pairs, b of them 1 in the control arm only
// and c in the treated arm only, show at level alpha that the true difference is
// below theta: if it is theta or more, such a thing is shown in at most alpha of
// all runs, exactly and at every n.
//
// Tango's statistic orders the outcomes, and its error is not read off a normal
// curve (which reaches 7 % at a nominal 5) but added up: p is the largest
// probability, over all truths on the wrong side, of an outcome at least as
// far below theta as the one seen (an unconditional test, Barnard 1945). Three
// things make this provable and quick.
//
//   - The set of such outcomes is completed so that it also holds whatever has more
//     pairs of the control only or fewer of the treated only. Its probability
//     then falls with P(treated only) and grows with P(control only), so that it is
//     largest where the difference is theta itself. One unknown is left, the
//     probability q of control only.
//   - q is searched within an interval that holds it but for a small share of alpha,
//     which p is charged with (Berger and Boos 1994). Without it, values of q that the
//     outcome itself rules out would decide.
//   - Between two values of q the probability is at most what it is with control only
//     as likely as at the upper one and treated only as at the lower one. So the
//     search leaves no gap between its points: pieces are halved until each is below
//     alpha for certain, or one point is above it.
//
// Where the search does not end soon nothing is shown.
func shownBelow(n, b, c int, theta, alpha float64) bool {
	t := tangoZ(float64(n), float64(b), float64(c), theta)
	if t >= 0 {
		return false
	}
	spare := alpha * spareShare
	tail := newTail(n, theta, t)
	lo := math.Max(math.Max(0, -theta), clopperLower(float64(b), float64(n), spare/2))
	hi := math.Min((1-theta)/2, clopperUpper(float64(b), float64(n), spare/2))
	if lo > hi { // no truth on the wrong side is left
		return true
	}
	return tail.staysBelow(lo, hi, alpha-spare)
}

const (
	// spareShare is the share of alpha that the interval of q may miss it by.
	spareShare = 0.02
	// exactSteps is how many probabilities a search may take: about a second at
	// 2,000 pairs.
	exactSteps = 1500
	// exactPieces is how many pieces a search begins with.
	exactPieces = 8
)

// A tail is a set of outcomes of n pairs: with b of the control only, up to most[b]
// of the treated only, none where most[b] is -1. most never falls as b grows.
type tail struct {
	n     int
	theta float64
	most  []int
	logs  []float64 // of the binomial coefficients
}

// newTail returns the outcomes whose statistic at theta is at most t, completed.
func newTail(n int, theta, t float64) *tail {
	a := &tail{n: n, theta: theta, most: make([]int, n+1), logs: logChoose(n)}
	const tie = 1e-9 // equal outcomes, reached by other roundings, belong in it
	most := -1
	for b := range a.most {
		for most < n-b && tangoZ(float64(n), float64(b), float64(most+1), theta) <= t+tie {
			most++
		}
		a.most[b] = most
	}
	return a
}

// staysBelow says whether the probability of the tail is at most limit for every q
// in [lo, hi], the difference being theta; false where that takes too long to say.
func (a *tail) staysBelow(lo, hi, limit float64) bool {
	type piece struct{ lo, hi float64 }
	var open []piece
	for i := range exactPieces {
		width := (hi - lo) / exactPieces
		open = append(open, piece{lo + float64(i)*width, lo + float64(i+1)*width})
	}
	for steps := 0; len(open) > 0; steps += 2 {
		p := open[len(open)-1]
		open = open[:len(open)-1]
		if a.probability(p.lo+a.theta, p.hi) <= limit {
			continue
		}
		middle := (p.lo + p.hi) / 2
		if steps > exactSteps || a.probability(middle+a.theta, middle) > limit {
			return false
		}
		open = append(open, piece{p.lo, middle}, piece{middle, p.hi})
	}
	return true
}

// probability returns that of the tail if a pair is 1 in the treated arm only with
// probability treated and in the control arm only with probability control. It is
// never too small by more than 1e-12.
func (a *tail) probability(treated, control float64) float64 {
	treated = math.Max(0, treated)
	control = math.Min(control, 1-treated)
	rest := 0.0 // P(treated only), given that the pair is not control only
	if control < 1 {
		rest = math.Min(1, treated/(1-control))
	}
	total := 1e-13
	for b, mass := range density(a.logs, a.n, control) {
		if mass > 0 {
			total += mass * a.row(b, rest)
		}
	}
	return total
}

// row returns the probability that, of the pairs that are not control only, no more
// are treated only than the tail holds.
func (a *tail) row(b int, rest float64) float64 {
	left, most := a.n-b, a.most[b]
	switch {
	case most < 0:
		return 0
	case most >= left:
		return 1
	}
	mean := float64(left) * rest
	if far := 9*math.Sqrt(mean*(1-rest)) + 20; float64(most) > mean+far {
		return 1 // all but nothing, and never too small
	}
	return 1 - regIncBeta(float64(most+1), float64(left-most), rest)
}
