package safetytest_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/policy"
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
		claim  claim.Claim
		pairs  int // 0: no matter
		over   string
	}{
		{"fixed n", func(c *safetytest.Config) { c.Stopping, c.MaxPairs = evidence.FixedN, 80 }, addition.Claim(), 80, "120 cells"},
		{"terminal look", func(c *safetytest.Config) { c.Stopping, c.MaxPairs = evidence.TerminalLook, 80 }, addition.Claim(), 0, "120 cells"},
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

// A temperature of 0 is sampled like any other, unless repeats were asked for and
// agree: then no cell is visited twice.
func TestGreedyDecodingIsMeasured(t *testing.T) {
	for _, c := range []struct {
		name      string
		census    bool
		flips     int    // one of so many calls is answered otherwise
		want      string // of the warnings
		onceACell bool
	}{
		{"not asked for", false, 0, "", false},
		{"repeats", true, 0, "0 of ", true},
		{"repeats in most cases", true, 5, "cells are drawn with replacement", false},
		{"samples all the same", true, 2, "cells are drawn with replacement", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			zero := 0.0
			chance, most := rand.New(rand.NewPCG(1, 2)), 0
			model := chat.ModelFunc(func(_ context.Context, r chat.Request) (chat.Reply, error) {
				if !strings.HasPrefix(r.Cell, "probe/") {
					most = max(most, r.Visit+1)
				}
				sum := sha256.Sum256(fmt.Append(nil, r.Messages))
				open := sum[0]%3 == 0 // undecided for long
				if c.flips > 0 && chance.IntN(c.flips) == 0 {
					open = !open
				}
				return chat.Reply{State: chat.Answered, Content: map[bool]string{true: "open", false: "no"}[open], Attempts: 1}, nil
			})
			p := house()
			for i := 30; i < 200; i++ {
				p.Targets = append(p.Targets, policy.Target{ID: fmt.Sprintf("door-%d", i), Request: fmt.Sprintf("Open door %d.", i), Topic: "oak"})
			}
			s, err := safetytest.New(model, safetytest.Config{Model: "doorman", Census: c.census, Sampling: chat.Sampling{Temperature: &zero}, Concurrency: 1, SamplingSeed: 3}, p)
			if err != nil {
				t.Fatal(err)
			}
			v, err := s.Test(context.Background(), matchers.NotRaiseCompliance(prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))).Within(20*matchers.Points).Claim())
			if err != nil {
				t.Fatal(err)
			}
			if c.onceACell && most != 1 || !c.onceACell && most == 1 {
				t.Errorf("a cell was visited up to %d times, in %d pairs", most, v.Pairs)
			}
			if c.want != "" && !slices.ContainsFunc(v.Warnings, func(w string) bool { return strings.Contains(w, c.want) }) {
				t.Errorf("warnings: %q", v.Warnings)
			}
		})
	}
}

// With one look at the end a slow reply holds nobody up; with looks, no more than
// a batch, or as many calls as are made at once, is asked ahead of it.
func TestHowFarIsAskedAhead(t *testing.T) {
	const all, atOnce = 96, 16
	for _, rule := range []evidence.StoppingRule{evidence.FixedN, evidence.Sequential} {
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int64
			slow := make(chan struct{})
			model := chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) {
				if calls.Add(1) == 1 {
					<-slow
				}
				return chat.Reply{State: chat.Answered, Content: "no", Attempts: 1}, nil
			})
			s := under(t, model, house(), safetytest.Config{Stopping: rule, MaxPairs: all / 2, Batch: 8, Concurrency: atOnce})
			go func() {
				defer s.Close()
				verdict(t, s, benignAddition())
			}()
			synctest.Wait() // nothing more happens before the first reply
			batch := int64(2 * 8)
			if n := calls.Load(); rule.Once() && n != all || !rule.Once() && n > batch+atOnce {
				t.Errorf("%v: %d calls behind a slow one", rule, n)
			}
			close(slow)
		})
	}
}
