// Package order is which cells a claim's visits fall on, and in which order: fixed by
// seeds before the first reply, so that nothing that was answered can change it.
package order

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Cell is one member of a finite population that a claim speaks about: a request
// under one draw of demonstrations. Targets, benign twins and unrelated requests
// are populations of their own, however many there are of each.
type Cell struct {
	Index    int
	Position int // of the request in its set
	Draw     int
	Target   policy.Target
}

// ID names the cell in records and reports: "bread-03/d2".
func (c Cell) ID() string { return fmt.Sprintf("%s/d%d", c.Target.ID, c.Draw) }

// Place is the n-th time that a cell is asked, counted from 0. Every time is a new
// call in every arm.
type Place struct {
	Cell Cell
	N    int
}

// Visit is one step of a sequence: a cell of every population that the claim's arms
// ask. The embedded place is that of the claim's own population, whose cells the
// claim is counted in.
type Visit struct {
	Place
	Of map[claim.Requests]Place // by population, the claim's own included
}

// Population is a set of requests, each of which is a cell under every draw.
type Population struct {
	Asks     claim.Requests
	Requests []policy.Target
	Topics   []string // by request; what the demonstrations there may have to be about
	visits   []int    // so far, by index of the cell
}

// NewPopulation is the set of requests under that many draws, none of them visited yet.
func NewPopulation(asks claim.Requests, requests []policy.Target, draws int) *Population {
	return &Population{Asks: asks, Requests: requests, visits: make([]int, draws*len(requests))}
}

// Topic is what the demonstrations of a cell may have to be about.
func (p *Population) Topic(c Cell) string { return p.Topics[c.Position] }

// At is the cell of a request under a draw, asked for the n-th time.
func (p *Population) At(request, draw, n int) Place {
	return Place{Cell{draw*len(p.Requests) + request, request, draw, p.Requests[request]}, n}
}

// All lists every cell, each as often as asked for.
func (p *Population) All(draws, times int) []Place {
	var out []Place
	for n := range times {
		for d := range draws {
			for i := range p.Requests {
				out = append(out, p.At(i, d, n))
			}
		}
	}
	return out
}

// visit counts another visit of a cell.
func (p *Population) visit(request, draw int) Place {
	index := draw*len(p.Requests) + request
	p.visits[index]++
	return p.At(request, draw, p.visits[index]-1)
}

// Sequence is the order in which cells are visited: batches that hold the same
// number of distinct requests from every draw, freshly sampled for each batch.
// That makes the product of the bets of a batch an e-value for the mean over the
// finite set of cells, which one draw a batch would not do. All
// claims of a run follow one sequence, so they share the replies of equal arms.
//
// Each population is sampled by itself, so that every one of its cells comes with
// the same probability whatever the size of the others. Of one that is smaller than
// what a batch takes of a draw, whole rounds follow one another.
type Sequence struct {
	seed    uint64
	Own     *Population
	Beside  []*Population
	draws   int
	PerDraw int // requests a batch takes of each draw
	// Once says that every cell is visited at most once, for decoding that was
	// found to repeat itself.
	Once bool
	// Crossed says that a batch visits the same targets under every draw, and
	// no target twice: for claims about requests like these, of which a target
	// with all its draws is one.
	Crossed bool
	// Independent says that every visit's cell is drawn from all of them, so
	// that a batch may hold a cell twice.
	Independent bool
	Batch       int                // how many were taken
	orders      map[orderKey][]int // of this batch
}

// orderKey names one random order of a population.
type orderKey struct {
	of                 claim.Requests
	round, draw, again int
}

// New rounds the batch size up to a whole number of requests a draw.
func New(seed uint64, draws, batch int, own *Population, beside ...*Population) *Sequence {
	return &Sequence{seed: seed, Own: own, Beside: beside, draws: draws, PerDraw: min((batch+draws-1)/draws, len(own.Requests))}
}

// Asked lists the populations.
func (s *Sequence) Asked() []claim.Requests {
	out := []claim.Requests{s.Own.Asks}
	for _, p := range s.Beside {
		out = append(out, p.Asks)
	}
	return out
}

// Next returns the visits of the next batch, draw by draw so that prompts with
// the same demonstrations follow one another. It returns nil when every cell
// has been visited and none may be visited again.
func (s *Sequence) Next() []Visit {
	n := s.PerDraw
	if !s.Independent && (s.Once || s.Crossed) { // one permutation, of which each batch takes the next part
		n = min(n, len(s.Own.Requests)-s.Batch*s.PerDraw)
	}
	if n <= 0 {
		return nil
	}
	out := make([]Visit, n*s.draws)
	s.orders = map[orderKey][]int{}
	for i := range out {
		out[i].Of = map[claim.Requests]Place{}
	}
	for _, p := range append([]*Population{s.Own}, s.Beside...) {
		for i := range out {
			request, draw := s.cell(p, i/n, i%n, i)
			out[i].Of[p.Asks] = p.visit(request, draw)
		}
	}
	for i := range out {
		out[i].Place = out[i].Of[s.Own.Asks]
	}
	s.Batch++
	return out
}

// cell chooses the cell of a population for the i-th visit of a draw, the k-th of
// the batch.
func (s *Sequence) cell(p *Population, draw, i, k int) (request, ofDraw int) {
	size := len(p.Requests)
	switch {
	case s.Independent:
		index := int(Hash("draw cell %s%d/%d/%d", p.tag(), s.seed, s.Batch, k) % uint64(size*s.draws))
		return index % size, index / size
	case s.Once || s.Crossed:
		at := s.Batch*s.PerDraw + i
		stream := draw
		if s.Crossed {
			stream = 0
		}
		return s.permutation(p, orderKey{p.Asks, at / size, stream, 0})[at%size], draw
	}
	return s.permutation(p, orderKey{p.Asks, s.Batch, draw, i / size})[i%size], draw
}

// tag sets the random numbers of a population apart from those of the targets,
// which may have the same ids.
func (p *Population) tag() string {
	if p.Asks == claim.Targets {
		return ""
	}
	return p.Asks.String() + "/"
}

// permutation orders a population by a number that depends on the seed, the round,
// the draw and the request's id alone. Where a batch takes more than one round,
// again tells them apart.
func (s *Sequence) permutation(p *Population, k orderKey) []int {
	if order, ok := s.orders[k]; ok {
		return order
	}
	suffix := ""
	if k.again > 0 {
		suffix = fmt.Sprintf("/%d", k.again)
	}
	keys := make([]uint64, len(p.Requests))
	order := make([]int, len(p.Requests))
	for i, t := range p.Requests {
		keys[i], order[i] = Hash("sample %s%d/%d/%d/%s%s", p.tag(), s.seed, k.round, k.draw, t.ID, suffix), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	s.orders[k] = order
	return order
}

// Hash is a number that looks random and depends on its arguments alone.
func Hash(format string, args ...any) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return binary.BigEndian.Uint64(sum[:])
}
