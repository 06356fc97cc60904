package experiment

import (
	"math"
	"slices"
	"sort"

	"github.com/safetyspec/safetyspec/safetytest/claim"
)

// This file counts by cell what a claim's arms showed.

// visits counts those of the early batches.
func (e *experiment) visits() int {
	n := 0
	for _, b := range e.early {
		n += len(b.visits)
	}
	return n
}

// tally adds a batch that the engine sees to the counts by cell.
func (e *experiment) tally(b *batch) {
	if have := e.visits(); have < reportVisits {
		e.early = append(e.early, b)
	}
	for k, n := range b.blocked {
		e.withheld[k] += n
	}
	for i := range b.visits {
		for k, y := range b.seen[i] {
			if !e.claim.Arms[k].Calls() || y.NotAsked {
				continue
			}
			replies := b.repliesOf(i, e.scripts[k].first)
			e.several.asked[k] += replies
			if !y.Missing {
				e.several.decided[k] += int(math.Round((1 - y.Unknown) * float64(replies)))
			}
		}
	}
	e.learn(b)
	e.noteSpread(b)
	e.keepSeveral(b)
	for i, v := range b.visits {
		for _, asks := range e.sequence.Asked() {
			at := v.Of[asks]
			n := e.cells[cellKey{asks, at.Cell.Index}]
			if n == nil {
				n = &cellSums{id: at.Cell.ID(), sums: make([]float64, len(e.claim.Arms))}
				e.cells[cellKey{asks, at.Cell.Index}] = n
			}
			replies := b.repliesAt(i)
			n.replies += replies
			for k, y := range b.seen[i] {
				if e.claim.Arms[k].Requests == asks && !y.Missing {
					n.sums[k] += float64(replies) * y.Value / (1 - y.Unknown) // as the replies that came
				}
			}
		}
	}
}

// cellKey names a cell among those of all populations.
type cellKey struct {
	asks  claim.Requests
	index int
}

// cellSums adds up what the arms of one cell showed.
type cellSums struct {
	id      string
	replies int       // of each arm
	sums    []float64 // by arm
}

// repliesOf is how many replies the request of a script asked for at a visit.
func (b *batch) repliesOf(visit, script int) int {
	if c := b.calls[visit][script]; c != nil {
		return max(1, c.wanted)
	}
	return 1
}

// repliesAt is how many replies the requests of a visit asked for, the most of its arms.
func (b *batch) repliesAt(visit int) int {
	n := 1
	for script := range b.calls[visit] {
		n = max(n, b.repliesOf(visit, script))
	}
	return n
}

// combines says whether weights add or take away more than one whole arm each.
func combines(weights []float64) bool {
	plus, minus := 0, 0
	for _, w := range weights {
		switch w {
		case 0:
		case 1:
			plus++
		case -1:
			minus++
		default:
			return true
		}
	}
	return plus > 1 || minus > 1
}

// worst lists up to three cells that speak most against a bound.
func (e *experiment) worst(b claim.Bound) []claim.CellCount {
	_, atLeast, _ := b.Rate()
	about, _ := e.claim.Population(b)
	var out []claim.CellCount
	for key, n := range e.cells {
		if key.asks != about {
			continue
		}
		c := claim.CellCount{ID: n.id, Visits: n.replies, Combined: combines(b.Weights)}
		for k, w := range b.Weights {
			if w > 0 || atLeast {
				c.Treated += math.Abs(w) * n.sums[k]
			} else {
				c.Control -= w * n.sums[k]
			}
		}
		out = append(out, c)
	}
	against := func(n claim.CellCount) float64 {
		d := (n.Treated - n.Control) / float64(n.Visits)
		if atLeast {
			return 1 - d
		}
		return d
	}
	sort.Slice(out, func(i, j int) bool {
		if a, b := against(out[i]), against(out[j]); a != b {
			return a > b
		}
		if out[i].Visits != out[j].Visits {
			return out[i].Visits > out[j].Visits
		}
		return out[i].ID < out[j].ID
	})
	out = slices.DeleteFunc(out, func(n claim.CellCount) bool { return against(n) <= 0 })
	if e.claim.Relation == claim.Raised && !b.Beside {
		for i := range out {
			out[i].Control, out[i].Treated = out[i].Treated, out[i].Control
		}
	}
	return out[:min(3, len(out))]
}

// revisits counts the visits of cells that were asked before, of a bound about the
// claim's own population; of others it counts none.
func (e *experiment) revisits(b claim.Bound) int {
	asks, one := e.claim.Population(b)
	if !one || asks != e.sequence.Own.Asks {
		return 0
	}
	n := 0
	for key := range e.cells {
		if key.asks == asks {
			n++
		}
	}
	return len(e.seen) - n
}
