package regression

import "fmt"

// part is what one cluster adds to the score and to the information.
type part struct {
	score []float64
	info  matrix
	seen  bool
}

// parts sums the rows up by cluster.
func (f *Fit) parts(which int) []part {
	out := make([]part, f.clusters(which))
	for _, r := range f.problem.Rows {
		if r.Trials == 0 {
			continue
		}
		p, x, at := &out[r.Clusters[which]], f.problem.Patterns[r.Pattern], f.points[r.Pattern]
		if !p.seen {
			p.seen, p.score, p.info = true, make([]float64, len(f.Beta)), newMatrix(len(f.Beta))
		}
		s := r.Hits*at.hit + (r.Trials-r.Hits)*at.other
		for j := range x {
			p.score[j] += s * x[j]
		}
		p.info.add(r.Trials*at.weight, x)
	}
	seen := out[:0]
	for _, p := range out {
		if p.seen {
			seen = append(seen, p)
		}
	}
	return seen
}

func (f *Fit) clusters(which int) int {
	n := 0
	for _, r := range f.problem.Rows {
		n = max(n, r.Clusters[which]+1)
	}
	return n
}

// Without returns the coefficients as they would be without each cluster of a
// clustering (0 or 1), by one step from the whole. The error says if there are fewer than
// two clusters, or if the rest without one of them cannot be fitted. The result is kept
// and shared; do not change it.
func (f *Fit) Without(which int) ([][]float64, error) {
	if f.without[which] == nil {
		out, err := f.leaveOut(which)
		if err != nil {
			return nil, err
		}
		f.without[which] = out
	}
	return f.without[which], nil
}

func (f *Fit) leaveOut(which int) ([][]float64, error) {
	all := f.parts(which)
	if len(all) < 2 {
		return nil, fmt.Errorf("%w: %d", ErrFewClusters, len(all))
	}
	out := make([][]float64, len(all))
	for i, p := range all {
		rest := f.info.minus(p.info)
		if !rest.cholesky() {
			return nil, fmt.Errorf("%w without one of the %d clusters, which alone shows some of them", ErrAliased, len(all))
		}
		out[i] = rest.solve(p.score)
		for j := range out[i] {
			out[i][j] = f.Beta[j] - out[i][j]
		}
	}
	return out, nil
}

// Both returns the variance of the linear function with these weights of the
// coefficients that comes from the cells of the two clusterings together, which the
// variances of either contain.
func (f *Fit) Both(weights []float64) float64 {
	influence := f.factor.solve(weights)
	wide := f.clusters(1)
	sums := make([]float64, f.clusters(0)*wide)
	for _, r := range f.problem.Rows {
		at := f.points[r.Pattern]
		sums[r.Clusters[0]*wide+r.Clusters[1]] += (r.Hits*at.hit + (r.Trials-r.Hits)*at.other) * dot(f.problem.Patterns[r.Pattern], influence)
	}
	v := 0.0
	for _, s := range sums {
		v += s * s
	}
	return v
}

// Influence returns by how much one more hit in the place of another outcome moves the
// linear function with these weights, for each pattern, to first order.
func (f *Fit) Influence(weights []float64) []float64 {
	influence := f.factor.solve(weights)
	out := make([]float64, len(f.points))
	for i, at := range f.points {
		out[i] = (at.hit - at.other) * dot(f.problem.Patterns[i], influence)
	}
	return out
}
