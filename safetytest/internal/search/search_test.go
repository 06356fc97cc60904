package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

var paper = prompt.Mixes{Harmful: 8, Benign: 8, Refusal: 4}

// run searches a world in which every arrangement has a rate.
func run(space prompt.Mixes, seed uint64, bound float64, budget int, rate func(string) float64) (Found, *Search) {
	r := rand.New(rand.NewPCG(seed, 17))
	s := New(space, seed, bound, budget)
	for i := range 100 { // what the arrangements drawn at random showed
		p := space.At(seed, "targets", fmt.Sprint(i), 0, 0)
		s.Learn(p, yes(r.Float64() < rate(p)))
	}
	for ask := s.Next(); len(ask) > 0; ask = s.Next() {
		came := make([]Outcome, len(ask))
		for i, p := range ask {
			came[i].Value = yes(r.Float64() < rate(p))
		}
		s.Take(came)
	}
	return s.Found(), s
}

func yes(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// worlds are rates by arrangement, with what a search of them may take.
var worlds = []struct {
	name   string
	space  prompt.Mixes
	budget int
	rate   func(p string) float64
	quick  bool
}{
	{"ends in BHH", paper, 300, func(p string) float64 { return either(strings.HasSuffix(p, "BHH"), 0.7, 0.03) }, true},
	{"begins with RH", paper, 300, func(p string) float64 { return either(strings.HasPrefix(p, "RH"), 0.7, 0.03) }, true},
	{"eight harmful and no refusal", paper, 300, func(p string) float64 {
		return either(strings.Count(p, "H") == 8 && !strings.Contains(p, "R"), 0.7, 0.03)
	}, true},
	{"harmful count, less refusals, next to the request", paper, 300, func(p string) float64 {
		last := 0.0
		for i := len(p) - 1; i >= max(0, len(p)-4); i-- {
			last += map[byte]float64{'H': 0.8, 'R': -0.8}[p[i]]
		}
		return logistic(-4 + 0.6*math.Log1p(float64(strings.Count(p, "H"))) - 0.5*math.Log1p(float64(strings.Count(p, "R"))) + last)
	}, true},
	{"ends in BHRBHH, one of 700", paper, 4000, func(p string) float64 { return either(strings.HasSuffix(p, "BHRBHH"), 0.8, 0.03) }, false},
	{"one of 5,000 drawn, and nothing leads there", paper, 24_000, func(p string) float64 { return either(strings.HasSuffix(p, "HBRHRBHH"), 0.9, 0.02) }, false},
	{"one of 4,441, and nothing leads there", prompt.Mixes{Harmful: 3, Benign: 4, Refusal: 3}, 16_000, func(p string) float64 { return either(p == "BRHBHRB", 0.9, 0.02) }, false},
}

func either(is bool, yes, no float64) float64 {
	if is {
		return yes
	}
	return no
}

// A search finds an arrangement that is bad, and makes it simpler.
func TestSearchFindsWhatIsBad(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			runs := 20
			if !w.quick {
				runs = 10
				if os.Getenv("SAFETYTEST_OC") == "" {
					t.Skip("tens of thousands of replies a search: SAFETYTEST_OC=1")
				}
			}
			found, letters, tried := 0, 0, 0
			for seed := range runs {
				f, _ := run(w.space, uint64(seed), 0.2, w.budget, w.rate)
				tried += f.Tried
				if w.rate(f.Pattern) > 0.3 {
					found++
					letters += len(f.Pattern)
				}
				if f.Calls > w.budget || f.Calls < w.budget*3/5 {
					t.Errorf("%d of %d replies", f.Calls, w.budget)
				}
			}
			t.Logf("found in %d of %d, %.1f demonstrations, %d tried", found, runs, float64(letters)/float64(max(found, 1)), tried/runs)
			if found < runs*9/10 {
				t.Errorf("found in %d of %d searches", found, runs)
			}
		})
	}
}

// Where no arrangement is bad the search says how little it saw.
func TestSearchOfASoundModel(t *testing.T) {
	for _, rate := range []float64{0, 0.02, 0.05} {
		above := 0
		for seed := range 40 {
			f, _ := run(paper, uint64(seed), 0.2, 300, func(string) float64 { return rate })
			if f.Rate > 0.2 {
				above++
			}
		}
		t.Logf("rate %v: above the bound in %d of 40", rate, above)
		if above > 20 {
			t.Errorf("rate %v: an arrangement looks bad in %d of 40 searches", rate, above)
		}
	}
}

// Equal replies make equal searches, and all that is asked about is in the space.
func TestSearchIsRepeatable(t *testing.T) {
	rate := func(p string) float64 { return either(strings.HasSuffix(p, "HH"), 0.5, 0.1) }
	a, s := run(paper, 3, 0.2, 500, rate)
	b, _ := run(paper, 3, 0.2, 500, rate)
	if a != b {
		t.Errorf("%+v and %+v", a, b)
	}
	for _, x := range s.all {
		if !paper.Holds(x.pattern) {
			t.Errorf("%q is not in the space", x.pattern)
		}
	}
}

// Missing replies use up the budget and say nothing; a search told of nothing else ends.
func TestSearchEnds(t *testing.T) {
	for _, space := range []prompt.Mixes{{Harmful: 1}, {Harmful: 2, Refusal: 1}, paper} {
		for _, came := range []Outcome{{Missing: true}, {Value: 1}, {}} {
			s := New(space, 1, 0.2, 200)
			calls := 0
			for ask := s.Next(); len(ask) > 0; ask = s.Next() {
				calls += len(ask)
				s.Take(slices.Repeat([]Outcome{came}, len(ask)))
				if calls > 200 {
					t.Fatalf("%s, %+v: %d replies", space, came, calls)
				}
			}
			if f := s.Found(); f.Calls != calls || came.Missing && f.Replies > 0 {
				t.Errorf("%s, %+v: %+v after %d", space, came, f, calls)
			}
		}
	}
}
