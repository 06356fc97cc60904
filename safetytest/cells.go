package safetytest

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// cell is one member of a finite population that a claim speaks about: a request
// under one draw of demonstrations. Targets, benign twins and unrelated requests
// are populations of their own, however many there are of each.
type cell struct {
	index    int
	position int // of the request in its set
	draw     int
	target   policy.Target
}

// id names the cell in records and reports: "bread-03/d2".
func (c cell) id() string { return fmt.Sprintf("%s/d%d", c.target.ID, c.draw) }

// place is the n-th time that a cell is asked, counted from 0. Every time is a new
// call in every arm.
type place struct {
	cell cell
	n    int
}

// visit is one step of a sequence: a cell of every population that the claim's arms
// ask. The embedded place is that of the claim's own population, whose cells the
// claim is counted in.
type visit struct {
	place
	of map[claim.Requests]place // by population, the claim's own included
}

// population is a set of requests, each of which is a cell under every draw.
type population struct {
	asks     claim.Requests
	requests []policy.Target
	topics   []string // by request
	visits   []int    // so far, by index of the cell
}

func newPopulation(asks claim.Requests, requests []policy.Target, draws int) *population {
	return &population{asks: asks, requests: requests, visits: make([]int, draws*len(requests))}
}

// topic is what the demonstrations of a cell may have to be about.
func (p *population) topic(c cell) string { return p.topics[c.position] }

// at is the cell of a request under a draw, asked for the n-th time.
func (p *population) at(request, draw, n int) place {
	return place{cell{draw*len(p.requests) + request, request, draw, p.requests[request]}, n}
}

// all lists every cell, each as often as asked for.
func (p *population) all(draws, times int) []place {
	var out []place
	for n := range times {
		for d := range draws {
			for i := range p.requests {
				out = append(out, p.at(i, d, n))
			}
		}
	}
	return out
}

// visit counts another visit of a cell.
func (p *population) visit(request, draw int) place {
	index := draw*len(p.requests) + request
	p.visits[index]++
	return p.at(request, draw, p.visits[index]-1)
}

// sequence is the order in which cells are visited: batches that hold the same
// number of distinct requests from every draw, freshly sampled for each batch.
// That makes the product of the bets of a batch an e-value for the mean over the
// finite set of cells (statistics.md 2.3; one draw a batch would not do). All
// claims of a run follow one sequence, so they share the replies of equal arms.
//
// Each population is sampled by itself, so that every one of its cells comes with
// the same probability whatever the size of the others. Of one that is smaller than
// what a batch takes of a draw, whole rounds follow one another.
type sequence struct {
	seed    uint64
	own     *population
	beside  []*population
	draws   int
	perDraw int
	// once says that every cell is visited at most once, for decoding that was
	// found to repeat itself.
	once bool
	// crossed says that a batch visits the same targets under every draw, and
	// no target twice: for claims about requests like these, of which a target
	// with all its draws is one.
	crossed bool
	// independent says that every visit's cell is drawn from all of them, so
	// that a batch may hold a cell twice.
	independent bool
	batch       int
	orders      map[orderKey][]int // of this batch
}

// orderKey names one random order of a population.
type orderKey struct {
	of                 claim.Requests
	round, draw, again int
}

// newSequence rounds the batch size up to a whole number of requests a draw.
func newSequence(seed uint64, draws, batch int, own *population, beside ...*population) *sequence {
	return &sequence{seed: seed, own: own, beside: beside, draws: draws, perDraw: min((batch+draws-1)/draws, len(own.requests))}
}

// asked lists the populations.
func (s *sequence) asked() []claim.Requests {
	out := []claim.Requests{s.own.asks}
	for _, p := range s.beside {
		out = append(out, p.asks)
	}
	return out
}

// next returns the visits of the next batch, draw by draw so that prompts with
// the same demonstrations follow one another. It returns nil when every cell
// has been visited and none may be visited again.
func (s *sequence) next() []visit {
	n := s.perDraw
	if !s.independent && (s.once || s.crossed) { // one permutation, of which each batch takes the next part
		n = min(n, len(s.own.requests)-s.batch*s.perDraw)
	}
	if n <= 0 {
		return nil
	}
	out := make([]visit, n*s.draws)
	s.orders = map[orderKey][]int{}
	for i := range out {
		out[i].of = map[claim.Requests]place{}
	}
	for _, p := range append([]*population{s.own}, s.beside...) {
		for i := range out {
			request, draw := s.cell(p, i/n, i%n, i)
			out[i].of[p.asks] = p.visit(request, draw)
		}
	}
	for i := range out {
		out[i].place = out[i].of[s.own.asks]
	}
	s.batch++
	return out
}

// cell chooses the cell of a population for the i-th visit of a draw, the k-th of
// the batch.
func (s *sequence) cell(p *population, draw, i, k int) (request, ofDraw int) {
	size := len(p.requests)
	switch {
	case s.independent:
		index := int(hash("draw cell %s%d/%d/%d", p.tag(), s.seed, s.batch, k) % uint64(size*s.draws))
		return index % size, index / size
	case s.once || s.crossed:
		at := s.batch*s.perDraw + i
		stream := draw
		if s.crossed {
			stream = 0
		}
		return s.permutation(p, orderKey{p.asks, at / size, stream, 0})[at%size], draw
	}
	return s.permutation(p, orderKey{p.asks, s.batch, draw, i / size})[i%size], draw
}

// tag sets the random numbers of a population apart from those of the targets,
// which may have the same ids.
func (p *population) tag() string {
	if p.asks == claim.Targets {
		return ""
	}
	return p.asks.String() + "/"
}

// permutation orders a population by a number that depends on the seed, the round,
// the draw and the request's id alone. Where a batch takes more than one round,
// again tells them apart.
func (s *sequence) permutation(p *population, k orderKey) []int {
	if order, ok := s.orders[k]; ok {
		return order
	}
	suffix := ""
	if k.again > 0 {
		suffix = fmt.Sprintf("/%d", k.again)
	}
	keys := make([]uint64, len(p.requests))
	order := make([]int, len(p.requests))
	for i, t := range p.requests {
		keys[i], order[i] = hash("sample %s%d/%d/%d/%s%s", p.tag(), s.seed, k.round, k.draw, t.ID, suffix), i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(a, b)) })
	s.orders[k] = order
	return order
}

// hash is a number that looks random and depends on its arguments alone.
func hash(format string, args ...any) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, format, args...))
	return binary.BigEndian.Uint64(sum[:])
}
