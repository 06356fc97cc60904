package chat

import (
	"strings"
	"testing"
)

// filtersSay is what filters answer with, by status.
var filtersSay = map[string]int{
	`{"error":{"message":"litellm.BadRequestError: AzureException - The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry. To learn more about our content filtering policies please read our documentation","code":"400"}}`: 400,
	`{"error":{"message":"Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a different prompt","code":"invalid_prompt"}}`:                                                                                                                           400,
	`{"error":{"message":"Guardrail raised an exception, Guardrail: lakera, Message: Prompt Injection","type":"None","code":"400"}}`:                                                                                                                                                                        400,
	`{"error":{"message":"Blocked PII entity detected: CREDIT_CARD by Guardrail: presidio","code":"400"}}`:                                                                                                                                                                                                  400,
	`{"error":{"message":"The guardrail checks defined in the config failed. You can find more information in the hook_results object","type":"hooks_failed"}}`:                                                                                                                                             446,
	`{"error":{"message":"The guardrail checks defined in the config failed."}}`:                                                                                                                                                                                                                            446,
	`{"success":false,"errors":[{"code":2016,"message":"Prompt blocked due to security configurations"}]}`:                                                                                                                                                                                                  424,
	`{"success":false,"error":[{"code":2017,"message":"Response blocked due to security configurations"}]}`:                                                                                                                                                                                                 400,
	`{"error":{"message":"This prompt cannot be answered because it breaches the acceptable use policy."}}`:                                                                                                                                                                                                 403,
	`{"message":"Request blocked by AI firewall: policy 'toxicity'"}`:                                                                                                                                                                                                                                       403,
	`{"error":"prompt rejected: toxicity score 0.97 above threshold 0.8"}`:                                                                                                                                                                                                                                  403,
	`{"error":{"message":"Your input contains content that is not allowed. Please rephrase."}}`:                                                                                                                                                                                                             400,
	`{"error":{"message":"Die Anfrage wurde vom Inhaltsfilter blockiert."}}`:                                                                                                                                                                                                                                400,
	`{"error":{"message":"Ihre Eingabe verstößt gegen unsere Nutzungsrichtlinien."}}`:                                                                                                                                                                                                                       400,
	`{"error":{"message":"Votre demande a été bloquée par le filtre de contenu."}}`:                                                                                                                                                                                                                         400,
	`{"error":{"message":"La solicitud fue bloqueada por el filtro de contenido."}}`:                                                                                                                                                                                                                        400,
	`{"error":{"message":"コンテンツポリシーに違反しているため、リクエストはブロックされました。"}}`:                                                                                                                                                                                                                                           400,
	`{"error":{"message":"Запрос заблокирован фильтром безопасности."}}`:                                                                                                                                                                                                                                    400,
	`{"error":{"message":"요청이 콘텐츠 정책에 의해 차단되었습니다."}}`:                                                                                                                                                                                                                                                       400,
	`{"error":{"message":"您的请求被内容过滤器拦截"}}`:                                                                                                                                                                                                                                                                  400,
	`{"error":{"code":"400","message":"bad","inner_error":{"code":"ResponsibleAIPolicyViolation"}}}`:                                                                                                                                                                                                        400,
	`{"error":{"message":"The model produced invalid content","content_filter_result":{"violence":{"filtered":true}},"code":null}}`:                                                                                                                                                                         400,
	`{"error":{"message":"x","content_filter_result":{"filtered":true}}}`:                                                                                                                                                                                                                                   400,
	`{"base_resp":{"status_code":1026,"status_msg":"input new_sensitive"}}`:                                                                                                                                                                                                                                 400,
	`{"id":"x","choices":[],"base_resp":{"status_code":1026,"status_msg":"input new_sensitive"}}`:                                                                                                                                                                                                           200,
	`{"error":{"code":403,"message":"Input flagged by moderation","metadata":{"reasons":["violence"]}}}`:                                                                                                                                                                                                    200,
	`{"error":{"message":"litellm.APIError: content_filter triggered: jailbreak detected","type":"content_filter"}}`:                                                                                                                                                                                        500,
	`{"error":{"message":"Guardrail 'aporia' blocked the request: prompt violates policy","type":"None","code":"500"}}`:                                                                                                                                                                                     500,
	`{"error":{"message":"Content policy violation","type":"content_policy_violation"}}`:                                                                                                                                                                                                                    451,
	`{"detail":"Request blocked: harmful content category S9"}`:                                                                                                                                                                                                                                             422,
	`{"error":{"message":"{\"error\":{\"message\":\"blocked\",\"code\":\"content_filter\"}}"}}`:                                                                                                                                                                                                             400,
	`{"error":{"message":{"error":"Content blocked: keyword"}}}`:                                                                                                                                                                                                                                            400,
	`{"error":{"error":{"message":"Content blocked by guardrail"}}}`:                                                                                                                                                                                                                                        400,
	`{"errors":[{"message":"Content blocked by guardrail"}]}`:                                                                                                                                                                                                                                               400,
	`{"detail":[{"msg":"Content blocked by guardrail","type":"guardrail"}]}`:                                                                                                                                                                                                                                400,
	`{"error":{"message":"<b>Blocked</b> by content safety policy","type":"forbidden"}}`:                                                                                                                                                                                                                    403,
	`<html><body><b>Blocked</b> by content safety policy</body></html>`:                                                                                                                                                                                                                                     403,
	`Content Exists Risk`:                           400,
	`"Content Exists Risk"`:                         400,
	`[{"error":{"message":"Content Exists Risk"}}]`: 400,
	`{"error":{"message":"Your request was flagged as violating our usage policies. Repeated violations may lead to suspension of your account."}}`: 400,
	`{"error":{"message":"Your input was blocked by our content policy. Repeated violations may get your account suspended."}}`:                     403,
	`{"error":{"message":"Your prompt was blocked by the guardrail. Please contact your organization if you think so."}}`:                           403,
}

