package regression

import (
	_ "embed"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"
)

//go:embed testdata/oracles.json
var oracles []byte

type oracle struct {
	Name           string      `json:"name"`
	Sensitivity    float64     `json:"sensitivity"`
	FalsePositives float64     `json:"false_positives"`
	Patterns       [][]float64 `json:"patterns"`
	Rows           [][4]int    `json:"rows"`
	Want           struct {
		Plain, Firth, Misread []float64
		Jackknife             [][]float64
	} `json:"want"`
}

func (o oracle) problem() *Problem {
	p := &Problem{Names: []string{"constant", "harmful", "benign", "marked"}, Patterns: o.Patterns}
	for _, r := range o.Rows {
		p.Rows = append(p.Rows, Row{Pattern: r[0], Clusters: [2]int{r[1], r[2]}, Trials: 1, Hits: float64(r[3])})
	}
	return p
}

// Coefficients and the jackknife's covariances are those of statsmodels and scipy; see
// testdata/oracles.py.
func TestOracles(t *testing.T) {
	var file struct{ Cases []oracle }
	if err := json.Unmarshal(oracles, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		t.Run(c.Name, func(t *testing.T) {
			plain := c.problem()
			plain.Plain = true
			f := fitted(t, plain)
			near(t, "plain", f.Beta, c.Want.Plain, 1e-7)
			near(t, "jackknife of targets", jackknife(t, f), slices.Concat(c.Want.Jackknife...), 1e-7)
			near(t, "Firth", fitted(t, c.problem()).Beta, c.Want.Firth, 1e-6)
			if c.Sensitivity < 1 {
				plain.Readings = slices.Repeat([]Reading{{c.Sensitivity, c.FalsePositives}}, len(c.Patterns))
				near(t, "misread", fitted(t, plain).Beta, c.Want.Misread, 1e-6)
			}
		})
	}
}

func fitted(t *testing.T, p *Problem) *Fit {
	t.Helper()
	f, err := p.Fit()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(want) == 0 || len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Errorf("%s: value %d is %.9f, want %.9f", what, i, got[i], want[i])
		}
	}
}

// jackknife is the covariance that the replicates without each target make, row by row.
func jackknife(t *testing.T, f *Fit) []float64 {
	t.Helper()
	replicates, err := f.Without(0)
	if err != nil {
		t.Fatal(err)
	}
	n, g := len(f.Beta), float64(len(replicates))
	out := make([]float64, n*n)
	for _, b := range replicates {
		for k := range out {
			out[k] += (g - 1) / g * (b[k/n] - f.Beta[k/n]) * (b[k%n] - f.Beta[k%n])
		}
	}
	return out
}

// One step without a cluster is near to the fit without it, and rows may be counted
// together.
func TestReplicates(t *testing.T) {
	var file struct{ Cases []oracle }
	if err := json.Unmarshal(oracles, &file); err != nil {
		t.Fatal(err)
	}
	p := file.Cases[1].problem()
	f := fitted(t, p)
	replicates, err := f.Without(0)
	if err != nil {
		t.Fatal(err)
	}
	rest := *p
	rest.Rows = slices.DeleteFunc(slices.Clone(p.Rows), func(r Row) bool { return r.Clusters[0] == 3 })
	near(t, "without a cluster", fitted(t, &rest).Beta, replicates[3], 0.02)

	together := *p
	sum := map[Row]Row{}
	for _, r := range p.Rows {
		key := Row{Pattern: r.Pattern, Clusters: r.Clusters}
		s := sum[key]
		s.Trials, s.Hits = s.Trials+1, s.Hits+r.Hits
		sum[key] = s
	}
	together.Rows = nil
	for key, s := range sum {
		key.Trials, key.Hits = s.Trials, s.Hits
		together.Rows = append(together.Rows, key)
	}
	again := fitted(t, &together)
	near(t, "counted together", again.Beta, f.Beta, 1e-9)
	near(t, "cells", []float64{again.Both([]float64{0, 0, 1, 0})}, []float64{f.Both([]float64{0, 0, 1, 0})}, 1e-12)
}

// Influence is what a fit with one more hit in the place of another outcome moves by.
func TestInfluence(t *testing.T) {
	var file struct{ Cases []oracle }
	if err := json.Unmarshal(oracles, &file); err != nil {
		t.Fatal(err)
	}
	p := file.Cases[0].problem()
	f := fitted(t, p)
	at := slices.IndexFunc(p.Rows, func(r Row) bool { return r.Hits == 0 && r.Pattern == 5 })
	want := f.Influence([]float64{0, 1, 0, 0})[5]
	p.Rows[at].Hits = 1
	near(t, "influence", []float64{fitted(t, p).Beta[1] - f.Beta[1]}, []float64{want}, 0.2*math.Abs(want))
}

