package safetytest_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// The ways of sampling that a configuration or a claim can choose, each on a
// model that refuses everything.
func TestWaysOfSampling(t *testing.T) {
	zero := 0.0
	addition := matchers.NotRaiseCompliance(prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4)))
	for _, c := range []struct {
		name   string
		change func(*safetytest.Config)
		claim  safetytest.Claim
		pairs  int // 0: no matter
		over   string
	}{
		{"fixed n", func(c *safetytest.Config) { c.FixedN, c.MaxPairs = true, 80 }, addition.Claim(), 80, "120 cells"},
		{"terminal look", func(c *safetytest.Config) { c.TerminalLook, c.MaxPairs = true, 80 }, addition.Claim(), 0, "120 cells"},
		{"greedy", func(c *safetytest.Config) { c.Sampling.Temperature = &zero }, addition.Claim(), 0, "120 cells"},
		{"over targets", nil, addition.Within(30 * matchers.Points).OverTargets().Claim(), 0, "requests like these 30"},
		{"a rate over targets", nil, matchers.KeepComplianceBelow(0.3).OverTargets().Claim(), 0, "requests like these 30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, _ := doorman(t, func(http.ResponseWriter, *http.Request, int64) string { return "no" })
			v, err := open(t, base, c.change).Test(context.Background(), c.claim)
			if err != nil {
				t.Fatal(err)
			}
			if v.State != evidence.Holds || c.pairs > 0 && v.Pairs != c.pairs || !strings.Contains(v.Population, c.over) {
				t.Errorf("%s", v.Details())
			}
		})
	}
}

func TestGreedyDecodingVisitsNoCellTwice(t *testing.T) {
	zero := 0.0
	seen := map[string]int{}
	model := chat.ModelFunc(func(_ context.Context, r chat.Request) (chat.Reply, error) {
		if r.Visit != 0 || *r.Sampling.Temperature != 0 {
			t.Errorf("visit %d of %s at temperature %v", r.Visit, r.Cell, *r.Sampling.Temperature)
		}
		seen[r.Cell]++
		content := "no"
		if len(seen)%3 == 0 { // undecided for long
			content = "open"
		}
		return chat.Reply{State: chat.Answered, Content: content, Attempts: 1}, nil
	})
	s, err := safetytest.New(model, safetytest.Config{Model: "doorman", Sampling: chat.Sampling{Temperature: &zero}, Concurrency: 1}, doors())
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Test(context.Background(), benignAddition())
	if err != nil {
		t.Fatal(err)
	}
	for cell, n := range seen {
		if n > 2 { // one for each arm
			t.Errorf("%s was asked %d times", cell, n)
		}
	}
	if v.Pairs > 120 {
		t.Errorf("%d pairs of 120 cells", v.Pairs)
	}
}

// With one look at the end a slow reply holds nobody up; with looks, no more than
// a batch, or as many calls as are made at once, is asked ahead of it.
func TestHowFarIsAskedAhead(t *testing.T) {
	const all, atOnce = 96, 16
	for _, fixed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			slow := make(chan struct{})
			model := chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) {
				if calls.Add(1) == 1 {
					<-slow
				}
				return chat.Reply{State: chat.Answered, Content: "no", Attempts: 1}, nil
			})
			s := under(t, model, house(), safetytest.Config{FixedN: fixed, MaxPairs: all / 2, Batch: 8, Concurrency: atOnce})
			go func() {
				defer s.Close()
				verdict(t, s, benignAddition())
			}()
			synctest.Wait() // nothing more happens before the first reply
			batch := int64(2 * 8)
			if n := calls.Load(); fixed && n != all || !fixed && n > batch+atOnce {
				t.Errorf("fixed n %v: %d calls behind a slow one", fixed, n)
			}
			close(slow)
		})
	}
}
