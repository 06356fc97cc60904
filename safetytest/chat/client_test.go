package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// inMemory answers requests in memory, so that tests run on synctest's clock.
type inMemory func(*http.Request) (*http.Response, error)

func (f inMemory) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond returns an answer; header pairs follow the body.
func respond(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func yes() *http.Response { return respond(200, chatBody(`{"content":"Yes."}`, `"stop"`)) }

// script answers the first request with the first function, and so on; the
// last one repeats.
func script(steps ...inMemory) inMemory {
	var n atomic.Int64
	return func(r *http.Request) (*http.Response, error) {
		i := min(int(n.Add(1)), len(steps)) - 1
		return steps[i](r)
	}
}

func always(status int, body string, header ...string) inMemory {
	return func(*http.Request) (*http.Response, error) { return respond(status, body, header...), nil }
}

func fails(err error) inMemory {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

var ok inMemory = func(*http.Request) (*http.Response, error) { return yes(), nil }

const testKey = "canary-3f9a7c51d2e84b60"

func open(t testing.TB, rt http.RoundTripper, change ...func(*Endpoint)) *Client {
	t.Helper()
	e := Endpoint{BaseURL: "http://model.test/v1", Model: "m", APIKey: testKey, HTTPClient: &http.Client{Transport: rt}}
	for _, f := range change {
		f(&e)
	}
	c, err := Open(e)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var question = Request{Messages: []Message{{User, "Is water wet?"}}}

func ptr[T any](v T) *T { return &v }

// kindOf asserts that err is an *Error and returns it.
func kindOf(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want an *Error", err, err)
	}
	return e
}

func TestAskSends(t *testing.T) {
	for _, c := range []struct {
		name    string
		request Request
		want    string
	}{
		{"nothing more", question,
			`{"model":"m","messages":[{"role":"user","content":"Is water wet?"}],"stream":false}`},
		{"everything", Request{
			Messages: []Message{{System, "Be brief."}, {User, "<a & b>"}, {Assistant, "Yes."}, {User, "Why?"}},
			Sampling: Sampling{Temperature: ptr(0.7), TopP: ptr(0.9), MaxTokens: ptr(64), Stop: []string{"\n", "User:"}},
			Seed:     ptr(int64(1) << 60), Cell: "c", Visit: 3},
			`{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"<a & b>"},` +
				`{"role":"assistant","content":"Yes."},{"role":"user","content":"Why?"}],"stream":false,` +
				`"temperature":0.7,"top_p":0.9,"max_tokens":64,"stop":["\n","User:"],"seed":1152921504606846976}`},
		{"a form and first tokens", Request{Messages: question.Messages, Schema: &Schema{"yes_no", []byte(`{"type": "object"}`)}, TopTokens: 5},
			`{"model":"m","messages":[{"role":"user","content":"Is water wet?"}],"stream":false,"logprobs":true,"top_logprobs":5,` +
				`"response_format":{"type":"json_schema","json_schema":{"name":"yes_no","strict":true,"schema":{"type":"object"}}}}`},
		{"zeros", Request{Messages: question.Messages, Sampling: Sampling{Temperature: ptr(0.0)}, Seed: ptr(int64(0))},
			`{"model":"m","messages":[{"role":"user","content":"Is water wet?"}],"stream":false,"temperature":0,"seed":0}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				if r.Method != http.MethodPost || r.URL.String() != "http://model.test/v1/chat/completions" {
					t.Errorf("%s %s", r.Method, r.URL)
				}
				if got := r.Header.Get("Authorization"); got != "Bearer "+testKey {
					t.Errorf("Authorization %q", got)
				}
				if r.ContentLength != int64(len(body)) {
					t.Errorf("content length %d of %d bytes", r.ContentLength, len(body))
				}
				if diff := cmp.Diff(decoded(t, c.want), decoded(t, string(body))); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
				return yes(), nil
			}))
			got, err := client.Ask(t.Context(), c.request)
			if err != nil {
				t.Fatal(err)
			}
			if got.Content != "Yes." || got.Attempts != 1 {
				t.Errorf("reply %+v", got)
			}
		})
	}
}

// decoded keeps numbers as they were written, so that 1e-45 is not 0.
func decoded(t *testing.T, s string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	return v
}

func TestAskSendsNoKeyWhenThereIsNone(t *testing.T) {
	c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
		if got, there := r.Header["Authorization"]; there {
			t.Errorf("Authorization %q", got)
		}
		return yes(), nil
	}), func(e *Endpoint) { e.APIKey = "" })
	if _, err := c.Ask(t.Context(), question); err != nil {
		t.Fatal(err)
	}
}

// Model names that go-openai knows must not decide what can be asked.
func TestAskLeavesModelNamesToTheServer(t *testing.T) {
	for _, model := range []string{"o1", "o3-mini", "gpt-5", "gpt-6-sol"} {
		c := open(t, ok, func(e *Endpoint) { e.Model = model })
		r := question
		r.Sampling = Sampling{Temperature: ptr(0.5), TopP: ptr(0.5), MaxTokens: ptr(5)}
		if _, err := c.Ask(t.Context(), r); err != nil {
			t.Errorf("%s: %v", model, err)
		}
	}
}

func TestAskRenamesMaxTokens(t *testing.T) {
	var bodies []string
	c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		if strings.Contains(string(body), `"max_tokens"`) {
			return respond(400, `{"error":{"message":"Use 'max_completion_tokens' instead.","param":"max_tokens","code":"unsupported_parameter"}}`), nil
		}
		return yes(), nil
	}))
	r := question
	r.Sampling.MaxTokens = ptr(9)
	for range 2 {
		if _, err := c.Ask(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if len(bodies) != 3 || !strings.Contains(bodies[2], `"max_completion_tokens":9`) {
		t.Errorf("bodies %q; want one call under the old name and two under the new", bodies)
	}
	if c.Calls() != 3 {
		t.Errorf("%d calls counted, want 3", c.Calls())
	}
}

func TestAskReadsFirstTokens(t *testing.T) {
	body := func(logprobs string) string {
		return strings.Replace(chatBody(`{"content":"A"}`, `"length"`), `"index":0,`, `"index":0,"logprobs":`+logprobs+`,`, 1)
	}
	for _, c := range []struct {
		logprobs string
		want     []Token
		fails    bool
	}{
		{`{"content":[{"token":"A","logprob":-0.1,"bytes":[65],"top_logprobs":[{"token":"A","logprob":-0.1},{"token":" B","logprob":-2.5}]},{"token":"x","top_logprobs":[]}],"refusal":null}`,
			[]Token{{"A", -0.1}, {" B", -2.5}}, false},
		{`null`, nil, false},
		{`{"content":null}`, nil, false},
		{`{"content":[]}`, nil, false},
		{`{"content":[{"token":"A","logprob":-0.1}]}`, nil, false},
		{`[]`, nil, false},
		{`[1]`, nil, true},
		{`{"content":[{"top_logprobs":[{"token":"A"}]}]}`, nil, true},
		{`{"content":[{"top_logprobs":[{"logprob":-1}]}]}`, nil, true},
		{`{"content":[{"top_logprobs":[{"token":"A","logprob":0.5}]}]}`, nil, true},
		{`{"content":[{"top_logprobs":[{"token":"A","logprob":"-1"}]}]}`, nil, true},
		{`{"content":[{"top_logprobs":{"A":-0.1}}]}`, nil, true},
	} {
		client := open(t, always(200, body(c.logprobs)))
		if r, err := client.Ask(t.Context(), question); err != nil || r.FirstTokens != nil {
			t.Errorf("%s, not asked for: %+v, %v", c.logprobs, r.FirstTokens, err)
		}
		// Another client: one that has had a reply would ask again, after a wait.
		client = open(t, always(200, body(c.logprobs)))
		r, err := client.Ask(t.Context(), Request{Messages: question.Messages, TopTokens: 2})
		if c.fails {
			if err == nil || kindOf(t, err).Kind != Unreadable {
				t.Errorf("%s: %+v, %v; want an error", c.logprobs, r.FirstTokens, err)
			}
			continue
		}
		var got []Token
		if r.FirstTokens != nil {
			got = *r.FirstTokens
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", c.logprobs, err, diff)
		}
	}
}

func TestAskRejectsBadRequests(t *testing.T) {
	c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
		t.Error("a bad request was sent")
		return yes(), nil
	}))
	for _, tc := range []struct {
		name string
		r    Request
		says string
	}{
		{"no messages", Request{}, "no messages"},
		{"role", Request{Messages: []Message{{"judge", "x"}}}, `message 1 has the unknown role "judge"`},
		{"no content", Request{Messages: []Message{{User, "x"}, {Assistant, ""}}}, "message 2 (assistant) has no content"},
		{"not UTF-8", Request{Messages: []Message{{User, "\xff"}}}, "message 1 (user) is not UTF-8"},
		{"sampling", Request{Messages: question.Messages, Sampling: Sampling{Temperature: ptr(-1.0)}}, "temperature -1"},
		{"schema name", Request{Messages: question.Messages, Schema: &Schema{"a b", []byte(`{}`)}}, `schema "a b"`},
		{"schema", Request{Messages: question.Messages, Schema: &Schema{"a", []byte(`{`)}}, `schema "a"`},
		{"top tokens", Request{Messages: question.Messages, TopTokens: 21}, "21 top tokens"},
	} {
		_, err := c.Ask(t.Context(), tc.r)
		if e := kindOf(t, err); e.Kind != InvalidRequest || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// What is known to have failed before the model began is asked again.
func TestAskRepeats(t *testing.T) {
	inBody := func(body string) inMemory { return always(429, body, "Date", "Mon, 02 Jan 2023 15:04:05 GMT") }
	for _, c := range []struct {
		name     string
		steps    []inMemory
		attempts int
		min, max time.Duration // of waiting
	}{
		{"three 503", []inMemory{always(503, ""), always(503, ""), always(503, ""), ok}, 4, 1750 * time.Millisecond, 3500 * time.Millisecond},
		{"503, loading", []inMemory{always(503, `{"error":{"message":"Loading model","code":503}}`), ok}, 2, 250 * time.Millisecond, 500 * time.Millisecond},
		{"503, no connection upstream", []inMemory{always(503, "upstream connect error or disconnect/reset before headers. reset reason: connection failure"), ok}, 2, 0, time.Second},
		{"529", []inMemory{always(529, `{"error":{"type":"overloaded_error"}}`), ok}, 2, 0, time.Second},
		{"429, seconds", []inMemory{always(429, "", "Retry-After", "7"), ok}, 2, 7 * time.Second, 7 * time.Second},
		{"429, date", []inMemory{always(429, "", "Retry-After", "Mon, 02 Jan 2023 15:04:15 GMT", "Date", "Mon, 02 Jan 2023 15:04:05 GMT"), ok},
			2, 10 * time.Second, 10 * time.Second},
		{"429, milliseconds", []inMemory{always(429, "", "Retry-After-Ms", "1500", "Retry-After", "2"), ok}, 2, 1500 * time.Millisecond, 1500 * time.Millisecond},
		{"503, seconds", []inMemory{always(503, "", "Retry-After", "3"), ok}, 2, 3 * time.Second, 3 * time.Second},
		{"429, moment in the body", []inMemory{inBody(`{"error":{"message":"Rate limit exceeded","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Reset":"1672671855000"},"provider_name":null}}}`), ok},
			2, 10 * time.Second, 10 * time.Second},
		{"429, Google's delay", []inMemory{inBody(`{"error":{"code":429,"details":[{"@type":"type.googleapis.com/google.rpc.Help"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"31s"}]}}`), ok},
			2, 31 * time.Second, 31 * time.Second},
		{"429, said in seconds", []inMemory{inBody(`{"error":{"message":"Rate limit reached for m. Limit 3, Used 3. Please try again in 20s. Visit https://h.test","code":"rate_limit_exceeded"}}`), ok},
			2, 20 * time.Second, 20 * time.Second},
		{"429, said in minutes", []inMemory{inBody(`{"error":{"message":"Please try again in 1m30.5s."}}`), ok}, 2, 90500 * time.Millisecond, 90500 * time.Millisecond},
		{"429, said in milliseconds", []inMemory{inBody(`{"error":{"message":"Please try again in 600ms."}}`), ok}, 2, 600 * time.Millisecond, 600 * time.Millisecond},
		{"429, said in words", []inMemory{inBody(`{"error":{"message":"Too many requests, retry after 30 seconds"}}`), ok}, 2, 30 * time.Second, 30 * time.Second},
		{"429, moment in a header", []inMemory{always(429, "", "X-RateLimit-Reset", "1672671857", "Date", "Mon, 02 Jan 2023 15:04:05 GMT"), ok}, 2, 12 * time.Second, 12 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := open(t, script(c.steps...))
				start := time.Now()
				got, err := client.Ask(t.Context(), question)
				if err != nil {
					t.Fatal(err)
				}
				if got.Content != "Yes." || got.Attempts != c.attempts || client.Calls() != int64(c.attempts) {
					t.Errorf("reply %+v after %d calls, want %d attempts", got, client.Calls(), c.attempts)
				}
				if waited := time.Since(start); waited < c.min || waited > c.max {
					t.Errorf("waited %v, want %v to %v", waited, c.min, c.max)
				}
			})
		})
	}
}

type iotestError struct{}

func (iotestError) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAskGivesUp(t *testing.T) {
	for _, c := range []struct {
		name  string
		step  inMemory
		kind  ErrorKind
		calls int64
		says  []string
	}{
		{"server that is never ready", always(503, `{"error":{"message":"boom: no healthy upstream"}}`), ServerFailed, 3, []string{`model "m" at http://model.test/v1`, "HTTP 503", "boom", "after 3 attempts", "server's log"}},
		{"template", always(500, `{"error":{"message":"Jinja Exception: roles must alternate"}}`), Rejected, 1, []string{"SAFETYTEST_SYSTEM_ROLE=user"}},
		{"a day's wait in the body", always(429, `{"error":{"message":"daily limit, try again in 3h12m"}}`), RateLimited, 1, []string{"wait 3h12m0s"}},
		{"no database", always(500, `{"error":{"message":"No connected db.","type":"no_db_connection","code":"400"}}`), Unauthorized, 1, []string{"SAFETYTEST_API_KEY"}},
		{"bad key", always(401, `{"error":{"message":"no such key"}}`), Unauthorized, 1, []string{"set SAFETYTEST_API_KEY"}},
		{"forbidden", always(403, ""), Forbidden, 1, nil},
		{"too long", always(413, ""), TooLong, 1, []string{"fewer or shorter demonstrations"}},
		{"quota", always(429, `{"error":{"code":"insufficient_quota"}}`), OverQuota, 1, []string{"add credit"}},
		{"a day's wait", always(429, "", "Retry-After", "9000"), RateLimited, 1, []string{"wait 2h30m0s"}},
		{"fixed sampling", always(400, `{"error":{"message":"no","param":"temperature","code":"unsupported_value"}}`), SamplingRejected, 1, []string{"leave temperature unset"}},
		{"no name for max_tokens", always(400, `{"error":{"message":"no","param":"max_tokens","code":"unsupported_parameter"}}`), SamplingRejected, 2, []string{"leave max_tokens unset"}},
		{"HTML from the first call on", always(200, "<html>"), Unreadable, 1, []string{"an HTML page"}},
		{"refused from the first call on", fails(dialError{}), Unreachable, 1, []string{"SAFETYTEST_BASE_URL", "nobody listens"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := open(t, c.step, func(e *Endpoint) { e.Retries = 2 })
				_, err := client.Ask(t.Context(), question)
				e := kindOf(t, err)
				if e.Kind != c.kind || client.Calls() != c.calls || e.Attempts != int(c.calls) {
					t.Errorf("%v after %d calls, want %v after %d", e.Kind, client.Calls(), c.kind, c.calls)
				}
				for _, s := range c.says {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("error %q does not say %q", err, s)
					}
				}
			})
		})
	}
}