// table makes rows of two patterns with these hits of so many trials, spread over
// clusters.
func table(patterns [][]float64, hits []float64, trials float64) *Problem {
	p := &Problem{Patterns: patterns}
	for j := range patterns[0] {
		p.Names = append(p.Names, string(rune('a'+j)))
	}
	for i, h := range hits {
		for c := range 4 {
			p.Rows = append(p.Rows, Row{Pattern: i, Clusters: [2]int{c, c % 2}, Trials: trials / 4, Hits: h / 4})
		}
	}
	return p
}

func TestWhatCannotBeFitted(t *testing.T) {
	two := [][]float64{{1, 0}, {1, 1}}
	for _, c := range []struct {
		name string
		p    *Problem
		want error
	}{
		{"nothing", table(two, []float64{0, 0}, 0), ErrOneValue},
		{"never", table(two, []float64{0, 0}, 20), ErrOneValue},
		{"always", table(two, []float64{20, 20}, 20), ErrOneValue},
		{"a column twice", table([][]float64{{1, 0, 0}, {1, 1, 2}}, []float64{4, 12}, 20), ErrAliased},
		{"a column of nothing", table([][]float64{{1, 0, 0}, {1, 1, 0}}, []float64{4, 12}, 20), ErrAliased},
	} {
		if _, err := c.p.Fit(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for _, bad := range []*Problem{
		{Names: []string{"a"}, Patterns: [][]float64{{1, 2}}},
		{Names: []string{"a"}, Patterns: [][]float64{{1}}, Rows: []Row{{Pattern: 1, Trials: 1}}},
		{Names: []string{"a"}, Patterns: [][]float64{{1}}, Rows: []Row{{Trials: 1, Hits: 2}}},
		{Names: []string{"a"}, Patterns: [][]float64{{1}}, Rows: []Row{{Trials: math.NaN()}}},
		{Names: []string{"a"}, Patterns: [][]float64{{1}}, Rows: []Row{{Trials: 2, Hits: 1}}, Readings: []Reading{{0.4, 0.6}}},
		{Names: []string{"a"}, Patterns: [][]float64{{1}}, Rows: []Row{{Trials: 2, Hits: 1}}, Readings: []Reading{{0.9, 0.1}, {0.9, 0.1}}},
	} {
		if _, err := bad.Fit(); err == nil {
			t.Errorf("%+v is fitted", bad)
		}
	}
	// b and c are one and the same; the constant and d are not in it.
	p := table([][]float64{{1, 0, 0, 0}, {1, 1, -1, 0}, {1, 0, 0, 1}, {1, 1, -1, 1}}, []float64{4, 12, 5, 6}, 20)
	if got := p.Aliased(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("aliased are %q", got)
	}
	if redundant, _ := p.Redundant(); !slices.Equal(redundant, []bool{false, false, true, false}) {
		t.Errorf("redundant are %v", redundant)
	}
	f := fitted(t, table(two, []float64{4, 12}, 20))
	for i := range f.problem.Rows {
		f.problem.Rows[i].Clusters = [2]int{}
	}
	if _, err := f.Without(0); !errors.Is(err, ErrFewClusters) {
		t.Errorf("one cluster: %v", err)
	}
}

// Firth's estimate of a separated coefficient is a number, which says nothing but that
// the other side is unlikely; the fit names it, and only it.
func TestSeparated(t *testing.T) {
	four := [][]float64{{1, 0, 0}, {1, 1, 0}, {1, 0, 1}, {1, 1, 1}}
	for _, c := range []struct {
		name     string
		hits     []float64
		readings []Reading
		want     []bool
	}{
		{"neither", []float64{4, 8, 12, 16}, nil, []bool{false, false, false}},
		{"c decides", []float64{4, 8, 20, 20}, nil, []bool{false, false, true}},
		{"c decides, the other way", []float64{8, 4, 0, 0}, nil, []bool{false, false, true}},
		{"none without b and c", []float64{0, 8, 20, 20}, nil, []bool{true, true, true}},
		{"rare but there", []float64{1, 1, 1, 2}, nil, []bool{false, false, false}},
		{"fewer than are misread", []float64{4, 8, 1, 1}, slices.Repeat([]Reading{{0.9, 0.15}}, 4), []bool{false, false, true}},
	} {
		p := table(four, c.hits, 20)
		p.Readings = c.readings
		f := fitted(t, p)
		if got := f.Separated(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v (%.3f)", c.name, got, c.want, f.Beta)
		}
	}
}

func BenchmarkFit(b *testing.B) {
	var file struct{ Cases []oracle }
	if err := json.Unmarshal(oracles, &file); err != nil {
		b.Fatal(err)
	}
	p := file.Cases[1].problem()
	for b.Loop() {
		f, err := p.Fit()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Without(0); err != nil {
			b.Fatal(err)
		}
	}
}
