package evidence

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// rejections returns for every b of the control only how many of the treated only
// are the most with which n pairs show a difference below theta, -1 for none. Within
// one b the evidence falls with c.
func rejections(n int, shown func(b, c int) bool) []int {
	out := make([]int, n+1)
	for b := range out {
		lo, hi := -1, n-b
		for lo < hi {
			if c := (lo + hi + 1) / 2; shown(b, c) {
				lo = c
			} else {
				hi = c - 1
			}
		}
		out[b] = lo
	}
	return out
}

// sizeAt adds up the probability that n pairs are in the region, summing over all
// outcomes one by one.
func sizeAt(n int, region []int, treated, control float64) float64 {
	total := 0.0
	lf := func(k int) float64 { v, _ := math.Lgamma(float64(k) + 1); return v }
	times := func(k int, p float64) float64 {
		switch {
		case k == 0:
			return 0
		case p <= 0:
			return math.Inf(-1)
		}
		return float64(k) * math.Log(p)
	}
	zero := 1 - treated - control
	for b, most := range region {
		for c := 0; c <= most; c++ {
			total += math.Exp(lf(n) - lf(b) - lf(c) - lf(n-b-c) + times(b, control) + times(c, treated) + times(n-b-c, math.Max(0, zero)))
		}
	}
	return total
}

// controlOnly lists probabilities of control only that are possible where the
// difference is theta, dense where discordance is rare.
func controlOnly(theta float64) []float64 {
	lo, hi := math.Max(0, -theta), (1-theta)/2
	out := []float64{lo, hi}
	for x := 1e-4; x < 1; x *= 1.25 {
		out = append(out, lo+x*(hi-lo))
	}
	for i := 1; i < 40; i++ {
		out = append(out, lo+float64(i)/40*(hi-lo))
	}
	slices.Sort(out)
	return out
}

// A fixed number of pairs errs in at most 5 % of runs, added up over all outcomes;
// Tango's test by the normal curve does not.
func TestExactSizeOfPairs(t *testing.T) {
	raced.Skip(t)
	sizes := []int{20, 45, 60, 100}
	if testing.Short() {
		sizes = []int{20, 45}
	}
	const alpha = .05
	z := normalQuantile(1 - alpha)
	settings, worst, worstTango := 0, 0.0, 0.0
	for _, n := range sizes {
		for _, theta := range []float64{-.2, -.1, -.05, .02, .05, .1, .15, .2, .4} {
			exact := rejections(n, func(b, c int) bool { return shownBelow(n, b, c, theta, alpha) })
			tango := rejections(n, func(b, c int) bool { return tangoZ(float64(n), float64(b), float64(c), theta) <= -z })
			largest, largestTango := 0.0, 0.0
			for _, q := range controlOnly(theta) {
				settings++
				size := sizeAt(n, exact, math.Max(0, q+theta), q)
				largest, largestTango = max(largest, size), max(largestTango, sizeAt(n, tango, math.Max(0, q+theta), q))
				if size > alpha {
					t.Errorf("%d pairs, theta %v, control only %.4f: errs in %.3f %%", n, theta, q, 100*size)
				}
				// Nor does it err more beyond theta.
				if beyond := q + theta + .03; beyond > 0 && beyond+q <= 1 {
					if size := sizeAt(n, exact, beyond, q); size > alpha {
						t.Errorf("%d pairs, theta %v, truth 3 points beyond, control only %.4f: errs in %.3f %%", n, theta, q, 100*size)
					}
				}
			}
			worst, worstTango = max(worst, largest), max(worstTango, largestTango)
			t.Logf("%3d pairs, theta %+.2f: largest error %.2f %%, of Tango's test %.2f %%", n, theta, 100*largest, 100*largestTango)
		}
	}
	t.Logf("%d settings, worst %.2f %%, of Tango's test %.2f %%", settings, 100*worst, 100*worstTango)
	if worstTango < .06 {
		t.Errorf("Tango's test errs in at most %.2f %%: the bench cannot tell the two apart", 100*worstTango)
	}
}

// Cells differ, and a batch of distinct ones varies less than independent pairs: the
// error stays within 5 % there too. Every cell is asked once, and the law of the
// counts is that of a sum of pairs that differ.
func TestExactSizeOverCells(t *testing.T) {
	raced.Skip(t)
	r := rand.New(rand.NewPCG(1, 2))
	const n, theta, alpha = 60, .1, .05
	exact := rejections(n, func(b, c int) bool { return shownBelow(n, b, c, theta, alpha) })
	worst := 0.0
	for range 60 {
		most := math.Pow(r.Float64(), 3) * (1 - theta) / 2
		control := make([]float64, n)
		for i := range control {
			control[i] = most * r.Float64()
			if r.IntN(2) == 0 {
				control[i] = 0
			}
		}
		// The rise lies in a share of the cells, anew for every world.
		share := theta + (1-theta)*math.Pow(r.Float64(), 2)
		law := [][]float64{{1}} // by control only, treated only
		for i := range n {
			treated := control[i]
			if float64(i) < math.Ceil(share*n) {
				treated += theta * n / math.Ceil(share*n)
			}
			if treated+control[i] > 1 {
				control[i] = math.Max(0, control[i]-(treated+control[i]-1)/2)
				treated = 1 - control[i] // no smaller a rise than before
			}
			law = onePairMore(law, treated, control[i])
		}
		size := 0.0
		for b := range law {
			for c := 0; c <= min(exact[b], len(law[b])-1); c++ {
				size += law[b][c]
			}
		}
		worst = max(worst, size)
		if size > alpha {
			t.Errorf("control only up to %.3f, rise in %.2f of the cells: errs in %.2f %%", most, share, 100*size)
		}
	}
	t.Logf("worst %.2f %%", 100*worst)
}

