package regression

import "math"

// A matrix is symmetric and kept whole, row by row.
type matrix struct {
	n int
	a []float64
}

func newMatrix(n int) matrix { return matrix{n, make([]float64, n*n)} }

func (m matrix) at(i, j int) float64 { return m.a[i*m.n+j] }

// row returns the i-th row, which may be written to.
func (m matrix) row(i int) []float64 { return m.a[i*m.n : (i+1)*m.n] }

// add adds weight times the outer product of x with itself to the lower triangle.
func (m matrix) add(weight float64, x []float64) {
	for i, xi := range x {
		if xi == 0 {
			continue
		}
		row, f := m.row(i), weight*xi
		for j := 0; j <= i; j++ {
			row[j] += f * x[j]
		}
	}
}

// minus returns m - b, of which only the lower triangle is set.
func (m matrix) minus(b matrix) matrix {
	out := newMatrix(m.n)
	for i := range m.a {
		out.a[i] = m.a[i] - b.a[i]
	}
	return out
}

// singular is how small a pivot may be beside the diagonal that it comes from before
// its column counts as a combination of those before it.
const singular = 1e-9

// cholesky turns the lower triangle into the factor L with L L' = m. ok is false if m
// is not clearly positive definite.
func (m matrix) cholesky() (ok bool) {
	for j := range m.n {
		rj := m.row(j)
		d := rj[j]
		for k := range j {
			d -= rj[k] * rj[k]
		}
		if !(d > singular*rj[j]) || math.IsInf(d, 0) {
			return false
		}
		d = math.Sqrt(d)
		rj[j] = d
		for i := j + 1; i < m.n; i++ {
			ri := m.row(i)
			s := ri[j]
			for k := range j {
				s -= ri[k] * rj[k]
			}
			ri[j] = s / d
		}
	}
	return true
}

// solve returns the x with L L' x = b; m holds L.
func (m matrix) solve(b []float64) []float64 {
	x := m.forward(b)
	for i := m.n - 1; i >= 0; i-- {
		for k := i + 1; k < m.n; k++ {
			x[i] -= m.at(k, i) * x[k]
		}
		x[i] /= m.at(i, i)
	}
	return x
}

// forward returns the x with L x = b, whose square is b' (L L')^-1 b.
func (m matrix) forward(b []float64) []float64 {
	x := make([]float64, m.n)
	for i := range x {
		row, s := m.row(i), b[i]
		for k := range i {
			s -= row[k] * x[k]
		}
		x[i] = s / row[i]
	}
	return x
}

func dot(a, b []float64) float64 {
	s := 0.0
	for i, x := range a {
		s += x * b[i]
	}
	return s
}
