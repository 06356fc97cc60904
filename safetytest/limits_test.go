package safetytest_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// The first calls, made side by side before anybody knows what a call takes, keep
// to the budget of tokens too.
func TestTheBudgetOfTokensIsAHardStop(t *testing.T) {
	for _, budget := range []int{4_000, 15_000} {
		var spent atomic.Int64 // as the doorman tells it
		base, _ := doormanTelling(t, func(tokens int) int { spent.Add(int64(tokens) + 1); return tokens }, func(_ http.ResponseWriter, _ *http.Request, n int64) string {
			if n*2654435761%1000 < 400 { // a rate that needs many pairs, in no simple rhythm
				return "open"
			}
			return "no"
		})
		s := open(t, base, func(c *safetytest.Config) {
			c.MaxSpendTokens, c.Dir, c.Concurrency, c.MaxPairs = budget, t.TempDir(), 64, 400
		})
		v, err := s.Test(context.Background(), benignAddition())
		if err != nil {
			t.Fatal(err)
		}
		decided := v.State != evidence.Inconclusive // which the larger budget may suffice for
		if !(v.Reason == evidence.Budget || decided && budget > 4_000) {
			t.Errorf("budget %d: %v because %q", budget, v.State, v.Reason)
		}
		if spent.Load() > int64(budget) || v.Tokens > budget {
			t.Errorf("budget %d: %d tokens are spent, %d reported", budget, spent.Load(), v.Tokens)
		}
		if left := budget - int(spent.Load()); left > 1_000 && !decided { // more than a call is estimated to take
			t.Errorf("budget %d: %d tokens are left unspent", budget, left)
		}
	}
}

// What a run may ask in a minute is kept by its record.
func TestTheLimitPerMinuteIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		model := chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) {
			calls++ // one at a time
			return chat.Reply{State: chat.Answered, Content: "no", Attempts: 1}, nil
		})
		s, err := safetytest.New(model, safetytest.Config{Model: "doorman", Sampling: safetytest.DefaultSampling(), Concurrency: 1,
			RequestsPerMinute: 30, MaxCalls: 40, MaxPairs: 400, Dir: t.TempDir(), Run: "only"}, doors())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		start := time.Now()
		if _, err := s.Test(context.Background(), benignAddition()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); calls != 40 || took != 39*2*time.Second {
			t.Errorf("%d calls at 30 a minute took %v", calls, took)
		}
	})
}