// onePairMore adds a pair to the law of the counts.
func onePairMore(law [][]float64, treated, control float64) [][]float64 {
	out := make([][]float64, len(law)+1)
	for b := range out {
		out[b] = make([]float64, len(law)+1)
	}
	for b := range law {
		for c, p := range law[b] {
			out[b][c] += p * (1 - treated - control)
			out[b+1][c] += p * control
			out[b][c+1] += p * treated
		}
	}
	return out
}

// What the exact error costs: the power at no difference beside that of Tango's test.
func TestExactPowerOfPairs(t *testing.T) {
	needsSimulation(t)
	for _, tt := range []struct {
		n       int
		theta   float64
		discord float64 // P(control only) = P(treated only)
	}{{60, .1, .02}, {60, .15, .05}, {100, .1, .04}, {100, .15, .1}, {200, .1, .08}, {200, .05, .02}} {
		z := normalQuantile(.95)
		exact := rejections(tt.n, func(b, c int) bool { return shownBelow(tt.n, b, c, tt.theta, .05) })
		tango := rejections(tt.n, func(b, c int) bool {
			return tangoZ(float64(tt.n), float64(b), float64(c), tt.theta) <= -z
		})
		have, want := sizeAt(tt.n, exact, tt.discord, tt.discord), sizeAt(tt.n, tango, tt.discord, tt.discord)
		t.Logf("%d pairs, margin %v, discordance %v: power %.1f %%, of Tango's test %.1f %%", tt.n, tt.theta, 2*tt.discord, 100*have, 100*want)
		if have < want-.10 {
			t.Errorf("%d pairs, margin %v: power %.3f, of Tango's test %.3f", tt.n, tt.theta, have, want)
		}
	}
}

// The tail that a decision adds up holds at least the outcomes that are no less
// extreme, and its probability is the sum over them.
func TestTail(t *testing.T) {
	for _, theta := range []float64{-.3, -.05, .05, .1, .3} {
		for _, n := range []int{1, 7, 30} {
			for b := range n + 1 {
				for c := range n - b + 1 {
					at := tangoZ(float64(n), float64(b), float64(c), theta)
					a := newTail(n, theta, at)
					for b2 := range n + 1 {
						for c2 := range n - b2 + 1 {
							if tangoZ(float64(n), float64(b2), float64(c2), theta) <= at && c2 > a.most[b2] {
								t.Fatalf("n %d, theta %v: (%d,%d) is not in the tail of (%d,%d)", n, theta, b2, c2, b, c)
							}
						}
					}
					if b%3 != 0 || c%3 != 0 {
						continue
					}
					for _, q := range []float64{0, .01, .2, .35} {
						p := math.Min(1-q, math.Max(0, q+theta))
						region := make([]int, n+1)
						for i := range region {
							region[i] = min(a.most[i], n-i)
						}
						if have, want := a.probability(p, q), sizeAt(n, region, p, q); math.Abs(have-want) > 1e-10 {
							t.Fatalf("n %d, theta %v, q %v: probability %v, want %v", n, theta, q, have, want)
						}
					}
				}
			}
		}
	}
}

// Large numbers of pairs are decided quickly, and far outcomes as one expects.
func BenchmarkShownBelow(b *testing.B) {
	for _, c := range []struct{ n, b, c int }{{200, 5, 5}, {2000, 100, 150}, {2000, 700, 790}} {
		b.Run(fmt.Sprintf("%d pairs, %d and %d", c.n, c.b, c.c), func(b *testing.B) {
			for range b.N {
				shownBelow(c.n, c.b, c.c, .05, .05)
			}
		})
	}
}

// Near the border between shown and not shown a search takes longest.
func BenchmarkShownBelowAtTheBorder(b *testing.B) {
	for _, only := range []int{20, 200, 700} {
		c := rejections(2000, func(b, c int) bool { return b != only || shownBelow(2000, b, c, .05, .05) })[only]
		for _, at := range []int{c, c + 1} {
			b.Run(fmt.Sprintf("%d and %d", only, at), func(b *testing.B) {
				for range b.N {
					shownBelow(2000, only, at, .05, .05)
				}
			})
		}
	}
}
