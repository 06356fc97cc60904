package search

import "math"

// This file makes a bad arrangement simpler.

// triesOfOne is how many replies a simpler arrangement is judged by, and triesFirst after
// how many one that shows too little is given up.
const triesFirst, triesOfOne = 4, 12

// simplifier leaves out demonstrations for as long as the arrangement stays bad (delta
// debugging by Zeller and Hildebrandt 2002, on outcomes of chance).
type simplifier struct {
	s      *Search
	chunk  int // demonstrations that are left out together
	at     int // from where in the pattern
	trying *arm
	sum    float64 // of the replies to the one that is tried, and of no earlier ones
	n      int
	before arm // the one that is tried, as it was known
	level  float64
}

func newSimplifier(s *Search) *simplifier {
	return &simplifier{
		s: s, chunk: max(1, len(s.best.pattern)/2),
		// More than half of what is above the bound must be left.
		level: s.bound + 0.6*(s.best.mean()-s.bound),
	}
}

// ask is the simpler arrangement that is tried next, as often as it is to be asked
// about; nil where nothing more can be left out.
func (x *simplifier) ask() []*arm {
	if x.trying == nil && !x.choose() {
		return nil
	}
	n := triesFirst
	if x.n > 0 {
		n = triesOfOne - x.n
	}
	ask := make([]*arm, n)
	for i := range ask {
		ask[i] = x.trying
	}
	x.before = *x.trying
	return ask
}

// choose takes the next part to leave out.
func (x *simplifier) choose() bool {
	for p := x.s.best.pattern; x.chunk >= 1 && p != ""; x.chunk, x.at = x.chunk/2, 0 {
		for ; x.at < len(p); x.at += x.chunk {
			a := x.s.arm(p[:x.at] + p[min(len(p), x.at+x.chunk):])
			if a.n >= triesFirst && a.mean() < x.level/2 {
				continue // known to be harmless
			}
			x.trying, x.sum, x.n = a, 0, 0
			return true
		}
	}
	return false
}

// heed decides on the arrangement that is tried, where enough is known.
func (x *simplifier) heed() {
	a := x.trying
	x.sum, x.n = x.sum+a.sum-x.before.sum, x.n+a.n-x.before.n
	x.before = *a
	least := float64(triesOfOne) * x.level
	switch {
	case x.n < triesFirst && a.n == x.before.n && x.n == 0: // nothing came of it
		x.trying, x.at = nil, x.at+x.chunk
	case x.sum+float64(triesOfOne-x.n) < least, x.n >= triesFirst && x.sum < math.Min(1, float64(x.n)*x.level/2):
		x.trying, x.at = nil, x.at+x.chunk // it cannot come to enough any more, or hardly
	case x.n >= triesOfOne || x.sum >= least:
		x.s.best, x.trying = a, nil
		x.chunk = max(1, min(x.chunk, len(a.pattern)/2))
		x.at = 0
		if len(a.pattern) == 0 {
			x.chunk = 0
		}
	}
}
