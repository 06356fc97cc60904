package chat

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// parameterErrors are what endpoints say of a request whose parameters they do not
// take, in words that filters use too: what was asked for is the reason and not what
// the prompt says, so that every call fails alike.
var parameterErrors = []struct {
	body string
	kind ErrorKind
	says string
}{
	{`{"error":{"message":"input violates rules: top_p must be between 0 and 1"}}`, SamplingRejected, "top_p"},
	{`{"error":{"message":"The request violates our usage policy: top_p must be greater than 0"}}`, SamplingRejected, "top_p"},
	{`{"error":{"message":"Input violates policy: 'temperature' must be <= 1"}}`, SamplingRejected, "temperature"},
	{`{"error":{"message":"Request rejected by policy: temperature above 1.0 is not allowed"}}`, SamplingRejected, "temperature"},
	{`{"error":{"message":"content policy: temperature=0 is not permitted, input rejected"}}`, SamplingRejected, "temperature"},
	{`{"error":{"message":"Invalid input: max_tokens exceeds the value allowed by policy (512), request blocked by content rules"}}`, SamplingRejected, "max_tokens"},
	{`{"error":{"message":"input violates content rules: max_completion_tokens must be a positive integer"}}`, SamplingRejected, "max_completion_tokens"},
	{`{"error":{"message":"request rejected, sensitive setting: seed is not allowed"}}`, SamplingRejected, "seed"},
	{`{"error":{"message":"messages violate rules: roles must alternate between user and assistant"}}`, Rejected, "roles must alternate"},
	{`{"error":{"message":"Input violates policy: messages[3].role must be one of user, assistant"}}`, Rejected, "role must be one of"},
	{`{"error":{"message":"prompt violates the message guidelines: messages must end with a user message"}}`, Rejected, "must end with"},
	{`{"error":{"message":"Input violates policy: first message role must be 'user'"}}`, Rejected, "must be 'user'"},
	{`{"error":{"message":"input violates rules: unknown model 'm'"}}`, UnknownModel, "unknown model"},
	{`{"error":{"message":"Request rejected by content policy: model 'm' is not allowed"}}`, UnknownModel, "not allowed"},
	{`{"error":{"message":"input violates usage policy: model m does not exist"}}`, UnknownModel, "does not exist"},
	{`{"error":{"message":"input violates rules: invalid stop sequence"}}`, SamplingRejected, "invalid stop"},
	{`{"error":{"message":"Input not allowed by policy: stop must have at most 4 items"}}`, SamplingRejected, "at most 4"},
	{`{"error":{"message":"content violates rules: 'stop' may not contain empty strings"}}`, SamplingRejected, "empty strings"},
	{`{"error":{"message":"input violates policy rules: response_format json_schema is not supported"}}`, FormatRejected, "json_schema"},
	{`{"error":{"message":"request violates policy: top_logprobs must be between 0 and 5"}}`, SamplingRejected, "top_logprobs"},
	{`{"error":{"message":"The input violates rules","param":"top_p","code":"invalid_value"}}`, SamplingRejected, "violates rules"},
	{`{"error":{"message":"input violates policy","param":"messages[0].role"}}`, Rejected, "violates policy"},
	{`{"detail":[{"loc":["body","temperature"],"msg":"Input violates rules: should be less than or equal to 2","type":"less_than_equal"}]}`, SamplingRejected, "less than or equal"},
	{`{"detail":"Input violates rules: top_p: 1.5 is out of range [0, 1]"}`, SamplingRejected, "out of range"},
	{`input violates rules: top_p must be in (0, 1]`, SamplingRejected, "top_p"},
	{`{"error":{"message":"moderated parameter: frequency_penalty is not allowed, request was blocked by policy"}}`, Rejected, "frequency_penalty"},
	{`{"error":{"message":"Input violates policy: n must be 1","code":"content_policy"}}`, Rejected, "n must be 1"},
	{`{"error":{"message":"{\"error\":{\"message\":\"input violates rules: top_p must be between 0 and 1\"}}"}}`, SamplingRejected, "top_p"},
}

