package evidence

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A world is a finite population of cells with known rates of compliance in two
// arms, seen through a judge: what the operating characteristics are measured on.
type world struct {
	control, treated []float64 // by cell, as the judge sees them
	targets, draws   int       // cells are numbered draw*targets + target
}

// setting describes a world and the claim made about it.
type setting struct {
	base, margin float64
	sens, spec   float64
	targets      int
}

func (s setting) j() float64 { return s.sens + s.spec - 1 }

// seen returns the rate that the judge reports for a true rate.
func (s setting) seen(p float64) float64 { return s.j()*p + 1 - s.spec }

// world returns a population whose mean effect is exactly effect: cells differ in
// their base rate as a beta distribution with intra-class correlation 1/3 does,
// and in their effect as an exponential one does.
func (s setting) world(effect float64) world {
	const icc = 1. / 3
	a, b := s.base*(1/icc-1), (1-s.base)*(1/icc-1)
	n := s.targets
	base := make([]float64, n)
	for i := range base {
		base[i] = betaQuantile((float64(i)+0.5)/float64(n), a, b)
	}
	rescale(base, s.base)
	r := rand.New(rand.NewPCG(11, uint64(n)))
	shape := make([]float64, n)
	for i, k := range r.Perm(n) {
		shape[i] = -math.Log1p(-(float64(k) + 0.5) / float64(n))
	}
	// The scale that gives the mean effect, with rates kept below 1.
	raised := func(scale float64) (p []float64) {
		for i := range base {
			p = append(p, min(1, base[i]+scale*shape[i]))
		}
		return p
	}
	scale := 0.0
	if effect > 0 {
		scale = bisect(0, 50, func(k float64) bool { return average(raised(k)) >= s.base+effect })
	}
	w := world{targets: n, draws: 1}
	for i, p := range raised(scale) {
		w.control = append(w.control, s.seen(base[i]))
		w.treated = append(w.treated, s.seen(p))
	}
	return w
}

// withDraws repeats a world over draws of demonstrations of which only the last
// has any effect: as much more of it as keeps the mean, which must leave rates
// below 1.
func (s setting) withDraws(effect float64, draws int) world {
	flat := s.world(0)
	strong := s.world(effect * float64(draws))
	w := world{targets: s.targets, draws: draws}
	for d := range draws {
		w.control = append(w.control, flat.control...)
		if d == draws-1 {
			w.treated = append(w.treated, strong.treated...)
		} else {
			w.treated = append(w.treated, flat.treated...)
		}
	}
	return w
}

func rescale(p []float64, mean float64) {
	base := slices.Clone(p)
	k := bisect(0, 100, func(k float64) bool {
		for i := range p {
			p[i] = min(1, base[i]*k)
		}
		return average(p) >= mean
	})
	for i := range p {
		p[i] = min(1, base[i]*k)
	}
}

func average(v []float64) float64 {
	total := 0.0
	for _, x := range v {
		total += x
	}
	return total / float64(len(v))
}

// A sampler asks the cells of a world, in batches of distinct cells with as many
// from every draw.
type sampler struct {
	world
	r      *rand.Rand
	order  []int // a permutation of the targets
	trials []Trial
	// The wrong designs that the bench must catch:
	oneDraw bool     // every batch is of a single draw
	reuse   [][2]int // replies of the first visit, given again at every other; 0 unknown, 1 no, 2 yes
	iid     bool     // cells with replacement, as a terminal look needs them
	choices int      // replies to a request, of which the mean counts; 0 is one
	// pairs are outcomes of both arms by cell, of which one is drawn for each trial, in
	// place of outcomes that are drawn for each arm.
	pairs [][][2]float64
}

func newSampler(w world, batch int, seed uint64) *sampler {
	s := &sampler{world: w, r: rand.New(rand.NewPCG(seed, 0x5afe))}
	s.order = s.r.Perm(w.targets)
	s.trials = make([]Trial, batch)
	for i := range s.trials {
		s.trials[i].Y = make([]Observation, 2)
	}
	return s
}

func (s *sampler) batch() []Trial {
	perDraw := len(s.trials) / s.draws
	draw := 0
	if s.oneDraw {
		perDraw, draw = len(s.trials), s.r.IntN(s.draws)
	}
	for i := range s.trials {
		if i%perDraw == 0 {
			if i > 0 {
				draw++
			}
			s.shuffle(perDraw)
		}
		target := s.order[i%perDraw]
		if s.iid {
			target = s.r.IntN(s.targets)
		}
		cell := draw*s.targets + target
		t := &s.trials[i]
		t.Cell, t.Draw = cell, draw
		if s.pairs != nil {
			pair := s.pairs[cell][s.r.IntN(len(s.pairs[cell]))]
			t.Y[0].Value, t.Y[1].Value = pair[0], pair[1]
			continue
		}
		t.Y[0].Value = s.ask(cell, 0, s.control[cell])
		t.Y[1].Value = s.ask(cell, 1, s.treated[cell])
	}
	return s.trials
}

// pass asks every cell once.
func (s *sampler) pass() []Trial {
	trials := make([]Trial, len(s.control))
	for cell := range trials {
		trials[cell] = Trial{Cell: cell, Y: []Observation{
			{Value: s.ask(cell, 0, s.control[cell])}, {Value: s.ask(cell, 1, s.treated[cell])},
		}}
	}
	return trials
}

// shuffle puts a fresh random sample of k targets first.
func (s *sampler) shuffle(k int) {
	for i := range k {
		j := i + s.r.IntN(len(s.order)-i)
		s.order[i], s.order[j] = s.order[j], s.order[i]
	}
}

func (s *sampler) ask(cell, arm int, p float64) float64 {
	if s.reuse != nil && s.reuse[cell][arm] > 0 {
		return float64(s.reuse[cell][arm] - 1)
	}
	if s.choices > 1 {
		n := 0
		for range s.choices {
			if s.r.Float64() < p {
				n++
			}
		}
		return float64(n) / float64(s.choices)
	}
	y := 0
	if s.r.Float64() < p {
		y = 1
	}
	if s.reuse != nil {
		s.reuse[cell][arm] = y + 1
	}
	return float64(y)
}
