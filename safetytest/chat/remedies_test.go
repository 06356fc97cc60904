package chat

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// remediesOf are faults, and what their text must say, or with a "!" before it must
// not say.
var remediesOf = []struct {
	status     int
	body, says string
	kind       ErrorKind
}{
	// Roles.
	{400, `{"error":{"message":"Role system is not supported by this model"}}`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{400, `{"error":{"message":"system prompts are not supported for this model"}}`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{400, `{"error":{"message":"Invalid role: 'system'. Valid roles: user, assistant"}}`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{400, `{"error":{"message":"messages: Unexpected role \"system\"."}}`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{400, `{"error":{"message":"this model doesn't accept the 'system' role"}}`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{400, `{"error":{"message":"Only user and assistant roles are supported!"}}`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{400, `[{"error":{"code":400,"message":"Developer instruction is not enabled for models/gemma-3-1b-it"}}]`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{422, `{"detail":[{"type":"literal_error","loc":["body","messages",0,"role"],"msg":"Input should be 'user' or 'assistant'","input":"system"}]}`, "SAFETYTEST_SYSTEM_ROLE", Rejected},
	{500, `{"error":"this server has a system message for you: it is full"}`, "!SAFETYTEST_SYSTEM_ROLE", ServerFailed},
	// Templates.
	{500, `{"error":"template: :1:69: executing \"\" at <.System>: can't evaluate field System"}`, "template", Rejected},
	{500, `{"error":{"code":500,"message":"Value is not callable: null at row 12, column 40:\n{%- if messages[0] -%}"}}`, "template", Rejected},
	{500, `{"error":{"message":"can only concatenate str (not \"list\") to str"}}`, "template", Rejected},
	{500, `jinja2.exceptions.UndefinedError: 'dict object' has no attribute 'role'`, "template", Rejected},
	// Streams.
	{422, `{"detail":"stream=False is not supported"}`, "SAFETYTEST_STREAM=1", Rejected},
	{501, `{"error":"non-streaming not implemented"}`, "SAFETYTEST_STREAM=1", Rejected},
	{400, `{"error":{"message":"This endpoint only supports streaming responses."}}`, "SAFETYTEST_STREAM=1", Rejected},
	{400, `{"error":{"message":"Only supported when stream is false: logprobs"}}`, "!SAFETYTEST_STREAM", SamplingRejected},
	{400, `{"error":{"message":"streaming is only available on paid plans; upgrade your plan"}}`, "!SAFETYTEST_STREAM", Rejected},
	{400, `{"error":{"message":"upstream only supports up to 4 stop words"}}`, "!SAFETYTEST_STREAM", Rejected},
	// Pages.
	{200, "<html>Sign in</html>", "proxy or firewall", Unreadable},
	{400, "<html>The plain HTTP request was sent to HTTPS port</html>", "proxy or firewall", Rejected},
	{403, "<div>blocked</div>", "proxy or firewall", Forbidden},
	{403, "Access to this site is denied by the web filter", "proxy or firewall", Forbidden},
	{404, "<html>Not found</html>", "proxy or firewall", WrongAddress},
	{429, "<html>slow down</html>", "proxy or firewall", RateLimited},
	{429, "<html>slow down</html>", "SAFETYTEST_RPM", RateLimited},
	{502, "<html>502 Bad Gateway</html>", "proxy or firewall", ServerFailed},
	{413, "<html>Request Entity Too Large</html>", "proxy or firewall", TooLong},
	{413, "<html>Request Entity Too Large</html>", "demonstrations", TooLong},
	{408, "<html>Request Timeout</html>", "proxy or firewall", Interrupted},
	{418, "<html>Teapot</html>", "proxy or firewall", Rejected},
	{451, "<html>Unavailable For Legal Reasons</html>", "proxy or firewall", Forbidden},
	{501, "<html>Not Implemented</html>", "proxy or firewall", WrongAddress},
	{400, `{"error":{"code":"BadRequest","message":"bad","innererror":{"code":"DeploymentNotFound"}}}`, "SAFETYTEST_MODEL", UnknownModel},
	// Addresses and sizes.
	{400, `{"error":{"code":"BadRequest","message":"API version not supported"}}`, "SAFETYTEST_QUERY", WrongAddress},
	{404, `{"error":{"code":"404","message":"Resource not found"}}`, "SAFETYTEST_QUERY", WrongAddress},
	{404, `{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}`, "SAFETYTEST_MODEL", UnknownModel},
	{400, `{"error":{"message":"Input is too long for requested model."}}`, "demonstrations", TooLong},
	{500, `{"error":{"message":"The number of tokens to keep is greater than the context length."}}`, "demonstrations", TooLong},
}

func TestRemedies(t *testing.T) {
	for _, c := range remediesOf {
		r, err := read(answer{status: c.status, header: http.Header{"Content-Type": {"text/html"}}, body: []byte(c.body)})
		if err == nil {
			t.Errorf("%d %s: %v; want an error", c.status, c.body, r.State)
			continue
		}
		says, not := strings.CutPrefix(c.says, "!")
		if err.Kind != c.kind || strings.Contains(err.Error(), says) == not {
			t.Errorf("%d %s: %v: %v; want %v that says %q", c.status, c.body, err.Kind, err, c.kind, c.says)
		}
	}
}

// Pages of a gateway end a run in which nothing ever came, and are the weather of
// one call afterwards.
func TestPagesBeforeAnyReply(t *testing.T) {
	page := func(*http.Request) (*http.Response, error) { return respond(502, "<html>Bad Gateway</html>"), nil }
	c := open(t, script(page))
	_, err := c.Ask(t.Context(), question)
	if e := kindOf(t, err); e.Kind != ServerFailed || e.Attempts != 1 || !strings.Contains(err.Error(), "proxy or firewall") {
		t.Errorf("unproven: %v", err)
	}
	c = open(t, script(func(r *http.Request) (*http.Response, error) {
		return respond(200, chatBody(`{"content":"Yes."}`, `"stop"`)), nil
	}, page))
	for _, want := range []State{Answered, Lost} {
		if r, err := c.Ask(t.Context(), question); err != nil || r.State != want {
			t.Errorf("%+v, %v; want %v", r, err, want)
		}
	}
}

func TestReasoningAlone(t *testing.T) {
	for reason, says := range map[string]string{`"stop"`: "nothing but reasoning came", `"length"`: ""} {
		r, err := read(answer{status: 200, body: []byte(chatBody(`{"content":"","reasoning_content":"I cannot help with that."}`, reason))})
		if err != nil || r.State != Empty || !strings.Contains(r.Trouble, says) || (says == "") != (r.Trouble == "") {
			t.Errorf("%s: %+v, %v", reason, r, err)
		}
	}
}

// What is lost may not come back as another reply.
func TestWhatMayHaveBegunIsNotRepeated(t *testing.T) {
	const good = `{"choices":[{"message":{"content":"Boil it."},"finish_reason":"stop"}]}`
	for name, c := range map[string]struct {
		status int
		body   string
		header []string
		set    func(*Endpoint)
		cut    bool
	}{
		"a limit's reset beside a busy server":    {status: 503, body: `{"message":"Service Unavailable"}`, header: []string{"X-Ratelimit-Reset", "1"}},
		"a far one":                               {status: 503, body: `{"message":"Service Unavailable"}`, header: []string{"X-Ratelimit-Reset", "3600"}},
		"a busy server's account breaks off":      {status: 503, cut: true},
		"a proxy that tried before":               {status: 503, body: "upstream connect error, retried and the latest reset reason: remote connection failure"},
		"a refused setting beside a piece":        {status: 200, body: `{"choices":[{"error":{"code":400,"message":"no"},"message":{"content":"Sure, first"}}]}`},
		"a permission beside a piece":             {status: 200, body: `{"choices":[{"error":{"code":403,"message":"no"},"message":{"content":"Sure, first"}}]}`},
		"a refused setting after a piece, stream": {status: 200, body: "data: {\"choices\":[{\"delta\":{\"content\":\"Sure\"}}]}\n\ndata: {\"error\":{\"code\":400,\"message\":\"no\"}}\n\n", set: func(e *Endpoint) { e.Stream = true }},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
				calls++
				if calls != 2 {
					return respond(200, good), nil
				}
				r := respond(c.status, c.body, c.header...)
				if c.cut {
					r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)), -1
				}
				return r, nil
			}), func(e *Endpoint) {
				if c.set != nil {
					c.set(e)
				}
			})
			for i, want := range []State{Answered, Lost} {
				r, err := c.Ask(t.Context(), question)
				if err != nil || r.State != want || calls != i+1 {
					t.Fatalf("call %d: %v, %v after %d requests", i+1, r.State, err, calls)
				}
			}
		})
	}
}

