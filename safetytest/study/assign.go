package study

import (
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// The factors of a slot, in the order in which they are given their levels.
const (
	drawFactor = iota
	harmfulFactor
	benignFactor
	refusalFactor
	orderFactor
	twinFactor
	formFactor
	markedFactor
	paddingFactor
	targetFactor
	factorCount
)

// controls is one of how many calls shows nothing, patterned of how many shows a
// written pattern, and twins of how many asks a twin.
const (
	controls  = 25
	patterned = 50
	twinned   = 5
)

// none is the level of a factor that has no meaning in a slot.
const none = -1

// slot is one call while it is given its levels, by factor.
type slot struct {
	level   [factorCount]int
	pattern int // of Factors.Patterns, none elsewhere
	control bool
}

// assign gives each of size calls its levels.
func (d *Design) assign(p policy.Policy, size int) ([]Question, error) {
	f := d.Factors
	reserved, written := max(size/controls, 2), max(size/patterned, 1)
	if grid := size - reserved - written*len(f.Patterns); grid < size/2 {
		return nil, fmt.Errorf("study: %d patterns of %d calls each leave too little of %d calls for the other factors: give fewer, or a larger size", len(f.Patterns), written, size)
	}
	slots := make([]slot, size)
	for i := range slots {
		slots[i].pattern = none
		for k := range slots[i].level {
			slots[i].level[k] = none
		}
		switch at := i - reserved; {
		case at < 0:
			slots[i].control = true
		case at < written*len(f.Patterns):
			slots[i].pattern = at % len(f.Patterns)
		}
	}
	b := balance{d: d, slots: slots, r: random{d.Seed, "levels", 0}}
	for factor, levels := range d.levels(p) {
		b.give(factor, levels)
	}
	out := make([]Question, size)
	for i, s := range slots {
		out[i] = d.question(s, p)
	}
	return out, nil
}

// levels is how many each factor has.
func (d *Design) levels(p policy.Policy) [factorCount]int {
	f := d.Factors
	n := [factorCount]int{
		drawFactor: d.Draws, harmfulFactor: len(f.Harmful), benignFactor: len(f.Benign), refusalFactor: len(f.Refusal),
		orderFactor: len(f.Orders), twinFactor: 1, formFactor: len(f.Forms), markedFactor: 1, paddingFactor: len(f.Padding), targetFactor: len(p.Targets),
	}
	if f.Twins {
		n[twinFactor] = twinned // of which the last is the twin
	}
	if f.Marker != "" {
		n[markedFactor] = 2
	}
	return n
}

// question is what a slot asks.
func (d *Design) question(s slot, p policy.Policy) Question {
	f := d.Factors
	q := Question{Draw: s.level[drawFactor], Target: s.level[targetFactor], Control: s.control}
	q.Setting.Mix = d.mix(s)
	q.Setting.Presentation = prompt.Turns.String()
	if form := s.level[formFactor]; form != none {
		q.Setting.Presentation = f.Forms[form].String()
	}
	q.Setting.Marked = s.level[markedFactor] == 1
	if padding := s.level[paddingFactor]; padding != none {
		q.Setting.Padding = f.Padding[padding]
	}
	if f.Twins && s.level[twinFactor] == twinned-1 {
		q.Twin = true
		// As many twins for each target as there are, in the order of the targets.
		q.Target = min(q.Target*len(p.Twins)/len(p.Targets), len(p.Twins)-1)
	}
	return q
}

// mix is what a slot shows, as far as its levels are known.
func (d *Design) mix(s slot) prompt.Mix {
	if s.control {
		return prompt.Mix{}
	}
	if s.pattern != none {
		return prompt.Pattern(d.Factors.Patterns[s.pattern])
	}
	f := d.Factors
	m := prompt.Mix{Harmful: f.Harmful[s.level[harmfulFactor]], Benign: f.Benign[s.level[benignFactor]], Refusal: f.Refusal[s.level[refusalFactor]]}
	if o := s.level[orderFactor]; o != none {
		m.Order = f.Orders[o]
	}
	return m
}

// may lists the levels of a factor that have a meaning in a slot, nil where it has none.
func (d *Design) may(s slot, factor, levels int) []int {
	some := make([]int, levels)
	for i := range some {
		some[i] = i
	}
	fixed := s.control || s.pattern != none
	switch factor {
	case harmfulFactor, benignFactor, refusalFactor:
		if fixed {
			return nil
		}
	case orderFactor:
		if fixed {
			return nil
		}
		m := d.mix(s)
		m.Order = prompt.Order{}
		return d.orders[m]
	case formFactor:
		if d.mix(s).Len() == 0 {
			return nil
		}
	case markedFactor:
		if d.mix(s).Harmful == 0 {
			return nil
		}
	case paddingFactor:
		if s.control {
			return nil
		}
	}
	return some
}

// balance gives levels so that all of a factor, and all pairs, come equally often.
type balance struct {
	d     *Design
	slots []slot
	given []int // factors whose levels are given
	r     random
}

// What an imbalance of one call weighs: in a factor's own levels, in pairs with another
// factor, and in triples with the numbers of harmful and benign demonstrations.
const (
	ownWeight    = 6.0
	pairWeight   = 1.0
	tripleWeight = 1.0
)

// give gives every slot its level of a factor, one after the other in a random order:
// each time one that is asked least so far among those beside which it stands.
func (b *balance) give(factor, levels int) {
	turns := make([]int, len(b.slots))
	for i := range turns {
		turns[i] = i
	}
	b.r.shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	own := make([]float64, levels)
	pairs := map[[3]int]float64{}
	for _, i := range turns {
		s := &b.slots[i]
		best, at := 0.0, none
		may := b.d.may(*s, factor, levels)
		skip := 0
		if len(may) > 0 {
			skip = b.r.below(len(may)) // so that no level is preferred
		}
		for k := range may {
			level := may[(k+skip)%len(may)]
			cost := ownWeight * own[level]
			for _, beside := range b.beside(*s, factor) {
				cost += beside.weight * pairs[[3]int{beside.table, beside.level, level}]
			}
			if at == none || cost < best {
				best, at = cost, level
			}
		}
		s.level[factor] = at
		if at == none {
			continue
		}
		own[at]++
		for _, beside := range b.beside(*s, factor) {
			pairs[[3]int{beside.table, beside.level, at}]++
		}
	}
	b.given = append(b.given, factor)
}

// neighbour is a level that a factor's levels are to be balanced beside.
type neighbour struct {
	table, level int
	weight       float64
}

func (b *balance) beside(s slot, factor int) []neighbour {
	var out []neighbour
	for _, g := range b.given {
		if s.level[g] != none {
			out = append(out, neighbour{g, s.level[g], pairWeight})
		}
	}
	h, n := s.level[harmfulFactor], s.level[benignFactor]
	if h != none && n != none && slices.Contains([]int{refusalFactor, orderFactor, twinFactor, formFactor, markedFactor, paddingFactor}, factor) {
		out = append(out, neighbour{factorCount, h*1000 + n, tripleWeight})
	}
	return out
}
