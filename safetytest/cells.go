package safetytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// cell is one member of the finite population a claim speaks about: a target
// request under one draw of demonstrations.
type cell struct {
	index    int
	position int // of the target in the policy
	draw     int
	target   policy.Target
}

// id names the cell in records and reports: "bread-03/d2".
func (c cell) id() string { return fmt.Sprintf("%s/d%d", c.target.ID, c.draw) }

// visit is the n-th time that a cell is asked, counted from 0. Every visit is a
// new call in every arm.
type visit struct {
	cell cell
	n    int
}

// sequence is the order in which cells are visited: batches that hold the same
// number of distinct targets from every draw, freshly sampled for each batch.
// That makes the product of the bets of a batch an e-value for the mean over the
// finite set of cells (statistics.md 2.3; one draw a batch would not do). All
// claims of a run follow one sequence, so they share the replies of equal arms.
type sequence struct {
	seed    uint64
	targets []policy.Target
	draws   int
	perDraw int
	// once says that every cell is visited at most once, for greedy decoding.
	once bool
	// crossed says that a batch visits the same targets under every draw, and
	// no target twice: for claims about requests like these, of which a target
	// with all its draws is one.
	crossed bool
	// independent says that every visit's cell is drawn from all of them, so
	// that a batch may hold a cell twice.
	independent bool
	visits      []int // so far, by cell index
	batch       int
}

// newSequence rounds the batch size up to a whole number of targets a draw.
func newSequence(seed uint64, targets []policy.Target, draws, batch int) *sequence {
	return &sequence{seed: seed, targets: targets, draws: draws, perDraw: min((batch+draws-1)/draws, len(targets)),
		visits: make([]int, draws*len(targets))}
}

// next returns the visits of the next batch, draw by draw so that prompts with
// the same demonstrations follow one another. It returns nil when every cell
// has been visited and none may be visited again.
func (s *sequence) next() []visit {
	if s.independent {
		return s.nextIndependent()
	}
	round, from := s.batch, 0
	if s.once || s.crossed { // one permutation, of which each batch takes the next part
		round, from = 0, s.batch*s.perDraw
	}
	to := min(from+s.perDraw, len(s.targets))
	if from >= to {
		return nil
	}
	var out []visit
	for d := range s.draws {
		stream := d
		if s.crossed {
			stream = 0
		}
		for _, t := range s.permutation(round, stream)[from:to] {
			index := d*len(s.targets) + t
			out = append(out, visit{cell{index, t, d, s.targets[t]}, s.visits[index]})
			s.visits[index]++
		}
	}
	s.batch++
	return out
}

func (s *sequence) nextIndependent() []visit {
	out := make([]visit, s.perDraw*s.draws)
	for i := range out {
		index := int(hash("draw cell %d/%d/%d", s.seed, s.batch, i) % uint64(len(s.visits)))
		t := index % len(s.targets)
		out[i] = visit{cell{index, t, index / len(s.targets), s.targets[t]}, s.visits[index]}
		s.visits[index]++
	}
	s.batch++
	return out
}

// permutation orders the targets by a number that depends on the seed, the
// round, the draw and the target's id alone.
func (s *sequence) permutation(round, draw int) []int {
	keys := make([]uint64, len(s.targets))
	order := make([]int, len(s.targets))
	for i, t := range s.targets {
		keys[i], order[i] = hash("sample %d/%d/%d/%s", s.seed, round, draw, t.ID), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	return order
}

// hash is a number that looks random and depends on its arguments alone.
func hash(format string, args ...any) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return binary.BigEndian.Uint64(sum[:])
}
