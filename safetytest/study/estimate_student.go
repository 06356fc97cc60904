package study

import "math"

// studentQuantile returns the t with P(|T| <= t) = level of Student's t with a whole
// number of degrees of freedom, by the sums of Abramowitz and Stegun 26.7.3 and 26.7.4.
func studentQuantile(level float64, freedom int) float64 {
	within := func(angle float64) float64 {
		cos, sin := math.Cos(angle), math.Sin(angle)
		term, sum := 1.0, 0.0
		if freedom%2 == 0 {
			for k := 2; k <= freedom; k += 2 {
				sum += term
				term *= float64(k-1) / float64(k) * cos * cos
			}
			return sin * sum
		}
		term = cos
		for k := 3; k <= freedom; k += 2 {
			sum += term
			term *= float64(k-1) / float64(k) * cos * cos
		}
		return 2 / math.Pi * (angle + sin*sum)
	}
	lo, hi := 0.0, math.Pi/2
	for range 60 {
		if mid := (lo + hi) / 2; within(mid) < level {
			lo = mid
		} else {
			hi = mid
		}
	}
	return math.Sqrt(float64(freedom)) * math.Tan((lo+hi)/2)
}

// normalQuantile returns the z with P(|Z| <= z) = level of a standard normal Z.
func normalQuantile(level float64) float64 { return math.Sqrt2 * math.Erfinv(level) }

// wilson returns the score interval of a rate that was seen in so many independent
// trials, which need be no whole number (Wilson 1927).
func wilson(p, n, z float64) (low, high float64) {
	scale := 1 + z*z/n
	centre := (p + z*z/(2*n)) / scale
	half := z / scale * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return min(p, centre-half), max(p, centre+half)
}