// LiteLLM without a database fails where a key is missing.
func TestAFailureMayBeAMissingKey(t *testing.T) {
	for _, key := range []string{"", "sk-some-key-or-other"} {
		client := open(t, always(500, "Internal Server Error"), func(e *Endpoint) { e.APIKey, e.Retries = key, -1 })
		r, err := client.Ask(t.Context(), question)
		if got := strings.Contains(r.Trouble, "if it wants a key, set SAFETYTEST_API_KEY"); err != nil || r.State != Lost || got != (key == "") {
			t.Errorf("key %q: %+v, %v", key, r, err)
		}
	}
}

type dialError struct{}

func (dialError) Error() string   { return "nobody listens" }
func (dialError) Unwrap() error   { return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} }
func (dialError) Timeout() bool   { return false }
func (dialError) Temporary() bool { return false }

// Once an endpoint has answered, its silence is taken for weather.
func TestAskRepeatsWeather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, script(ok, fails(dialError{}), ok))
		for range 2 {
			if r, err := c.Ask(t.Context(), question); err != nil || r.State != Answered {
				t.Errorf("%+v, %v", r, err)
			}
		}
	})
}

// What may have failed because of what the model was saying is lost: it is said,
// and not asked again.
func TestAskLoses(t *testing.T) {
	cut := inMemory(func(*http.Request) (*http.Response, error) {
		r := yes()
		r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, 40), iotestError{}))
		return r, nil
	})
	good := chatBody(`{"content":"Yes."}`, `"stop"`)
	for _, c := range []struct {
		name string
		step inMemory
		says string
		// provenOnly says that the first call of all is an error instead.
		provenOnly bool
	}{
		{"500", always(500, ""), "HTTP 500", false},
		{"500 with an account", always(500, `{"error":{"message":"CUDA error"}}`), "CUDA error", false},
		{"502", always(502, "bad gateway"), "text of", false},
		{"504", always(504, ""), "HTTP 504", false},
		{"520", always(520, ""), "HTTP 520", false},
		{"500 with a reply", always(500, good), "HTTP 500", false},
		{"503 with a reply", always(503, good), "HTTP 503", false},
		{"503 that broke off", always(503, "upstream connect error or disconnect/reset before headers. reset reason: connection termination"), "HTTP 503", false},
		{"503, a proxy's patience", always(503, `{"error":{"message":"upstream request timeout"}}`), "HTTP 503", false},
		{"503 with patience, given up", always(503, "upstream gave up after 60 s", "Retry-After", "1"), "HTTP 503", false},
		{"503 with patience, of the reply", always(503, `{"error":{"message":"the generated text did not parse"}}`, "Retry-After", "1"), "did not parse", false},
		{"529 with patience and no reason", always(529, `{"error":{"message":"upstream closed the stream"}}`, "Retry-After", "1"), "closed the stream", false},
		{"408", always(408, ""), "HTTP 408", false},
		{"425", always(425, ""), "HTTP 425", false},
		{"408 of few words", always(408, `{"error":{"message":"Request timeout"}}`), "Request timeout", false},
		{"503 of a gateway", always(503, `{"message":"Service Unavailable"}`), "Service Unavailable", false},
		{"503 of a worker that ended", always(503, `{"error":{"message":"worker restarted"}}`), "worker restarted", false},
		{"529 without a reason", always(529, `{"error":{"message":"Overloaded"}}`), "Overloaded", false},
		{"429 of a call that had begun", always(429, `{"error":{"message":"the sequence was preempted while generating"}}`), "preempted", false},
		{"408 from an upstream", always(408, `{"error":{"message":"litellm.Timeout: request timed out"}}`), "timed out", false},
		{"499", always(499, ""), "HTTP 499", false},
		{"reset", fails(errors.New("connection reset by peer")), "connection reset", false},
		{"end before headers", fails(io.EOF), "EOF", false},
		{"not HTTP", fails(errors.New(`malformed HTTP response "I'm sorry"`)), "not HTTP", false},
		{"cut body", cut, "unexpected EOF", false},
		{"cut JSON", always(200, good[:90]), "ends after 90 bytes", false},
		{"empty body", always(200, ""), "empty body", false},
		{"error under 200", always(200, `{"error":{"code":502,"message":"upstream"}}`), "upstream", false},
		{"rate limit under 200", always(200, `{"error":{"code":429,"message":"slow down"}}`), "slow down", false},
		{"error in the choice", always(200, `{"choices":[{"error":{"code":502,"message":"upstream"},"message":{"content":"I can't"}}]}`), "upstream", false},
		{"finish reason error", always(200, chatBody(`{"content":"I can't"}`, `"error"`)), "finish reason error", false},
		{"finish reason", always(200, chatBody(`{"content":"I can't"}`, `"insufficient_system_resource"`)), "insufficient_system_resource", false},
		{"HTML", always(200, "<html>"), "an HTML page", true},
		{"no choices", always(200, `{"choices":[]}`), "no choices", true},
		{"invalid JSON", always(200, strings.Replace(good, ":", "::", 1)), "invalid JSON", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, proven := range []bool{false, true} {
					steps := []inMemory{c.step, ok}
					if proven {
						steps = []inMemory{ok, c.step, ok}
					}
					client := open(t, script(steps...))
					if proven {
						if _, err := client.Ask(t.Context(), question); err != nil {
							t.Fatal(err)
						}
					}
					before := client.Calls()
					r, err := client.Ask(t.Context(), question)
					if client.Calls() != before+1 {
						t.Errorf("%d calls, want 1", client.Calls()-before)
					}
					if c.provenOnly && !proven {
						if e := kindOf(t, err); e.Kind != Unreadable {
							t.Errorf("error %v", err)
						}
						continue
					}
					if err != nil || r.State != Lost || r.Attempts != 1 || r.Content != "" || r.Refusal != "" || !strings.Contains(r.Trouble, c.says) {
						t.Errorf("proven %v: %+v, %v; want a loss that says %q", proven, r, err, c.says)
					}
					if strings.Contains(r.Trouble, "I can't") || strings.Contains(r.Trouble, "sorry") {
						t.Errorf("trouble %q quotes a reply", r.Trouble)
					}
				}
			})
		})
	}
}

