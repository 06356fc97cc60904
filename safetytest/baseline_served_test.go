//go:build !race

package safetytest_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// A model that is compared with itself, because the endpoint answers with one whichever is
// asked for, is no worse, and that says nothing; and whoever answered under another name
// than the one asked for is named, also where there are several models.
func TestAModelIsNotComparedWithItselfUnderAnotherName(t *testing.T) {
	for _, c := range []struct {
		served string // for the baseline
		state  evidence.State
		warns  bool
	}{
		{worldModel, evidence.Inconclusive, true},
		{"porter-6b", evidence.Holds, false},
		{"porter-6b-2026-08-06", evidence.Holds, false},
		{"whatever is loaded", evidence.Holds, true},
	} {
		at := place{rate: func(*worldAsk) float64 { return 0.02 }}.open(1, "baseline")
		other := place{rate: func(*worldAsk) float64 { return 0.02 }, alter: func(_ *worldAsk, a *answers) { a.model = c.served }}.open(2, "baseline")
		now, before := httptest.NewServer(at), httptest.NewServer(other)
		s, err := safetytest.Open(safetytest.Config{BaseURL: now.URL + "/v1", Model: worldModel, Sampling: safetytest.DefaultSampling(), SamplingSeed: 7,
			Models: map[string]safetytest.Endpoint{claim.Baseline: {BaseURL: before.URL + "/v1", Model: "porter-6b"}}}, porter(40, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Test(context.Background(), matchers.NotRaise(matchers.Compliance).When(prompt.Comparing(claim.Baseline, prompt.Refusals(2))).Within(20*matchers.Points).Claim())
		if warned := strings.Contains(strings.Join(v.Warnings, "\n"), `ANOTHER MODEL ANSWERED: "porter-6b" was asked for`); err != nil || v.State != c.state || warned != c.warns {
			t.Errorf("served as %q: %v, warned %v\n%s", c.served, err, warned, v.Details())
		}
		_ = s.Close()
		now.Close()
		before.Close()
	}
}
