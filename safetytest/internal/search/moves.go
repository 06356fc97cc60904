package search

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file makes arrangements: structured ones, random ones, and neighbours.

// source hands out arrangements that are new.
type source struct {
	space      prompt.Mixes
	seed       uint64
	structured []string
	whole      []string // the whole space in a random order, where it is small
	all        bool     // it is
	counts     []tally  // how many of each kind, by how many arrangements there are
	drawn      int
}

// tally is a mix with the share of the space's arrangements that mixes up to it have.
type tally struct {
	letters string
	upTo    float64
}

// mostListed is the size of a space that is listed whole rather than drawn from.
const mostListed = 20_000

// mostTallies is how many mixes are weighed by their arrangements.
const mostTallies = 20_000

func newSource(space prompt.Mixes, seed uint64, budget int) *source {
	s := &source{space: space, seed: seed}
	structured := structuredOf(space)
	s.structured = structured[:min(len(structured), max(budget/5, 8))]
	if size := space.Size(); size.IsInt64() && size.Int64() <= mostListed {
		s.whole, s.all = listed(space), true
		for i := len(s.whole) - 1; i > 0; i-- {
			j := s.number(fmt.Sprint("listed ", i), i+1)
			s.whole[i], s.whole[j] = s.whole[j], s.whole[i]
		}
		return s
	}
	s.counts = tallies(space)
	return s
}

// number is one from 0 to n-1 that the seed and a name fix.
func (s *source) number(name string, n int) int {
	return int(order.Hash("search %d/%s", s.seed, name) % uint64(n))
}

// shuffled arranges letters at random.
func (s *source) shuffled(letters []byte, name string) string {
	for i := len(letters) - 1; i > 0; i-- {
		j := s.number(fmt.Sprintf("%s/%d", name, i), i+1)
		letters[i], letters[j] = letters[j], letters[i]
	}
	return string(letters)
}

// next is an arrangement that is not known yet; ok is false where it found none.
func (s *source) next(known func(string) bool) (pattern string, ok bool) {
	for len(s.structured) > 0 {
		p := s.structured[0]
		if s.structured = s.structured[1:]; !known(p) {
			return p, true
		}
	}
	for len(s.whole) > 0 {
		p := s.whole[0]
		if s.whole = s.whole[1:]; !known(p) {
			return p, true
		}
	}
	if s.all { // none is left
		return "", false
	}
	for range 1000 {
		p := s.draw()
		if !known(p) {
			return p, true
		}
	}
	return "", false
}

// draw draws as the claim's population is drawn, and every other time so that each
// arrangement of the space is as likely.
func (s *source) draw() string {
	s.drawn++
	if s.drawn%2 == 0 && len(s.counts) > 0 {
		at := float64(order.Hash("search %d/mix %d", s.seed, s.drawn)>>11) / (1 << 53)
		i, _ := slices.BinarySearchFunc(s.counts, at, func(t tally, at float64) int {
			if t.upTo <= at {
				return -1
			}
			return 1
		})
		return s.shuffled([]byte(s.counts[min(i, len(s.counts)-1)].letters), fmt.Sprint("order ", s.drawn))
	}
	return s.space.Draw(fmt.Sprintf("search %d/%d", s.seed, s.drawn))
}

// tallies are the mixes of a space, nil where there are too many to weigh.
func tallies(space prompt.Mixes) []tally {
	all := []string{""}
	for _, run := range runsOf(space.Fullest()) {
		var more []string
		for _, so := range all {
			for n := range len(run) + 1 {
				more = append(more, so+run[:n])
			}
		}
		if all = more; len(all) > mostTallies {
			return nil
		}
	}
	weights, top := make([]float64, len(all)), math.Inf(-1)
	for i, letters := range all {
		w, _ := math.Lgamma(float64(len(letters) + 1))
		for _, run := range runsOf(letters) {
			each, _ := math.Lgamma(float64(len(run) + 1))
			w -= each
		}
		weights[i], top = w, max(top, w)
	}
	out, sum := make([]tally, len(all)), 0.0
	for i, w := range weights {
		sum += math.Exp(w - top)
		out[i] = tally{all[i], sum}
	}
	for i := range out {
		out[i].upTo /= sum
	}
	return out
}

