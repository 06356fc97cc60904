package evidence

import "math"

// normalQuantile returns the z with P(Z <= z) = p of a standard normal Z.
// It keeps its precision in both tails.
func normalQuantile(p float64) float64 {
	return -math.Sqrt2 * math.Erfcinv(2*p)
}

// normalCDF returns P(Z <= z) of a standard normal Z. It goes through erfc,
// which does not round small tails to zero as 1-erf would.
func normalCDF(z float64) float64 {
	return 0.5 * math.Erfc(-z/math.Sqrt2)
}

// regIncBeta returns the regularised incomplete beta function I_x(a, b), which
// is P(B <= x) for a Beta(a, b) variable, by its continued fraction (Abramowitz
// and Stegun 26.5.8) evaluated by Lentz's method.
func regIncBeta(a, b, x float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	}
	front := x * (1 - x) * betaDensity(a, b, x)
	// The fraction converges fast only below the mean; above it the symmetry
	// I_x(a,b) = 1 - I_{1-x}(b,a) is used.
	if x > (a+1)/(a+b+2) {
		return 1 - front*betaFraction(b, a, 1-x)/b
	}
	return front * betaFraction(a, b, x) / a
}

// betaDensity returns the density of a Beta(a, b) variable at x in (0, 1).
func betaDensity(a, b, x float64) float64 {
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	return math.Exp(lab - la - lb + (a-1)*math.Log(x) + (b-1)*math.Log1p(-x))
}

func betaFraction(a, b, x float64) float64 {
	const tiny = 1e-300
	guard := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/guard(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m <= 10000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / guard(1+even*d)
		c = guard(1 + even/c)
		f *= c * d
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / guard(1+odd*d)
		c = guard(1 + odd/c)
		step := c * d
		f *= step
		if math.Abs(step-1) < 1e-16 {
			break
		}
	}
	return f
}

// betaQuantile returns the x with I_x(a, b) = p, for p in (0, 1).
func betaQuantile(p, a, b float64) float64 {
	x := crossing(0, 1, func(x float64) float64 { return regIncBeta(a, b, x) - p })
	// A step of Newton's takes the error from 1e-10 to rounding, unless the
	// quantile is itself that close to an end.
	step := (regIncBeta(a, b, x) - p) / betaDensity(a, b, x)
	if x > 1e-7 && x < 1-1e-7 && math.Abs(step) < 1e-9 {
		return x - step
	}
	return bisect(0, 1, func(x float64) bool { return regIncBeta(a, b, x) >= p })
}

// studentQuantile returns the t with P(T <= t) = p, for p >= 1/2.
func studentQuantile(p, df float64) float64 {
	x := betaQuantile(2*(1-p), df/2, 0.5)
	return math.Sqrt(df * (1 - x) / x)
}

// bisect returns the smallest x in [lo, hi], up to rounding, at which a
// property that is false below some point and true above it becomes true; hi
// if it never does.
func bisect(lo, hi float64, reached func(float64) bool) float64 {
	for range 1100 { // a double has no more steps than that
		mid := lo + (hi-lo)/2
		if mid <= lo || mid >= hi {
			break
		}
		if reached(mid) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return hi
}
