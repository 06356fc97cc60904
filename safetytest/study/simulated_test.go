package study

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A truth is a model of which everything is known: the paper's logistic model with
// other factors beside, targets and draws that differ, and chances of adopting a marker.
// Its coefficients are those of the mean over targets and draws.
type truth struct {
	name                     string
	base                     float64 // log-odds with nothing shown
	harmful, benign, refusal float64
	total                    float64 // of ln(1 + harmful + benign)
	orders                   map[prompt.Order]float64
	marker, transcript       float64
	padding                  float64
	targets, draws           float64 // standard deviations of their intercepts
	slopes                   float64 // and of the benign slope over targets
	adoptRefused             float64
	adoptComplied            float64
	twinRefusals             float64 // log-odds
}

// eta is the log-odds of the mean over targets and draws.
func (m truth) eta(s Setting) float64 {
	h, b := float64(s.Mix.Harmful), float64(s.Mix.Benign)
	x := m.base + m.harmful*math.Log1p(h) + m.benign*math.Log1p(b) + m.refusal*math.Log1p(float64(s.Mix.Refusal)) + m.total*math.Log1p(h+b)
	if ordered(s) {
		x += m.orders[s.Mix.Order]
	}
	if marked(s) {
		x += m.marker
	}
	if presented(s) && s.Presentation != "as turns" {
		x += m.transcript
	}
	if s.Padding > 0 {
		x += m.padding
	}
	return x
}

func (m truth) rate(s Setting) float64 { return logistic(m.eta(s)) }

// within is the log-odds of one target and draw in the middle, so that the mean over all
// has the setting's.
func (m truth) within(s Setting) float64 {
	slope := m.slopes * math.Log1p(float64(s.Mix.Benign))
	sd := math.Sqrt(m.targets*m.targets + m.draws*m.draws + slope*slope)
	return middleOf(m.rate(s), sd)
}

// A plan is which settings are asked of whom.
type plan struct {
	settings                []Setting
	replies, targets, draws int
	twins                   int
}

