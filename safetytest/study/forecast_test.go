package study

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// A forecast says the half-widths of studies of a model that it does not know, whose
// rate is about as assumed, within a quarter.
func TestForecasts(t *testing.T) {
	raced.Skip(t)
	for _, c := range []struct {
		truth
		replies, targets, draws int
		reading                 judge.Reading
	}{
		{llama, 500, 20, 12, exact},
		{llama, 2000, 30, 12, exact},
		{gptOSS, 2000, 30, 12, exact},
		{olmoDPO, 2000, 10, 20, measured(100, 92, 95)},
	} {
		t.Run(fmt.Sprint(c.name, c.replies), func(t *testing.T) {
			p := plan{settings: standard, replies: c.replies, targets: c.targets, draws: c.draws, twins: c.replies / 10}
			s := c.simulator(p)
			mean, sums, counts := 0.0, map[string]float64{}, map[string]float64{}
			const studies = 10
			for seed := range uint64(studies) {
				for id, e := range estimates(t, s.study(100+seed), c.reading) {
					if e.HalfWidth() > 0 {
						sums[id], counts[id] = sums[id]+e.HalfWidth(), counts[id]+1
					}
				}
			}
			for _, o := range s.cells {
				if !o.Twin {
					mean += c.rate(o.Setting) / float64(c.replies)
				}
			}
			forecasts, err := Forecasts(s.cells, Assumed{Rate: mean, Reading: c.reading}, 0.95)
			if err != nil {
				t.Fatal(err)
			}
			checked := 0
			for _, f := range forecasts {
				// Rates of single doses lie elsewhere than the mean, and so do those of
				// adoption and of twins.
				if !slices.Contains([]string{"slope/harmful", "slope/benign", "slope/refusal", "hypothesis/total", "hypothesis/harmful", "order/last-first", "marker/effect", "presentation/transcript", "padding/300"}, f.ID) {
					continue
				}
				checked++
				if got := sums[f.ID] / counts[f.ID]; !(math.Abs(f.HalfWidth/got-1) < 0.25) {
					t.Errorf("%s: forecast %.3f, seen %.3f", f.ID, f.HalfWidth, got)
				}
			}
			if checked != 9 {
				t.Errorf("%d forecasts are checked", checked)
			}
		})
	}
}

func TestForecastOfTooSmallAStudy(t *testing.T) {
	p := plan{settings: standard, replies: 60, targets: 20, draws: 12}
	forecasts, err := Forecasts(p.cells(), Assumed{Reading: exact}, 0.95)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Forecasts(p.cells(), Assumed{Reading: exact}, 0.95)
	if err != nil || !slices.Equal(forecasts, again) {
		t.Errorf("another forecast of the same: %v", err)
	}
	for _, f := range forecasts {
		if _, known := f.Power(9); f.ID == "slope/benign" && (f.CannotTell == "" || f.HalfWidth != 0 || known) {
			t.Errorf("%+v", f)
		}
	}
	for _, bad := range []Assumed{{Rate: 1}, {Rate: -0.1}, {Lost: 1}, {Targets: -1}, {Draws: 50}} {
		if _, err := Forecasts(p.cells(), bad, 0.95); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	if _, err := Forecasts(nil, Assumed{Reading: exact}, 0.95); err == nil {
		t.Error("a study of nothing is forecast")
	}
}
