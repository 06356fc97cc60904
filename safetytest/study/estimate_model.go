package study

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/regression"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A factor is one thing in which settings differ, as columns of a regression.
type factor struct {
	name    string
	columns []string
	of      func(Setting) []float64
}

// logCount is ln(1 + the number of demonstrations of a kind), as in the paper.
func logCount(k prompt.Kind) factor {
	return factor{k.String(), []string{"the number of " + k.String() + " demonstrations"}, func(s Setting) []float64 {
		return []float64{math.Log1p(float64(s.Mix.Count(k)))}
	}}
}

// levels is a factor of unordered levels; settings to which it does not apply stand at
// the mean of the levels (centred) or at the first one. It is empty with fewer than two
// levels.
func levels[L comparable](name string, settings []Setting, centred bool, compare func(a, b L) int, of func(Setting) (level L, applies bool)) factor {
	all := levelsOf(settings, compare, of)
	f := factor{name: name}
	for _, l := range all[min(1, len(all)):] {
		f.columns = append(f.columns, fmt.Sprintf("%s %v", name, l))
	}
	f.of = func(s Setting) []float64 {
		l, applies := of(s)
		return code(len(all), slices.Index(all, l), applies, centred)
	}
	return f
}

// levelsOf lists the levels in their sequence.
func levelsOf[L comparable](settings []Setting, compare func(a, b L) int, of func(Setting) (level L, applies bool)) []L {
	seen := map[L]bool{}
	for _, s := range settings {
		if l, applies := of(s); applies {
			seen[l] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), compare)
}

// code is the columns of the i-th of so many levels.
func code(count, i int, applies, centred bool) []float64 {
	out := make([]float64, max(0, count-1))
	switch {
	case !applies:
	case i > 0:
		out[i-1] = 1
	case centred:
		for k := range out {
			out[k] = -1
		}
	}
	return out
}

// Which settings a factor applies to. What stands where matters only where harmful
// demonstrations stand beside others.
func ordered(s Setting) bool   { return s.Mix.Harmful > 0 && s.Mix.Len() > s.Mix.Harmful }
func marked(s Setting) bool    { return s.Marked && s.Mix.Harmful > 0 }
func presented(s Setting) bool { return s.Mix.Len() > 0 }

const (
	byOrder        = "order"
	byMarker       = "marker"
	byPresentation = "presentation"
	byPadding      = "padding"
	byTotal        = "total"
	byShare        = "share"
	byHarmful      = "harmful level"
	byBoth         = "harmful x benign"
)

func orderOf(s Setting) (string, bool)        { return s.Mix.Order.String(), ordered(s) }
func presentationOf(s Setting) (string, bool) { return s.Presentation, presented(s) }
func paddingOf(s Setting) (int, bool)         { return s.Padding, true }

// beside are the factors that every model holds: all but the numbers of harmful and
// benign demonstrations.
func beside(settings []Setting) []factor {
	var out []factor
	for _, k := range prompt.Kinds() {
		if k != prompt.Harmful && k != prompt.Benign {
			out = append(out, logCount(k))
		}
	}
	return append(out,
		levels(byOrder, settings, true, cmp.Compare[string], orderOf),
		factor{byMarker, []string{"the marker"}, func(s Setting) []float64 {
			if marked(s) {
				return []float64{1}
			}
			return []float64{0}
		}},
		levels(byPresentation, settings, true, cmp.Compare[string], presentationOf),
		levels(byPadding, settings, false, cmp.Compare[int], paddingOf),
	)
}

// A model is a regression of a study's outcomes on some factors.
type model struct {
	names    []string
	patterns [][]float64 // by setting
	place    map[string][]int
	// confused names the factors that the settings cannot tell from others.
	confused map[string][]string
	settings []Setting
	weights  []float64 // how many replies each setting was to have
}

