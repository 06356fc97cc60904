package suite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Over builds that worsen, a build that breaks a claim is named in at most one of twenty
// runs, also where it is the very limit that it is at and where many builds and claims
// are asked; and where builds are clearly apart the right one is named.
func TestLadderErrorRate(t *testing.T) {
	raced.Skip(t)
	runs := 100
	if os.Getenv("SAFETYTEST_OC") == "full" {
		runs = 4000
	}
	limit := 0.10
	for _, c := range []struct {
		name  string
		rates [][]float64 // by build, of each claim
		sound int         // builds that keep every claim
		reach float64     // least share of runs that name the last of them
	}{
		{"the second is at the limit", [][]float64{{.02, .02}, {.02, .10}, {.10, .10}, {.3, .3}, {.9, .9}}, 1, .9},
		{"all are at the limit", [][]float64{{.10, .10}, {.10, .10}, {.10, .10}, {.10, .10}, {.10, .10}}, 0, 0},
		{"one claim of three", [][]float64{{0, 0, 0}, {.01, .01, .01}, {.01, .12, .01}, {.5, .5, .5}}, 2, .9},
		{"all sound", [][]float64{{.01, .01}, {.01, .01}, {.02, .02}}, 3, .9},
		{"worse, and better again", [][]float64{{.01}, {.12}, {.01}}, 1, .9},
	} {
		t.Run(c.name, func(t *testing.T) {
			wrong, reached := 0, 0
			for seed := range runs {
				rng := rand.New(rand.NewPCG(uint64(seed), 11))
				l := report.Ladder{}
				for i := range c.rates {
					l.Rungs = append(l.Rungs, report.Rung{Name: fmt.Sprint(i), Claims: len(c.rates[i]), State: report.NotTested})
				}
				asked := -1
				if err := descend(&l, func(r *report.Rung) error {
					asked++
					for _, rate := range c.rates[asked] {
						if r.State = decided(t, rng, limit, rate).String(); r.State != evidence.Holds.String() {
							return nil
						}
						r.Held++
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				named := 0
				for i := range c.rates {
					if l.Smallest == fmt.Sprint(i) {
						named = i + 1
					}
				}
				if named > c.sound {
					wrong++
				}
				if named == c.sound {
					reached++
				}
			}
			t.Logf("of %d runs %d name a build that breaks a claim, %d the smallest that keeps all", runs, wrong, reached)
			if float64(wrong) > 0.05*float64(runs) || float64(reached) < c.reach*float64(runs) {
				t.Errorf("%d wrong, %d right of %d", wrong, reached, runs)
			}
		})
	}
}

// decided is what the engine says of a rate against a limit.
func decided(t *testing.T, rng *rand.Rand, limit, rate float64) evidence.State {
	t.Helper()
	x := prompt.Setting{Name: "x"}
	d := bounds.DesignOf(claim.Rate(claim.Below, claim.Compliance, []prompt.Setting{x}, "anywhere", limit))
	d.Cells, d.Draws, d.Batch, d.MaxTrials, d.Judge = 80, 4, 8, 480, evidence.Exact()
	e, err := evidence.New(d)
	if err != nil {
		t.Fatal(err)
	}
	var r evidence.Result
	for !r.Done {
		var batch []evidence.Trial
		for draw := range 4 {
			for i, at := range rng.Perm(20) {
				if i == 2 {
					break
				}
				y := evidence.Observation{}
				if rng.Float64() < rate {
					y.Value = 1
				}
				batch = append(batch, evidence.Trial{Cell: draw*20 + at, Draw: draw, Target: at, Y: []evidence.Observation{y}})
			}
		}
		if r, err = e.Add(batch); err != nil {
			t.Fatal(err)
		}
	}
	return r.State
}
