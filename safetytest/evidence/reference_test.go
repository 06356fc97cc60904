package evidence

import (
	"math"
	"slices"
)

// Procedures that the package does not offer, written for comparison only: the
// oracles name them, and the bench runs some as rivals.

// predmixBets returns the predictable plug-in bets of Waudby-Smith and Ramdas
// (2024), equation 26.
func predmixBets(x []float64, alpha, truncation float64) []float64 {
	bets := make([]float64, len(x))
	variance, sum, squares := 0.25, 0.0, 0.0
	for i := range x {
		t := float64(i + 1)
		bets[i] = math.Min(truncation, math.Sqrt(2*math.Log(1/alpha)/(t*math.Log(1+t)*variance)))
		sum += x[i]
		mean := (0.5 + sum) / (t + 1)
		squares += (x[i] - mean) * (x[i] - mean)
		variance = (0.25 + squares) / (t + 1)
	}
	return bets
}

// hedgedCapital returns their two-sided capital process against the mean m, of a
// finite population of the given size if that is not 0.
func hedgedCapital(x []float64, m, alpha, theta, truncation float64, population int) []float64 {
	up := predmixBets(x, alpha*theta, math.Inf(1))
	down := predmixBets(x, alpha*(1-theta), math.Inf(1))
	capital := make([]float64, len(x))
	plus, minus, sum := 1.0, 1.0, 0.0
	for i := range x {
		at := m
		if population > 0 {
			at = (float64(population)*m - sum) / float64(population-i)
		}
		plus *= 1 + math.Min(up[i], truncation/at)*(x[i]-at)
		minus *= 1 - math.Min(down[i], truncation/(1-at))*(x[i]-at)
		capital[i] = math.Max(theta*plus, (1-theta)*minus)
		sum += x[i]
	}
	return capital
}

// hedgedSequence returns the confidence sequence of hedgedCapital by bisection
// from the running mean outwards, with running intersection.
func hedgedSequence(x []float64, alpha float64) (lower, upper []float64) {
	lo, hi, sum := 0.0, 1.0, 0.0
	for n := 1; n <= len(x); n++ {
		sum += x[n-1]
		out := func(m float64) bool {
			capital := hedgedCapital(x[:n], m, alpha, 0.5, 0.5, 0)
			return capital[n-1] > 1/alpha
		}
		inside := math.Max(1e-6, math.Min(1-1e-6, sum/float64(n)))
		if out(1e-9) {
			lo = math.Max(lo, -bisect(-inside, -1e-9, func(m float64) bool { return out(-m) }))
		}
		if out(1 - 1e-9) {
			hi = math.Min(hi, bisect(inside, 1-1e-9, out))
		}
		lower, upper = append(lower, lo), append(upper, hi)
	}
	return lower, upper
}

// predmixSequence is the empirical-Bernstein confidence sequence of the same
// paper, theorem 2.
func predmixSequence(x []float64, alpha, truncation float64) (lower, upper []float64) {
	bets := predmixBets(x, alpha/2, truncation)
	var wealth, weighted, total, sum float64
	mean := 0.0
	for i := range x {
		c := bets[i]
		wealth += 4 * (x[i] - mean) * (x[i] - mean) * (-math.Log1p(-c) - c) / 4
		weighted += c * x[i]
		total += c
		sum += x[i]
		mean = sum / float64(i+1)
		margin := (math.Log(2/alpha) + wealth) / total
		lower = append(lower, math.Max(0, weighted/total-margin))
		upper = append(upper, math.Min(1, weighted/total+margin))
	}
	return lower, upper
}

// lanDeMets returns the one-sided boundaries on the z scale at information times
// t that spend the error given by spent (Lan and DeMets 1983), by recursive
// numerical integration.
func lanDeMets(t []float64, spent func(t float64) float64) []float64 {
	const points = 1200
	var z, grid, density []float64 // of the score process that has not crossed
	before := 0.0
	for k := range t {
		spend := spent(t[k]) - before
		before += spend
		if k == 0 {
			z = append(z, normalQuantile(1-spend))
			grid, density = spread(-8*math.Sqrt(t[0]), z[0]*math.Sqrt(t[0]), points), make([]float64, points+1)
			for i, s := range grid {
				density[i] = math.Exp(-s*s/(2*t[0])) / math.Sqrt(2*math.Pi*t[0])
			}
			continue
		}
		step := t[k] - t[k-1]
		sd := math.Sqrt(step)
		tail := func(bound float64) float64 {
			return integrate(grid, func(i int) float64 { return density[i] * normalCDF((grid[i]-bound)/sd) })
		}
		bound := bisect(-8, 8, func(b float64) bool { return tail(b) <= spend })
		z = append(z, bound/math.Sqrt(t[k]))
		next := spread(-8*math.Sqrt(t[k]), bound, points)
		nextDensity := make([]float64, len(next))
		for j, s := range next {
			nextDensity[j] = integrate(grid, func(i int) float64 {
				d := s - grid[i]
				return density[i] * math.Exp(-d*d/(2*step)) / math.Sqrt(2*math.Pi*step)
			})
		}
		grid, density = next, nextDensity
	}
	return z
}

// spread returns n+1 equidistant points; n is even, for Simpson's rule.
func spread(lo, hi float64, n int) []float64 {
	out := make([]float64, n+1)
	for i := range out {
		out[i] = lo + (hi-lo)*float64(i)/float64(n)
	}
	return out
}

func integrate(grid []float64, f func(i int) float64) float64 {
	total := 0.0
	for i := range grid {
		weight := 2.0
		switch {
		case i == 0 || i == len(grid)-1:
			weight = 1
		case i%2 == 1:
			weight = 4
		}
		total += weight * f(i)
	}
	return total * (grid[1] - grid[0]) / 3
}

// obrienFleming and pocock are the usual spending functions of one-sided error.
func obrienFleming(alpha float64) func(float64) float64 {
	return func(t float64) float64 { return 2 * normalCDF(-normalQuantile(1-alpha/2)/math.Sqrt(t)) }
}

func pocock(alpha float64) func(float64) float64 {
	return func(t float64) float64 { return alpha * math.Log(1+(math.E-1)*t) }
}

// benjaminiHochberg returns p-values adjusted for false discoveries.
func benjaminiHochberg(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	at := order(p)
	slices.Reverse(at)
	smallest := 1.0
	for rank, i := range at {
		smallest = math.Min(smallest, p[i]*float64(len(p))/float64(len(p)-rank))
		adjusted[i] = smallest
	}
	return adjusted
}