// A loss after a rejected try counts both.
func TestAskLosesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, script(always(429, ""), always(502, ""), ok))
		r, err := c.Ask(t.Context(), question)
		if err != nil || r.State != Lost || r.Attempts != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestAskUnknownModel(t *testing.T) {
	lists := 0
	c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
		if r.URL.Path == "/v1/models" {
			lists++
			return respond(200, `{"object":"list","data":[{"id":"small-1"},{"id":"large-2"}]}`), nil
		}
		return respond(404, `{"error":{"message":"model m not found"}}`), nil
	}))
	for range 2 {
		_, err := c.Ask(t.Context(), question)
		e := kindOf(t, err)
		if diff := cmp.Diff([]string{"small-1", "large-2"}, e.Models); e.Kind != UnknownModel || diff != "" {
			t.Errorf("kind %v, models %v", e.Kind, e.Models)
		}
		if want := `correct SAFETYTEST_MODEL; it serves "small-1", "large-2"`; !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if lists != 1 || c.Calls() != 2 {
		t.Errorf("listed %d times with %d calls, want 1 and 2", lists, c.Calls())
	}
}

func TestAskWrongAddress(t *testing.T) {
	for base, says := range map[string]string{
		"http://model.test":    "try http://model.test/v1",
		"http://model.test/v1": "correct SAFETYTEST_BASE_URL",
	} {
		c := open(t, always(404, "404 page not found"), func(e *Endpoint) { e.BaseURL = base })
		_, err := c.Ask(t.Context(), question)
		if e := kindOf(t, err); e.Kind != WrongAddress || !strings.Contains(err.Error(), says) {
			t.Errorf("error %q, want one that says %q", err, says)
		}
	}
}