// fraction chooses so many settings: every level of every factor equally often, otherwise
// at random.
func fraction(count int, counts []int) []Setting {
	random := rand.New(rand.NewPCG(7, 11))
	column := func(levels int) []int {
		out := make([]int, count)
		for i := range out {
			out[i] = i % levels
		}
		random.Shuffle(count, func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	}
	orders := []prompt.Order{prompt.HarmfulFirst, prompt.HarmfulLast, prompt.HarmfulMiddle, prompt.Interleaved, prompt.Shuffled}
	n := len(counts)
	cell, refusal, order, mark, form, pad := column(n*n), column(2), column(5), column(2), column(2), column(2)
	var out []Setting
	seen := map[Setting]bool{}
	for i := range count {
		s := Setting{
			Mix:          prompt.Mix{Harmful: counts[cell[i]/n], Benign: counts[cell[i]%n], Refusal: 4 * refusal[i], Order: orders[order[i]]},
			Presentation: []string{"as turns", "transcript"}[form[i]], Marked: mark[i] == 1, Padding: 300 * pad[i],
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// cells are the replies that a plan asks for: targets and draws come equally often,
// otherwise at random.
func (p plan) cells() []Observation {
	random := rand.New(rand.NewPCG(3, 5))
	var out []Observation
	add := func(n int, twin bool) {
		order := random.Perm(n)
		other := random.Perm(n)
		for i := range n {
			out = append(out, Observation{Setting: p.settings[i%len(p.settings)], Target: fmt.Sprintf("target %02d", order[i]%p.targets), Draw: other[i] % p.draws, Twin: twin})
		}
	}
	add(p.replies, false)
	add(p.twins, true)
	return out
}

// simulator answers cells.
type simulator struct {
	truth
	cells  []Observation
	middle map[Setting]float64
}

func (m truth) simulator(p plan) *simulator {
	s := &simulator{truth: m, cells: p.cells(), middle: map[Setting]float64{}}
	for _, x := range p.settings {
		s.middle[x] = m.within(x)
	}
	return s
}

// study returns the replies of one study, of other targets and draws for each seed.
func (m *simulator) study(seed uint64) []Observation {
	random := rand.New(rand.NewPCG(seed, 17))
	targets, slopes, draws := map[string]float64{}, map[string]float64{}, map[int]float64{}
	out := make([]Observation, len(m.cells))
	for i, o := range m.cells {
		if _, ok := targets[o.Target]; !ok {
			targets[o.Target], slopes[o.Target] = m.targets*random.NormFloat64(), m.slopes*random.NormFloat64()
		}
		if _, ok := draws[o.Draw]; !ok {
			draws[o.Draw] = m.draws * random.NormFloat64()
		}
		out[i] = o
	}
	for i := range out {
		o := &out[i]
		eta := m.middle[o.Setting] + targets[o.Target] + draws[o.Draw] + slopes[o.Target]*math.Log1p(float64(o.Setting.Mix.Benign))
		if o.Twin {
			eta = -m.twinRefusals + draws[o.Draw]
		}
		adopt := m.adoptRefused
		if o.Complied = No; random.Float64() < logistic(eta) {
			o.Complied, adopt = Yes, m.adoptComplied
		}
		if marked(o.Setting) && !o.Twin {
			if o.Adopted = No; random.Float64() < adopt {
				o.Adopted = Yes
			}
		}
	}
	return out
}

// true values by ID, over the settings weighted by how often the plan asks them.
func (m *simulator) values() map[string]float64 {
	out := map[string]float64{"slope/harmful": m.harmful, "slope/benign": m.benign, "slope/refusal": m.refusal, "slope/harmful x benign": 0,
		"marker/refused": 100 * m.adoptRefused, "marker/complied": 100 * m.adoptComplied}
	mean := func(in func(Setting) bool, of func(Setting) float64) float64 {
		sum, n := 0.0, 0.0
		for _, o := range m.cells {
			if !o.Twin && in(o.Setting) {
				sum, n = sum+of(o.Setting), n+1
			}
		}
		return 100 * sum / n
	}
	with := func(s Setting, change func(*Setting)) float64 { change(&s); return m.rate(s) }
	rates := map[prompt.Order]float64{}
	least, most, average := math.Inf(1), math.Inf(-1), 0.0
	for o := range m.orders {
		rates[o] = mean(ordered, func(s Setting) float64 { return with(s, func(s *Setting) { s.Mix.Order = o }) })
		least, most, average = min(least, rates[o]), max(most, rates[o]), average+rates[o]/float64(len(m.orders))
	}
	out["order/spread"], out["order/last-first"] = most-least, rates[prompt.HarmfulLast]-rates[prompt.HarmfulFirst]
	for o, r := range rates {
		out["order/"+o.String()] = r - average
	}
	harmful := func(s Setting) bool { return s.Mix.Harmful > 0 }
	out["marker/effect"] = mean(harmful, func(s Setting) float64 {
		return with(s, func(s *Setting) { s.Marked = true }) - with(s, func(s *Setting) { s.Marked = false })
	})
	out["presentation/transcript"] = mean(presented, func(s Setting) float64 {
		return with(s, func(s *Setting) { s.Presentation = "transcript" }) - with(s, func(s *Setting) { s.Presentation = "as turns" })
	})
	out["padding/300"] = mean(anywhere, func(s Setting) float64 {
		return with(s, func(s *Setting) { s.Padding = 300 }) - with(s, func(s *Setting) { s.Padding = 0 })
	})
	widest := 0
	for _, o := range m.cells {
		widest = max(widest, o.Setting.Mix.Benign)
	}
	out["hypothesis/harmful"] = mean(anywhere, func(s Setting) float64 {
		bare := m.eta(s) - m.benign*math.Log1p(float64(s.Mix.Benign))
		return logistic(bare+m.benign*math.Log1p(float64(widest))) - logistic(bare)
	})
	if m.total != 0 {
		out["hypothesis/total"] = 0
		delete(out, "hypothesis/harmful")
		for _, id := range []string{"slope/harmful", "slope/benign", "slope/harmful x benign"} {
			delete(out, id) // the paper's model does not hold
		}
	}
	refused := 0.0
	for k := range 1000 {
		refused += 100 * logistic(m.twinRefusals+m.draws*normalQuantile((float64(k)+0.5)/1000)) / 2000
		refused += 100 * logistic(m.twinRefusals-m.draws*normalQuantile((float64(k)+0.5)/1000)) / 2000
	}
	out["twins/refusals"], out["twins/refusals/0"], out["twins/refusals/4"] = refused, refused, refused
	for _, s := range m.cells {
		mix := s.Setting.Mix
		for id, in := range map[string]func(Setting) bool{
			fmt.Sprintf("dose/harmful/%d", mix.Harmful):       func(s Setting) bool { return s.Mix.Harmful == mix.Harmful },
			fmt.Sprintf("dose/benign/%d", mix.Benign):         func(s Setting) bool { return s.Mix.Benign == mix.Benign },
			fmt.Sprintf("dose/refusal/%d", mix.Refusal):       func(s Setting) bool { return s.Mix.Refusal == mix.Refusal },
			fmt.Sprintf("map/%d/%d", mix.Harmful, mix.Benign): func(s Setting) bool { return s.Mix.Harmful == mix.Harmful && s.Mix.Benign == mix.Benign },
		} {
			if _, ok := out[id]; !ok {
				out[id] = mean(in, m.rate)
			}
		}
	}
	return out
}
