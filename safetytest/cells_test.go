package safetytest

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

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
		s := newSequence(rapid.Uint64().Draw(t, "seed"), targets(n), draws, size)
		again := newSequence(s.seed, s.targets, draws, size)
		visited := map[int]int{}
		for range 6 {
			batch := s.next()
			if len(batch) != s.perDraw*draws {
				t.Fatalf("a batch of %d, not %d", len(batch), s.perDraw*draws)
			}
			perDraw, seen := map[int]int{}, map[int]bool{}
			for i, v := range again.next() {
				if v != batch[i] {
					t.Fatal("equal seeds give different sequences")
				}
			}
			for _, v := range batch {
				if seen[v.cell.index] {
					t.Fatalf("cell %s twice in a batch", v.cell.id())
				}
				seen[v.cell.index] = true
				if v.n != visited[v.cell.index] {
					t.Fatalf("cell %s: visit %d, want %d", v.cell.id(), v.n, visited[v.cell.index])
				}
				visited[v.cell.index]++
				perDraw[v.cell.draw]++
			}
			for d := range draws {
				if perDraw[d] != s.perDraw {
					t.Fatalf("draw %d has %d of %d cells", d, perDraw[d], len(batch))
				}
			}
		}
	})
}

func TestGreedySequencesVisitEveryCellOnce(t *testing.T) {
	s := newSequence(7, targets(13), 4, 20)
	s.once = true
	visited := map[int]bool{}
	for batch := s.next(); batch != nil; batch = s.next() {
		for _, v := range batch {
			if visited[v.cell.index] || v.n != 0 {
				t.Fatalf("cell %s visited again", v.cell.id())
			}
			visited[v.cell.index] = true
		}
	}
	if len(visited) != 52 {
		t.Errorf("visited %d of 52 cells", len(visited))
	}
}

func TestEveryCellIsSampledEquallyOften(t *testing.T) {
	s := newSequence(3, targets(20), 4, 8)
	counts := make([]int, 80)
	for range 2000 {
		for _, v := range s.next() {
			counts[v.cell.index]++
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
	s := newSequence(7, targets(13), 4, 20)
	s.crossed = true
	draws := map[string]int{}
	for batch := s.next(); batch != nil; batch = s.next() {
		perDraw := len(batch) / 4
		for i, v := range batch {
			if v.cell.target != batch[i%perDraw].cell.target || v.cell.draw != i/perDraw {
				t.Fatalf("visit %d is cell %s", i, v.cell.id())
			}
			draws[v.cell.target.ID]++
		}
	}
	for id, n := range draws {
		if n != 4 || len(draws) != 13 {
			t.Errorf("target %s was visited %d times", id, n)
		}
	}
}
