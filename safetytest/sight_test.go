package safetytest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// slowSight answers what claims ask at once, and what is asked about itself only when
// enough of that was answered: whoever looks at the answers before it is known whether
// the prompts were read whole has all that it takes for a verdict.
type slowSight struct {
	counts string // "all" or "some" of the prompt tokens, "" for none
	keeps  int    // messages that the model sees, the last ones; 0 for all
	caches bool   // equal questions get equal answers

	mu       sync.Mutex
	evidence int // calls
	answers  map[string]string
	enough   chan struct{} // closed when there are
	release  chan struct{}
}

// sightConcurrency is how many calls may be in flight, and so be asked before the
// endpoint is known to read whole prompts; enoughEvidence is more than the claim needs.
const sightConcurrency, enoughEvidence = 256, 240

func newSlowSight(counts string, keeps int, caches bool) *slowSight {
	return &slowSight{counts: counts, keeps: keeps, caches: caches, answers: map[string]string{}, enough: make(chan struct{}), release: make(chan struct{})}
}

func (s *slowSight) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct{ Messages []chat.Message }
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &in) != nil {
		return
	}
	text, n := "", 0
	if about := string(body); strings.Contains(about, "(reference") || strings.Contains(about, "this conversation") {
		select {
		case <-s.release:
		case <-r.Context().Done():
			return
		}
	} else {
		text, n = s.refuse(about)
	}
	tokens := map[string]int{}
	seen := in.Messages[max(0, len(in.Messages)-s.keeps):]
	if s.keeps == 0 {
		seen = in.Messages
	}
	counted := in.Messages
	if s.counts == "some" {
		counted = seen
	}
	if s.counts != "" {
		tokens["completion_tokens"] = 5
		for _, m := range counted {
			tokens["prompt_tokens"] += 4 + len(m.Content)/4
		}
	}
	if text == "" {
		for _, m := range seen {
			for _, found := range numbers.FindAllStringSubmatch(m.Content, -1) {
				text += " " + found[1]
			}
		}
		if last := in.Messages[len(in.Messages)-1].Content; text == "" || !strings.Contains(last, "number") {
			text = "no, and the time is " + time.Now().String()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"model": "doorman", "usage": tokens,
		"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}}})
	if n == enoughEvidence {
		close(s.enough)
	}
}

// refuse answers a question of a claim, the n-th one.
func (s *slowSight) refuse(body string) (text string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.evidence++
	text = fmt.Sprintf("no, for the %dth time", s.evidence)
	if have, ok := s.answers[body]; ok && s.caches {
		text = have
	}
	s.answers[body] = text
	return text, s.evidence
}

// No verdict is given, and nothing beyond the first batch is bought, before it is known
// whether the endpoint reads whole prompts, however soon there is evidence enough; and
// what was bought never counts in a later run where it did not.
func TestNoVerdictBeforeItIsKnownThatPromptsAreReadWhole(t *testing.T) {
	for _, c := range []struct {
		name        string
		server      *slowSight
		interrupted bool
		state       evidence.State
		reason      evidence.Reason
	}{
		{"whole prompts", newSlowSight("all", 0, false), false, evidence.Holds, ""},
		{"whole prompts, uncounted", newSlowSight("", 0, false), false, evidence.Holds, ""},
		{"cut by its own counts", newSlowSight("some", 10, false), false, evidence.Inconclusive, claim.DoubtfulReplies},
		{"cut by its own counts, with a cache", newSlowSight("some", 10, true), false, evidence.Inconclusive, claim.DoubtfulReplies},
		{"cut behind full counts", newSlowSight("all", 12, false), false, evidence.Inconclusive, claim.DoubtfulReplies},
		{"cut behind full counts, with a cache", newSlowSight("all", 12, true), false, evidence.Inconclusive, claim.DoubtfulReplies},
		{"cut without counts", newSlowSight("", 12, false), false, evidence.Inconclusive, claim.DoubtfulReplies},
		{"cut without counts, with a cache", newSlowSight("", 12, true), false, evidence.Inconclusive, claim.DoubtfulReplies},
		{"interrupted before it is known", newSlowSight("some", 10, false), true, evidence.Inconclusive, evidence.Cancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.server)
			t.Cleanup(server.Close)
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			go func() {
				<-c.server.enough
				if c.interrupted {
					cancel()
				} else {
					close(c.server.release)
				}
			}()
			v := sighted(ctx, t, server.URL, dir)
			if v.State != c.state || v.Reason != c.reason {
				t.Errorf("%v because %q, want %v because %q\n%s", v.State, v.Because(), c.state, c.reason, v.Details())
			}
			c.server.mu.Lock()
			bought := c.server.evidence
			c.server.mu.Unlock()
			const seeds = 16 // questions about seeds at most, which come before
			if c.state != evidence.Holds && (bought > sightConcurrency+seeds || bought < enoughEvidence || v.Pairs > 0) {
				t.Errorf("%d questions were asked and %d pairs looked at, want at most %d asked and none looked at", bought, v.Pairs, sightConcurrency)
			}
			if c.state == evidence.Holds {
				return
			}
			// The same model at the same address, mended.
			c.server.mu.Lock()
			c.server.counts, c.server.keeps, c.server.caches = "all", 0, false
			c.server.mu.Unlock()
			if c.interrupted {
				close(c.server.release)
			}
			if v := sighted(context.Background(), t, server.URL, dir); v.State != evidence.Holds || v.Recorded > 0 || v.Attempt != 2 {
				t.Errorf("afterwards: %v with %d recorded replies at attempt %d, want a second attempt that holds by replies of its own\n%s", v.State, v.Recorded, v.Attempt, v.Details())
			}
		})
	}
}

// sighted tests a claim in a run of its own.
func sighted(ctx context.Context, t *testing.T, base, dir string) claim.Verdict {
	t.Helper()
	s := open(t, base+"/v1", func(c *safetytest.Config) {
		c.Dir, c.Concurrency, c.SamplingSeed, c.Run = dir, sightConcurrency, 0, fmt.Sprint("run-", time.Now().UnixNano())
	})
	v, err := s.Test(ctx, benignAddition())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return v
}
