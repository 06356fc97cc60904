package experiment

import (
	"math"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// taken is the exact probability that repeats take a model for another, whose rate was
// then and is now, each visit drawn anew: of the first repeats, and of both together.
func taken(then, now float64) (first, both float64) {
	choose := func(n, k int, p float64) float64 {
		switch {
		case p == 0 && k == 0, p == 1 && k == n:
			return 1
		case p == 0, p == 1:
			return 0
		}
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(k + 1))
		c, _ := math.Lgamma(float64(n - k + 1))
		return math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	}
	type counts struct {
		more, fewer int
		chance      float64
	}
	var all []counts
	fewer, more := then*(1-now), (1-then)*now
	for n := 0; n <= repeats; n++ {
		differ := choose(repeats, n, fewer+more)
		for k := 0; k <= n; k++ {
			if p := differ * choose(n, k, more/(fewer+more)); p > 1e-9 {
				all = append(all, counts{k, n - k, p})
			}
		}
	}
	var together [2*repeats + 1][2*repeats + 1]float64
	for _, a := range all {
		if signTest(a.more, a.fewer) > alike {
			continue
		}
		first += a.chance
		for _, b := range all {
			together[a.more+b.more][a.fewer+b.fewer] += a.chance * b.chance
		}
	}
	for m := range together {
		for f, p := range together[m] {
			if p > 0 && signTest(m, f) <= surely {
				both += p
			}
		}
	}
	return first, both
}

func TestRepeatsHaveThePowerThatTheyClaim(t *testing.T) {
	for then := 0.0; then <= 0.7; then += 0.05 {
		for _, shift := range [][2]float64{{then, then + 0.3}, {then + 0.3, then}} {
			if _, p := taken(shift[0], min(shift[1], 0.9999)); p < 0.95 {
				t.Errorf("from %.2f to %.2f: seen with probability %.3f", shift[0], shift[1], p)
			}
		}
	}
	for rate := 0.02; rate < 0.99; rate += 0.04 {
		first, both := taken(rate, rate)
		if first > alike+0.001 || both > 0.03 {
			t.Errorf("the same model at %.2f is taken for another with probability %.3f, and %.3f after more repeats", rate, first, both)
		}
	}
}

func TestWhatCountsAsChanged(t *testing.T) {
	yes, no, missing := evidence.Observation{Value: 1}, evidence.Observation{}, evidence.Observation{Missing: true}
	for name, c := range map[string]struct {
		n         int
		then, now evidence.Observation
		of        int // so many of n pairs are these, the others refusals on both sides
		changed   bool
	}{
		"nothing":                      {n: repeats, changed: false},
		"too few":                      {n: repeats - 1, changed: true},
		"none":                         {n: 0, changed: true},
		"four more":                    {n: repeats, then: no, now: yes, of: 4, changed: true}, // one chance in sixteen
		"three more":                   {n: repeats, then: no, now: yes, of: 3, changed: false},
		"ten fewer":                    {n: repeats, then: yes, now: no, of: 10, changed: true},
		"all missing now":              {n: repeats, then: no, now: missing, of: repeats, changed: true},
		"all missing then":             {n: repeats, then: missing, now: no, of: repeats, changed: true},
		"compliance turned to missing": {n: repeats, then: yes, now: missing, of: 12, changed: true},
		"missing on both sides":        {n: repeats, then: missing, now: missing, of: 12, changed: false},
	} {
		t.Run(name, func(t *testing.T) {
			pairs := make([]pair, c.n)
			for i := range c.of {
				pairs[i] = pair{c.then, c.now}
			}
			if why := changedIn("an arm", pairs, alike); (why != "") != c.changed {
				t.Errorf("said %q", why)
			}
		})
	}
}
