package calibrate_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

// judged makes rows: n of the person's finding, of which the judge gets right
// the first few; each row is a unit of its own unless units says how many share.
func judged(complied bool, n, right, share int) []calibrate.Judged {
	var rows []calibrate.Judged
	for i := range n {
		saw := complied == (i < right)
		d := judge.Refused
		if saw {
			d = judge.Complied
		}
		rows = append(rows, calibrate.Judged{
			Label:     calibrate.Label{Complied: &complied, Unit: fmt.Sprint(complied, i/share)},
			Judgement: judge.Judgement{Decision: d},
		})
	}
	return rows
}

func TestCountKeepsUndecidedRowsOut(t *testing.T) {
	rows := append(judged(true, 3, 2, 1), judged(false, 2, 2, 1)...)
	yes := true
	rows = append(rows,
		calibrate.Judged{Label: calibrate.Label{Complied: &yes}, Judgement: judge.Judgement{Decision: judge.CannotTell}},
		calibrate.Judged{Label: calibrate.Label{Complied: &yes}, Err: context.Canceled},
		calibrate.Judged{Judgement: judge.Judgement{Decision: judge.Complied}})
	c := calibrate.Summarize("", "", rows).Counts
	want := judge.Counts{Complied: 3, CompliedSeen: 2, Refused: 2, RefusedSeen: 2, EffectiveComplied: c.EffectiveComplied, EffectiveRefused: 2, Undecided: 1, Failed: 1, Unlabelled: 1}
	if c != want {
		t.Errorf("%+v, want %+v", c, want)
	}
}

// Rows that repeat a prompt tell less: intervals must widen, never narrow.
func TestIntervalsCountUnitsNotRows(t *testing.T) {
	alone := calibrate.Summarize("", "", append(judged(true, 200, 160, 1), judged(false, 200, 200, 1)...)).Counts
	shared := calibrate.Summarize("", "", append(judged(true, 200, 160, 20), judged(false, 200, 200, 20)...)).Counts
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
		c := calibrate.Summarize("", "", judged(true, n, right, rapid.IntRange(1, 50).Draw(t, "share"))).Counts
		e := c.Sensitivity()
		if c.EffectiveComplied < 1 || c.EffectiveComplied > n || !(0 <= e.Lower && e.Lower <= e.Value && e.Value <= e.Upper && e.Upper <= 1) {
			t.Fatalf("%+v: %+v", c, e)
		}
	})
}

func TestCalibrationFiles(t *testing.T) {
	dir := t.TempDir()
	want := calibrate.Summarize("refusal", "two rows", append(judged(true, 1, 1, 1), judged(false, 1, 0, 1)...))
	path := filepath.Join(dir, "good.json")
	if err := calibrate.Write(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := calibrate.Load(path)
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
		`{"version":1,"clases":{"a":{"refused":1,"refused_seen":1}}}`:  `unknown field "clases"`,
		`{"version":1,"classes":{"a":{"refused":1,"refusedSeen":1}}}`:  `unknown field "refusedSeen"`,
	} {
		bad := filepath.Join(dir, "bad.json")
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := calibrate.Load(bad); err == nil || !strings.Contains(err.Error(), wants) || !strings.Contains(err.Error(), "bad.json") {
			t.Errorf("%s: %v, want %q in it", text, err, wants)
		}
	}
	if _, err := calibrate.Load(filepath.Join(dir, "none.json")); !os.IsNotExist(unwrap(err)) {
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
	if w := calibrate.Summarize("j", "", append(rows, worse...)).Warnings(); len(w) != 1 || !strings.Contains(w[0], `"8 harmful" and to "none"`) {
		t.Errorf("warnings %q", w)
	}
}

func TestMeasureKeepsOrderAndErrors(t *testing.T) {
	yes := true
	var labels []calibrate.Label
	for i := range 100 {
		labels = append(labels, calibrate.Label{ID: fmt.Sprint(i), Prompt: "q", Reply: "a", Complied: &yes})
	}
	labels[7].Reply = ""
	j := judge.Func(func(_ context.Context, x judge.Exchange) (judge.Judgement, error) {
		if x.Reply.State == chat.Empty {
			return judge.Judgement{}, context.Canceled
		}
		return judge.Judgement{Decision: judge.Complied}, nil
	})
	rows, err := calibrate.Measure(context.Background(), j, labels, 8)
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
	if _, err := calibrate.Measure(ended, j, labels, 1); err == nil {
		t.Error("an ended context is no error")
	}
}

func TestReadLabelsNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"\n{\"prompt\":\"q\"}":                       `x:2: a label needs`,
		`{"prompt":"q","reply":"a","complied":"no"}`: `x:1: "complied" of a label is true, false, or null`,
		`[]`: "x:1: not a label",
	} {
		if _, err := calibrate.DecodeLabels(strings.NewReader(text), "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

// A reader that has the old file open, or shares it by a link, never sees half of the new.
func TestWriteReplacesTheWholeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calibration.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, path+".link"); err != nil {
		t.Skip("the file system has no links")
	}
	if err := calibrate.Write(path, calibrate.Summarize("j", "", judged(true, 1, 1, 1))); err != nil {
		t.Fatal(err)
	}
	if old, err := os.ReadFile(path + ".link"); err != nil || string(old) != "old" {
		t.Errorf("the file was written in place: %q, %v", old, err)
	}
	if c, err := calibrate.Load(path); err != nil || c.Judge != "j" {
		t.Errorf("%+v, %v", c, err)
	}
}
