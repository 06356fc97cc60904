package chat

import (
	"strings"
	"testing"
)

// filtersSay is what filters answer with, by status.
var filtersSay = map[string]int{
	`{"error":{"message":"Ihre Anfrage wurde aufgrund unserer Inhaltsrichtlinien abgelehnt"}}`:                                    400,
	`{"error":{"message":"Contenu bloqué : le message enfreint notre politique de contenu"}}`:                                     400,
	`{"error":{"message":"Sua solicitação foi bloqueada pelo filtro de conteúdo"}}`:                                               400,
	`{"error":{"message":"La richiesta è stata bloccata dal filtro dei contenuti"}}`:                                              400,
	`{"error":{"message":"El mensaje infringe la política de contenido"}}`:                                                        400,
	`{"error":{"message":"Ваш запрос нарушает политику использования"}}`:                                                          400,
	`{"error":{"message":"입력에 부적절한 내용이 포함되어 있습니다"}}`:                                                                              400,
	`{"error":{"message":"不適切な内容が含まれているため処理できません"}}`:                                                                              400,
	`{"error":{"message":"输入内容包含敏感词"}}`:                                                                                           400,
	`{"error":{"message":"您的输入包含有害信息，请求被拒绝"}}`:                                                                                    400,
	`{"error":{"message":"The prompt was rejected by the safety filter"}}`:                                                        400,
	`{"error":{"message":"Your message contains language that is not allowed."}}`:                                                 400,
	`{"error":{"message":"I'm sorry, your question triggered our moderation system. Please rephrase."}}`:                          400,
	`{"error":{"message":"Request rejected: hate speech detected in prompt"}}`:                                                    400,
	`{"error":{"message":"Prompt injection detected"}}`:                                                                           400,
	`{"error":{"message":"Input rejected by policy: self-harm"}}`:                                                                 400,
	`{"error":{"message":"Forbidden: content flagged by Lakera Guard"}}`:                                                          403,
	`{"error":{"message":"Violated content safety policy"}}`:                                                                      400,
	`{"error":{"message":"Model Armor blocked the prompt"}}`:                                                                      400,
	`{"error":{"message":"Request blocked by Model Armor: prompt injection found"}}`:                                              400,
	`{"error":{"message":"PII detected in input: EMAIL"}}`:                                                                        400,
	`{"error":{"message":"Blocked by content filter"}}`:                                                                           400,
	`{"error":{"message":"Harmful content detected in user input"}}`:                                                              400,
	`{"error":{"message":"Guardrail intervened: prompt violates policy"}}`:                                                        500,
	`{"error":{"message":"litellm.GuardrailRaisedException: Content blocked: toxicity"}}`:                                         500,
	`{"error":{"message":"The request was blocked by our content moderation. Your account may be suspended if this continues."}}`: 403,
	`{"error":{"message":"Blocked reason: SAFETY"}}`:                                                                              400,
	`{"error":{"message":"The model refused the prompt: usage policies"}}`:                                                        400,
	`{"error":{"message":"x","code":"content_policy_violation"}}`:                                                                 400,
	`{"error":{"message":"failed","type":"guardrail_violation"}}`:                                                                 400,
	`{"detail":{"error":"Content blocked","guardrail":"pii"}}`:                                                                    400,
	`{"detail":{"message":"Input blocked by guardrail"}}`:                                                                         400,
	`{"message":"Bad request","details":{"code":"content_filter"}}`:                                                               400,
	`{"errors":[{"message":"Prompt blocked by guardrail"}]}`:                                                                      200,
	`{"detail":"Prompt was blocked by guardrail"}`:                                                                                200,
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
	`{"error":{"code":"BadRequest","message":"bad","innererror":{"code":"ResponsibleAIPolicyViolation"}}}`:                                                                                                                                                                                                  400,
	`{"error":{"code":"BadRequest","message":"bad","innererror":{"code":"content_filter"}}}`:                                                                                                                                                                                                                400,
	`{"error":{"code":"BadRequest","message":"bad","inner_error":{"innererror":{"type":"ContentFilterTriggered"}}}}`:                                                                                                                                                                                        400,
	`{"error":{"code":"BadRequest","message":"bad","innererror":"{\"code\":\"content_policy_violation\"}"}}`:                                                                                                                                                                                                400,
	`{"error":{"code":"BadRequest","message":"bad","innererror":[{"code":"content_policy_violation"}]}}`:                                                                                                                                                                                                    400,
	`{"error":{"code":"BadRequest","message":"bad","innererror":{"inner_error":{"content_filter_results":{"hate":{"filtered":true}}}}}}`:                                                                                                                                                                    400,
	`{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"no\",\"code\":\"content_filter\"}}","provider_name":"Azure"}}}`:                                                                                                                                  400,
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
	`{"error":{"code":"BadRequest","message":"bad","innererror":{"code":"content_filter_unavailable"}}}`:                               400,
	`{"error":{"code":"content_filter","message":"bad","innererror":{"code":"content_filter_config_invalid"}}}`:                        400,
	`{"error":{"message":"content filter timed out"}}`:                                                                                 500,
	`{"error":{"message":"The content filtering system is down"}}`:                                                                     500,
	`{"error":{"message":"guardrail blocked the request: upstream 502"}}`:                                                              500,
	`{"error":{"message":"Request blocked: your subscription does not include moderation"}}`:                                           403,
	`{"error":{"message":"Request rejected: model requires signing the acceptable use policy"}}`:                                       403,
	`{"error":{"message":"Request blocked by rate limiter"}}`:                                                                          403,
	`{"error":{"message":"Request blocked: content length exceeds limit"}}`:                                                            403,
	`{"error":{"message":"Request rejected: content type must be application/json"}}`:                                                  400,
	`{"error":{"message":"content filter 'abc' not attached to deployment"}}`:                                                          400,
	`{"error":{"message":"Guardrail version 3 does not match"}}`:                                                                       400,
	`{"error":{"message":"guardrail identifier malformed"}}`:                                                                           400,
	`{"error":{"message":"The guardrail identifier or version provided in the request does not exist.","code":"ValidationException"}}`: 400,
	`{"error":{"message":"oops","code":"guardrail_misconfigured"}}`:                                                                    400,
	`{"error":{"message":"oops","code":"guardrail_error"}}`:                                                                            400,
	`{"error":{"message":"oops","code":"guardrails_service_exception"}}`:                                                               400,
	`{"error":{"message":"no response","code":"guardrail"}}`:                                                                           400,
	`{"error":{"message":"Usage policy acceptance pending for this model"}}`:                                                           403,
	`{"error":{"message":"This model is only for sensitive content reviewers"}}`:                                                       403,
	`{"error":{"message":"Request blocked by egress policy"}}`:                                                                         403,
	`{"error":{"message":"Your request was blocked because the project violates the data residency policy"}}`:                          403,
	`{"error":{"message":"Request denied by usage policy: budget used up"}}`:                                                           403,
	`{"error":{"message":"messages: content must not be empty; prompt rejected"}}`:                                                     400,
	`{"error":{"message":"The content moderation field was rejected"}}`:                                                                400,
	`{"error":{"message":"safety_settings rejected: input must be a list"}}`:                                                           400,
	`{"error":{"message":"input rejected: violates schema rules"}}`:                                                                    422,
	`{"error":{"message":"Request denied: moderation scope not granted to token"}}`:                                                    403,
	`{"error":{"message":"request blocked: guardrail quota used"}}`:                                                                    403,
	`{"error":{"message":"response rejected: content policy engine returned 500"}}`:                                                    400,
	`{"error":{"message":"request denied by safety policy for this tenant: model not on approved list"}}`:                              403,
	`{"error":{"message":"Your request was blocked. Reason: suspicious activity from this address"}}`:                                  403,
	`{"error":{"message":"Access to model blocked by organization usage policy"}}`:                                                     403,
	`{"error":{"message":"The request was rejected: output length"}}`:                                                                  400,
	`{"error":{"message":"The request was rejected because the moderation service did not respond"}}`:                                  403,
	`{"error":{"message":"prompt rejected: the moderation service returned an error"}}`:                                                400,
	`{"error":{"message":"Permission denied","code":"content_policy"}}`:                                                                403,
	`{"error":{"message":"Inhaltsfilter-Dienst antwortet nicht, Anfrage abgelehnt"}}`:                                                  400,
	`{"error":{"message":"内容审核服务故障，请求被拒绝"}}`:                                                                                           400,
	`{"error":{"message":"コンテンツフィルタのサービスが停止しているため拒否されました"}}`:                                                                           400,
	`{"error":{"message":"Le service de modération ne répond pas, requête refusée"}}`:                                                  400,
	`{"error":{"message":"El servicio de moderación no responde; solicitud rechazada"}}`:                                               400,
	`{"error":{"message":"Сервис модерации не работает, запрос отклонён"}}`:                                                            400,
	`{"error":{"message":"Доступ запрещён политикой безопасности"}}`:                                                                   403,
	`{"error":{"message":"Votre adresse est bloquée par le filtre"}}`:                                                                  403,
	`{"error":{"message":"guardrail service unavailable","code":"guardrail_timeout"}}`:                                                 500,
	`{"error":{"message":"the guardrail service did not answer","code":"guardrail_down"}}`:                                             500,
	`{"error":{"message":"guardrail evaluation failed: connection refused"}}`:                                                          400,
	`{"error":{"message":"x","code":"content_filter_error"}}`:                                                                          400,
	`{"error":{"message":"Request blocked by CORS policy"}}`:                                                                           403,
	`{"error":{"message":"You must accept the acceptable use policy of this model before using it"}}`:                                  403,
	`{"error":{"message":"Agree to the usage policy first","code":"content_policy"}}`:                                                  403,
	`{"error":{"message":"x","code":"content_safety_unavailable"}}`:                                                                    503,
	`{"error":{"message":"content safety service unavailable","type":"content_safety"}}`:                                               503,
	`{"error":{"message":"invalid key","code":"safety"}}`:                                                                              401,
	`{"error":{"message":"x","code":"moderation"}}`:                                                                                    429,
	`{"error":{"message":"x","code":"content_filter"}}`:                                                                                500,
	`{"error":{"message":"x","code":"invalid_content_filter_config"}}`:                                                                 400,
	`{"error":{"message":"content filters configuration 'strict' does not exist for this deployment","code":"content_filter"}}`:        400,
	`{"error":{"message":"Request blocked: missing header X-Team"}}`:                                                                   400,
	`{"error":{"message":"Request blocked by rule 949110"}}`:                                                                           403,
	`{"error":{"message":"guardrail 'pii' not found; guardrail failed to load"}}`:                                                      400,
	`{"error":{"message":"The usage policy id is not valid"}}`:                                                                         400,
	`{"message":"Request blocked. We can't connect to the server for this app or website at this time."}`:                              403,
	`<html>Request blocked. We can't connect to the server for this app or website at this time.</html>`:                               403,
	`<html>This page was blocked by the content filter of your company</html>`:                                                         403,
	`{"error":{"message":"request was blocked due to exceeded plan limits"}}`:                                                          403,
	`{"error":{"message":"Your account was flagged for violating our usage policy"}}`:                                                  403,
	`{"error":{"message":"Your account was flagged for violating our usage policy. Repeated violations may lead to suspension."}}`:     403,
	`{"error":{"message":"Access blocked by network policy: your IP is not in the allowlist"}}`:                                        403,
	`{"error":{"message":"Model access denied by organization policy"}}`:                                                               403,
	`{"message":"User is not authorized to access this resource with an explicit deny in an identity-based policy"}`:                   403,
	`{"error":{"message":"Invalid value for 'safety_settings': unknown harmful category"}}`:                                            400,
	`{"error":{"message":"moderation endpoint rate limit reached","code":"moderation_rate_limit"}}`:                                    429,
	`{"error":{"message":"The 'messages' field is flagged as required"}}`:                                                              400,
	`{"error":{"message":"Der Inhaltsfilter ist nicht verfügbar, die Anfrage wurde abgelehnt."}}`:                                      400,
	`{"error":{"message":"Le filtre de contenu est indisponible, demande rejetée."}}`:                                                  400,
	`Access to this site is denied by the web filter`:                                                                                  403,
}

func TestFiltersAreRecognized(t *testing.T) {
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
