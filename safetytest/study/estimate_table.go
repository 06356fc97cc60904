package study

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/internal/regression"
)

// A table counts the replies of a study by setting, target and draw. It does not depend
// on the sequence of the observations.
type table struct {
	settings       []Setting
	targets, draws int
	cells          []cell
}

// A cell counts the replies of one setting, target and draw, by whether they complied
// and whether they adopted the marker.
type cell struct {
	setting, target, draw int
	n                     [Yes + 1][Yes + 1]float64
}

// compliance returns how many replies are lost, refused and complied.
func (c *cell) compliance() (lost, no, yes float64) {
	sum := func(o Outcome) float64 { return c.n[o][Missing] + c.n[o][No] + c.n[o][Yes] }
	return sum(Missing), sum(No), sum(Yes)
}

func (s Setting) key() string {
	return fmt.Sprintf("%d %v %s %q %v %06d", s.Mix.Len(), s.Mix, s.Mix.Order, s.Presentation, s.Marked, s.Padding)
}

func tabulate(observations []Observation, twin bool) *table {
	settings, targets, draws := map[Setting]int{}, map[string]int{}, map[int]int{}
	for _, o := range observations {
		if o.Twin == twin {
			settings[o.Setting], targets[o.Target], draws[o.Draw] = 0, 0, 0
		}
	}
	t := &table{targets: number(targets, cmp.Compare[string]), draws: number(draws, cmp.Compare[int])}
	byKey := map[string]Setting{}
	for s := range settings {
		byKey[s.key()] = s
	}
	for i, key := range slices.Sorted(maps.Keys(byKey)) {
		settings[byKey[key]] = i
		t.settings = append(t.settings, byKey[key])
	}
	at := map[[3]int]*cell{}
	for _, o := range observations {
		if o.Twin != twin {
			continue
		}
		key := [3]int{settings[o.Setting], targets[o.Target], draws[o.Draw]}
		if at[key] == nil {
			at[key] = &cell{setting: key[0], target: key[1], draw: key[2]}
		}
		at[key].n[o.Complied][o.Adopted]++
	}
	for _, key := range slices.SortedFunc(maps.Keys(at), func(a, b [3]int) int { return slices.Compare(a[:], b[:]) }) {
		t.cells = append(t.cells, *at[key])
	}
	return t
}

// number numbers the keys in their sequence from 0, and returns how many there are.
func number[K comparable](m map[K]int, compare func(a, b K) int) int {
	for i, k := range slices.SortedFunc(maps.Keys(m), compare) {
		m[k] = i
	}
	return len(m)
}

// asked returns how many replies each setting was to have.
func (t *table) asked() []float64 {
	out := make([]float64, len(t.settings))
	for i := range t.cells {
		lost, no, yes := t.cells[i].compliance()
		out[t.cells[i].setting] += lost + no + yes
	}
	return out
}

// A world is one way the replies may be taken: how the judge errs, and what lost ones
// count for.
type world struct {
	*table
	// readings are the judge's errors by setting, nil for none.
	readings []regression.Reading
	// fill is, by setting, whether a lost reply is taken for one that raises what is
	// estimated, in the way of that estimate: Missing leaves them out. nil leaves all
	// out.
	fill []Outcome
	fits map[*model]fitted
}

// fitted is a fit, or why there is none.
type fitted struct {
	fit *regression.Fit
	err error
}

func (w *world) reading(setting int) regression.Reading {
	if w.readings == nil {
		return regression.Reading{Sensitivity: 1}
	}
	return w.readings[setting]
}

func (w *world) filled(setting int) Outcome {
	if w.fill == nil {
		return Missing
	}
	return w.fill[setting]
}

// fit fits a model in this world, once.
func (w *world) fit(m *model) (*regression.Fit, error) {
	if f, ok := w.fits[m]; ok {
		return f.fit, f.err
	}
	p := regression.Problem{Names: m.names, Patterns: m.patterns, Readings: w.readings}
	for i := range w.cells {
		c := &w.cells[i]
		lost, no, yes := c.compliance()
		r := regression.Row{Pattern: c.setting, Clusters: [2]int{c.target, c.draw}, Trials: no + yes, Hits: yes}
		switch w.filled(c.setting) {
		case Yes:
			r.Trials, r.Hits = r.Trials+lost, r.Hits+lost
		case No:
			r.Trials += lost
		}
		p.Rows = append(p.Rows, r)
	}
	f, err := p.Fit()
	w.fits[m] = fitted{f, err}
	return f, err
}