func TestAskDoesNotFollowRedirects(t *testing.T) {
	c := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "model.test" {
			t.Errorf("asked %s", r.URL)
		}
		return respond(308, "", "Location", "http://elsewhere.test/v1/chat/completions"), nil
	}))
	_, err := c.Ask(t.Context(), question)
	if e := kindOf(t, err); e.Kind != WrongAddress || !strings.Contains(err.Error(), "elsewhere.test") {
		t.Errorf("error %v", err)
	}
}

// stalls answers nothing until the request is given up.
var stalls inMemory = func(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAskTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, script(stalls, ok), func(e *Endpoint) { e.Timeout = time.Minute })
		got, err := c.Ask(t.Context(), question)
		if err != nil || got.State != Lost || got.Attempts != 1 || got.Latency != time.Minute || !strings.Contains(got.Trouble, "nothing complete within 1m0s") {
			t.Errorf("reply %+v, error %v", got, err)
		}
	})
}

func TestAskReturnsWhenContextEnds(t *testing.T) {
	for name, step := range map[string]inMemory{"in flight": stalls, "waiting": always(503, "", "Retry-After", "200")} {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, step)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-time.After(5 * time.Second)
				cancel()
			}()
			start := time.Now()
			_, err := c.Ask(ctx, question)
			if e := kindOf(t, err); e.Kind != Cancelled || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error %v", name, err)
			}
			if d := time.Since(start); d != 5*time.Second {
				t.Errorf("%s: returned after %v", name, d)
			}
		})
	}
}

func TestAskReturnsWhenDeadlinePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := open(t, stalls, func(e *Endpoint) { e.Retries = -1 }).Ask(ctx, question)
		if e := kindOf(t, err); e.Kind != Cancelled || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAskBoundsConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			<-time.After(time.Second)
			return yes(), nil
		}), func(e *Endpoint) { e.Concurrency = 3 })
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		var cancelled atomic.Int64
		for range 10 {
			done.Go(func() {
				if _, err := c.Ask(ctx, question); errors.Is(err, context.Canceled) {
					cancelled.Add(1)
				}
			})
		}
		<-time.After(1500 * time.Millisecond)
		cancel()
		done.Wait()
		if most.Load() != 3 {
			t.Errorf("%d calls in flight, want 3", most.Load())
		}
		if c.Calls() != 6 || cancelled.Load() < 4 {
			t.Errorf("%d calls and %d cancelled; want 6 and at least the 4 that waited", c.Calls(), cancelled.Load())
		}
	})
}

func TestOpenErrors(t *testing.T) {
	good := Endpoint{BaseURL: "http://h.test/v1", Model: "m"}
	for _, c := range []struct {
		name   string
		change func(*Endpoint)
		says   string
	}{
		{"no address", func(e *Endpoint) { e.BaseURL = "" }, "set SAFETYTEST_BASE_URL"},
		{"no scheme", func(e *Endpoint) { e.BaseURL = "localhost:8080/v1" }, `"localhost:8080/v1" is not an http or https address; write it like http://`},
		{"no scheme before digits", func(e *Endpoint) { e.BaseURL = "127.0.0.1:8080/v1" }, "is not an http or https address"},
		{"no host", func(e *Endpoint) { e.BaseURL = "http:///v1" }, "names no host"},
		{"password", func(e *Endpoint) { e.BaseURL = "http://u:" + testKey + "@h.test/v1" }, "holds a user name or password"},
		{"password that does not parse", func(e *Endpoint) { e.BaseURL = "http://u:" + testKey + "%zz@h.test/v1" }, "holds a user name or password"},
		{"query", func(e *Endpoint) { e.BaseURL = "http://h.test/v1?key=" + testKey }, "query"},
		{"method's address", func(e *Endpoint) { e.BaseURL += "/chat/completions/" }, "write http://h.test/v1"},
		{"no model", func(e *Endpoint) { e.Model = "" }, "set SAFETYTEST_MODEL"},
		{"model with line end", func(e *Endpoint) { e.Model = "m\n" }, "control character"},
		{"key with line end", func(e *Endpoint) { e.APIKey = testKey + "\n" }, "line end"},
		{"concurrency", func(e *Endpoint) { e.Concurrency = -1 }, "concurrency -1"},
		{"timeout", func(e *Endpoint) { e.Timeout = -1 }, "timeout"},
	} {
		e := good
		c.change(&e)
		_, err := Open(e)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.name, err, c.says)
			continue
		}
		if strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: the key is in %q", c.name, err)
		}
	}
	for _, base := range []string{"http://h.test/v1", "https://h.test", "http://[::1]:8080/v1/", "HTTP://h.test/v1"} {
		e := good
		e.BaseURL = base
		if _, err := Open(e); err != nil {
			t.Errorf("%s: %v", base, err)
		}
	}
}

