package chat

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	openai "github.com/sashabaranov/go-openai"
)

// chatBody returns a chat completion with the given message and finish reason,
// both as JSON.
func chatBody(message, finish string) string {
	return fmt.Sprintf(`{"id":"c1","object":"chat.completion","created":1,"model":"served-1","system_fingerprint":"fp",`+
		`"choices":[{"index":0,"message":%s,"finish_reason":%s}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`,
		message, finish)
}

// A reply with just as many tokens as it may have was cut, whatever the server calls it.
func TestAsManyTokensAsAllowed(t *testing.T) {
	for _, c := range []struct {
		max, choices int
		finish, want string
	}{{3, 0, `"stop"`, "stop: length"}, {3, 1, `"end_turn"`, "end_turn: length"}, {3, 0, `"length"`, "length"}, {4, 0, `"stop"`, "stop"}, {2, 0, `"stop"`, "stop"}, {0, 0, `"stop"`, "stop"}, {3, 2, `"stop"`, "stop"}} {
		r, err := read(answer{status: 200, maxTokens: c.max, choices: c.choices, body: []byte(chatBody(`{"content":"I can't"}`, c.finish))})
		if err != nil || r.State != Answered || r.FinishReason != c.want || r.Cut() != strings.Contains(c.want, "length") {
			t.Errorf("%+v: %+v, %v", c, r, err)
		}
	}
}

// framed is a reply as chatBody's frame gives it.
func framed(state State, content, finish string) Reply {
	return Reply{State: state, Content: content, FinishReason: finish, ID: "c1", Created: 1, Model: "served-1", Fingerprint: "fp", PromptTokens: 7, ReplyTokens: 3}
}

func with(r Reply, change func(*Reply)) Reply { change(&r); return r }

