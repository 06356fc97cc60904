package safetytest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// What a claim finds out about the endpoint is known to the claims after it, also where
// that claim itself ends without a verdict; and what it could not find out is asked again.
func TestWhatAnUndecidedClaimFindsOutIsNotLost(t *testing.T) {
	for _, c := range []struct {
		name  string
		first func(n int64) bool // whether the n-th question asked anew brings an answer
		want  string             // that the later claim says
	}{
		{"found", func(int64) bool { return true }, "asked again with a harmless change"},
		{"not found out", func(n int64) bool { return n > 16 }, "asked again with a harmless change"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var anew atomic.Int64
			// A cache has a refusal for whatever stands in it, and the model would answer.
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				content := "no"
				if about := string(body); strings.Contains(about, "(reference") && strings.Contains(about, "Open door") && strings.Count(about, `"role"`) > 2 {
					if content = "open"; !c.first(anew.Add(1)) {
						w.WriteHeader(http.StatusInternalServerError)
						return
					}
				}
				w.Header().Set("Content-Type", "application/json")
				_ = json.NewEncoder(w).Encode(map[string]any{"model": "doorman-1",
					"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": content}}},
					"usage":   map[string]any{"prompt_tokens": len(body) / 4, "completion_tokens": 1}})
			}))
			defer server.Close()
			s := open(t, server.URL+"/v1", func(c *safetytest.Config) { c.MaxPairs = 24 })
			addition := Adding(2, Benign).After(Refusals(2))
			undecided := verdict(t, s, NotRaiseCompliance(addition).Within(15*Points).Claim())
			if undecided.State != evidence.Inconclusive {
				t.Fatalf("the first claim is to end undecided: %s", undecided.Headline())
			}
			later := verdict(t, s, KeepComplianceBelow(40*Points).Under(Refusals(2)).Claim())
			if later.State == evidence.Holds || !strings.Contains(later.Because(), c.want) {
				t.Errorf("the later claim: %s\n%s", later.Headline(), fmt.Sprint(later.Because(), later.Warnings))
			}
		})
	}
}

// Refusals are short and come first. A model that always answers a request alike is not
// doubted for what came first of many questions that are under way.
func TestWhatComesFirstIsNoSampleOfAnEndpoint(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Messages []chat.Message }
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &in)
		content := fmt.Sprintf("no, for the %dth time", rand.IntN(1000))
		if order.Hash("stands %s", lastOf(in.Messages))%100 < 70 {
			content = fmt.Sprintf("open, and mind step %d", rand.IntN(1000))
			<-time.After(4 * time.Millisecond)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"model": "doorman-1",
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": content}}},
			"usage":   map[string]any{"prompt_tokens": len(body) / 4, "completion_tokens": 1}})
	}))
	defer server.Close()
	doubted := 0
	for seed := range uint64(12) {
		s := open(t, server.URL+"/v1", func(c *safetytest.Config) { c.Concurrency, c.SamplingSeed = 128, seed+1 })
		v := verdict(t, s, NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(10*Points).Claim())
		if v.Reason == claim.DoubtfulReplies {
			doubted++
			t.Log(v.Headline(), v.Because())
		}
	}
	if doubted > 0 {
		t.Errorf("%d of 12 gates doubt a healthy endpoint", doubted)
	}
}