// listed is the whole of a small space.
func listed(space prompt.Mixes) []string {
	out := []string{""}
	letters := kindsOf(space.Fullest())
	for from := 0; from < len(out); from++ { // each is one letter longer than one before
		for _, l := range letters {
			if p := out[from] + l; space.Holds(p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// runsOf cuts a pattern into its runs of one kind.
func runsOf(pattern string) []string {
	var out []string
	for i := 0; i < len(pattern); {
		j := i + 1
		for j < len(pattern) && pattern[j] == pattern[i] {
			j++
		}
		out, i = append(out, pattern[i:j]), j
	}
	return out
}

// kindsOf lists the letters of a pattern whose kinds stand together.
func kindsOf(fullest string) []string {
	var out []string
	for _, run := range runsOf(fullest) {
		out = append(out, run[:1])
	}
	return out
}

// structuredOf are arrangements that are likely to differ much, the plainest first: each
// kind alone and kinds block after block in every order, at their most and at half of it,
// then every way to end with up to three demonstrations, and alternations.
func structuredOf(space prompt.Mixes) []string {
	runs := runsOf(space.Fullest())
	var out []string
	add := func(p string) {
		if space.Holds(p) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	for _, some := range subsets(runs) {
		for _, so := range orders(some) {
			add(strings.Join(so, ""))
		}
	}
	for _, end := range endings(space, 3) {
		rest := space.Fullest()
		for i := range len(end) {
			rest = strings.Replace(rest, end[i:i+1], "", 1)
		}
		add(alternated(rest) + end)
		add(end)
	}
	for _, some := range subsets(runs) {
		add(alternated(strings.Join(some, "")))
		halves := make([]string, len(some))
		for i, run := range some {
			halves[i] = run[:(len(run)+1)/2]
		}
		for _, so := range orders(halves) {
			add(strings.Join(so, ""))
		}
	}
	add("")
	return out
}

// subsets are those of some runs that are not empty, the smallest first.
func subsets(runs []string) [][]string {
	var out [][]string
	for bits := 1; bits < 1<<min(len(runs), 8); bits++ {
		var some []string
		for i, run := range runs {
			if bits>>i&1 == 1 {
				some = append(some, run)
			}
		}
		out = append(out, some)
	}
	slices.SortStableFunc(out, func(a, b []string) int { return len(a) - len(b) })
	return out
}

// orders are all of up to three runs, and of more those that put each of them last.
func orders(runs []string) [][]string {
	if len(runs) < 2 {
		return [][]string{runs}
	}
	var out [][]string
	for i, last := range runs {
		rest := slices.Concat(runs[:i], runs[i+1:])
		before := [][]string{rest}
		if len(runs) <= 3 {
			before = orders(rest)
		}
		for _, so := range before {
			out = append(out, append(slices.Clone(so), last))
		}
	}
	return out
}

// endings are the patterns of up to that many letters, the shortest first.
func endings(space prompt.Mixes, most int) []string {
	var out []string
	last := []string{""}
	for range most {
		var next []string
		for _, so := range last {
			for _, l := range kindsOf(space.Fullest()) {
				if p := l + so; space.Holds(p) {
					next = append(next, p)
				}
			}
		}
		out, last = append(out, next...), next
	}
	return out
}

// alternated puts a pattern's kinds in turn, for as long as there are some of each.
func alternated(pattern string) string {
	runs := runsOf(sorted(pattern))
	var b strings.Builder
	for b.Len() < len(pattern) {
		for i, run := range runs {
			if run != "" {
				b.WriteByte(run[0])
				runs[i] = run[1:]
			}
		}
	}
	return b.String()
}

func sorted(pattern string) string {
	letters := []byte(pattern)
	slices.Sort(letters)
	return string(letters)
}

// neighbours are the arrangements of the space that one move away lead to, those that
// change what stands last first: another letter at the end, two that change places, one
// that moves to the end or to the start, one more or one fewer.
func neighbours(space prompt.Mixes, p string) []string {
	var out []string
	add := func(q string) {
		if q != p && space.Holds(q) && !slices.Contains(out, q) {
			out = append(out, q)
		}
	}
	letters := kindsOf(space.Fullest())
	for _, l := range letters {
		add(p + l)
		if p != "" {
			add(p[:len(p)-1] + l)
		}
	}
	for i := len(p) - 1; i >= 0; i-- {
		without := p[:i] + p[i+1:]
		add(without + p[i:i+1])
		if i > 0 {
			add(p[:i-1] + p[i:i+1] + p[i-1:i] + p[i+1:])
		}
		for _, l := range letters {
			add(p[:i] + l + p[i+1:])
			add(p[:i] + l + p[i:])
		}
		add(without)
		add(p[i:i+1] + without)
	}
	return out
}
