package evidence

import (
	"fmt"
	"math"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
)

// The true J is compared with the limits of every outcome that the labels can
// have, weighted by its probability: no simulation, and no luck.
func TestLimitsOfJErrNoMoreThanTheyPromise(t *testing.T) {
	raced.Skip(t)
	rates := []float64{0, .05, .5, .7, .85, .9, .95, .98, .99, .999, 1}
	sizes := [][2]int{{1, 1}, {4, 30}, {12, 12}, {50, 50}}
	if testing.Short() {
		sizes = [][2]int{{1, 1}, {4, 12}, {12, 12}}
	}
	for _, size := range sizes {
		for _, alpha := range []float64{.01, .05} {
			if size[0] == 50 && alpha != .01 {
				continue
			}
			t.Run(fmt.Sprint(size, alpha), func(t *testing.T) {
				worst := [2]float64{}
				for _, sens := range rates {
					for _, spec := range rates {
						for i, miss := range missedJ(t, size[0], size[1], sens, spec, alpha) {
							worst[i] = math.Max(worst[i], miss)
							if miss > alpha+1e-9 {
								t.Errorf("%d + %d labels, true rates %v and %v: limit %d of J errs in %.2f %% of all runs, not %.0f %%",
									size[0], size[1], sens, spec, i, 100*miss, 100*alpha)
							}
						}
					}
				}
				t.Logf("%d + %d labels at %.0f %%: the lower limit errs in %.2f %% at most, the upper in %.2f %%", size[0], size[1], 100*alpha, 100*worst[0], 100*worst[1])
			})
		}
	}
}

// missedJ returns the probability that the limits leave out the true J.
func missedJ(t *testing.T, n, m int, sens, spec, alpha float64) (missed [2]float64) {
	hits, rejections := density(logChoose(n), n, sens), density(logChoose(m), m, spec)
	for x, dx := range hits {
		for y, dy := range rejections {
			if dx*dy < 1e-9 {
				continue
			}
			lower, upper, err := Calibration{Hits: x, Positives: n, Rejections: y, Negatives: m}.JLimits(alpha)
			if err != nil {
				t.Fatal(err)
			}
			if truth := sens + spec - 1; lower > truth+1e-12 {
				missed[0] += dx * dy
			} else if upper < truth-1e-12 {
				missed[1] += dx * dy
			}
		}
	}
	return missed
}

// Exactness has a price, which must stay small: otherwise every claim would need
// many more calls for the sake of labels at the edge.
func TestLimitsOfJAreNearlyAsShortAsTheApproximation(t *testing.T) {
	for _, c := range []Calibration{
		{45, 50, 45, 50}, {48, 50, 46, 50}, {90, 100, 97, 100}, {78, 81, 54, 60}, {519, 557, 423, 474}, {190, 200, 195, 200}, {50, 50, 50, 50},
	} {
		lower, upper, err := c.JLimits(.01)
		if err != nil {
			t.Fatal(err)
		}
		l, u := mover(c, normalQuantile(.99))
		t.Logf("%+v: %.4f to %.4f, approximately %.4f to %.4f", c, lower, upper, l, u)
		if lower < l-.02 || upper > u+.03 {
			t.Errorf("%+v: %.4f to %.4f, approximately %.4f to %.4f", c, lower, upper, l, u)
		}
	}
}

func TestLimitsOfJAtTheEnds(t *testing.T) {
	for _, c := range []struct {
		labels       Calibration
		lower, upper float64
	}{
		{Calibration{0, 30, 0, 30}, -1, -.85},
		{Calibration{30, 30, 30, 30}, .85, 1},
		{Calibration{30, 30, 0, 30}, -.25, .25},
		{Calibration{1, 1, 1, 1}, -.8, 1},
	} {
		lower, upper, err := c.labels.JLimits(.01)
		if err != nil || lower > upper || math.Abs(lower-c.lower) > .12 || math.Abs(upper-c.upper) > .12 {
			t.Errorf("%+v: %.3f to %.3f, %v; want about %.3f to %.3f", c.labels, lower, upper, err, c.lower, c.upper)
		}
	}
	if _, err := (Calibration{}).Error(.01); err == nil {
		t.Error("no labels at all prove a judge")
	}
}

func BenchmarkJLimits(b *testing.B) {
	for i := range b.N {
		sumLimits.Clear()
		c := Calibration{Hits: 870 + i%2, Positives: 938, Rejections: 799, Negatives: 894}
		if _, _, err := c.JLimits(.01); err != nil {
			b.Fatal(err)
		}
	}
}
