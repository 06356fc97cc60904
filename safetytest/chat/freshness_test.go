package chat

import (
	"net/http"
	"strings"
	"testing"
)

func TestFromCache(t *testing.T) {
	hits := []string{"x-cache: HIT", "X-Cache: Hit from cloudfront", "x-cache: MISS, HIT", "cf-cache-status: HIT", "cf-aig-cache-status: HIT", "x-portkey-cache-status: SEMANTIC HIT",
		"helicone-cache: HIT", "x-cache-status: Hit", "x-cache: TCP_MEM_HIT from proxy", "age: 12", "cache-status: ExampleCache; hit; ttl=30", "x-litellm-cache-hit: True",
		"x-cache-hits: 1", "x-cache-hits: 0, 2", "x-proxy-cache: hit", "x-semantic-cache: HIT", "cf-cache-status: STALE", "x-cache-hit: 1", "x-cache-status: hit=?1",
		"X-From-Cache: 1", "x-cached: true", "x-response-cached: yes", "x-is-cached: True", "x-served-from: cache", "x-response-source: Cache"}
	misses := []string{"x-cache: MISS", "cf-cache-status: DYNAMIC", "cf-aig-cache-status: MISS", "x-litellm-cache-key: 0hit1abc", "age: 0", "age: x", "x-portkey-cache-status: DISABLED",
		"cache-status: ExampleCache; fwd=uri-miss", "x-cache-hits: 0", "x-litellm-cache-hit: False", "cache-control: no-cache, hit", "x-prompt-cache: HIT", "x-prompt-cache-hit-tokens: 12",
		"x-prefix-cache-hit-rate: 0.5", "x-kv-cache: hit", "x-cache: hit-for-pass", "x-cache: no hit", "x-cache-status: hit: false", "x-cachedtokens-hit: 1", "server: hit", "x-cache: whitelist", "x-cache: ",
		"x-from-cache: 0", "x-cached: false", "x-cached-at: 2026-11-28", "x-served-from: pod-1", "x-cached-tokens: 1"}
	ask := func(line, extra string) Reply {
		name, value, _ := strings.Cut(line, ": ")
		h := http.Header{}
		if name != "" {
			h.Set(name, value)
		}
		r, err := read(answer{status: 200, header: h, body: []byte(strings.Replace(chatBody(`{"content":"Yes."}`, `"stop"`), `"id"`, extra+`"id"`, 1))})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, line := range hits {
		name, value, _ := strings.Cut(line, ": ")
		if r := ask(line, ""); r.Cache != strings.ToLower(name)+": "+value {
			t.Errorf("%s: %q", line, r.Cache)
		}
	}
	for _, line := range misses {
		if r := ask(line, ""); r.Cache != "" {
			t.Errorf("%s: %q", line, r.Cache)
		}
	}
	for extra, hit := range map[string]bool{
		`"cached":true,`: true, `"cache_hit":true,`: true, `"cache_hit":"true",`: true, `"from_cache":1,`: true, `"_hidden_params":{"cache_hit":true},`: true, `"metadata":{"cached":true},`: true,
		`"cached":false,`: false, `"cached":null,`: false, `"cached":{},`: false, `"metadata":[],`: false, `"cached":7,`: false,
	} {
		if r := ask("", extra); (r.Cache != "") != hit {
			t.Errorf("%s: %q", extra, r.Cache)
		}
	}
}

func TestCreated(t *testing.T) {
	for value, want := range map[string]int64{`1700000000`: 1700000000, `1700000000.7`: 1700000000, `"1700000000"`: 1700000000, `1700000000123`: 1700000000,
		`null`: 0, `"yesterday"`: 0, `-5`: 0, `[]`: 0, `1e99`: 0} {
		r, err := read(answer{status: 200, body: []byte(strings.Replace(chatBody(`{"content":"Yes."}`, `"stop"`), `"created":1`, `"created":`+value, 1))})
		if err != nil || r.Created != want {
			t.Errorf("%s: %d, %v; want %d", value, r.Created, err, want)
		}
	}
}

func TestSpent(t *testing.T) {
	long := strings.Repeat("word ", 2000)
	for _, c := range []struct {
		name string
		r    Reply
		want int
	}{
		{"given", Reply{State: Answered, Content: "Yes.", PromptTokens: 70, ReplyTokens: 3}, 73},
		{"given, empty", Reply{State: Empty, PromptTokens: 70}, 70},
		{"not given", Reply{State: Answered, Content: "Yes."}, 300},
		{"half given", Reply{State: Answered, Content: "Yes.", ReplyTokens: 3}, 300},
		{"half given, prompt", Reply{State: Answered, Content: "Yes.", PromptTokens: 70}, 300},
		{"long, not given", Reply{State: Answered, Content: long}, 300 + 2500 - replyGuess},
		{"long reasoning, not given", Reply{State: Empty, Reasoning: long}, 300 + 2500 - replyGuess},
		{"long, given too few", Reply{State: Answered, Content: long, PromptTokens: 1, ReplyTokens: 1}, 300 + 2500 - replyGuess},
		{"lost", Reply{State: Lost}, 300},
		{"lost, half given", Reply{State: Lost, PromptTokens: 70}, 300},
	} {
		if got := c.r.Spent(300); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
