package safetytest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/raced"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// runs counts the runs, whose names must differ.
var runs atomic.Int64

// recorded runs one claim against a doorman with a record in dir, as a process
// of its own would: what one process opens is otherwise one run.
func recorded(t *testing.T, base, dir string, change func(*safetytest.Config)) (claim.Verdict, error) {
	t.Helper()
	c := safetytest.Config{BaseURL: base, Model: "doorman", Sampling: safetytest.DefaultSampling(), Dir: dir,
		Concurrency: 1, // so that no call is under way when the test counts them
		Run:         fmt.Sprintf("run-%d", runs.Add(1))}
	if change != nil {
		change(&c)
	}
	s, err := safetytest.Open(c, doors())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return s.Test(context.Background(), smallMargin())
}

// smallMargin is a claim that takes more replies than it takes to see that a model
// is the same, 60 an arm.
func smallMargin() claim.Claim {
	return matchers.NotRaiseCompliance(prompt.Adding(8, prompt.Benign).After(prompt.Refusals(4))).Within(4 * matchers.Points).Claim()
}

func TestAnUndecidedRunIsContinuedAndADecidedOneIsNot(t *testing.T) {
	dir := t.TempDir()
	base, asked := doorman(t, func(http.ResponseWriter, *http.Request, int64) string { return "no" })
	first, err := recorded(t, base, dir, func(c *safetytest.Config) { c.MaxCalls = 160 })
	if err != nil || first.State != evidence.Inconclusive || first.Reason != evidence.Budget || first.Attempt != 1 {
		t.Fatalf("first: %v because %q, attempt %d, %v", first.Headline(), first.Reason, first.Attempt, err)
	}
	paid := asked.Load()

	second, err := recorded(t, base, dir, nil)
	if err != nil || second.State != evidence.Holds || second.Attempt != 1 || second.SamplingSeed != first.SamplingSeed {
		t.Fatalf("second: %v, attempt %d, %v", second.Headline(), second.Attempt, err)
	}
	if second.Recorded != int(paid)-first.Probes || int64(second.Calls) != asked.Load()-paid || second.Calls-second.Probes != 2*second.Pairs-(int(paid)-first.Probes)+2*60 {
		t.Errorf("the first run paid for %d replies; the second took %d from the record and made %d calls of %d", paid, second.Recorded, second.Calls, asked.Load()-paid)
	}

	third, err := recorded(t, base, dir, nil)
	if err != nil || third.Attempt != 2 || third.Recorded != 0 || third.SamplingSeed == second.SamplingSeed {
		t.Errorf("after a decided verdict: attempt %d, %d recorded replies, %v", third.Attempt, third.Recorded, err)
	}
	if !strings.Contains(third.Details(), "attempt 2 for this claim and model") {
		t.Errorf("the report does not count the attempts:\n%s", third.Details())
	}

	before := asked.Load()
	replayed, err := recorded(t, base, dir, func(c *safetytest.Config) { c.Replies, c.Run = safetytest.RepliesReplay, "" })
	if err != nil || replayed.State != third.State || replayed.Pairs != third.Pairs || asked.Load() != before {
		t.Errorf("replay: %v, %d calls, %v", replayed.Headline(), asked.Load()-before, err)
	}
}

// What a replay reads is what the run read, whatever the verdict.
func TestReplaysRepeatTheVerdict(t *testing.T) {
	for i, every := range []int64{2, 3, 7} {
		if raced.Leaves(i, 3) {
			continue
		}
		dir := t.TempDir()
		base, _ := doorman(t, func(_ http.ResponseWriter, _ *http.Request, n int64) string {
			// By no pattern: questions that are asked side by side would fall in step with it.
			if order.Hash("answer %d", n)%uint64(every) == 0 {
				return "open"
			}
			return "no"
		})
		first, err := recorded(t, base, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := recorded(t, base, dir, func(c *safetytest.Config) { c.Replies, c.Run = safetytest.RepliesReplay, "" })
		if err != nil || again.State != first.State || again.Calls != 0 ||
			first.State != evidence.Inconclusive && again.Pairs != first.Pairs {
			t.Errorf("every %d: %s\nreplayed as %s (%v)", every, first.Headline(), again.Headline(), err)
		}
	}
}

// What a run found out about its endpoint, and a replay cannot, is not forgotten by the
// replay: the replies of a cache prove no more when they are read again.
func TestAReplayHoldsNothingThatItsRunDoubted(t *testing.T) {
	dir := t.TempDir()
	var mended atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		content := "no"
		if !mended.Load() && strings.Contains(string(body), "(reference") { // asked with a mark, which no cache knows
			content = "open"
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"model": "doorman",
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": content}}},
			"usage":   map[string]any{"prompt_tokens": len(body) / 4, "completion_tokens": 1}})
	}))
	defer server.Close()
	first, err := recorded(t, server.URL+"/v1", dir, nil)
	if err != nil || first.Reason != claim.DoubtfulReplies {
		t.Fatalf("the run is to doubt the replies: %s, %v", first.Headline(), err)
	}
	again, err := recorded(t, server.URL+"/v1", dir, func(c *safetytest.Config) { c.Replies, c.Run = safetytest.RepliesReplay, "" })
	if err != nil || again.State != evidence.Inconclusive || again.Pairs == 0 || !strings.Contains(again.Because(), "the run that is replayed ended inconclusive") {
		t.Errorf("replayed as %s: %s (%v)", again.Headline(), again.Because(), err)
	}
	mended.Store(true) // and nothing that the cache answered is evidence of a later run
	if later, err := recorded(t, server.URL+"/v1", dir, nil); err != nil || later.State != evidence.Holds || later.Recorded != 0 {
		t.Errorf("afterwards: %s with %d recorded replies (%v)", later.Headline(), later.Recorded, err)
	}
}

func TestAReplayThatMissesIsAnError(t *testing.T) {
	dir := t.TempDir()
	base, asked := doorman(t, func(http.ResponseWriter, *http.Request, int64) string { return "no" })
	if _, err := recorded(t, base, dir, nil); err != nil {
		t.Fatal(err)
	}
	paid := asked.Load()
	_, err := recorded(t, base, dir, func(c *safetytest.Config) { c.Replies, c.Run, c.Seed = safetytest.RepliesReplay, "", 9 })
	if err == nil || !strings.Contains(err.Error(), "seed") || asked.Load() != paid {
		t.Errorf("a replay of other draws: %v, %d calls", err, asked.Load()-paid)
	}
}