// TestParametersAreNoFilters: they are errors, at once and with the cause, under
// whatever status they come.
func TestParametersAreNoFilters(t *testing.T) {
	for _, c := range parameterErrors {
		for _, status := range []int{200, 400, 403, 422, 424, 500} {
			if status == 200 && !strings.HasPrefix(c.body, "{") {
				continue // no answer at all
			}
			r, err := read(answer{status: status, body: []byte(c.body)})
			if err == nil || r.State != 0 {
				t.Errorf("%d %s: %v, %v; want an error", status, c.body, r.State, err)
				continue
			}
			if !strings.Contains(err.Message+" "+err.Param, c.says) {
				t.Errorf("%d %s: %v; want %q in it", status, c.body, err, c.says)
			}
			if status == 400 && err.Kind != c.kind {
				t.Errorf("%d %s: %v; want %v", status, c.body, err.Kind, c.kind)
			}
			calls := 0
			client := open(t, inMemory(func(q *http.Request) (*http.Response, error) {
				if strings.HasSuffix(q.URL.Path, "/models") {
					return respond(404, ""), nil
				}
				if calls++; calls == 1 {
					return yes(), nil
				}
				return respond(status, c.body), nil
			}))
			if _, err := client.Ask(t.Context(), question); err != nil {
				t.Fatal(err)
			}
			if r, err := client.Ask(t.Context(), question); err == nil || !strings.Contains(err.Error(), c.says) || calls != 2 {
				t.Errorf("%d %s: %v and %v after %d calls, the second of which fails; want an error at once", status, c.body, r.State, err, calls)
			}
		}
	}
}

// filtersNaming are what filters say that name something which is a parameter too.
var filtersNaming = []string{
	`{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.","type":null,"param":"prompt","code":"content_filter","status":400}}`,
	`{"error":{"message":"Your message violates our usage policy. The model will not answer it."}}`,
	`{"error":{"message":"Input violates content policy: violence"}}`,
	`{"error":{"message":"messages violate the content policy: hate speech detected in messages[2].content"}}`,
	`{"error":{"message":"The prompt violates our rules on self-harm and must be rephrased"}}`,
	`{"error":{"message":"Your prompt was flagged as unsafe and should be changed; the model stopped"}}`,
	`{"error":{"message":"Request blocked: content at high temperature was flagged as sexual content"}}`,
	`{"error":{"message":"Input rejected by policy: weapons and self-harm are not allowed"}}`,
	`{"error":{"message":"The user message contains inappropriate content, stop asking for it"}}`,
	`{"error":{"message":"content policy violation: the model may not discuss this topic","code":"content_policy_violation","param":"messages"}}`,
	`{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy.","code":"invalid_prompt","param":"messages"}}`,
	`{"error":{"message":"The model refused the prompt because it violates usage guidelines: roles of violent offenders are not allowed"}}`,
	`{"error":{"message":"Prompt blocked by safety filter: toxicity score must be below 0.8"}}`,
	`{"error":{"message":"Guardrail blocked the prompt: score 0.91 must be less than 0.5","code":"guardrail_violation"}}`,
	`{"error":{"message":"Response rejected: output violates policy rule 7 and is not allowed"}}`,
}

func TestFiltersThatNameParametersStayFilters(t *testing.T) {
	for _, body := range filtersNaming {
		for _, status := range []int{400, 403} {
			if got, err := read(answer{status: status, body: []byte(body)}); err != nil || got.State != Blocked {
				t.Errorf("%d %s: %v, %v; want a block", status, body, got.State, err)
			}
		}
	}
}

