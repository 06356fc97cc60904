package chat

import (
	"net/http"
	"strings"
	"testing"
)

// moreFaults are what endpoints say instead of a reply in other words.
var moreFaults = []struct {
	name   string
	status int
	header http.Header
	body   string
	state  State     // when a reply is wanted
	kind   ErrorKind // else its kind
	says   string
}{
	// Filters.
	{name: "DeepSeek", status: 400, body: `{"error":{"message":"Content Exists Risk","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, state: Blocked},
	{name: "LiteLLM keyword", status: 400, body: `{"error":{"message":"Content blocked: keyword 'recipe' detected","type":"invalid_request_error","param":null,"code":"400"}}`, state: Blocked},
	{name: "LiteLLM guardrail, 403", status: 403, body: `{"error":{"message":"{'error': 'Content blocked: harmful category detected'}","type":"None","param":"None","code":"403"}}`, state: Blocked},
	{name: "LiteLLM guardrail in detail", status: 400, body: `{"detail":{"error":"Violated moderation policy"}}`, state: Blocked},
	{name: "Bedrock through LiteLLM", status: 400, body: `{"error":{"message":"{'error': 'Violated guardrail policy', 'bedrock_guardrail_response': 'Sorry'}","code":"400"}}`, state: Blocked},
	{name: "OpenRouter", status: 403, body: `{"error":{"code":403,"message":"Your input was rejected.","metadata":{"reasons":["food"],"flagged_input":"..."}}}`, state: Blocked},
	{name: "xAI", status: 403, body: `{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: t-1, API key ID: 1-2, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_X"}`, state: Blocked},
	{name: "Qwen", status: 400, body: `{"error":{"message":"Input data may contain inappropriate content.","type":"DataInspectionFailed","code":"DataInspectionFailed"}}`, state: Blocked},
	{name: "Zhipu", status: 400, body: `{"error":{"code":"1301","message":"系统检测到输入或生成内容可能包含不安全或敏感内容"}}`, state: Blocked},
	{name: "Azure by its sentence", status: 400, body: `{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","code":null}}`, state: Blocked},
	{name: "Moonshot", status: 400, body: `{"error":{"message":"The request was rejected because it was considered high risk","type":"content_filter"}}`, state: Blocked},
	{name: "Cloudflare's gateway", status: 424, body: `{"success":false,"error":[{"code":2016,"message":"Prompt blocked due to security configurations"}],"message":"Prompt blocked due to security configurations"}`, state: Blocked},
	{name: "Volcengine", status: 400, body: `{"error":{"code":"InputTextSensitiveContentDetected","message":"The request failed."}}`, state: Blocked},
	{name: "OpenAI's safety system", status: 400, body: `{"error":{"message":"Your request was rejected as a result of our safety system.","code":"moderation_blocked"}}`, state: Blocked},
	{name: "MiniMax under 200", status: 200, body: `{"choices":null,"input_sensitive":true,"base_resp":{"status_code":1026}}`, state: Blocked},
	{name: "Gemini's prompt feedback", status: 200, body: `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`, state: Blocked},
	{name: "Bedrock's own word", status: 200, body: `{"amazon-bedrock-guardrailAction":"INTERVENED","choices":[{"message":{"content":"Sorry."},"finish_reason":"stop"}]}`, state: Blocked},
	{name: "Azure's results", status: 200, body: `{"choices":[{"message":{"content":"Sor"},"finish_reason":"stop","content_filter_results":{"hate":{"filtered":true}}}]}`, state: Blocked},
	{name: "a filter in an error under 200", status: 200, body: `{"error":{"message":"Output blocked by content filtering policy","code":400}}`, state: Blocked},

	// What looks like one and is not.
	{name: "banned account", status: 403, body: `{"error":{"message":"Your account was suspended for violating our usage policies"}}`, kind: Forbidden},
	{name: "region", status: 403, body: `{"error":{"message":"Content is blocked by policy in your country, region, or territory"}}`, kind: Forbidden},
	{name: "unknown field", status: 400, body: `{"error":{"message":"unknown field safety_check"}}`, kind: Rejected},
	{name: "a page that blocks", status: 403, header: http.Header{"Content-Type": {"text/html"}}, body: "<!DOCTYPE html><html>You have been blocked by our security policy</html>", kind: Forbidden, says: "proxy or firewall"},

	// Templates and roles.
	{name: "Jinja under 500", status: 500, body: `{"error":{"code":500,"message":"\n------------\nError: Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...","type":"server_error"}}`, kind: Rejected, says: "SAFETYTEST_SYSTEM_ROLE=user"},
	{name: "Jinja under 500, system", status: 500, body: `{"error":{"code":500,"message":"Jinja Exception: System role not supported","type":"server_error"}}`, kind: Rejected, says: "SAFETYTEST_SYSTEM_ROLE=user"},
	{name: "template error", status: 500, body: `{"object":"error","message":"TemplateError: After the optional system message, conversation roles must alternate","type":"InternalServerError","code":500}`, kind: Rejected, says: "SAFETYTEST_SYSTEM_ROLE"},
	{name: "vLLM's system role", status: 400, body: `{"error":{"message":"System role not supported","type":"BadRequestError","param":null,"code":400}}`, kind: Rejected, says: "SAFETYTEST_SYSTEM_ROLE"},
	{name: "OpenAI's system role", status: 400, body: `{"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","param":"messages[0].role","code":"unsupported_value"}}`, kind: Rejected, says: "developer"},

	// Credit, streams, pages.
	{name: "credit under 401", status: 401, body: `{"error":{"message":"You are out of credits"}}`, kind: OverQuota, says: "add credit"},
	{name: "credit under 403", status: 403, body: `{"error":"Your team doesn't have any credits yet."}`, kind: OverQuota},
	{name: "credit under 400", status: 400, body: `{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}`, kind: OverQuota},
	{name: "stream mode only", status: 400, body: `{"error":{"code":"invalid_parameter_error","message":"This model only support stream mode, please enable the stream parameter to access the model. ","type":"invalid_request_error"}}`, kind: Rejected, says: "SAFETYTEST_STREAM=1"},
	{name: "stream must be set", status: 400, body: `{"detail":"Stream must be set to true"}`, kind: Rejected, says: "SAFETYTEST_STREAM=1"},
	{name: "unasked stream", status: 200, header: http.Header{"Content-Type": {"text/event-stream"}}, body: "data: {\"choices\":[]}\n\n", kind: Unreadable, says: "SAFETYTEST_STREAM=1"},
	{name: "page under 401", status: 401, body: "<html>sign in</html>", kind: Forbidden, says: "proxy or firewall"},
	{name: "client gone", status: 499, body: `{"error":{"message":"x"}}`, kind: Interrupted},
}

func TestReadOtherWords(t *testing.T) {
	for _, c := range moreFaults {
		got, err := read(answer{status: c.status, header: c.header, body: []byte(c.body)})
		switch {
		case c.kind == 0 && (err != nil || got.State != c.state):
			t.Errorf("%s: %v, %v; want %v", c.name, got.State, err, c.state)
		case c.kind != 0 && (err == nil || err.Kind != c.kind || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s: %v, %v; want an error of kind %v that says %q", c.name, got.State, err, c.kind, c.says)
		}
	}
}

func TestReadDeclaredBlocks(t *testing.T) {
	a := answer{status: 400, body: []byte(`{"error":{"message":"Die Anfrage wurde vom Hausfilter verworfen"}}`)}
	if _, err := read(a); err == nil || err.Kind != Rejected {
		t.Errorf("undeclared: %v", err)
	}
	a.reading.BlockedWords = []string{"HAUSFILTER"}
	if got, err := read(a); err != nil || got.State != Blocked {
		t.Errorf("declared: %v, %v", got.State, err)
	}
	for _, words := range [][]string{{""}, {"  "}, {"no"}, {"the"}} {
		if validateBlockedWords(words) == nil {
			t.Errorf("%q is taken for a word that only filters say", words)
		}
	}
}

// Errors that say nothing stand beside good replies.
func TestReadEmptyErrors(t *testing.T) {
	for _, empty := range []string{`{}`, `[]`, `null`, `false`, `""`, `0`, `{"message":""}`, `{"code":0}`, `{"code":null,"message":""}`,
		`{"message":"","type":"","param":"","code":null}`, `[{}]`, `{"code":"0","details":[]}`, `{"code":200,"message":null}`, `"None"`,
		`{"code":0,"message":"success"}`, `{"code":0,"message":"ok"}`, `{"code":200,"message":"OK"}`, `{"status":"success"}`, `"N/A"`, `"no error"`, `"OK"`, `"0"`, `{"message":"-"}`, `{"code":"success","message":"No error."}`} {
		body := strings.Replace(chatBody(`{"content":"Yes."}`, `"stop"`), `"object"`, `"error":`+empty+`,"object"`, 1)
		if got, err := read(answer{status: 200, body: []byte(body)}); err != nil || got.State != Answered || got.Content != "Yes." {
			t.Errorf("%s: %+v, %v", empty, got, err)
		}
		body = `{"choices":[{"message":{"content":"Yes."},"finish_reason":"stop","error":` + empty + `}]}`
		if got, err := read(answer{status: 200, body: []byte(body)}); err != nil || got.State != Answered || got.Content != "Yes." {
			t.Errorf("%s in a choice: %+v, %v", empty, got, err)
		}
	}
	for _, full := range []string{`{"message":"boom"}`, `"boom"`, `{"code":500}`, `true`, `["boom"]`, `{"code":0,"message":"boom"}`, `{"message":"not ok"}`, `{"code":500,"message":"success"}`, `"no success"`} {
		body := strings.Replace(chatBody(`{"content":"Yes."}`, `"stop"`), `"object"`, `"error":`+full+`,"object"`, 1)
		if got, err := read(answer{status: 200, body: []byte(body)}); err == nil {
			t.Errorf("%s: %+v", full, got)
		}
	}
}

// No field that an outcome does not need may lose a reply.
func TestReadIsLenient(t *testing.T) {
	whole := `{"id":ID,"created":CREATED,"model":MODEL,"system_fingerprint":FP,"choices":[{"index":INDEX,"message":{"content":"Yes.","refusal":REFUSAL,"reasoning":null,"tool_calls":null},"finish_reason":"stop","logprobs":LOGPROBS}],"usage":USAGE,"timings":TIMINGS}`
	fields := []string{"ID", "CREATED", "MODEL", "FP", "INDEX", "REFUSAL", "LOGPROBS", "USAGE", "TIMINGS"}
	odd := []string{`null`, `"12"`, `1.5`, `-1`, `1e999`, `99999999999999999999999999`, `[]`, `{}`, `true`, `"n/a"`, `[{"a":1}]`,
		`{"prompt_tokens":"120","completion_tokens":12.7}`, `{"prompt_tokens":-1,"completion_tokens":1e300,"prompt_tokens_details":0}`, `{"prompt_tokens_details":[]}`, `{"prompt_n":"x"}`}
	for i, field := range fields {
		for _, value := range odd {
			body := whole
			for j, f := range fields {
				v := `null`
				if i == j {
					v = value
				}
				body = strings.Replace(body, ":"+f, ":"+v, 1)
			}
			got, err := read(answer{status: 200, body: []byte("\ufeff" + body)})
			if err != nil || got.State != Answered || got.Content != "Yes." || got.Refusal != "" {
				t.Errorf("%s is %s: %+v, %v", field, value, got, err)
				continue
			}
			for _, n := range []int{got.PromptTokens, got.ReplyTokens, got.CachedTokens} {
				if n < 0 || n > 999_999_999 {
					t.Errorf("%s is %s: %d tokens", field, value, n)
				}
			}
		}
	}
	counts := func(usage string) [2]int {
		got, err := read(answer{status: 200, body: []byte(strings.Replace(chatBody(`{"content":"Yes."}`, `"stop"`), `"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}`, `"usage":`+usage, 1))})
		if err != nil {
			t.Errorf("%s: %v", usage, err)
		}
		return [2]int{got.PromptTokens, got.ReplyTokens}
	}
	for usage, want := range map[string][2]int{
		`{"prompt_tokens":"120","completion_tokens":"12"}`:     {120, 12},
		`{"prompt_tokens":120.5,"completion_tokens":12.0}`:     {120, 12},
		`{"prompt_tokens":-1,"completion_tokens":-1}`:          {0, 0},
		`{"prompt_tokens":1000000000,"completion_tokens":4}`:   {0, 4},
		`{"prompt_tokens":999999999,"completion_tokens":null}`: {999999999, 0},
		`[]`: {0, 0}, `"n/a"`: {0, 0}, `null`: {0, 0},
	} {
		if got := counts(usage); got != want {
			t.Errorf("%s: %v, want %v", usage, got, want)
		}
	}
}

func TestReadContents(t *testing.T) {
	for body, want := range map[string]string{
		`["I'm sorry."]`: "I'm sorry.",
		`["I'm ",null,{"type":"text","text":"sorry."}]`:                                               "I'm sorry.",
		`[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"No."}]`: "No. (hm)",
		`[{"type":"reasoning","text":"hm"},{"type":"output_text","text":"No."}]`:                      "No. (hm)",
		`[{"type":"redacted_thinking","data":"x"},{"text":"No."}]`:                                    "No.",
		`[{"text":"hm","thought":true},{"text":"No."}]`:                                               "No. (hm)",
		`{"type":"text","text":{"value":"No.","annotations":[]}}`:                                     "No.",
		`[]`: "",
	} {
		got, err := read(answer{status: 200, body: []byte(chatBody(`{"content":`+body+`}`, `"stop"`))})
		text := got.Content
		if got.Reasoning != "" {
			text += " (" + got.Reasoning + ")"
		}
		if err != nil || text != want || (got.State == Answered) != (got.Content != "") {
			t.Errorf("%s: %q, %v, %v; want %q", body, text, got.State, err, want)
		}
	}
	got, err := read(answer{status: 200, body: []byte(chatBody(`{"content":[{"type":"inner_voice","text":"I must refuse."}]}`, `"stop"`))})
	if err != nil || got.State != Unfinished || !strings.Contains(got.Trouble, "inner_voice") {
		t.Errorf("unknown part: %+v, %v", got, err)
	}
}
