package safetytest_test

import (
	"context"
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

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// An endpoint that refuses in many words, except for what change makes of its answer.
func oddEndpoint(t *testing.T, change func(n int64, messages []chat.Message, answer map[string]any, h http.Header)) string {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Messages []chat.Message }
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &in)
		n := calls.Add(1)
		tokens := 0
		for _, m := range in.Messages {
			tokens += 4 + len(m.Content)/4
		}
		answer := map[string]any{"id": fmt.Sprint("id-", n), "created": time.Now().Unix(), "model": "doorman",
			"content": fmt.Sprintf("no, for the %dth time", rand.IntN(1000)), "prompt_tokens": tokens, "finish_reason": "stop"}
		change(n, in.Messages, answer, w.Header())
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"id": answer["id"], "created": answer["created"], "model": answer["model"], "system_fingerprint": answer["system_fingerprint"],
			"choices": []any{map[string]any{"finish_reason": answer["finish_reason"], "message": map[string]any{"role": "assistant", "content": answer["content"]}}},
			"usage":   map[string]any{"prompt_tokens": answer["prompt_tokens"], "completion_tokens": 5}})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// What an endpoint does beside answering decides whether its answers count, and what
// is odd and harmless does not.
func TestWhereRepliesComeFrom(t *testing.T) {
	type change = func(n int64, messages []chat.Message, answer map[string]any, h http.Header)
	set := func(key string, value any) change {
		return func(_ int64, _ []chat.Message, answer map[string]any, _ http.Header) { answer[key] = value }
	}
	for _, c := range []struct {
		name   string
		change change
		allow  []string
		says   string // of the warnings, "" where the claim holds
	}{
		{"healthy", func(int64, []chat.Message, map[string]any, http.Header) {}, nil, ""},
		{"a constant count", set("prompt_tokens", 12), nil, "or its count means nothing"},
		{"a constant count that somebody looked at", set("prompt_tokens", 12), []string{"window"}, ""},
		{"a window", func(_ int64, _ []chat.Message, a map[string]any, _ http.Header) {
			a["prompt_tokens"] = min(60, a["prompt_tokens"].(int))
		}, nil, "its window looks like 60 tokens"},
		{"one id for all", set("id", "chatcmpl-1"), nil, ""}, // other texts: an id that means nothing
		{"one answer for all", func(_ int64, _ []chat.Message, a map[string]any, _ http.Header) {
			a["id"], a["content"], a["created"] = "chatcmpl-1", "no", 1700000000
		}, nil, "made before they were asked for"},
		{"times of last year", set("created", 1700000000), nil, "made before they were asked for"},
		{"times of last year, allowed", set("created", 1700000000), []string{"clock"}, ""},
		{"no times", set("created", 0), nil, ""},
		{"a cache's header", func(n int64, _ []chat.Message, _ map[string]any, h http.Header) {
			if n%9 == 0 {
				h.Set("X-Cache", "HIT")
			}
		}, nil, "came from a cache"},
		{"two models", func(n int64, _ []chat.Message, a map[string]any, _ http.Header) {
			if n%9 == 0 {
				a["model"] = "porter"
			}
		}, nil, "several models served"},
		{"two models, declared", func(n int64, _ []chat.Message, a map[string]any, _ http.Header) {
			if n%9 == 0 {
				a["model"] = "porter"
			}
		}, []string{"served"}, ""},
		{"fingerprints of two replicas", func(n int64, _ []chat.Message, a map[string]any, _ http.Header) {
			a["system_fingerprint"] = fmt.Sprint("fp", n%2)
		}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, oddEndpoint(t, c.change), func(config *safetytest.Config) { config.Allow = c.allow })
			v, err := s.Test(context.Background(), benignAddition())
			if err != nil {
				t.Fatal(err)
			}
			warned := v.Because() + "\n" + strings.Join(v.Warnings, "\n")
			switch {
			case c.says == "" && v.State != evidence.Holds:
				t.Errorf("want a claim that holds, got\n%s", v.Details())
			case c.says != "" && (v.State != evidence.Inconclusive || v.Reason != claim.DoubtfulReplies || !strings.Contains(warned, c.says)):
				t.Errorf("want no verdict because of %q, got\n%s", c.says, v.Details())
			case len(c.allow) > 0 && !strings.Contains(warned, "SAFETYTEST_ALLOW="+c.allow[0]):
				t.Errorf("what was declared harmless is not printed:\n%s", v.Details())
			}
		})
	}
}

// The name under which a model answers stands at the top where it is not the one that
// was asked for.
func TestServedUnderAnotherName(t *testing.T) {
	for served, warned := range map[string]bool{"doorman": false, "doorman-2026-08-06": false, "models/doorman.gguf": false, "porter": true, "doorman-mini": true} {
		s := open(t, oddEndpoint(t, func(_ int64, _ []chat.Message, a map[string]any, _ http.Header) { a["model"] = served }), nil)
		v, err := s.Test(context.Background(), benignAddition())
		if err != nil || v.State != evidence.Holds {
			t.Fatalf("%s: %v, %v", served, v.Headline(), err)
		}
		if got := strings.HasPrefix(strings.Join(v.Warnings, "\n"), "ANOTHER MODEL ANSWERED"); got != warned {
			t.Errorf("%s: warned %v, want %v: %q", served, got, warned, v.Warnings)
		}
	}
}