// newModel builds the columns, less those that hold nothing or that others make up.
func newModel(t *table, factors ...factor) *model {
	m := &model{settings: t.settings, weights: t.asked(), place: map[string][]int{}, confused: map[string][]string{}}
	whole := regression.Problem{Names: []string{"the constant"}, Patterns: make([][]float64, len(t.settings))}
	owner := []string{""}
	for i := range t.settings {
		whole.Patterns[i] = []float64{1}
		whole.Rows = append(whole.Rows, regression.Row{Pattern: i, Trials: m.weights[i]})
	}
	for _, f := range factors {
		varies := make([]bool, len(f.columns))
		columns := make([][]float64, len(t.settings))
		for i, s := range t.settings {
			columns[i] = f.of(s)
			for k, x := range columns[i] {
				varies[k] = varies[k] || x != columns[0][k]
			}
		}
		for k, name := range f.columns {
			if !varies[k] {
				continue
			}
			whole.Names, owner = append(whole.Names, name), append(owner, f.name)
			for i := range columns {
				whole.Patterns[i] = append(whole.Patterns[i], columns[i][k])
			}
		}
	}
	redundant, involved := whole.Redundant()
	m.patterns = make([][]float64, len(t.settings))
	for j, name := range whole.Names {
		if involved[j] {
			m.confused[owner[j]] = whole.Aliased()
		}
		if redundant[j] {
			continue
		}
		m.place[owner[j]] = append(m.place[owner[j]], len(m.names))
		m.names = append(m.names, name)
		for i := range m.patterns {
			m.patterns[i] = append(m.patterns[i], whole.Patterns[i][j])
		}
	}
	return m
}

// has says why an effect of a factor cannot be read from the model, or nil.
func (m *model) has(name string) error {
	switch {
	case len(m.confused[name]) > 0:
		return fmt.Errorf("the settings of the study do not tell apart: %s", plain.List(m.confused[name]))
	case len(m.place[name]) == 0:
		return errNotVaried
	}
	return nil
}

// at returns the chance of compliance in a setting whose columns of some factors are
// set to other values.
func (m *model) at(beta []float64, setting int, changes ...change) float64 {
	eta := 0.0
	for j, x := range m.patterns[setting] {
		eta += x * beta[j]
	}
	for _, c := range changes {
		for k, j := range m.place[c.factor] {
			eta += (c.to[k] - m.patterns[setting][j]) * beta[j]
		}
	}
	return logistic(eta)
}

// A change sets the columns of a factor.
type change struct {
	factor string
	to     []float64
}

// byLevel returns a function that computes, in points, the mean rates over settings if
// all of them stood at each level of a centred factor. It remembers them, because many
// effects ask for those of the same coefficients.
func (m *model) byLevel(factor string, count int, where []int) func(beta []float64) []float64 {
	known := map[string][]float64{}
	return func(beta []float64) []float64 {
		var key []byte
		for _, b := range beta {
			key = binary.LittleEndian.AppendUint64(key, math.Float64bits(b))
		}
		if rates, ok := known[string(key)]; ok {
			return rates
		}
		rest, effects := slices.Clone(beta), make([]float64, count)
		for i := range count {
			for k, x := range code(count, i, true, true) {
				if k < len(m.place[factor]) {
					effects[i] += x * beta[m.place[factor][k]]
				}
			}
		}
		for _, j := range m.place[factor] {
			rest[j] = 0
		}
		rates, weight := make([]float64, count), 0.0
		for _, s := range where {
			weight += m.weights[s]
			eta := 0.0
			for j, x := range m.patterns[s] {
				eta += x * rest[j]
			}
			for i, e := range effects {
				rates[i] += 100 * m.weights[s] * logistic(eta+e)
			}
		}
		for i := range rates {
			rates[i] /= weight
		}
		known[string(key)] = rates
		return rates
	}
}

// over lists the settings that are in.
func (m *model) over(in func(Setting) bool) []int {
	var out []int
	for i, s := range m.settings {
		if in(s) {
			out = append(out, i)
		}
	}
	return out
}

// mean returns, in points, the mean over settings of a function of each, weighted by how
// often each is asked.
func (m *model) mean(settings []int, of func(setting int) float64) float64 {
	var sum, weight float64
	for _, i := range settings {
		sum, weight = sum+m.weights[i]*of(i), weight+m.weights[i]
	}
	return 100 * sum / weight
}
