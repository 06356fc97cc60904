package evidence

import "math"

// tangoZ is the score statistic of n pairs, b of them 1 in the control arm only
// and c in the treated arm only, at the hypothetical difference d. It falls as d
// rises.
func tangoZ(n, b, c, d float64) float64 {
	// q is the restricted maximum-likelihood estimate of P(control only).
	bb := -b - c + (2*n-c+b)*d
	cc := -b * d * (1 - d)
	q := (math.Sqrt(math.Max(0, bb*bb-8*n*cc)) - bb) / (4 * n)
	variance := n * (2*q + d*(1-d))
	distance := c - b - n*d
	if variance <= 0 {
		// Only at the ends and where everything agrees: no distance is no
		// evidence, any distance is overwhelming.
		return math.Copysign(math.Min(math.Abs(distance)*1e9, 1e9), distance)
	}
	return distance / math.Sqrt(variance)
}

func tangoUpper(n, b, c, z float64) float64 {
	return bisect((c-b)/n, 1, func(d float64) bool { return tangoZ(n, b, c, d) <= -z })
}

func tangoLower(n, b, c, z float64) float64 {
	// The mirror image: control and treated change places.
	return -tangoUpper(n, c, b, z)
}
