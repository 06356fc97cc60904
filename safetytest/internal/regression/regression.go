package regression

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Problem is what is to be fitted.
type Problem struct {
	// Names are those of the columns, for messages.
	Names []string
	// Patterns are the different rows of the design, each as long as Names. A
	// constant is a column like others.
	Patterns [][]float64
	// Readings say how the outcome is read in each pattern; nil means without error.
	Readings []Reading
	// Rows are the counts.
	Rows []Row
	// Plain asks for maximum likelihood, without the adjustment.
	Plain bool
}

// Reading is how an outcome is read: the share of hits that is seen as hits, and of the
// others that is. The zero value is a reading without error.
type Reading struct{ Sensitivity, FalsePositives float64 }

func (r Reading) orExact() Reading {
	if r == (Reading{}) {
		return Reading{Sensitivity: 1}
	}
	return r
}

// Row counts the trials of one pattern in one cluster of each of the two clusterings,
// and how many of them are seen as hits. Clusters are counted from 0.
type Row struct {
	Pattern      int
	Clusters     [2]int
	Trials, Hits float64
}

// What a problem may lack. Errors of [Problem.Fit] wrap one of them.
var (
	// ErrOneValue says that all outcomes are the same.
	ErrOneValue = errors.New("all outcomes are the same, so that nothing can be learned about what moves them")
	// ErrAliased says that some columns cannot be told from others.
	ErrAliased = errors.New("the design does not tell these apart")
	// ErrDiverged says that no estimate was reached.
	ErrDiverged = errors.New("the fit does not settle on an estimate")
	// ErrFewClusters says that there are too few clusters to know how much they vary.
	ErrFewClusters = errors.New("too few clusters")
)

// Fit is a fitted regression.
type Fit struct {
	// Beta are the coefficients, in log-odds.
	Beta []float64

	problem *Problem
	totals  []total
	points  []point
	info    matrix // lower triangle
	factor  matrix // of info
	without [2][][]float64
}

// total is what was counted in a pattern, over all clusters.
type total struct{ trials, hits float64 }

// point is one pattern at the current coefficients, for one trial: the score that a hit
// and another outcome add, as a multiple of the pattern, and the information.
type point struct{ hit, other, weight float64 }

// Fit fits the problem.
func (p *Problem) Fit() (*Fit, error) {
	f, err := p.begin()
	if err != nil {
		return nil, err
	}
	const most = 200
	// Steps that turn back without getting shorter are halved from then on: where
	// outcomes are misread, the information says little of how the score bends.
	share, before, far := 1.0, []float64(nil), 0.0
	for range most {
		step, err := f.step(!p.Plain)
		if err != nil {
			return nil, err
		}
		now := f.move(step, share)
		if now < 1e-10 {
			return f, nil
		}
		if before != nil && dot(before, step) < 0 && now > far/2 {
			share = max(share/2, 1.0/64)
		}
		before, far = step, now
	}
	return nil, fmt.Errorf("%w after %d steps", ErrDiverged, most)
}

// begin checks the problem and starts at no effects.
func (p *Problem) begin() (*Fit, error) {
	f := &Fit{problem: p, Beta: make([]float64, len(p.Names)), totals: make([]total, len(p.Patterns)), points: make([]point, len(p.Patterns))}
	for i, x := range p.Patterns {
		if len(x) != len(p.Names) {
			return nil, fmt.Errorf("pattern %d has %d columns, there are %d names", i, len(x), len(p.Names))
		}
	}
	if p.Readings != nil && len(p.Readings) != len(p.Patterns) {
		return nil, fmt.Errorf("there are %d readings for %d patterns", len(p.Readings), len(p.Patterns))
	}
	for i, r := range p.Readings {
		if r = r.orExact(); !(r.Sensitivity > r.FalsePositives && r.Sensitivity <= 1 && r.FalsePositives >= 0) {
			return nil, fmt.Errorf("reading %d sees %v of the hits and %v of the others: the first must be the greater, and both lie between 0 and 1", i, r.Sensitivity, r.FalsePositives)
		}
	}
	var trials, hits float64
	for i, r := range p.Rows {
		if r.Pattern < 0 || r.Pattern >= len(p.Patterns) || !(r.Trials >= 0 && r.Hits >= 0 && r.Hits <= r.Trials) || r.Clusters[0] < 0 || r.Clusters[1] < 0 {
			return nil, fmt.Errorf("row %d is %+v: the pattern must be there, clusters be counted from 0 and hits lie between 0 and the trials", i, r)
		}
		t := &f.totals[r.Pattern]
		t.trials, t.hits = t.trials+r.Trials, t.hits+r.Hits
		trials, hits = trials+r.Trials, hits+r.Hits
	}
	if trials == 0 || hits == 0 || hits == trials {
		return nil, fmt.Errorf("%w: %.0f of %.0f are hits", ErrOneValue, hits, trials)
	}
	if together := p.Aliased(); len(together) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrAliased, strings.Join(together, ", "))
	}
	return f, nil
}

// Aliased names the columns that cannot be told from each other by the rows with
// trials: those that are a combination of earlier ones, and the ones they combine.
func (p *Problem) Aliased() []string {
	var names []string
	_, involved := p.dependent()
	for j, in := range involved {
		if in {
			names = append(names, p.Names[j])
		}
	}
	return names
}

// Redundant marks the columns that are a combination of earlier ones, without which
// the rest can be fitted, and Involved all that [Problem.Aliased] names.
func (p *Problem) Redundant() (redundant, involved []bool) { return p.dependent() }

