package order

import (
	"fmt"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

func targets(n int) []policy.Target {
	out := make([]policy.Target, n)
	for i := range out {
		out[i] = policy.Target{ID: fmt.Sprintf("t%02d", i), Request: fmt.Sprintf("request %d", i)}
	}
	return out
}

// The exactness of every look rests on this: a batch holds the same number of
// distinct targets from every draw, and counts its visits without a gap.
func TestBatchesAreBalancedAndDistinct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draws := rapid.IntRange(1, 5).Draw(t, "draws")
		size := rapid.IntRange(1, 60).Draw(t, "batch")
		n := rapid.IntRange(1, 30).Draw(t, "targets")
		s := New(rapid.Uint64().Draw(t, "seed"), draws, size, NewPopulation(claim.Targets, targets(n), draws))
		again := New(s.seed, draws, size, NewPopulation(claim.Targets, targets(n), draws))
		visited := map[int]int{}
		for range 6 {
			batch := s.Next()
			if len(batch) != s.PerDraw*draws {
				t.Fatalf("a batch of %d, not %d", len(batch), s.PerDraw*draws)
			}
			perDraw, seen := map[int]int{}, map[int]bool{}
			for i, v := range again.Next() {
				if !reflect.DeepEqual(v, batch[i]) {
					t.Fatal("equal seeds give different sequences")
				}
			}
			for _, v := range batch {
				if seen[v.Cell.Index] {
					t.Fatalf("cell %s twice in a batch", v.Cell.ID())
				}
				seen[v.Cell.Index] = true
				if v.N != visited[v.Cell.Index] {
					t.Fatalf("cell %s: visit %d, want %d", v.Cell.ID(), v.N, visited[v.Cell.Index])
				}
				visited[v.Cell.Index]++
				perDraw[v.Cell.Draw]++
			}
			for d := range draws {
				if perDraw[d] != s.PerDraw {
					t.Fatalf("draw %d has %d of %d cells", d, perDraw[d], len(batch))
				}
			}
		}
	})
}

func TestGreedySequencesVisitEveryCellOnce(t *testing.T) {
	s := New(7, 4, 20, NewPopulation(claim.Targets, targets(13), 4))
	s.Once = true
	visited := map[int]bool{}
	for batch := s.Next(); batch != nil; batch = s.Next() {
		for _, v := range batch {
			if visited[v.Cell.Index] || v.N != 0 {
				t.Fatalf("cell %s visited again", v.Cell.ID())
			}
			visited[v.Cell.Index] = true
		}
	}
	if len(visited) != 52 {
		t.Errorf("visited %d of 52 cells", len(visited))
	}
}

func TestEveryCellIsSampledEquallyOften(t *testing.T) {
	s := New(3, 4, 8, NewPopulation(claim.Targets, targets(20), 4))
	counts := make([]int, 80)
	for range 2000 {
		for _, v := range s.Next() {
			counts[v.Cell.Index]++
		}
	}
	// 16,000 visits of 80 cells: 200 each, standard deviation below 14.
	for i, n := range counts {
		if n < 200-6*14 || n > 200+6*14 {
			t.Errorf("cell %d was visited %d times, about 200 expected", i, n)
		}
	}
}

func TestCrossedBatchesShowEachTargetUnderEveryDraw(t *testing.T) {
	s := New(7, 4, 20, NewPopulation(claim.Targets, targets(13), 4))
	s.Crossed = true
	draws := map[string]int{}
	for batch := s.Next(); batch != nil; batch = s.Next() {
		perDraw := len(batch) / 4
		for i, v := range batch {
			if v.Cell.Target != batch[i%perDraw].Cell.Target || v.Cell.Draw != i/perDraw {
				t.Fatalf("visit %d is cell %s", i, v.Cell.ID())
			}
			draws[v.Cell.Target.ID]++
		}
	}
	for id, n := range draws {
		if n != 4 || len(draws) != 13 {
			t.Errorf("target %s was visited %d times", id, n)
		}
	}
}

// Every cell of every population comes equally often, whatever the sizes of the
// others: a claim's population is exactly the set that its sentence names.
func TestEveryPopulationIsReached(t *testing.T) {
	raced.Skip(t)
	for _, sizes := range [][2]int{{20, 20}, {20, 41}, {20, 7}, {20, 1}, {3, 50}, {1, 9}} {
		own, beside := NewPopulation(claim.Targets, targets(sizes[0]), 4), NewPopulation(claim.Twins, targets(sizes[1]), 4)
		s := New(3, 4, 20, own, beside)

		const batches = 3000
		for range batches {
			batch := s.Next()
			perDraw := map[[2]any]int{}
			for _, v := range batch {
				perDraw[[2]any{claim.Targets, v.Of[claim.Targets].Cell.Draw}]++
				perDraw[[2]any{claim.Twins, v.Of[claim.Twins].Cell.Draw}]++
			}
			for k, n := range perDraw {
				if n != s.PerDraw {
					t.Fatalf("%v: %d visits of a draw in a batch, not %d", k, n, s.PerDraw)
				}
			}
		}
		for _, p := range []*Population{own, beside} {
			want := float64(batches*s.PerDraw) / float64(len(p.Requests))
			for i, n := range p.visits {
				if d := float64(n) - want; d*d > 36*max(want, 1) {
					t.Errorf("%v: %v: cell %d was visited %d times, about %.0f expected", sizes, p.Asks, i, n, want)
				}
			}
		}
	}
}

// Of a population that is smaller than what a batch takes, whole rounds follow one
// another: no cell comes a second time before all of its draw have come once.
func TestSmallPopulationsComeInRounds(t *testing.T) {
	s := New(5, 2, 24, NewPopulation(claim.Targets, targets(30), 2), NewPopulation(claim.Unrelated, targets(5), 2))
	for range 20 {
		batch := s.Next()
		for d := range 2 {
			seen := map[int]int{}
			for i := range s.PerDraw {
				seen[batch[d*s.PerDraw+i].Of[claim.Unrelated].Cell.Position]++
				least, most := s.PerDraw, 0
				for r := range 5 {
					least, most = min(least, seen[r]), max(most, seen[r])
				}
				if most-least > 1 {
					t.Fatalf("a request came %d times while another came %d times", most, least)
				}
			}
		}
	}
}