// nobodyWithheld are faults that name a filter or a block, and are something else.
var nobodyWithheld = map[string]int{
	`{"error":{"message":"guardrail service unavailable","code":"guardrail_timeout"}}`:                                             500,
	`{"error":{"message":"the guardrail service did not answer","code":"guardrail_down"}}`:                                         500,
	`{"error":{"message":"guardrail evaluation failed: connection refused"}}`:                                                      400,
	`{"error":{"message":"x","code":"content_filter_error"}}`:                                                                      400,
	`{"error":{"message":"Request blocked by CORS policy"}}`:                                                                       403,
	`{"error":{"message":"You must accept the acceptable use policy of this model before using it"}}`:                              403,
	`{"error":{"message":"Agree to the usage policy first","code":"content_policy"}}`:                                              403,
	`{"error":{"message":"x","code":"content_safety_unavailable"}}`:                                                                503,
	`{"error":{"message":"content safety service unavailable","type":"content_safety"}}`:                                           503,
	`{"error":{"message":"invalid key","code":"safety"}}`:                                                                          401,
	`{"error":{"message":"x","code":"moderation"}}`:                                                                                429,
	`{"error":{"message":"x","code":"content_filter"}}`:                                                                            500,
	`{"error":{"message":"x","code":"invalid_content_filter_config"}}`:                                                             400,
	`{"error":{"message":"content filters configuration 'strict' does not exist for this deployment","code":"content_filter"}}`:    400,
	`{"error":{"message":"Request blocked: missing header X-Team"}}`:                                                               400,
	`{"error":{"message":"Request blocked by rule 949110"}}`:                                                                       403,
	`{"error":{"message":"guardrail 'pii' not found; guardrail failed to load"}}`:                                                  400,
	`{"error":{"message":"The usage policy id is not valid"}}`:                                                                     400,
	`{"message":"Request blocked. We can't connect to the server for this app or website at this time."}`:                          403,
	`<html>Request blocked. We can't connect to the server for this app or website at this time.</html>`:                           403,
	`<html>This page was blocked by the content filter of your company</html>`:                                                     403,
	`{"error":{"message":"request was blocked due to exceeded plan limits"}}`:                                                      403,
	`{"error":{"message":"Your account was flagged for violating our usage policy"}}`:                                              403,
	`{"error":{"message":"Your account was flagged for violating our usage policy. Repeated violations may lead to suspension."}}`: 403,
	`{"error":{"message":"Access blocked by network policy: your IP is not in the allowlist"}}`:                                    403,
	`{"error":{"message":"Model access denied by organization policy"}}`:                                                           403,
	`{"message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`:               403,
	`{"error":{"message":"Invalid value for 'safety_settings': unknown harmful category"}}`:                                        400,
	`{"error":{"message":"moderation endpoint rate limit reached","code":"moderation_rate_limit"}}`:                                429,
	`{"error":{"message":"The 'messages' field is flagged as required"}}`:                                                          400,
	`{"error":{"message":"Der Inhaltsfilter ist nicht verfügbar, die Anfrage wurde abgelehnt."}}`:                                  400,
	`{"error":{"message":"Le filtre de contenu est indisponible, demande rejetée."}}`:                                              400,
	`Access to this site is denied by the web filter`:                                                                              403,
}

