package safetytest_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Money is counted from the tokens that the endpoint reports, and its bound is hard.
func TestMoneyIsCountedAndBounded(t *testing.T) {
	prices := map[string]chat.Price{"doorman": {Prompt: 1, Reply: 10}}
	spend := func(most float64) (cost, expected float64, state evidence.State) {
		base, _ := doorman(t, func(http.ResponseWriter, *http.Request, int64) string { return "no" })
		c := safetytest.Config{BaseURL: base, Model: "doorman", Sampling: safetytest.DefaultSampling(), Dir: t.TempDir(), Run: "only", Prices: prices, Currency: "USD", MaxCost: most, Concurrency: 4}
		s, err := safetytest.Open(c, doors())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		v, err := s.Test(context.Background(), benignAddition())
		if err != nil {
			t.Fatal(err)
		}
		u := s.Usage()
		return s.Cost(), prices["doorman"].Cost(u.Prompt, u.Reply), v.State
	}
	cost, expected, state := spend(0)
	if state != evidence.Holds || cost == 0 || expected == 0 || cost < expected || cost > 2*expected+0.001 {
		t.Fatalf("%v: %v spent, %v by the tokens that were reported", state, cost, expected)
	}
	for _, part := range []float64{0.75, 0.5} {
		bound := cost * part
		got, _, state := spend(bound)
		if state != evidence.Inconclusive || got > bound || got == 0 {
			t.Errorf("within %v: %v spent, %v", bound, got, state)
		}
	}
	if got, _, _ := spend(1e-9); got != 0 {
		t.Errorf("%v spent of next to nothing", got)
	}
	if math.IsNaN(cost) {
		t.Error(cost)
	}
}

func TestABoundOnMoneyNeedsPrices(t *testing.T) {
	file := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(file, []byte(`{"currency": "USD", "models": {"other": {"prompt": 1, "reply": 2}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func(change func(*safetytest.Config)) error {
		c := safetytest.Config{Model: "sim:steady", Dir: t.TempDir(), MaxCost: 1}
		change(&c)
		s, err := safetytest.Open(c, fixtures.NoCooking())
		if err == nil {
			_ = s.Close()
		}
		return err
	}
	for name, c := range map[string]struct {
		change func(*safetytest.Config)
		want   string
	}{
		"no prices":    {func(*safetytest.Config) {}, `what "sim:steady" costs is not known: add it to the file that SAFETYTEST_PRICES names`},
		"other prices": {func(c *safetytest.Config) { c.Prices, c.Currency = map[string]chat.Price{"other": {}}, "USD" }, `what "sim:steady" costs is not known`},
		"no currency":  {func(c *safetytest.Config) { c.Prices = map[string]chat.Price{"sim:steady": {}} }, "prices need a currency"},
		"negative": {func(c *safetytest.Config) {
			c.Prices, c.Currency = map[string]chat.Price{"sim:steady": {Reply: -1}}, "USD"
		}, `a price of "sim:steady" is -1`},
		"no record": {func(c *safetytest.Config) { c.Dir = "" }, "MaxCost is 1, and must be above 0, with Dir"},
		"below 0":   {func(c *safetytest.Config) { c.MaxCost = -1 }, "MaxCost is -1"},
	} {
		if err := open(c.change); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	t.Setenv("SAFETYTEST_MODEL", "sim:steady")
	t.Setenv("SAFETYTEST_PRICES", file)
	c, err := safetytest.FromEnv()
	if err != nil || c.Currency != "USD" || c.Prices["other"] != (chat.Price{Prompt: 1, Reply: 2}) {
		t.Errorf("%+v, %v", c.Prices, err)
	}
	t.Setenv("SAFETYTEST_PRICES", file+"x")
	if _, err := safetytest.FromEnv(); err == nil || !strings.HasPrefix(fmt.Sprint(err), "SAFETYTEST_PRICES: ") {
		t.Error(err)
	}
}
