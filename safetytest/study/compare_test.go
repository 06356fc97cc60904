package study_test

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/study"
)

func TestCompare(t *testing.T) {
	a, b := simulated(t, "sim:recency", 100), simulated(t, "sim:steady", 100)
	slope := func(value, low, high float64) study.Estimate {
		return study.Estimate{ID: "slope/benign", Sentence: "the slope of benign demonstrations", Unit: "log-odds", Value: value, Low: low, High: high, Level: .95, Paper: .201, Replies: 80, Targets: 60, Draws: 5}
	}
	spread := study.Estimate{ID: "order/spread", Sentence: "between orders", Unit: "points", Value: 30, Low: 20, High: 42, Level: .95, Replies: 80, Targets: 60, Draws: 5}
	a.Weights = strings.Repeat("ab", 32)
	a.Estimates = []study.Estimate{slope(-.3, -.4, -.2), spread}
	b.Estimates = []study.Estimate{slope(.1, -.1, .3), {ID: "order/spread", Sentence: "between orders", Unit: "points", CannotTell: "no replies"}}
	page, err := study.Compare([]study.Result{a, b})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "compare.md", page)

	// What is doubted says nothing.
	a.Doubts = []string{"the endpoint cut what it was sent"}
	page, err = study.Compare([]study.Result{a, b})
	if err != nil || strings.Contains(page, "dilute**") || !strings.Contains(page, "cut what it was sent") {
		t.Errorf("%v; a doubted study is compared:\n%s", err, page)
	}
	for name, results := range map[string][]study.Result{"nothing": nil, "one twice": {b, b}} {
		if _, err := study.Compare(results); err == nil {
			t.Errorf("%s is compared", name)
		}
	}
}