func TestFiltersAreTold(t *testing.T) {
	for body, status := range filtersSay {
		if got, err := read(answer{status: status, body: []byte(body)}); err != nil || got.State != Blocked {
			t.Errorf("%d %s: %v, %v; want a block", status, body, got.State, err)
		}
	}
	for body, status := range nobodyWithheld {
		if got, err := read(answer{status: status, body: []byte(body)}); err == nil {
			t.Errorf("%d %s: %v; want an error", status, body, got.State)
		}
	}
}

// Words that the user declared are looked for whatever the form of the answer.
func TestDeclaredWordsInAnyForm(t *testing.T) {
	for _, body := range []string{`verworfen vom hausfilter`, `"Hausfilter"`, `["Hausfilter"]`, `[{"x":{"y":"Hausfilter"}}]`, `{"reason":{"text":"HAUSFILTER"}}`, `{"error":{"message":"x","why":["Hausfilter"]}}`} {
		a := answer{status: 400, body: []byte(body)}
		if _, err := read(a); err == nil || !strings.Contains(err.Error(), "SAFETYTEST_BLOCKED_WORDS") {
			t.Errorf("%s undeclared: %v; want the variable named", body, err)
		}
		a.reading.BlockedWords = []string{"Hausfilter"}
		if got, err := read(a); err != nil || got.State != Blocked {
			t.Errorf("%s: %v, %v", body, got.State, err)
		}
	}
	a := answer{status: 400, body: []byte(`{"detail":[{"loc":["body","messages",0,"content"],"msg":"too odd","input":"What is a Hausfilter?"}]}`)}
	a.reading.BlockedWords = []string{"Hausfilter"}
	if got, err := read(a); err == nil {
		t.Errorf("a prompt that is repeated is taken for a filter's word: %v", got.State)
	}
}

// However long an account is, a part of it is looked at.
func TestLongFaultsAreCut(t *testing.T) {
	for _, quoted := range []string{`{"error":{"message":"MANY"}}`, `"MANY"`, `MANY`, `{"detail":[{"loc":["x"],"msg":"MANY"}]}`, `{"error":{"code":"MANY","type":"MANY","param":"MANY"}}`} {
		body := strings.Replace(quoted, "MANY", strings.Repeat("blocked by ", 20_000), -1)
		f := answer{status: 400, body: []byte(body)}.faultBody()
		for _, s := range []string{f.message, f.code, f.kind, f.param, f.raw, f.said} {
			if len(s) > longestText {
				t.Errorf("%.30s: %d bytes are looked at", quoted, len(s))
			}
		}
	}
}
