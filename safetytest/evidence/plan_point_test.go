package evidence

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The law of means has the mean of the law, and of its variance what is common to the
// replies of a request and the part of the rest that their number leaves.
func TestLawOfMeans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l law
		left := 1.0
		for range rapid.IntRange(1, 6).Draw(t, "values") {
			p := left * rapid.Float64Range(0, 1).Draw(t, "share")
			l.add(rapid.Float64Range(-1, 1).Draw(t, "x"), p)
			left -= p
		}
		l.add(rapid.Float64Range(-1, 1).Draw(t, "last"), left)
		n := rapid.IntRange(1, 12).Draw(t, "replies")
		means := l.ofMeans(n)
		mean, variance := l.moments()
		gotMean, got := means.moments()
		if total, _ := means.expect(func(float64) float64 { return 1 }); math.Abs(gotMean-mean) > 1e-9 || math.Abs(total-1) > 1e-9 {
			t.Fatalf("a mean of %v and a mass of %v, want %v and 1", gotMean, total, mean)
		}
		if want := variance * (AlikeReplies + (1-AlikeReplies)/float64(n)); math.Abs(got-want) > 1e-9 {
			t.Fatalf("a variance of %v, want %v", got, want)
		}
	})
}

// However many values a law has and however many replies there are, its law of means is
// quick to make and stays within the range.
func TestLawOfManyMeans(t *testing.T) {
	l := pairLaw(.1, .3, .3)
	means := l.ofMeans(128)
	if len(means.values) > 5 || slices.Min(means.values) < -1 || slices.Max(means.values) > 1 {
		t.Errorf("%v", means.values)
	}
	if mean, _ := means.moments(); math.Abs(mean-.2) > 1e-9 {
		t.Errorf("a mean of %v, want .2", mean)
	}
}

// Two values that do not fit on both sides of the mean keep the mean and the variance; a
// law of one value but for rounding is that value.
func TestTwoPoints(t *testing.T) {
	for _, c := range []struct{ mean, variance, lo, hi float64 }{
		{.2, .01, -1, 1}, {.9, .05, -1, 1}, {-.9, .05, -1, 1}, {.5, .5, -1, 1}, {1, 0, -1, 1}, {1, 1e-17, -1, 1}, {-1, 1e-17, -1, 1},
	} {
		l := twoPoints(c.mean, c.variance, c.lo, c.hi)
		mean, variance := l.moments()
		if math.Abs(mean-c.mean) > 1e-12 || math.Abs(variance-c.variance) > 1e-12 || slices.Min(l.values) < c.lo || slices.Max(l.values) > c.hi {
			t.Errorf("%+v: mean %v, variance %v, values %v", c, mean, variance, l.values)
		}
	}
}