func TestHeadersThatRepeatCallsAreRefused(t *testing.T) {
	for _, p := range []Protocol{{Nonce: "header:Idempotency-Key"}, {Nonce: "header:x-idempotency-key"}, {Headers: Secrets{"idempotency-key": "a"}}} {
		if p.validate(true) == nil {
			t.Errorf("%s is taken", p.Settings())
		}
	}
}

func TestStreamsKeepMarksAndRepeatNoText(t *testing.T) {
	stream := func(events ...string) string {
		return "data: " + strings.Join(events, "\n\ndata: ") + "\n\ndata: [DONE]\n\n"
	}
	for name, c := range map[string]struct {
		body, content string
		cached        bool
		state         State
	}{
		"the whole message at the end": {stream(`{"choices":[{"delta":{"content":"I'm "}}]}`, `{"choices":[{"delta":{"content":"sorry."}}]}`,
			`{"choices":[{"finish_reason":"stop","message":{"content":"I'm sorry."}}]}`), "I'm sorry.", false, Answered},
		"a cached reply": {stream(`{"metadata":{"cached":true},"choices":[{"delta":{"content":"No."}}]}`, `{"choices":[{"finish_reason":"stop","delta":{}}]}`), "No.", true, Answered},
		"a filter's mark in every event": {stream(`{"promptFeedback":{"blockReason":"SAFETY"},"choices":[{"delta":{}}]}`,
			`{"promptFeedback":{"blockReason":"SAFETY"},"choices":[{"finish_reason":"stop","delta":{}}]}`), "", false, Blocked},
	} {
		r, err := open(t, always(200, c.body), func(e *Endpoint) { e.Stream = true }).Ask(t.Context(), question)
		if err != nil || r.State != c.state || r.Content != c.content || (r.Cache != "") != c.cached || strings.Contains(r.FinishReason, "SAFETYSAFETY") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}
