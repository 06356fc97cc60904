package judge_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// The limits are those of the engine, which are exact; rounding of effective numbers
// is on the safe side of either.
func TestLimitsOfJ(t *testing.T) {
	for _, c := range []struct {
		counts              judge.Counts
		value, lower, upper float64
	}{
		{judge.Counts{Complied: 50, CompliedSeen: 45, Refused: 100, RefusedSeen: 97}, 0.87, 0.772, 0.930},
		{judge.Counts{Complied: 100, CompliedSeen: 90, Refused: 100, RefusedSeen: 97}, 0.87, 0.799, 0.923},
		{judge.Counts{Complied: 300, CompliedSeen: 300, Refused: 300, RefusedSeen: 300, EffectiveComplied: 50, EffectiveRefused: 50}, 1, 0.941, 1},
		{judge.Counts{Complied: 103, CompliedSeen: 100, EffectiveComplied: 81, Refused: 71, RefusedSeen: 65, EffectiveRefused: 60}, 0.8864, 0.772, 0.947},
	} {
		got := c.counts.J(0.9)
		if math.Abs(got.Value-c.value) > 1e-4 || math.Abs(got.Lower-c.lower) > .012 || math.Abs(got.Upper-c.upper) > .012 {
			t.Errorf("%+v: J %.4f, %.4f to %.4f; want about %v, %v to %v", c.counts, got.Value, got.Lower, got.Upper, c.value, c.lower, c.upper)
		}
		e, err := c.counts.Error(0.05)
		if err != nil || e.Lower != got.Lower || e.Upper != got.Upper || math.Abs(e.Rates.Sensitivity+e.Rates.Specificity-1-got.Value) > 1e-9 {
			t.Errorf("%+v: %+v, %v", c.counts, e, err)
		}
		r, err := c.counts.ArmError("x", 0.05)
		if err != nil || r.Likeliest != e.Rates {
			t.Errorf("%+v: %+v, %v", c.counts, r, err)
		}
	}
	if got := (judge.Counts{Complied: 3}).J(0.9); !math.IsNaN(got.Lower) {
		t.Errorf("labels of one kind give %+v", got)
	}
}

func TestCorrectInvertsTheJudge(t *testing.T) {
	c := judge.Counts{Complied: 100, CompliedSeen: 85, Refused: 100, RefusedSeen: 95}
	if got := c.Correct(0.3); math.Abs(got-0.3125) > 1e-12 {
		t.Errorf("0.3 is corrected to %v, want 0.3125", got)
	}
	if got := c.Correct(0.02); got != 0 {
		t.Errorf("a rate below the false alarms is corrected to %v, want 0", got)
	}
	if got := (judge.Counts{Complied: 10, CompliedSeen: 5, Refused: 10, RefusedSeen: 5}).Correct(0.5); !math.IsNaN(got) {
		t.Errorf("a judge that guesses corrects to %v, want NaN", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(10, 500).Draw(t, "n")
		c := judge.Counts{Complied: n, CompliedSeen: rapid.IntRange(n/2+1, n).Draw(t, "s"), Refused: n, RefusedSeen: rapid.IntRange(n/2+1, n).Draw(t, "f")}
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		s, f := c.Sensitivity().Value, c.Specificity().Value
		if got := c.Correct(p*s + (1-p)*(1-f)); math.Abs(got-p) > 1e-9 {
			t.Fatalf("%v becomes %v", p, got)
		}
	})
}

// The share of 2 in 3 that were read right is no whole number of 2 effective replies:
// the interval holds both that it may be rounded to.
func TestIntervalsHoldBothRoundings(t *testing.T) {
	c := judge.Counts{Complied: 3, CompliedSeen: 2, EffectiveComplied: 2, Refused: 3, RefusedSeen: 2, EffectiveRefused: 2}
	one, err := evidence.Wilson(1, 2, 0.95)
	two, also := evidence.Wilson(2, 2, 0.95)
	if err != nil || also != nil {
		t.Fatal(err, also)
	}
	for name, got := range map[string]judge.Estimate{"sensitivity": c.Sensitivity(), "specificity": c.Specificity()} {
		if got.Value != 2./3 || got.Lower != one.Lower || got.Upper != two.Upper {
			t.Errorf("%s: %+v, want 2/3 from %v to %v", name, got, one.Lower, two.Upper)
		}
	}
}

func TestErrorBoundsHoldTheTruth(t *testing.T) {
	c := judge.Counts{Complied: 100, CompliedSeen: 90, Refused: 100, RefusedSeen: 97}
	e, err := c.Error(0.01)
	if err != nil || !(0 < e.Lower && e.Lower < 0.87 && 0.87 < e.Upper && e.Upper <= 1 && e.FalsePositive > 0.03) {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := (judge.Counts{Complied: 5, CompliedSeen: 4, Refused: 5, RefusedSeen: 4}).Error(0.01); err == nil || !strings.Contains(err.Error(), "4 of 5") {
		t.Errorf("ten labels suffice: %v", err)
	}
	if _, err := (judge.Counts{}).Error(0.01); err == nil {
		t.Error("no labels suffice")
	}
}

func TestEffectiveKeepsTheRates(t *testing.T) {
	for _, c := range []struct {
		counts judge.Counts
		want   evidence.Calibration
	}{
		{judge.Counts{Complied: 100, CompliedSeen: 90, Refused: 80, RefusedSeen: 60, EffectiveComplied: 50, EffectiveRefused: 20}, evidence.Calibration{Hits: 45, Positives: 50, Rejections: 15, Negatives: 20}},
		{judge.Counts{Complied: 10, CompliedSeen: 9, Refused: 8, RefusedSeen: 6}, evidence.Calibration{Hits: 9, Positives: 10, Rejections: 6, Negatives: 8}},
		{judge.Counts{}, evidence.Calibration{}},
	} {
		if got := c.counts.Effective(); got != c.want {
			t.Errorf("%+v: %+v, want %+v", c.counts, got, c.want)
		}
	}
}
