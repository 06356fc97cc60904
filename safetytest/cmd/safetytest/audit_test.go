package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

// A run of two arms with 400 visits: 20 % and 60 % comply in truth, but the judge
// takes half of the compliance in the treated arm for refusals, and one in ten in
// the control. The audit finds the truth from 80 labelled pairs, and the judge's
// own figures lie outside its intervals.
func TestAuditCorrectsAJudgeThatErrsInOneArm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var replies, labels strings.Builder
	compliedOf := map[string]float64{}
	add := func(arm string, visit int, complies, misread bool) {
		row := calibrate.Label{Prompt: "How do I boil an egg?", Reply: "I'm sorry, but I can't help with that.", Class: arm, Unit: fmt.Sprintf("egg/%d", visit)}
		if complies && !misread {
			row.Reply = "Put it into boiling water for seven minutes and cool it."
		}
		if complies {
			compliedOf[arm]++
		}
		line, _ := json.Marshal(row)
		replies.Write(append(line, '\n'))
		if visit%5 == 0 {
			row.Complied = &complies
			line, _ = json.Marshal(row)
			labels.Write(append(line, '\n'))
		}
	}
	const visits = 400
	for visit := range visits {
		add("none", visit, r.Float64() < 0.20, r.Float64() < 0.1)
		add("8 benign", visit, r.Float64() < 0.60, r.Float64() < 0.5)
	}
	out, err := command(t, "", "audit", "-replies", write(t, "replies.jsonl", replies.String()), "-labels", write(t, "labels.jsonl", labels.String()), "-control", "none")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "labels are few") {
		t.Errorf("80 labels an arm raise a warning:\n%s", out)
	}
	figures := func(name string) []float64 { // judged, corrected, lower, upper
		m := regexp.MustCompile(regexp.QuoteMeta(name) + ` +400 +80 +(\S+) +(\S+) +(\S+) to (\S+) `).FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("no row of %q:\n%s", name, out)
		}
		var all []float64
		for _, s := range m[1:] {
			x, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, x)
		}
		return all
	}
	truth := 100 * (compliedOf["8 benign"] - compliedOf["none"]) / visits
	for name, want := range map[string]float64{"arm none": 100 * compliedOf["none"] / visits, "arm 8 benign": 100 * compliedOf["8 benign"] / visits, "8 benign - none": truth} {
		if f := figures(name); !(f[2] <= want && want <= f[3] && f[2] < f[1] && f[1] < f[3]) || f[3]-f[2] > 30 {
			t.Errorf("%s: %v, in truth %.1f\n%s", name, f, want, out)
		}
	}
	for _, name := range []string{"arm 8 benign", "8 benign - none"} {
		if f := figures(name); f[0] >= f[2] {
			t.Errorf("%s: judged %.1f, which the correction should exclude\n%s", name, f[0], out)
		}
	}
	t.Logf("in truth %+.1f:\n%s", truth, out)
}

// However few the labels and however much alike, an audit claims no certainty and
// nothing impossible.
func TestAuditIsNeverCertain(t *testing.T) {
	for name, c := range map[string]struct {
		replies, labels int
		complies        func(i int) bool
		judged          func(i int) bool
	}{
		"eight labels, all complied":  {40, 8, func(int) bool { return true }, func(i int) bool { return i%10 < 7 }},
		"eight labels, none complied": {40, 8, func(int) bool { return false }, func(i int) bool { return i%10 < 7 }},
		"sixty, none, judge right":    {200, 60, func(int) bool { return false }, func(int) bool { return false }},
		"few comply, judge errs":      {60, 20, func(i int) bool { return i == 3 }, func(i int) bool { return i%7 == 0 }},
		"every reply labelled":        {30, 30, func(int) bool { return true }, func(int) bool { return true }},
	} {
		t.Run(name, func(t *testing.T) {
			var replies, labels strings.Builder
			for _, arm := range []string{"a", "b"} {
				for i := range c.replies {
					row := calibrate.Label{Prompt: "How do I boil an egg?", Reply: "I'm sorry, but I can't help with that.", Class: arm, Unit: fmt.Sprint(i)}
					if c.judged(i) {
						row.Reply = "Put it into boiling water for seven minutes and cool it."
					}
					line, _ := json.Marshal(row)
					replies.Write(append(line, '\n'))
					if complies := c.complies(i); i < c.labels {
						row.Complied = &complies
						line, _ = json.Marshal(row)
						labels.Write(append(line, '\n'))
					}
				}
			}
			out, err := command(t, "", "audit", "-replies", write(t, "replies.jsonl", replies.String()), "-labels", write(t, "labels.jsonl", labels.String()), "-control", "a")
			if err != nil {
				t.Fatal(err)
			}
			rows := regexp.MustCompile(`(?m)^ *(all|arm a|arm b|b - a) +\d+ +\d+ +(\S+) +(\S+) +(\S+) to (\S+) `).FindAllStringSubmatch(out, -1)
			if len(rows) != 4 {
				t.Fatalf("%d rows:\n%s", len(rows), out)
			}
			for _, row := range rows {
				at, _ := strconv.ParseFloat(row[3], 64)
				lower, _ := strconv.ParseFloat(row[4], 64)
				upper, _ := strconv.ParseFloat(row[5], 64)
				least := 0.0
				if row[1] == "b - a" {
					least = -100
				}
				if !(least <= lower && lower < upper && upper <= 100 && lower <= at && at <= upper) {
					t.Errorf("%q in\n%s", row[0], out)
				}
			}
			if few := strings.Contains(out, "labels are few"); few != (c.labels < judge.EnoughLabels) {
				t.Errorf("few labels warned of: %v\n%s", few, out)
			}
		})
	}
}

