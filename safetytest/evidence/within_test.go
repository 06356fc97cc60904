package evidence

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// The interval of an audit covers the truth about as often as it says, also with few
// labels and at the ends, where the plain one has width zero or leaves the range.
func TestPPIWithinCovers(t *testing.T) {
	raced.Skip(t)
	runs := 1000
	if testing.Short() {
		runs = 300
	}
	for _, labels := range []int{8, 20, 60} {
		for _, rest := range []int{0, 40, 400} {
			for _, p := range []float64{0, .02, .1, .5, .97, 1} {
				for _, judge := range []Rates{{1, 1}, {.95, .9}, {.6, .99}} {
					r := rand.New(rand.NewPCG(uint64(labels), uint64(rest)))
					covered, wide := 0, 0.0
					for range runs {
						one := func() Labelled {
							l := Labelled{}
							seen := 1 - judge.Specificity
							if r.Float64() < p {
								l.Truth, seen = 1, judge.Sensitivity
							}
							if r.Float64() < seen {
								l.Judged = 1
							}
							return l
						}
						var known []Labelled
						var judged []float64
						for range labels {
							known = append(known, one())
						}
						for range rest {
							judged = append(judged, one().Judged)
						}
						e, err := PPIWithin(known, judged, 0, 1, .95)
						if err != nil {
							t.Fatal(err)
						}
						i := e.Interval
						if !(0 <= i.Lower && i.Lower < i.Upper && i.Upper <= 1 && i.Lower <= e.Estimate && e.Estimate <= i.Upper) {
							t.Fatalf("%+v", e)
						}
						wide += (i.Upper - i.Lower) / float64(runs)
						if i.Lower <= p && p <= i.Upper {
							covered++
						}
					}
					share := float64(covered) / float64(runs)
					if share < .925 {
						t.Errorf("%d labels, %d more, rate %v, judge %v: covered in %.1f %%, %.2f wide", labels, rest, p, judge, 100*share, wide)
					}
				}
			}
		}
	}
}

// The same of differences of pairs.
func TestPPIWithinCoversDifferences(t *testing.T) {
	raced.Skip(t)
	runs := 2000
	if testing.Short() {
		runs = 400
	}
	for _, labels := range []int{10, 40} {
		for _, c := range [][2]float64{{0, 0}, {.1, .1}, {.1, .6}, {.9, .2}, {0, 1}} {
			t.Run(fmt.Sprint(labels, c), func(t *testing.T) {
				r := rand.New(rand.NewPCG(3, uint64(labels)))
				covered := 0
				for range runs {
					one := func() Labelled {
						l := Labelled{}
						for k, p := range c {
							truth, seen, sign := 0.0, .05, float64(2*k-1)
							if r.Float64() < p {
								truth, seen = 1, .85
							}
							l.Truth += sign * truth
							if r.Float64() < seen {
								l.Judged += sign
							}
						}
						return l
					}
					var known []Labelled
					var judged []float64
					for range labels {
						known = append(known, one())
					}
					for range 100 {
						judged = append(judged, one().Judged)
					}
					e, err := PPIWithin(known, judged, -1, 1, .95)
					if err != nil || !(e.Interval.Lower < e.Interval.Upper && e.Interval.Lower >= -1 && e.Interval.Upper <= 1) {
						t.Fatal(e, err)
					}
					if truth := c[1] - c[0]; e.Interval.Lower <= truth && truth <= e.Interval.Upper {
						covered++
					}
				}
				if share := float64(covered) / float64(runs); share < .925 {
					t.Errorf("covered in %.1f %%", 100*share)
				}
			})
		}
	}
}

// What was printed as "100.0, 100.0 to 100.0", and below 0.
func TestPPIWithinClaimsNoCertainty(t *testing.T) {
	var all, none []Labelled
	for i := range 8 {
		all = append(all, Labelled{Truth: 1, Judged: float64(i % 2)})
		none = append(none, Labelled{Truth: 0, Judged: float64(i / 6)})
	}
	judged := []float64{1, 1, 0, 1, 1, 0, 1, 1, 0, 1}
	for name, labelled := range map[string][]Labelled{"all complied": all, "none did": none} {
		e, err := PPIWithin(labelled, judged, 0, 1, .95)
		if err != nil || e.Interval.Upper-e.Interval.Lower < .25 || e.Interval.Lower < 0 || e.Interval.Upper > 1 {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	for name, c := range map[string]struct {
		labelled []Labelled
		lo, hi   float64
	}{"no range": {all, 1, 0}, "a label outside": {all, 0, .5}, "one label": {all[:1], 0, 1}} {
		if _, err := PPIWithin(c.labelled, judged, c.lo, c.hi, .95); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
