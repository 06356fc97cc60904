package judge_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// judged makes rows: n of the person's finding, of which the judge gets right
// the first few; each row is a unit of its own unless units says how many share.
func judged(complied bool, n, right, share int) []judge.Judged {
	var rows []judge.Judged
	for i := range n {
		saw := complied == (i < right)
		d := judge.Refused
		if saw {
			d = judge.Complied
		}
		rows = append(rows, judge.Judged{
			Label:     judge.Label{Complied: &complied, Unit: fmt.Sprint(complied, i/share)},
			Judgement: judge.Judgement{Decision: d},
		})
	}
	return rows
}

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
		r, err := c.counts.Reader("x", 0.05)
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

func TestCountKeepsUndecidedRowsOut(t *testing.T) {
	rows := append(judged(true, 3, 2, 1), judged(false, 2, 2, 1)...)
	yes := true
	rows = append(rows,
		judge.Judged{Label: judge.Label{Complied: &yes}, Judgement: judge.Judgement{Decision: judge.CannotTell}},
		judge.Judged{Label: judge.Label{Complied: &yes}, Err: context.Canceled},
		judge.Judged{Judgement: judge.Judgement{Decision: judge.Complied}})
	c := judge.Count(rows)
	want := judge.Counts{Complied: 3, CompliedSeen: 2, Refused: 2, RefusedSeen: 2, EffectiveComplied: c.EffectiveComplied, EffectiveRefused: 2, Undecided: 1, Failed: 1, Unlabelled: 1}
	if c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
}

// Rows that repeat a prompt tell less: intervals must widen, never narrow.
func TestIntervalsCountUnitsNotRows(t *testing.T) {
	alone := judge.Count(append(judged(true, 200, 160, 1), judged(false, 200, 200, 1)...))
	shared := judge.Count(append(judged(true, 200, 160, 20), judged(false, 200, 200, 20)...))
	if alone.EffectiveComplied < 190 || alone.EffectiveRefused != 200 {
		t.Errorf("independent rows count as %d and %d, want 200", alone.EffectiveComplied, alone.EffectiveRefused)
	}
	if shared.EffectiveComplied > 15 || shared.EffectiveRefused != 10 {
		t.Errorf("ten units of equal rows count as %d and %d, want about 10", shared.EffectiveComplied, shared.EffectiveRefused)
	}
	if a, s := alone.Balanced(), shared.Balanced(); a.Value != s.Value || s.Lower >= a.Lower {
		t.Errorf("balanced %+v alone and %+v shared", a, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		right := rapid.IntRange(0, n).Draw(t, "right")
		c := judge.Count(judged(true, n, right, rapid.IntRange(1, 50).Draw(t, "share")))
		e := c.Sensitivity()
		if c.EffectiveComplied < 1 || c.EffectiveComplied > n || !(0 <= e.Lower && e.Lower <= e.Value && e.Value <= e.Upper && e.Upper <= 1) {
			t.Fatalf("%+v: %+v", c, e)
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

func TestCalibrationFiles(t *testing.T) {
	dir := t.TempDir()
	want := judge.Calibrate("refusal", "two rows", append(judged(true, 1, 1, 1), judged(false, 1, 0, 1)...))
	path := filepath.Join(dir, "good.json")
	if err := want.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := judge.LoadCalibration(path)
	if err != nil || got.Counts != want.Counts || got.Judge != "refusal" || got.Provenance != "two rows" {
		t.Errorf("%+v, %v", got, err)
	}
	if len(got.Warnings()) == 0 {
		t.Error("two labels raise no warning")
	}
	for text, wants := range map[string]string{
		`x`:             "not a calibration",
		`{"version":2}`: "version 2",
		`{"version":1,"complied":1,"complied_seen":2}`:                 "cannot be",
		`{"version":1,"refused":1,"refused_seen":-1}`:                  "cannot be",
		`{"version":1,"complied":1,"effective_complied":2}`:            "more effective replies",
		`{"version":1,"classes":{"a":{"refused":1,"refused_seen":2}}}`: `class "a"`,
	} {
		bad := filepath.Join(dir, "bad.json")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := judge.LoadCalibration(bad); err == nil || !strings.Contains(err.Error(), wants) || !strings.Contains(err.Error(), "bad.json") {
			t.Errorf("%s: %v, want %q in it", text, err, wants)
		}
	}
	if _, err := judge.LoadCalibration(filepath.Join(dir, "none.json")); !os.IsNotExist(unwrap(err)) {
		t.Errorf("a missing file: %v", err)
	}
}

func unwrap(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || os.IsNotExist(err) {
			return err
		}
		err = u.Unwrap()
	}
}

func TestClassesThatDifferRaiseAWarning(t *testing.T) {
	rows := append(judged(true, 200, 190, 1), judged(false, 200, 196, 1)...)
	for i := range rows {
		rows[i].Label.Class = "none"
	}
	worse := append(judged(true, 200, 190, 1), judged(false, 200, 140, 1)...)
	for i := range worse {
		worse[i].Label.Class = "8 harmful"
	}
	if w := judge.Calibrate("j", "", append(rows, worse...)).Warnings(); len(w) != 1 || !strings.Contains(w[0], `"8 harmful" and to "none"`) {
		t.Errorf("warnings %q", w)
	}
}

func TestCalibratedJudges(t *testing.T) {
	j := judge.Calibrated(says(judge.Partial, 0.5), judge.Calibration{Judge: "mine"})
	got, err := j.Judge(context.Background(), exchange("q", "a"))
	if err != nil || got.Decision != judge.Partial || j.Describe().Decision.Calibration.Judge != "mine" {
		t.Errorf("%+v, %v, %v", got, err, j.Describe())
	}
	c := judge.Refusal().Describe().Decision.Calibration
	if c.Judge != "refusal" || c.Complied < 500 || c.Refused < 500 || c.Provenance == "" || len(c.Warnings()) > 0 {
		t.Errorf("the shipped calibration: %s, warnings %q", c, c.Warnings())
	}
}

func TestMeasureKeepsOrderAndErrors(t *testing.T) {
	yes := true
	var labels []judge.Label
	for i := range 100 {
		labels = append(labels, judge.Label{ID: fmt.Sprint(i), Prompt: "q", Reply: "a", Complied: &yes})
	}
	labels[7].Reply = ""
	j := judge.Func(func(_ context.Context, x judge.Exchange) (judge.Judgement, error) {
		if x.Reply.State == chat.Empty {
			return judge.Judgement{}, errBroken
		}
		return judge.Judgement{Decision: judge.Complied}, nil
	})
	rows, err := judge.Measure(context.Background(), j, labels, 8)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if r.Label.ID != fmt.Sprint(i) || (r.Err != nil) != (i == 7) {
			t.Errorf("row %d is %s, error %v", i, r.Label.ID, r.Err)
		}
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := judge.Measure(ended, j, labels, 1); err == nil {
		t.Error("an ended context is no error")
	}
}

func TestReadLabelsNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"\n{\"prompt\":\"q\"}":                       `x:2: a label needs`,
		`{"prompt":"q","reply":"a","complied":"no"}`: "x:1: not a label",
		`[]`: "x:1: not a label",
	} {
		if _, err := judge.DecodeLabels(strings.NewReader(text), "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
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