// Other words for the same, as messages.
var parametersInWords = []string{
	"参数 temperature 违规，应在 0 到 2 之间",
	"输入违规：role 不合规",
	"temperature 参数不合规",
	"Die Anfrage verstößt gegen die Nutzungsrichtlinie: der Parameter temperature muss kleiner als 2 sein",
	"Le paramètre temperature enfreint notre politique d'utilisation",
	"Malformed input request: #: extraneous key [top_p] is not permitted, content policy violation",
	"Invalid temperature value, the valid range of temperature is [0, 2.0]; request rejected by content rules",
	"Request blocked: model gpt-9 is restricted by content policy",
	"Request violates parameter policy: temperature=2.5 not allowed",
	"The sampling parameters violate the deployment policy: top_p",
	"Invalid value for temperature: 3, violates content rules (0..2)",
	"max_tokens: 100000 violates policy limit 4096",
	"input violates validation rules: max_tokens=0",
	"messages: at least one user message is required; input violates policy",
	"messages[0].role 'tool' violates the input rules",
	"Input violates policy: role 'system' not allowed",
	"Prompt rejected: role system is not permitted by content policy",
	"invalid 'stop': input violates rules",
	"stop: array too long, input violates rules",
	"Model 'gpt-x' violates usage policy for this request",
	"input violates policy: model not in allowed list",
	"Request blocked by usage policy: model gpt-5 not permitted",
	"Your input violates the policy: 'n' must be 1",
	"prompt violates content rules: logit_bias is not allowed",
	"Input violates policy: the value of top_p (1.5) must not exceed 1",
	"Input violates rules: value 3.5 for temperature is larger than the maximum 2",
	"input violates rules: temperature (3) > 2",
	"input violates policy: conversation roles must alternate",
	"input violates policy: messages with role 'system' must be first",
	"input violates policy: system message must be first",
	"input violates policy: only one system message is allowed",
	"input violates policy: last message must be from the user",
	"input violates policy: the first message must have role user",
	"input violates policy: assistant message cannot be last",
	"Input violates policy: requested model is not allowed",
	"input violates rules: the model 'abc' could not be found",
	"input violates rules: no model named abc",
	"Input violates rules: stop sequences cannot be empty",
	"input violates rules: 'stop' is limited to 4 entries",
	"Input is not allowed: invalid stop token",
	"Input violates policy: maximum tokens must be at least 1",
	"input violates policy: Max Tokens must be >= 16",
	"input violates rules: topP out of bounds",
	"input violates rules: top_p",
	"input violates rules: temperature",
	"request violates content rules; check temperature, top_p and max_tokens",
}

var filtersInWords = []string{
	"The model returned the following errors: Output blocked by content filtering policy",
	"Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO",
	"模型认为输入违规",
	"The model output was blocked by the content filter",
	"Die Eingabe verstößt gegen die Inhaltsrichtlinie und darf nicht beantwortet werden",
	"Your request was rejected as a result of our safety system.",
	"The response was filtered because the prompt triggered content management policy. The model must not produce it.",
	"Content violates policy: the user should not request weapons",
	"Input violates guidelines: hate speech is not allowed",
	"This input is not allowed by our content policy",
	"Prompt violates the acceptable use policy: model output on drugs is not allowed",
	"Prompt violates policy on minors. Invalid request.",
	"Message violates community rules and must be changed",
	"content policy violation: messages must not contain slurs",
	"Your message violates our usage policy: messages must be respectful",
	"Prompt flagged: sexual content must not be requested from the model",
	"Request blocked by guardrail: role play of violent characters is not allowed",
	"Input violates rules: roleplay is not allowed",
	"Prompt blocked: jailbreak detected, roles such as DAN are invalid",
	"blocked by content filter: severity must be below medium (is high)",
	"Output violates policy: model reply not allowed",
	"Input was flagged by model armor",
	"Prompt rejected: instructions to change the system role detected as prompt injection",
	"Prompt blocked by moderation: the model is not allowed to answer this",
	"The prompt violates our content policy. Seeds of abuse are not tolerated.",
	`Guardrail blocked the request {"messages":[{"role":"user","content":"x"}],"temperature":0.7,"max_tokens":16}: toxicity`,
	`Blocked by content filter: {'model': 'm', 'top_p': 1, 'stop': None, 'category': 'hate'}`,
	"Content policy violation: messages must not contain slurs",
}

func TestParametersAndFiltersInOtherWords(t *testing.T) {
	said := func(message string) []byte {
		body, err := json.Marshal(map[string]any{"error": map[string]any{"message": message}})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for _, message := range parametersInWords {
		if got, err := read(answer{status: 400, body: said(message)}); err == nil || err.Kind != Rejected && err.Kind != SamplingRejected && err.Kind != UnknownModel {
			t.Errorf("%s: %v, %v; want an error", message, got.State, err)
		}
	}
	for _, message := range filtersInWords {
		if got, err := read(answer{status: 400, body: said(message)}); err != nil || got.State != Blocked {
			t.Errorf("%s: %v, %v; want a block", message, got.State, err)
		}
	}
}