// answers lists every way in which an endpoint is known to answer.
var answers = []struct {
	name    string
	status  int
	header  http.Header
	body    string
	readErr error
	want    Reply     // when no error is wanted
	kind    ErrorKind // else its kind,
	code    string    // the endpoint's code
	says    string    // and a part of its text
	param   string
}{
	// Replies.
	{name: "text", body: chatBody(`{"role":"assistant","content":"Paris."}`, `"stop"`), want: framed(Answered, "Paris.", "stop")},
	{name: "refusal field", body: chatBody(`{"role":"assistant","content":null,"refusal":"I cannot."}`, `"stop"`),
		want: with(framed(Answered, "", "stop"), func(r *Reply) { r.Refusal = "I cannot." })},
	{name: "refusal null", body: chatBody(`{"content":"Yes.","refusal":null}`, `"stop"`), want: framed(Answered, "Yes.", "stop")},
	{name: "refusal empty", body: chatBody(`{"content":"Yes.","refusal":""}`, `"stop"`), want: framed(Answered, "Yes.", "stop")},
	{name: "refusal beside content", body: chatBody(`{"content":"Well.","refusal":"I will not."}`, `"stop"`),
		want: framed(Answered, "Well.", "stop")},
	{name: "refusal in provider fields", body: chatBody(`{"content":null,"provider_specific_fields":{"refusal":"I will not."}}`, `"stop"`),
		want: with(framed(Answered, "", "stop"), func(r *Reply) { r.Refusal = "I will not." })},
	{name: "refusal null in provider fields", body: chatBody(`{"content":"Yes.","provider_specific_fields":{"refusal":null}}`, `"stop"`),
		want: framed(Answered, "Yes.", "stop")},
	{name: "parts", body: chatBody(`{"content":[{"type":"text","text":"One "},{"type":"text","text":"two."}]}`, `"stop"`),
		want: framed(Answered, "One two.", "stop")},
	{name: "refusal part", body: chatBody(`{"content":[{"type":"refusal","refusal":"I will not."}]}`, `"stop"`),
		want: with(framed(Answered, "", "stop"), func(r *Reply) { r.Refusal = "I will not." })},
	{name: "length cut", body: chatBody(`{"content":"Once upon"}`, `"length"`), want: framed(Answered, "Once upon", "length")},
	{name: "length cut before any text", body: chatBody(`{"content":""}`, `"length"`), want: framed(Empty, "", "length")},
	{name: "empty content", body: chatBody(`{"content":""}`, `"stop"`), want: framed(Empty, "", "stop")},
	{name: "blank content", body: chatBody(`{"content":" \n"}`, `"stop"`), want: framed(Empty, " \n", "stop")},
	{name: "null content", body: chatBody(`{"content":null}`, `"stop"`), want: framed(Empty, "", "stop")},
	{name: "no content", body: chatBody(`{"role":"assistant"}`, `"stop"`), want: framed(Empty, "", "stop")},
	{name: "no finish reason", body: chatBody(`{"content":"Yes."}`, `null`), want: framed(Unfinished, "Yes.", ""), says: "how the reply ended"},
	{name: "content filter on the reply", body: chatBody(`{"content":""}`, `"content_filter"`), want: framed(Blocked, "", "content_filter")},
	{name: "content filter within the reply", body: chatBody(`{"content":"First, "}`, `"content_filter"`),
		want: framed(Blocked, "First, ", "content_filter")},
	{name: "filter without message", body: `{"choices":[{"index":0,"finish_reason":"content_filter: PROHIBITED_CONTENT"}]}`,
		want: Reply{State: Blocked, FinishReason: "content_filter: PROHIBITED_CONTENT"}},
	{name: "filter, Gemini's word", body: chatBody(`{"content":null}`, `"SAFETY"`), want: framed(Blocked, "", "SAFETY")},
	{name: "filter, Anthropic's word", body: chatBody(`{"content":""}`, `"refusal"`), want: framed(Blocked, "", "refusal")},
	{name: "filter, GLM's word", body: chatBody(`{"content":""}`, `"sensitive"`), want: framed(Blocked, "", "sensitive")},
	{name: "reasoning_content", body: chatBody(`{"content":"4","reasoning_content":"2+2"}`, `"stop"`),
		want: with(framed(Answered, "4", "stop"), func(r *Reply) { r.Reasoning = "2+2" })},
	{name: "reasoning", body: chatBody(`{"content":"4","reasoning":"2+2"}`, `"stop"`),
		want: with(framed(Answered, "4", "stop"), func(r *Reply) { r.Reasoning = "2+2" })},
	{name: "reasoning only", body: chatBody(`{"content":null,"reasoning":"2+2"}`, `"length"`),
		want: with(framed(Empty, "", "length"), func(r *Reply) { r.Reasoning, r.InReasoning = "2+2", true })},
	{name: "tool call", body: chatBody(`{"content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]}`, `"tool_calls"`),
		want: framed(Empty, "", "tool_calls")},
	{name: "tool call beside text", body: chatBody(`{"content":"Wait.","tool_calls":[{"id":"t","type":"function","function":{"name":"f"}}]}`, `"tool_calls"`),
		want: framed(Unfinished, "Wait.", "tool_calls"), says: "no judge reads"},
	{name: "function call beside a refusal", body: chatBody(`{"content":"I can't.","function_call":{"name":"say","arguments":"{\"text\":\"Mix flour.\"}"}}`, `"stop"`),
		want: framed(Unfinished, "I can't.", "stop"), says: `"function_call"`},
	{name: "tool call beside a refusal field", body: chatBody(`{"content":null,"refusal":"I will not.","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}`, `"stop"`),
		want: framed(Unfinished, "", "stop"), says: `"tool_calls"`},
	{name: "speech beside text", body: chatBody(`{"content":"I can't.","audio":{"transcript":"Mix flour."}}`, `"stop"`), want: framed(Unfinished, "I can't.", "stop"), says: `"audio"`},
	{name: "picture beside text", body: chatBody(`{"content":"I can't.","images":[{"type":"image_url","image_url":{"url":"data:"}}]}`, `"stop"`), want: framed(Unfinished, "I can't.", "stop"), says: `"images"`},
	{name: "empty fields beside text", body: chatBody(`{"content":"Yes.","tool_calls":[],"function_call":{"name":"","arguments":""},"audio":null,"images":[]}`, `"stop"`), want: framed(Answered, "Yes.", "stop")},
	{name: "part without text", body: chatBody(`{"content":[{"type":"text","text":"I can't."},{"type":"json","json":{"a":"Mix flour."}}]}`, `"stop"`), want: framed(Unfinished, "I can't.", "stop"), says: `unknown type "json"`},
	{name: "call as a part", body: chatBody(`{"content":[{"type":"text","text":"I can't."},{"type":"tool_use","input":{"text":"Mix flour."}}]}`, `"stop"`), want: framed(Unfinished, "I can't.", "stop"), says: `"tool_use"`},
	{name: "text of another form", body: chatBody(`{"content":[{"type":"text","text":"I can't."},{"type":"text","text":["Mix flour."]}]}`, `"stop"`), want: framed(Unfinished, "I can't.", "stop"), says: `"text"`},
	{name: "sources as parts", body: chatBody(`{"content":[{"type":"text","text":"Yes."},{"type":"reference","reference_ids":[1]},{"type":"text","text":""}]}`, `"stop"`), want: framed(Answered, "Yes.", "stop")},
	{name: "several choices", body: `{"choices":[{"index":1,"message":{"content":"second"}},{"index":0,"message":{"content":"first"},"finish_reason":"stop"}]}`,
		want: Reply{State: Answered, Content: "first", FinishReason: "stop"}},
	{name: "bare minimum", body: `{"choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}]}`, want: Reply{State: Answered, Content: "Yes.", FinishReason: "stop"}},
	{name: "null error", body: `{"error":null,"choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}]}`, want: Reply{State: Answered, Content: "Yes.", FinishReason: "stop"}},
	{name: "JSON labelled as text", header: http.Header{"Content-Type": {"text/plain"}}, body: chatBody(`{"content":"Yes."}`, `"stop"`),
		want: framed(Answered, "Yes.", "stop")},
	{name: "odd fields that nobody needs", body: `{"id":7,"created":1.5,"choices":[{"message":{"content":"Yes."},"finish_reason":"stop","logprobs":[],"content_filter_results":{"hate":"none"}}]}`,
		want: Reply{State: Answered, Content: "Yes.", FinishReason: "stop", ID: "7", Created: 1}},

	// Filters that answer with an error.
	{name: "Azure filter", status: 400, body: `{"error":{"message":"The response was filtered","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`,
		want: Reply{State: Blocked, FinishReason: "content_filter"}},
	{name: "Azure filter by inner code", status: 400, body: `{"error":{"message":"filtered","code":null,"innererror":{"code":"ResponsibleAIPolicyViolation"}}}`,
		want: Reply{State: Blocked, FinishReason: "content_filter"}},
	{name: "policy violation code", status: 400, body: `{"error":{"message":"blocked","code":"content_policy_violation"}}`,
		want: Reply{State: Blocked, FinishReason: "content_filter"}},
	{name: "flagged prompt", status: 400, body: `{"error":{"message":"Invalid prompt: flagged as potentially violating our usage policy.","type":"invalid_request_error","param":null,"code":"invalid_prompt"}}`,
		want: Reply{State: Blocked, FinishReason: "content_filter"}},
	{name: "another invalid prompt", status: 400, body: `{"error":{"message":"prompt is a number","code":"invalid_prompt"}}`, kind: Rejected},
	{name: "filter named in a message only", status: 400, body: `{"error":{"message":"unknown field content_filter"}}`, kind: Rejected},

	// Successful answers that are no replies.
	{name: "error body", body: `{"error":{"message":"boom","code":"server_error"}}`, kind: ServerFailed, says: "boom"},
	{name: "error text", body: `{"error":"boom"}`, kind: ServerFailed, says: "boom"},
	{name: "error body with status as code", body: `{"error":{"message":"slow down","code":429}}`, kind: RateLimited, says: "slow down"},
	{name: "error body about the key", body: `{"error":{"message":"bad key","code":"401"}}`, kind: Unauthorized},
	{name: "error object", body: `{"object":"error","message":"boom","type":"InternalServerError","code":500}`, kind: ServerFailed, says: "boom"},
	{name: "error beside choices", body: `{"error":{"message":"boom"},"choices":[{"message":{"content":"I can't"}}]}`, kind: ServerFailed},
	{name: "error in the choice", body: `{"choices":[{"error":{"code":502,"message":"upstream"},"message":{"content":"I can't"},"finish_reason":"error"}]}`, kind: ServerFailed, says: "upstream"},
	{name: "finish reason error", body: chatBody(`{"content":"I can't"}`, `"error"`), kind: ServerFailed},
	{name: "finish reason network_error", body: chatBody(`{"content":"I can't"}`, `"network_error"`), kind: ServerFailed},
	{name: "choice without message", body: `{"choices":[{"index":0,"finish_reason":"stop"}]}`, kind: Unreadable, says: "without message"},
	{name: "finish reason abort", body: chatBody(`{"content":"I can't"}`, `"abort"`), kind: ServerFailed},
	{name: "no choices", body: `{"id":"c1","choices":[]}`, kind: Unreadable, says: "no choices"},
	{name: "null choices", body: `{"choices":null}`, kind: Unreadable, says: "no choices"},
	{name: "null choice", body: `{"choices":[null]}`, kind: Unreadable, says: "without message"},
	{name: "empty object", body: `{}`, kind: Unreadable, says: "no choices"},
	{name: "content is a number", body: chatBody(`{"content":4}`, `"stop"`), kind: Unreadable, says: "content"},
	{name: "refusal is true", body: chatBody(`{"content":"Yes.","refusal":true}`, `"stop"`), want: framed(Answered, "Yes.", "stop")},
	{name: "HTML", header: http.Header{"Content-Type": {"text/html"}}, body: "<!DOCTYPE html><html><title>Sign in</title></html>", kind: Unreadable, says: "an HTML page"},
	{name: "plain text", header: http.Header{"Content-Type": {"text/plain"}}, body: "I cannot help with that", kind: Unreadable, says: `content type "text/plain"`},
	{name: "stream", header: http.Header{"Content-Type": {"text/event-stream"}}, body: "data: {\"choices\":[]}\n\n", kind: Unreadable, says: "a stream of events"},
	{name: "JSON text", body: `"I cannot help with that"`, kind: Unreadable},
	{name: "JSON list", body: `[{"choices":[]}]`, kind: Unreadable},
	{name: "invalid JSON", body: `{"choices":[{"message":{"content":"Yes."}}],}`, kind: Unreadable, says: "invalid JSON"},
	{name: "two JSON objects", body: `{"choices":[{"message":{"content":"Yes."}}]}{"choices":[]}`, kind: Unreadable, says: "invalid JSON"},
	{name: "empty body", body: "", kind: Interrupted, says: "empty body"},
	{name: "status 204", status: 204, body: "", kind: Interrupted},
	{name: "JSON that ends early", body: chatBody(`{"content":"Yes."}`, `"stop"`)[:120], kind: Interrupted, says: "ends after 120 bytes"},
	{name: "body that breaks off", body: chatBody(`{"content":"Yes."}`, `"stop"`)[:120], readErr: io.ErrUnexpectedEOF, kind: Interrupted},
	{name: "complete JSON in a body that breaks off", body: chatBody(`{"content":"Yes."}`, `"stop"`), readErr: io.ErrUnexpectedEOF, kind: Interrupted},

	// Error statuses.
	{name: "redirect", status: 307, header: http.Header{"Location": {"https://elsewhere.test/v1"}}, kind: WrongAddress, says: "https://elsewhere.test/v1"},
	{name: "bad request", status: 400, body: `{"error":{"message":"no such field","type":"invalid_request_error"}}`, kind: Rejected, code: "invalid_request_error", says: "no such field"},
	{name: "bad key", status: 401, body: `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`, kind: Unauthorized, code: "invalid_api_key"},
	{name: "bad key at a proxy without database", status: 400, body: `{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}`, kind: Unauthorized, code: "400", says: "No connected db."},
	{name: "bad key, text body", status: 401, body: "Unauthorized", kind: Unauthorized},
	{name: "payment", status: 402, body: `{"error":{"message":"Insufficient credits","code":402}}`, kind: OverQuota},
	{name: "forbidden", status: 403, body: `{"error":{"message":"not for you"}}`, kind: Forbidden, says: "not for you"},
	{name: "unknown model", status: 404, body: `{"error":{"message":"The model m does not exist","code":"model_not_found"}}`, kind: UnknownModel},
	{name: "unknown model, older form", status: 404, body: `{"object":"error","message":"The model m does not exist.","type":"NotFoundError","param":null,"code":404}`, kind: UnknownModel, code: "404"},
	{name: "unknown model with 400", status: 400, body: `{"error":{"message":"/chat/completions: Invalid model name passed in model=m"}}`, kind: UnknownModel},
	{name: "unknown path", status: 404, body: `{"detail":"Not Found"}`, kind: WrongAddress, says: "Not Found"},
	{name: "unknown path, HTML", status: 404, header: http.Header{"Content-Type": {"text/html"}}, body: "<html>", kind: WrongAddress},
	{name: "wrong method", status: 405, body: `{"detail":"Method Not Allowed"}`, kind: WrongAddress},
	{name: "request timeout", status: 408, kind: Interrupted},
	{name: "request too large", status: 413, body: "Payload Too Large", kind: TooLong},
	{name: "context length by code", status: 400, body: `{"error":{"message":"too many tokens","param":"messages","code":"context_length_exceeded"}}`, kind: TooLong},
	{name: "context length, llama.cpp", status: 400, body: `{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":900,"n_ctx":512}}`, kind: TooLong},
	{name: "context length, vLLM", status: 400, body: `{"object":"error","message":"This model's maximum context length is 2048 tokens. However, you requested 3000.","type":"BadRequestError","param":null,"code":400}`, kind: TooLong},
	{name: "temperature fixed", status: 400, body: `{"error":{"message":"Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}`,
		kind: SamplingRejected, code: "unsupported_value", param: "temperature"},
	{name: "max_tokens renamed", status: 400, body: `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":null,"code":"unsupported_parameter"}}`,
		kind: SamplingRejected, param: "max_tokens"},
	{name: "field complaint", status: 422, body: `{"detail":[{"type":"extra_forbidden","loc":["body","seed"],"msg":"Extra inputs are not permitted","input":"my own prompt"}]}`,
		kind: SamplingRejected, param: "seed", says: "Extra inputs"},
	{name: "field complaint about messages", status: 422, body: `{"detail":[{"loc":["body","messages",0],"msg":"Field required","input":"my own prompt"},{"loc":[],"msg":"and more"}]}`,
		kind: Rejected, says: "Field required; and more"},
	{name: "format", status: 400, body: `{"error":{"message":"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.","type":"invalid_request_error","param":"response_format","code":null}}`,
		kind: FormatRejected, param: "response_format"},
	{name: "format, its type", status: 400, body: `{"error":"'response_format.type' must be 'text'"}`, kind: FormatRejected, param: "response_format"},
	{name: "format, part of it", status: 400, body: `{"error":{"message":"no","param":"response_format.json_schema"}}`, kind: FormatRejected, param: "response_format"},
	{name: "format, field complaint", status: 422, body: `{"detail":[{"loc":["body","response_format","type"],"msg":"Input should be 'text'"}]}`, kind: FormatRejected, param: "response_format"},
	{name: "log probabilities", status: 400, body: `{"error":{"message":"no","param":"logprobs","code":"unsupported_parameter"}}`, kind: SamplingRejected, param: "logprobs"},
	{name: "rate limit", status: 429, body: `{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}`, kind: RateLimited},
	{name: "rate limit, HTML", status: 429, body: "<html>slow down</html>", kind: RateLimited, says: "an HTML page"},
	{name: "rate limit, body breaks off", status: 429, body: `{"error":`, readErr: io.ErrUnexpectedEOF, kind: RateLimited},
	{name: "quota", status: 429, body: `{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}`, kind: OverQuota},
	{name: "server error", status: 500, body: `{"error":{"message":"boom"}}`, kind: ServerFailed, says: "boom"},
	{name: "not implemented", status: 501, kind: WrongAddress},
	{name: "bad gateway", status: 502, header: http.Header{"Content-Type": {"text/html"}}, body: "<html>", kind: ServerFailed},
	{name: "loading", status: 503, body: `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`, kind: ServerFailed, says: "Loading model"},
	{name: "overloaded", status: 529, body: `{"error":{"type":"overloaded_error","message":"Overloaded"}}`, kind: ServerFailed},
	{name: "teapot", status: 418, body: `{}`, kind: Rejected},
	{name: "list of messages", status: 400, body: `{"error":{"message":["one","two"]}}`, kind: Rejected},
}