// dependent orthogonalises the columns one after the other (modified Gram and Schmidt),
// keeping of each what it is as a combination of the original ones.
func (p *Problem) dependent() (redundant, involved []bool) {
	n := len(p.Names)
	redundant, involved = make([]bool, n), make([]bool, n)
	shown := make([]bool, len(p.Patterns))
	for _, r := range p.Rows {
		shown[r.Pattern] = shown[r.Pattern] || r.Trials > 0
	}
	type direction struct{ v, made []float64 }
	var basis []direction
	for j := range n {
		d := direction{make([]float64, 0, len(p.Patterns)), make([]float64, n)}
		for i, x := range p.Patterns {
			if shown[i] {
				d.v = append(d.v, x[j])
			}
		}
		d.made[j] = 1
		whole := math.Sqrt(dot(d.v, d.v))
		for range 2 { // the second pass takes away what rounding left
			for _, b := range basis {
				c := dot(b.v, d.v)
				for i := range d.v {
					d.v[i] -= c * b.v[i]
				}
				for k := range d.made {
					d.made[k] -= c * b.made[k]
				}
			}
		}
		left := math.Sqrt(dot(d.v, d.v))
		if left > 1e-7*whole {
			for i := range d.v {
				d.v[i] /= left
			}
			for k := range d.made {
				d.made[k] /= left
			}
			basis = append(basis, d)
			continue
		}
		redundant[j] = true
		for k, c := range d.made {
			involved[k] = involved[k] || math.Abs(c) > 1e-6
		}
	}
	return redundant, involved
}

// reading is that of a pattern.
func (f *Fit) reading(pattern int) Reading {
	if f.problem.Readings == nil {
		return Reading{Sensitivity: 1}
	}
	return f.problem.Readings[pattern].orExact()
}

// look evaluates every pattern at the coefficients, and the information.
func (f *Fit) look(adjusted bool) error {
	f.info = newMatrix(len(f.Beta))
	slopes := make([]float64, len(f.points))
	for i, x := range f.problem.Patterns {
		if f.totals[i].trials == 0 {
			continue
		}
		r := f.reading(i)
		p := 1 / (1 + math.Exp(-dot(x, f.Beta)))
		seen := r.FalsePositives + (r.Sensitivity-r.FalsePositives)*p
		d := (r.Sensitivity - r.FalsePositives) * p * (1 - p)
		v := seen * (1 - seen)
		if !(v > 0) || !(d > 0) {
			return ErrDiverged
		}
		f.points[i] = point{hit: d / seen, other: -d / (1 - seen), weight: d * d / v}
		slopes[i] = 1 - 2*p // of d, beside d itself
		f.info.add(f.totals[i].trials*f.points[i].weight, x)
	}
	f.factor = matrix{f.info.n, slices.Clone(f.info.a)}
	if !f.factor.cholesky() {
		return ErrDiverged
	}
	if !adjusted {
		return nil
	}
	for i, x := range f.problem.Patterns {
		if f.totals[i].trials == 0 {
			continue
		}
		z := f.factor.forward(x)
		add := f.points[i].weight * dot(z, z) * slopes[i] / 2
		f.points[i].hit += add
		f.points[i].other += add
	}
	return nil
}

// step returns the next step of Fisher's scoring.
func (f *Fit) step(adjusted bool) ([]float64, error) {
	if err := f.look(adjusted); err != nil {
		return nil, err
	}
	score := make([]float64, len(f.Beta))
	for i, t := range f.totals {
		s := t.hits*f.points[i].hit + (t.trials-t.hits)*f.points[i].other
		for j, x := range f.problem.Patterns[i] {
			score[j] += s * x
		}
	}
	return f.factor.solve(score), nil
}

// move takes a share of the step, but moves no pattern by more than 2 log-odds, and
// returns the most that one was to be moved by.
func (f *Fit) move(step []float64, share float64) float64 {
	far := 0.0
	for i, x := range f.problem.Patterns {
		if f.totals[i].trials > 0 {
			far = max(far, math.Abs(dot(x, step)))
		}
	}
	scale := share * min(1, 2/far)
	for j, s := range step {
		f.Beta[j] += scale * s
	}
	return far
}

// Separated marks the coefficients that have no finite estimate of maximum likelihood:
// some combination of columns foretells outcomes without a miss, so that the data
// bound the coefficient on one side only.
func (f *Fit) Separated() []bool {
	g := &Fit{problem: f.problem, Beta: slices.Clone(f.Beta), totals: f.totals, points: make([]point, len(f.points))}
	out := make([]bool, len(f.Beta))
	// Towards infinity every step is as long as the last one, towards an estimate it
	// shrinks with its square.
	const steps, still = 14, 0.02
	for k := range steps {
		before := slices.Clone(g.Beta)
		step, err := g.step(false)
		if err != nil {
			return out
		}
		if g.move(step, 1) < 1e-6 {
			return make([]bool, len(f.Beta))
		}
		if k < steps/2 {
			continue
		}
		for j := range out {
			out[j] = math.Abs(g.Beta[j]-before[j])*f.width(j) > still
		}
	}
	return out
}

// width is the range of a column, 1 for a constant.
func (f *Fit) width(column int) float64 {
	lo, hi := math.Inf(1), math.Inf(-1)
	for i, x := range f.problem.Patterns {
		if f.totals[i].trials > 0 {
			lo, hi = min(lo, x[column]), max(hi, x[column])
		}
	}
	if hi == lo {
		return 1
	}
	return hi - lo
}