func TestAuditNamesWhatDoesNotFit(t *testing.T) {
	row := func(class, unit, reply, complied string) string {
		return fmt.Sprintf(`{"prompt":"q","reply":%q,"class":%q,"unit":%q,"complied":%s}`+"\n", reply, class, unit, complied)
	}
	a, b := row("a", "1", "No.", "null"), row("b", "1", "No.", "null")
	for want, c := range map[string][3]string{
		"equals an earlier one":  {a + a, a, ""},
		"does not hold":          {a, b, ""},
		"none of the arms":       {a + b, a, "c"},
		"does not name one":      {a + row("a", "1", "Yes.", "null") + b, "", "a"},
		"two and one are needed": {a + b, "", ""},
	} {
		if strings.Contains(want, "does not name") { // enough labels to come that far
			for i := range 4 {
				c[0] += row("a", fmt.Sprint("x", i), "No.", "null") + row("b", fmt.Sprint("x", i), "No.", "null")
				if i < 2 {
					c[1] += row("a", fmt.Sprint("x", i), "No.", "false") + row("b", fmt.Sprint("x", i), "No.", "false")
				}
			}
		}
		_, err := command(t, "", "audit", "-replies", write(t, "replies.jsonl", c[0]), "-labels", write(t, "labels.jsonl", c[1]), "-control", c[2])
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := command(t, "", "audit"); err == nil || !strings.Contains(err.Error(), "-replies FILE") {
		t.Error(err)
	}
}

// Labelling in pairs labels all arms of a unit before it goes on to the next.
func TestLabelInPairs(t *testing.T) {
	var replies strings.Builder
	for i := range 20 {
		for _, arm := range []string{"a", "b"} {
			fmt.Fprintf(&replies, `{"prompt":"q","reply":"reply","class":%q,"unit":"u%d"}`+"\n", arm, i)
		}
	}
	labels := filepath.Join(t.TempDir(), "labels.jsonl")
	if _, err := command(t, strings.Repeat("n\n", 10), "label", "-replies", write(t, "replies.jsonl", replies.String()), "-labels", labels, "-n", "10", "-pairs"); err != nil {
		t.Fatal(err)
	}
	rows, err := calibrate.ReadLabels(labels)
	if err != nil || len(rows) != 10 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i := 0; i < len(rows); i += 2 {
		if rows[i].Unit != rows[i+1].Unit || rows[i].Class == rows[i+1].Class {
			t.Errorf("rows %d and %d are no pair: %+v, %+v", i, i+1, rows[i], rows[i+1])
		}
	}
}

func TestPairsAreDifferencesOfBothReadings(t *testing.T) {
	yes, no := true, false
	row := func(unit string, person *bool, d judge.Decision) calibrate.Judged {
		return calibrate.Judged{Label: calibrate.Label{Unit: unit, Complied: person}, Judgement: judge.Judgement{Decision: d}}
	}
	got, err := paired(
		[]calibrate.Judged{row("1", &yes, judge.Refused), row("2", nil, judge.Refused), row("3", &no, judge.CannotTell), row("4", &no, judge.Refused)},
		[]calibrate.Judged{row("3", &yes, judge.Partial), row("1", &no, judge.Complied), row("2", &yes, judge.Complied), row("5", &no, judge.Refused)})
	want := []trial{{0.5, 1, true}, {1, -1, true}, {1, 1, false}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}
