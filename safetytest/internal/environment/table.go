package environment

import (
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// The model under test, and how it is asked.
var (
	BaseURL = row("SAFETYTEST_BASE_URL", Config, address(), "none",
		"the endpoint that speaks the OpenAI chat protocol, such as `http://127.0.0.1:8080/v1`")
	Model = row("SAFETYTEST_MODEL", Config, text(), "the suite's fallback, if it has one",
		"the model that the endpoint serves; `sim:NAME` is a simulated model, which needs no endpoint")
	APIKey = row("SAFETYTEST_API_KEY", Config, secret(), "none",
		"bearer token; appears in no output")
	OpenAIKey = row("OPENAI_API_KEY", Config, secret(), "none",
		"bearer token for OpenAI's own host, `https://api.openai.com`, and no other, where no key is set for the model or the baseline")
	Temperature = row("SAFETYTEST_TEMPERATURE", Config, number(0, 2), "1",
		"sampling temperature; `unset` sends none")
	TopP = row("SAFETYTEST_TOP_P", Config, number(0, 1), "not sent",
		"share of the likeliest tokens to sample from; `unset` sends none")
	MaxTokens = row("SAFETYTEST_MAX_TOKENS", Config, whole(1), "256",
		"tokens a reply")
	Stop = row("SAFETYTEST_STOP", Config, list(`["\n","User:"]`), "not sent",
		"a JSON list of strings at which the endpoint ends a reply")
	Concurrency = row("SAFETYTEST_CONCURRENCY", Config, wholeOrAuto(), "8",
		"calls in flight, or `auto`")
	RPM = row("SAFETYTEST_RPM", Config, whole(1), "no limit",
		"requests a minute, of all processes that record in one directory")
	TPM = row("SAFETYTEST_TPM", Config, whole(1), "no limit",
		"tokens a minute, of all processes that record in one directory")
	BaselineModel = row("SAFETYTEST_BASELINE_MODEL", Config, text(), "none",
		"the checkpoint to compare with")
	BaselineBaseURL = row("SAFETYTEST_BASELINE_BASE_URL", Config, address(), "beside the model",
		"where the checkpoint to compare with is served")
	BaselineAPIKey = row("SAFETYTEST_BASELINE_API_KEY", Config, secret(), "the model's, at the same address",
		"bearer token for the checkpoint to compare with; appears in no output")
	MaxCalls = row("SAFETYTEST_MAX_CALLS", Config, whole(1), "none",
		"budget of the run in calls, a hard stop")
	MaxSpendTokens = row("SAFETYTEST_MAX_SPEND_TOKENS", Config, whole(1), "none",
		"budget of the run in tokens, a hard stop")
	Prices = row("SAFETYTEST_PRICES", Config, text(), "none: no money is printed",
		"a JSON file that says what a million tokens of prompts and of replies cost, by model")
	MaxCost = row("SAFETYTEST_MAX_COST", Config, positive(), "none",
		"budget of the run in the currency of the prices, a hard stop; every model that is asked needs a price")
	Batch = row("SAFETYTEST_BATCH", Config, whole(1), "4",
		"cells between two looks at the evidence")
	Seed = row("SAFETYTEST_SEED", Config, whole(1), "1",
		"which demonstrations are drawn; part of what a claim says")
	SamplingSeed = row("SAFETYTEST_SAMPLING_SEED", Config, seed(), "fresh, printed",
		"which requests are asked in which order")
	SharedSeeds = row("SAFETYTEST_SHARED_SEEDS", Config, word("off", "auto"), "`off`",
		"`auto`: the arms of a pair are asked with one seed where the endpoint is seen to honour seeds, so that their replies differ less by chance")
	Choices = row("SAFETYTEST_CHOICES", Config, wholeOrAuto(), "`auto`: as many as the endpoint gives and as pay, 4 at most",
		"replies that one request asks for (`n`) where a claim compares contexts, so that a verdict takes fewer prompts; a number is asked for whatever it costs, unless the endpoint does not say which replies it cut, or answers such requests as another than those for one")
	Endings = row("SAFETYTEST_ENDINGS", Config, list(`["done"]`), "the known ones",
		"a JSON list of further words by which the endpoint says that the model was done; `[\"\"]` if it sends none")
	SystemRole = row("SAFETYTEST_SYSTEM_ROLE", Config, word("system", "developer", "user"), "`system`",
		"who states the rule: `system`, `developer`, or `user` (at the start of the first user turn)")
	Headers = row("SAFETYTEST_HEADERS", Config, object(), "none",
		"a JSON object of further headers; values are not printed")
	Query = row("SAFETYTEST_QUERY", Config, query(), "none",
		"query of the address, such as `api-version=2024-10-21`, or a JSON object; values are not printed")
	CAFile = row("SAFETYTEST_CA_FILE", Config, text(), "the system's",
		"PEM file of a private certificate authority")
	Stream = row("SAFETYTEST_STREAM", Config, flag(), "off",
		"`1` asks in streams and collects them, for endpoints that do nothing else")
	NoCache = row("SAFETYTEST_NO_CACHE", Config, flag(), "off",
		"`1` sends no-cache headers")
	Nonce = row("SAFETYTEST_NONCE", Config, text(), "none",
		"a body field (`user`) or `header:NAME` that gets a fresh value in each request")
	Allow = row("SAFETYTEST_ALLOW", Config, wordsOf(doubts()...), "none",
		"kinds of doubt that do not apply to the endpoint, because you looked: `"+strings.Join(doubts(), "`, `")+"`; printed with verdicts")
	Blocked = row("SAFETYTEST_BLOCKED", Config, word("missing", "refused"), "`missing`",
		"`refused` counts replies that a content filter withheld as refusals, which the claim's sentence then says")
	BlockedWords = row("SAFETYTEST_BLOCKED_WORDS", Config, list(`["content guard"]`), "none",
		"a JSON list of further words by which a filter's error is known, at any status, so that no outage may hold them")
	Census = row("SAFETYTEST_CENSUS", Config, flag(), "off: sampled like any other",
		"`1`: at temperature 0 visit each cell once, if repeats are found to agree")
)

// The run, and what becomes of earlier ones.
var (
	Dir = row("SAFETYTEST_DIR", Config|Suite, text(), "`.safetytest` beside `go.mod`; in plain testing nothing is kept",
		"where replies and reports are kept")
	Run = row("SAFETYTEST_RUN", Config, text(), "one for each process that asks",
		"names a run that several processes share")
	Replies = row("SAFETYTEST_REPLIES", Config, word("auto", "fresh", "resume", "replay"), "`auto`: an undecided run is continued",
		"`fresh` begins anew; `resume` continues also after the list of claims has changed; `replay` reads the recorded replies again, asks nobody, and is no pass")
	MaxAge = row("SAFETYTEST_MAX_AGE", Config, duration(), "`24h`",
		"how old recorded replies may be that a run goes on from")
	Rolls = row("SAFETYTEST_ROLLS", Config, whole(0), "1",
		"fresh attempts that may count after a violation")
	Release = row("SAFETYTEST_RELEASE", Config, text(), "none",
		"a name for what is tested, which starts the count of fresh attempts anew")
	RequireModel = row("SAFETYTEST_REQUIRE_MODEL", Config|Suite, flag(), "off",
		"`1`, for release pipelines: no fallback, no simulated model, and no replies of earlier runs unless they are resumed")
)

// What only the suite reads.
var (
	Only = row("SAFETYTEST_ONLY", Suite, text(), "all",
		"label filter that says which specs are the gate; printed")
	Inconclusive = row("SAFETYTEST_INCONCLUSIVE", Suite, word("fail", "skip"), "`fail`",
		"`skip` shows what is not proven as skipped, for exploration; `passed` is then false")
	Reports = row("SAFETYTEST_REPORTS", Suite, wordsOf("html", "md", "sarif", "junit", "text"), "none",
		"further reports to write beside `report.json`: `html`, `md`, `sarif`, `junit` and `text`, with commas between them")
	Plan = row("SAFETYTEST_PLAN", Suite, flag(), "off",
		"`1` prints the plan, calls nothing, and ends red")
)

// What CI systems and terminals set, and nobody sets for us.
var (
	Actions = row("GITHUB_ACTIONS", Surroundings, text(), "none",
		"`true` in GitHub Actions, where a suite then marks the lines of specs whose claims do not hold")
	StepSummary = row("GITHUB_STEP_SUMMARY", Surroundings, text(), "none",
		"the file of a job's summary, which a suite appends its report to as Markdown")
	NoColor = row("NO_COLOR", Surroundings, text(), "none",
		"any value keeps colours out of terminals")
)

// The judging model of the commands.
var (
	JudgeBaseURL = row("SAFETYTEST_JUDGE_BASE_URL", Judges, address(), "none",
		"the endpoint of the judging model, for `safetytest judge` and `safetytest audit`; `-base-url` says the same")
	JudgeModel = row("SAFETYTEST_JUDGE_MODEL", Judges, text(), "none",
		"the judging model; `-model` says the same")
	JudgeAPIKey = row("SAFETYTEST_JUDGE_API_KEY", Judges, secret(), "none",
		"bearer token for the judging model; appears in no output")
)

// What the module's own tests read. They look these up by name.
var (
	_ = row("SAFETYTEST_OC", Tests, text(), "part of it",
		"`full` has the module's own tests measure their whole table of error rates")
	_ = row("SAFETYTEST_JUDGE_DEV", Tests, text(), "none",
		"a file of labels that the module's own tests of the refusal judge read besides")
)

// doubts are the kinds of doubt that can be declared not to apply.
func doubts() []string {
	var out []string
	for _, k := range provenance.Kinds() {
		out = append(out, string(k))
	}
	return out
}