func TestRead(t *testing.T) {
	for _, c := range answers {
		t.Run(c.name, func(t *testing.T) {
			if c.status == 0 {
				c.status = 200
			}
			got, err := read(answer{status: c.status, header: c.header, body: []byte(c.body), err: c.readErr})
			if c.kind == 0 {
				if err != nil {
					t.Fatalf("error %v, want a reply", err)
				}
				if !strings.Contains(got.Trouble, c.says) {
					t.Errorf("trouble %q does not say %q", got.Trouble, c.says)
				}
				got.Trouble = ""
				if diff := gocmp.Diff(c.want, got); diff != "" {
					t.Errorf("reply (-want +got):\n%s", diff)
				}
				return
			}
			if err == nil {
				t.Fatalf("reply %+v, want an error", got)
			}
			if got != (Reply{}) {
				t.Errorf("a reply %+v beside an error", got)
			}
			if err.Kind != c.kind || err.Status != c.status {
				t.Errorf("kind %v, status %d; want %v, %d", err.Kind, err.Status, c.kind, c.status)
			}
			if c.code != "" && err.Code != c.code {
				t.Errorf("code %q, want %q", err.Code, c.code)
			}
			if err.Param != c.param {
				t.Errorf("param %q, want %q", err.Param, c.param)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			for _, private := range []string{"I can't", "I cannot help", "my own prompt"} {
				if strings.Contains(err.Error(), private) {
					t.Errorf("error %q quotes a reply or a prompt", err)
				}
			}
		})
	}
}

// TestEveryFaultRowIsReached guards the table against rows that an earlier one
// hides.
func TestEveryFaultRowIsReached(t *testing.T) {
	reached := map[string]bool{}
	table := slices.Clone(faults)
	defer func() { faults = table }()
	for i, row := range table {
		faults[i].when = func(f fault) bool {
			applies := row.when(f)
			reached[row.name] = reached[row.name] || applies
			return applies
		}
	}
	for _, c := range answers {
		_, _ = read(answer{status: cmp.Or(c.status, 200), header: c.header, body: []byte(c.body)})
	}
	for _, c := range moreFaults {
		_, _ = read(answer{status: c.status, header: c.header, body: []byte(c.body)})
	}
	for _, c := range remediesOf {
		_, _ = read(answer{status: c.status, body: []byte(c.body)})
	}
	for _, c := range parameterErrors {
		_, _ = read(answer{status: 400, body: []byte(c.body)})
	}
	for _, row := range faults {
		if !reached[row.name] {
			t.Errorf("no answer of the table reaches the row %q", row.name)
		}
	}
}

// TestReadAgreesWithClient compares with go-openai's reading, where that makes
// something of an answer.
func TestReadAgreesWithClient(t *testing.T) {
	for _, c := range answers {
		var theirs openai.ChatCompletionResponse
		if c.kind != 0 || c.status != 0 || json.Unmarshal([]byte(c.body), &theirs) != nil {
			continue
		}
		if c.name == "several choices" {
			continue // it leaves the choice to its caller
		}
		m := theirs.Choices[0].Message
		if m.MultiContent == nil && m.Content != c.want.Content {
			t.Errorf("%s: content %q, go-openai reads %q", c.name, c.want.Content, m.Content)
		}
		if m.Refusal != "" && m.Content == "" && c.want.State == Answered && m.Refusal != c.want.Refusal {
			t.Errorf("%s: refusal %q, go-openai reads %q", c.name, c.want.Refusal, m.Refusal)
		}
		if string(theirs.Choices[0].FinishReason) != c.want.FinishReason {
			t.Errorf("%s: finish reason %q, go-openai reads %q", c.name, c.want.FinishReason, theirs.Choices[0].FinishReason)
		}
	}
}

func TestReadDoesNotQuoteWhatIsNotHTTP(t *testing.T) {
	_, err := read(answer{err: errors.New(`malformed HTTP response "I'm sorry"`)})
	if err == nil || err.Kind != Interrupted || strings.Contains(err.Error(), "sorry") {
		t.Errorf("error %v", err)
	}
}

func TestReadBoundsBodies(t *testing.T) {
	body := chatBody(`{"content":"Yes."}`, `"stop"`)
	body += strings.Repeat(" ", maxBody+1-len(body))
	if _, err := read(answer{status: 200, body: []byte(body)}); err == nil || err.Kind != Unreadable {
		t.Errorf("error %v", err)
	}
	if _, err := read(answer{status: 200, body: []byte(body[:maxBody])}); err != nil {
		t.Error(err)
	}
}

func TestReadTransportErrors(t *testing.T) {
	timeout := &net.DNSError{IsTimeout: true}
	for _, c := range []struct {
		name string
		err  error
		want ErrorKind
	}{
		{"refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, Unreachable},
		{"unknown host", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, Unreachable},
		{"slow name server", timeout, Unreachable},
		{"certificate", &tls.CertificateVerificationError{}, Unreachable},
		{"not TLS", http.ErrSchemeMismatch, Unreachable},
		{"reset", &net.OpError{Op: "read", Err: syscall.ECONNRESET}, Interrupted},
		{"closed", io.EOF, Interrupted},
		{"timeout", context.DeadlineExceeded, TimedOut},
		{"cancelled", context.Canceled, Cancelled},
	} {
		_, err := read(answer{err: &url.Error{Op: "Post", URL: "http://h.test", Err: c.err}})
		if err == nil || err.Kind != c.want {
			t.Errorf("%s: %v, want kind %v", c.name, err, c.want)
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: the cause is lost", c.name)
		}
	}
}

// FuzzRead looks for answers that are taken for more than they are.
func FuzzRead(f *testing.F) {
	for _, c := range answers {
		f.Add(max(c.status, 200), c.body)
	}
	for _, c := range parameterErrors {
		f.Add(400, c.body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status == 0 {
			return
		}
		r, err := read(answer{status: status, header: http.Header{}, body: []byte(body)})
		if err != nil {
			if r != (Reply{}) || err.Kind < InvalidRequest || err.Kind > FormatRejected {
				t.Fatalf("reply %+v beside error of kind %d", r, err.Kind)
			}
			_ = err.Error()
			return
		}
		switch r.State {
		case Answered:
			if e := endingOf(r.FinishReason, nil); e != endedItself && e != endedAtLimit && !r.Cut() {
				t.Fatalf("answered with finish reason %q", r.FinishReason)
			}
			if status < 200 || status > 299 {
				t.Fatalf("status %d is answered", status)
			}
			if strings.TrimSpace(r.Content) == "" && r.Refusal == "" {
				t.Fatal("answered without text")
			}
			// Whatever is answered stands in a complete JSON object.
			if !json.Valid(trimBOM([]byte(body))) {
				t.Fatal("answered by invalid JSON")
			}
		case Empty:
			if strings.TrimSpace(r.Content) != "" || r.Refusal != "" {
				t.Fatalf("empty with text: %+v", r)
			}
		case Blocked:
			if endingOf(r.FinishReason, nil) != endedFiltered {
				t.Fatalf("blocked with finish reason %q", r.FinishReason)
			}
		case Unfinished:
			if r.Trouble == "" || r.Refusal != "" {
				t.Fatalf("unfinished without a reason, or refused: %+v", r)
			}
		default:
			t.Fatalf("state %v", r.State)
		}
	})
}
