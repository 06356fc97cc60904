// Package search looks for the arrangement of demonstrations under which a model does
// most what it must not, among more arrangements than can be asked about. It asks
// nothing itself: it hands out patterns to ask about once each, and takes what came of them.
//
// Arrangements are raced: a new one is asked about once, one that showed the outcome is
// asked about again for as long as it looks bad, and its neighbours with it. New ones are
// structured at first, such as one kind after another, and then drawn from the space.
// What raced best is narrowed down by successive halving (Karnin, Koren and Somekh 2013),
// and the worst one made simpler by leaving out demonstrations.
//
// What a search says of its worst arrangement was chosen for being high. It is no
// evidence: whoever wants that asks afresh.
package search

import (
	"cmp"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Least is the fewest replies that a search makes sense with: fewer would not even try
// each kind in each place.
const Least = 40

// Of a search's replies most explore. The rest, this share or so many, narrows what was
// found down and makes it simpler, half of it each; where nothing bad was found that half
// explores and narrows once more.
const (
	restShare = 0.40
	mostRest  = 640
)

const (
	mostOfOne = 16 // replies to one arrangement, before those that looked worst are compared
	finalists = 12
)

// Search is one search. It depends on its arguments and on the replies that it is given
// alone, and is not safe for concurrent use.
type Search struct {
	space  prompt.Mixes
	bound  float64
	budget int
	round  int // patterns handed out at once

	arms  map[string]*arm
	all   []*arm // in the order in which they were met
	asked []*arm // handed out, without an outcome yet
	spent int
	tried int

	fresh  *source
	near   []string // neighbours that wait
	phase  phase
	again  bool // nothing bad was found, and the search looked again
	field  []*arm
	until  int // replies in all, at which the field is cut
	best   *arm
	from   *arm
	simple *simplifier
}

type phase int

const (
	exploring phase = iota
	narrowing
	simplifying
	over
)

// arm is an arrangement with what is known of it.
type arm struct {
	pattern  string
	sum      float64
	n        int
	met      int  // place in Search.all
	mine     bool // the search asked about it
	expanded bool // its neighbours were met
}

// New begins a search of that many replies for an arrangement whose rate of the outcome,
// which lies between 0 and 1, is above a bound.
func New(space prompt.Mixes, seed uint64, bound float64, budget int) *Search {
	s := &Search{space: space, bound: bound, budget: budget, arms: map[string]*arm{}}
	s.round = min(max(budget/40, 8), 64)
	s.fresh = newSource(space, seed, budget)
	return s
}

// Learn takes a reply that the search did not ask for. It is called before the first Next.
func (s *Search) Learn(pattern string, value float64) { s.arm(pattern).add(value) }

func (s *Search) arm(pattern string) *arm {
	a := s.arms[pattern]
	if a == nil {
		a = &arm{pattern: pattern, met: len(s.all)}
		s.arms[pattern], s.all = a, append(s.all, a)
	}
	return a
}

func (a *arm) add(value float64) { a.sum, a.n = a.sum+value, a.n+1 }

// rate is the arm's mean, drawn towards a prior one that weighs as much as one reply.
func (a *arm) rate(prior float64) float64 { return (a.sum + prior) / float64(a.n+1) }

// doubted is the arm's mean, drawn towards a prior one that weighs as much as three
// replies: what was seen twice is not better known than what was seen twenty times.
func (a *arm) doubted(prior float64) float64 { return (a.sum + 3*prior) / float64(a.n+3) }

// Next is which patterns to ask about next, each once and some perhaps several times;
// none when the search is over.
func (s *Search) Next() []string {
	for s.phase != over {
		if s.spent >= s.ends() {
			s.turn()
			continue
		}
		var ask []*arm
		switch s.phase {
		case exploring:
			ask = s.explore()
		case narrowing:
			ask = s.narrow()
		case simplifying:
			ask = s.simple.ask()
		}
		if len(ask) == 0 {
			s.turn()
			continue
		}
		s.asked = ask[:min(len(ask), s.budget-s.spent)]
		out := make([]string, len(s.asked))
		for i, a := range s.asked {
			if !a.mine {
				a.mine = true
				s.tried++
			}
			out[i] = a.pattern
		}
		return out
	}
	return nil
}

// Outcome is what a pattern showed; a reply that is none is missing.
type Outcome struct {
	Value   float64
	Missing bool
}

// Take takes what came of the patterns that Next returned, in that order.
func (s *Search) Take(came []Outcome) {
	for i, a := range s.asked {
		if i < len(came) && !came[i].Missing {
			a.add(came[i].Value)
		}
	}
	s.spent += len(s.asked)
	if s.phase == simplifying {
		s.simple.heed()
	}
	s.asked = nil
}

// ends is the number of replies at which the part under way ends.
func (s *Search) ends() int {
	rest := min(int(restShare*float64(s.budget)), mostRest)
	switch {
	case s.phase == exploring && !s.again:
		return s.budget - rest
	case s.phase == narrowing && !s.again:
		return s.budget - rest/2
	case s.phase == exploring:
		return s.budget - rest/4
	}
	return s.budget
}

// turn goes to the next part.
func (s *Search) turn() {
	switch {
	case s.phase == exploring:
		s.phase, s.field = narrowing, nil
	case s.phase == narrowing && s.best != nil && s.best.mean() > s.bound:
		s.phase, s.from, s.simple = simplifying, s.best, newSimplifier(s)
	case s.phase == narrowing && !s.again:
		s.phase, s.again = exploring, true
	default:
		s.phase = over
	}
}

func (a *arm) mean() float64 { return a.sum / float64(max(a.n, 1)) }

// usual is the mean of what arrangements showed when they were met, of all replies where
// nothing else is known.
func (s *Search) usual() float64 {
	sum, n := 0.0, 0
	for _, a := range s.all {
		if a.n > 0 && a.n <= 4 {
			sum, n = sum+a.sum, n+a.n
		}
	}
	return (sum + 0.05) / float64(n+1)
}

// explore is a round of the race.
func (s *Search) explore() []*arm {
	usual := s.usual()
	racing := s.racing(usual)
	for _, a := range racing[:min(len(racing), 3)] {
		if a.sum >= 2 && !a.expanded {
			a.expanded = true
			s.near = append(neighbours(s.space, a.pattern), s.near...)
		}
	}
	s.near = s.near[:min(len(s.near), 20*s.round)]
	ask := slices.Clone(racing[:min(len(racing), s.round/2)])
	for want := len(ask) + s.round/4; len(ask) < want && len(s.near) > 0; {
		if a := s.arm(s.near[0]); a.n == 0 && !slices.Contains(ask, a) {
			ask = append(ask, a)
		}
		s.near = s.near[1:]
	}
	for len(ask) < s.round {
		pattern, ok := s.fresh.next(func(p string) bool { return s.arms[p] != nil })
		if !ok {
			break
		}
		ask = append(ask, s.arm(pattern))
	}
	for i := 0; len(ask) < s.round && i < len(racing); i++ { // there is nothing new any more
		if !slices.Contains(ask, racing[i]) {
			ask = append(ask, racing[i])
		}
	}
	return ask
}

// racing are the arrangements that look bad and of which little is known, the worst
// first.
func (s *Search) racing(usual float64) []*arm {
	level := (usual + s.bound) / 2
	if usual > s.bound {
		level = usual
	}
	var out []*arm
	for _, a := range s.all {
		if a.n > 0 && a.n < mostOfOne && a.rate(usual) > level {
			out = append(out, a)
		}
	}
	sortBy(out, usual)
	return out
}

// sortBy puts the arrangements that look worst first.
func sortBy(arms []*arm, usual float64) {
	slices.SortStableFunc(arms, func(a, b *arm) int {
		return cmp.Or(cmp.Compare(b.rate(usual), a.rate(usual)), cmp.Compare(b.n, a.n), cmp.Compare(len(a.pattern), len(b.pattern)), cmp.Compare(a.met, b.met))
	})
}

// narrow is a round of successive halving: each arrangement of the field is asked about
// equally often, and then the better two thirds leave it.
func (s *Search) narrow() []*arm {
	usual := s.usual()
	if s.field == nil {
		for _, a := range s.all {
			if a.n > 0 {
				s.field = append(s.field, a)
			}
		}
		sortBy(s.field, usual)
		s.cut(min(finalists, max(2, (s.ends()-s.spent)/6)))
	} else if s.spent >= s.until {
		sortBy(s.field, usual)
		s.cut(max(1, len(s.field)/3))
	}
	if len(s.field) == 0 {
		return nil
	}
	s.best = slices.MinFunc(s.field, func(a, b *arm) int {
		return cmp.Or(cmp.Compare(b.doubted(usual), a.doubted(usual)), cmp.Compare(a.met, b.met))
	})
	if len(s.field) == 1 && s.best.n >= 4*mostOfOne {
		return nil
	}
	var ask []*arm
	for len(ask) < max(8, len(s.field)) {
		ask = append(ask, s.field...)
	}
	return ask[:min(len(ask), s.ends()-s.spent)]
}

// cut leaves that many in the field until a third of what is left is spent.
func (s *Search) cut(most int) {
	s.field = s.field[:min(len(s.field), most)]
	s.until = s.spent + max(1, (s.ends()-s.spent)/3)
}

// Found is what a search came to.
type Found struct {
	// Pattern is the arrangement that looked worst, with the mean of its Replies, and
	// From the one that it was made of by leaving out demonstrations, "" where none
	// were. Replies is 0 where nothing was learned at all.
	Pattern, From string
	Rate          float64
	Replies       int
	Tried, Calls  int
}

// Found is what the search came to so far.
func (s *Search) Found() Found {
	out := Found{Tried: s.tried, Calls: s.spent}
	best := s.best
	if best == nil { // it ended before anything was compared
		usual := s.usual()
		for _, a := range s.all {
			if a.n > 0 && (best == nil || a.rate(usual) > best.rate(usual)) {
				best = a
			}
		}
	}
	if best == nil {
		return out
	}
	out.Pattern, out.Rate, out.Replies = best.pattern, best.mean(), best.n
	if s.from != nil && s.from != best {
		out.From = s.from.pattern
	}
	return out
}
