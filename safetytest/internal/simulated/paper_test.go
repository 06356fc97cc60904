package simulated

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// harmfulFirst and harmfulLast are the kinds of so many demonstrations.
func harmfulFirst(harmful, benign int) []prompt.Kind {
	return append(slices.Repeat([]prompt.Kind{prompt.Harmful}, harmful), slices.Repeat([]prompt.Kind{prompt.Benign}, benign)...)
}

func harmfulLast(harmful, benign int) []prompt.Kind {
	kinds := harmfulFirst(harmful, benign)
	slices.Reverse(kinds)
	return kinds
}

// mean is the true compliance in a scene, over many requests.
func (r Response) mean(s scene) float64 {
	const requests = 64
	sum := 0.0
	for i := range requests {
		s.request = fmt.Sprint("request ", i)
		sum += r.probability(s)
	}
	return sum / requests
}

// after is the scene that shows demonstrations of these kinds.
func after(kinds []prompt.Kind) scene {
	s := scene{prompted: true}
	for _, kind := range kinds {
		s.shown = append(s.shown, demonstration{kind: kind})
	}
	return s
}

// shuffled is the mean over random orders.
func (r Response) shuffled(harmful, benign int) float64 {
	const orders = 100
	random := rand.New(rand.NewPCG(uint64(harmful), uint64(benign)))
	kinds := harmfulFirst(harmful, benign)
	sum := 0.0
	for range orders {
		random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		sum += r.mean(after(kinds))
	}
	return sum / orders
}

// slopes fits logit P = b0 + b1 ln(1+harmful) + b2 ln(1+benign), the paper's
// model, to the true compliance in its cells with 8, 16 and 32 harmful
// demonstrations, by Newton's method.
func (r Response) slopes() (b [3]float64) {
	type cell struct {
		x [3]float64
		p float64
	}
	var cells []cell
	for _, n := range [][2]int{{8, 0}, {8, 8}, {8, 24}, {16, 0}, {16, 16}, {16, 48}, {32, 0}, {32, 32}, {32, 96}} {
		cells = append(cells, cell{x: [3]float64{1, math.Log1p(float64(n[0])), math.Log1p(float64(n[1]))}, p: r.shuffled(n[0], n[1])})
	}
	for range 20 {
		var m [3][4]float64 // information matrix and score
		for _, c := range cells {
			q := 1 / (1 + math.Exp(-(b[0]*c.x[0] + b[1]*c.x[1] + b[2]*c.x[2])))
			for i := range 3 {
				m[i][3] += (c.p - q) * c.x[i]
				for j := range 3 {
					m[i][j] += q * (1 - q) * c.x[i] * c.x[j]
				}
			}
		}
		for i := range 3 { // Gauss-Jordan; the matrix is positive definite
			for k := range 3 {
				if f := m[k][i] / m[i][i]; k != i {
					for j := i; j < 4; j++ {
						m[k][j] -= f * m[i][j]
					}
				}
			}
		}
		for i := range b {
			b[i] += m[i][3] / m[i][i]
		}
	}
	return b
}

// What profiles.go states about the models of arXiv:2606.20508, slopes in
// log-odds and the rest in percentage points.
func TestPaperProfiles(t *testing.T) {
	raced.Skip(t)
	type fact struct {
		name      string
		is        func(Response) float64
		want, tol float64
	}
	points := func(f func(Response) float64) func(Response) float64 {
		return func(r Response) float64 { return 100 * f(r) }
	}
	slope := func(want float64) fact {
		return fact{"benign slope", func(r Response) float64 { return r.slopes()[2] }, want, 0.006}
	}
	order := func(want float64) fact {
		return fact{"harmful last against first", points(func(r Response) float64 {
			return r.mean(after(harmfulLast(32, 32))) - r.mean(after(harmfulFirst(32, 32)))
		}), want, 0.3}
	}
	bare := func(want float64) fact {
		return fact{"nothing shown", points(func(r Response) float64 { return r.mean(after(nil)) }), want, 1}
	}
	share := func(n int, want float64) fact {
		return fact{fmt.Sprint("all harmful against all benign of ", n), points(func(r Response) float64 {
			return r.mean(after(harmfulFirst(n, 0))) - r.mean(after(harmfulFirst(0, n)))
		}), want, 0.5}
	}
	suffix := func(harmful, benign int, want float64) fact {
		return fact{fmt.Sprint(benign, " benign, then ", harmful, " harmful"), points(func(r Response) float64 {
			return r.mean(after(harmfulLast(harmful, benign)))
		}), want, 1}
	}
	for name, facts := range map[string][]fact{
		"paper-llama":    {slope(-0.1782), order(19), bare(33.8), share(128, 32)},
		"paper-gemma":    {slope(-0.2010), order(35), suffix(16, 48, 51.1), suffix(48, 16, 68.3)},
		"paper-gpt-oss":  {slope(0.0319), order(1.5), bare(10.3), share(128, 9.6)},
		"paper-olmo":     {slope(-0.0118), order(13), bare(20), share(64, 20)},
		"paper-olmo-sft": {slope(0.0919), order(0), bare(20)},
		"paper-olmo-dpo": {slope(-0.0114), order(0), bare(20)},
	} {
		p, err := Lookup(name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, f := range facts {
			if got := f.is(p.Forbidden); math.Abs(got-f.want) > f.tol {
				t.Errorf("%s: %s is %.4f, stated %.4f", name, f.name, got, f.want)
			} else {
				t.Logf("%-15s %-42s %8.4f stated %8.4f", name, f.name, got, f.want)
			}
		}
	}
}