func TestSampling(t *testing.T) {
	for want, s := range map[string]Sampling{
		"temperature not sent, top_p not sent, max_tokens not sent, stop not sent": {},
		`temperature 1, top_p not sent, max_tokens 64, stop "\n"`:                  {Temperature: ptr(1.0), MaxTokens: ptr(64), Stop: []string{"\n"}},
		`temperature 0, top_p 0.95, max_tokens not sent, stop "User:" "\n"`:        {Temperature: ptr(0.0), TopP: ptr(0.95), Stop: []string{"User:", "\n"}},
	} {
		if got := fmt.Sprint(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if err := s.validate(); err != nil {
			t.Error(err)
		}
	}
	nan := 0.0
	nan /= nan
	for says, s := range map[string]Sampling{
		"temperature -0.1":  {Temperature: ptr(-0.1)},
		"temperature NaN":   {Temperature: &nan},
		"top_p 0 ":          {TopP: ptr(0.0)},
		"top_p 1.1":         {TopP: ptr(1.1)},
		"max_tokens 0":      {MaxTokens: ptr(0)},
		"stop string 2":     {Stop: []string{"a", ""}},
		`stop string 1 ("\`: {Stop: []string{"\xff"}},
	} {
		if err := s.validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: error %v, want one that says %q", s, err, says)
		}
	}
}
