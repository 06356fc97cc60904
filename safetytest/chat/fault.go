package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// fault is an endpoint's own account of what went wrong.
type fault struct {
	status                     int
	code, kind, param, message string
	// within are the codes and types of accounts that stand within this one.
	within []string
	wait   wait
	// html says that it is a page, and so not the endpoint's own.
	html bool
	// moderated says that the account names what a filter found, and filtered that
	// it says in so many words that the filter withheld it.
	moderated, filtered bool
	// ofRole says that the account is about the role of a message, and field which
	// field of the request it names as wrong, whatever that is.
	ofRole bool
	field  string
	// said is what the whole body says, whatever its form, for words that the user
	// declared.
	said string
	// began says that the body holds a part of a reply.
	began bool
	// raw is the start of a body that is no JSON, for looking and not for showing.
	raw string
}

// codes are the fault's code and type, and those of accounts within it.
func (f fault) codes() []string { return append([]string{f.code, f.kind}, f.within...) }

// says reports whether one of the fault's codes or types is one of words.
func (f fault) says(words ...string) bool {
	return slices.ContainsFunc(f.codes(), func(code string) bool { return code != "" && slices.Contains(words, code) })
}

// mentions reports whether the fault's message, or its plain text, holds one of
// words.
func (f fault) mentions(words ...string) bool {
	said := f.lower()
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(said, w) })
}

// lower is the fault's message, or the text that stands in its place, in lower
// case. What a page says is not the endpoint's.
func (f fault) lower() string {
	if f.raw != "" && !f.html {
		return strings.ToLower(f.raw)
	}
	return strings.ToLower(f.message)
}

// plainly is lower without quotes and underscores.
func (f fault) plainly() string { return squeezed(f.lower()) }

// ofRequest reports a status by which endpoints reject a request.
func (f fault) ofRequest() bool { return f.status == 400 || f.status == 422 }

// faultRow says what a fault is. Its remedy takes the place of that of the kind
// unless empty.
type faultRow struct {
	name   string
	when   func(f fault) bool
	kind   ErrorKind
	remedy string
}

const (
	systemRemedy = "the model takes no system message: set SAFETYTEST_SYSTEM_ROLE=user, which puts the rule into the first user turn, or developer if the model knows that role"
	turnsRemedy  = "the model's chat template takes user and assistant turns in alternation, and often no system message: set SAFETYTEST_SYSTEM_ROLE=user, which puts the rule into the first user turn, or serve it with another template"
	streamRemedy = "the endpoint answers in streams only: set SAFETYTEST_STREAM=1"
	queryRemedy  = `the endpoint may want an API version, or another one: set SAFETYTEST_QUERY, such as api-version=2024-10-21, or correct SAFETYTEST_BASE_URL`
	pageRemedy   = "a page comes from a proxy or firewall in between, not from the model: ask whoever runs that to let this machine through, or correct SAFETYTEST_BASE_URL"
)

// faults is how every answer is read that brings a fault instead of a reply:
// by error status, or by an error body under any status. The first row that
// applies decides. Codes stand before statuses, because the same status means
// different things at different endpoints. Filters are looked for before.
var faults = []faultRow{
	{"context length", func(f fault) bool {
		return f.says("context_length_exceeded", "exceed_context_size_error") || f.status == 413 ||
			f.ofRequest() && f.mentions("maximum context length", "context size", "context window", "prompt is too long", "input is too long", "too many input tokens") ||
			f.status >= 400 && f.status != 429 && f.mentions("greater than the context length", "exceeds the context", "exceed the context", "exceeds the maximum context", "context length exceeded")
	}, TooLong, ""},
	{"no credit", func(f fault) bool {
		return f.status == 402 || f.says("insufficient_quota", "billing_hard_limit_reached", "Arrearage", "insufficient_balance") ||
			(f.ofRequest() || f.status == 401 || f.status == 403) && f.mentions("out of credit", "insufficient credit", "insufficient balance",
				"insufficient funds", "insufficient quota", "credit balance", "any credits", "no credits left", "exceeded your current quota",
				"billing hard limit", "payment required", "overdue", "余额不足", "欠费")
	}, OverQuota, ""},
	{"stream only", func(f fault) bool {
		return (f.status >= 400 && f.status < 500 || f.status == 501) && f.status != 429 && ofStream.MatchString(f.plainly()) && !notOfStream.MatchString(f.plainly()) &&
			f.mentions("only support", "stream mode", "must be true", "must be set", "stream=true", "\"stream\": true", "enable the stream", "non-stream", "non stream", "streaming is required",
				"requires stream", "only stream", "only available", "stream=false", "stream is false", "stream: false", "without stream")
	}, Rejected, streamRemedy},
	{"system role", func(f fault) bool {
		return f.status >= 400 && (f.ofRole || ofSystemRole.MatchString(f.plainly()))
	}, Rejected, systemRemedy},
	{"chat template", func(f fault) bool {
		return f.status >= 400 && (f.says("TemplateError") || f.mentions("jinja", "templateerror", "template error", "chat template", "chat_template", "raise_exception",
			"roles must alternate", "must alternate between user and assistant", "value is not callable", "can only concatenate str") || ofTemplate.MatchString(f.lower()))
	}, Rejected, turnsRemedy},
	{"API version", func(f fault) bool {
		return f.status >= 400 && f.status < 500 && f.status != 401 && f.status != 429 && ofVersion.MatchString(f.plainly()) ||
			f.status == 404 && strings.TrimRight(strings.TrimSpace(f.plainly()), ".") == "resource not found"
	}, WrongAddress, queryRemedy},
	{"unknown model", func(f fault) bool {
		return f.says("model_not_found", "DeploymentNotFound") || f.status == 404 && f.mentions("model") ||
			(f.ofRequest() || f.status < 300) && f.saysOfModel(modelNotServed) || f.status >= 500 && f.saysOfModel(noSuchModel)
	}, UnknownModel, ""},
	// LiteLLM looks an unknown key up in its database, and says so when it has none.
	{"key", func(f fault) bool {
		return f.status == 401 && !f.html || f.says("invalid_api_key", "no_db_connection")
	}, Unauthorized, ""},
	{"page of a proxy", func(f fault) bool {
		return slices.Contains([]int{401, 403, 407, 451}, f.status) && (f.html || f.raw != "" && f.mentions("this site", "this website", "web filter", "proxy", "firewall"))
	}, Forbidden, pageRemedy},
	{"format", func(f fault) bool {
		return f.param == formatParam && f.aboutParameter() || f.ofRequest() && (f.param == formatParam || f.mentions(formatParam, "response format", "json_schema", "response_schema"))
	}, FormatRejected, ""},
	{"sampling", func(f fault) bool {
		return f.param != "" && f.param != formatParam && (f.ofRequest() || f.status != 404 && f.status != 429 && f.aboutParameter())
	}, SamplingRejected, ""},
	{"permission", func(f fault) bool { return f.status == 403 && !f.turnedAway() }, Forbidden, ""},
	{"address", func(f fault) bool {
		return f.status == 404 || f.status == 405 || f.status >= 300 && f.status < 400
	}, WrongAddress, ""},
	{"rate limit", func(f fault) bool {
		return f.status == 429 || f.says("rate_limit_exceeded", "rate_limit_error") || f.status >= 400 && f.turnedAway()
	}, RateLimited, ""},
	{"given up before the answer", func(f fault) bool { return slices.Contains([]int{408, 425, 444, 499}, f.status) }, Interrupted, ""},
	{"not implemented", func(f fault) bool { return f.status == 501 || f.status == 505 }, WrongAddress, ""},
	{"parameter", fault.aboutParameter, Rejected, ""},
	{"server", func(f fault) bool { return f.status >= 500 || f.says("server_error") }, ServerFailed, ""},
	{"other client error", func(f fault) bool { return f.status >= 400 }, Rejected, ""},
	// What is left came with a status of success: an upstream's fault that a
	// proxy passed on.
	{"error in a successful answer", func(fault) bool { return true }, ServerFailed, ""},
}

var (
	ofStream = regexp.MustCompile(`\b(non-?)?stream(ing|ed|s)?\b`)
	// notOfStream finds what is said of streams where none is wanted.
	notOfStream = regexp.MustCompile(`(when|if|unless|only|with|set|must be|to) stream(ing)? ?(is|=|:|to|must be)? ?(set to )?false|stream(ing)? must be (set to )?false|\bpaid\b|\bplans?\b|subscription|upgrade|billing|\btiers?\b|stop (words?|sequences?)|(^|[^-\w])streaming (is |mode is )?not|not support stream|streaming (is )?unsupported`)
	// ofSystemRole finds a rejected system message.
	ofSystemRole = regexp.MustCompile(`\b(system|developer) (and \w+ |or \w+ )?(roles?|messages?|prompts?|instructions?|turns?) (\w+ ){0,3}(not|n't|cannot be|can't be) ?(be )?(supported|allowed|enabled|permitted|available|accepted|used|valid)|` +
		`\b(system|developer) (roles?|messages?|prompts?|instructions?) (\w+ ){0,2}(unsupported|disabled|forbidden|invalid)|` +
		`\broles? ?:? ?(of )?(system|developer) (\w+ ){0,2}(not|unsupported|invalid|unknown|unexpected)|` +
		`(does not|doesn't|do not|don't|cannot|can't) (support|accept|allow|take|have|know|use) (\w+ ){0,3}(system|developer)\b|(invalid|unexpected|unknown|unsupported|unrecognized|illegal) (\w+ ){0,2}(role:? ?)?(system|developer)\b( role)?|` +
		`(invalid|unexpected|unknown|unsupported|unrecognized|illegal) (\w+ )?(role|value)[:,]? (system|developer)\b|(unsupported|no) (system|developer) (role|message|prompt|instruction)|` +
		`only (the )?(user|assistant)[\w, ]* roles? (are|is) (supported|allowed|valid|accepted)`)
	// ofTemplate finds where a template failed.
	ofTemplate = regexp.MustCompile(`template: ?[\w.-]*:\d+:\d+|at row \d+, column \d+|can't evaluate field|undefinederror|\{%-? `)
	// ofVersion finds an API version that is missing or not known.
	ofVersion = regexp.MustCompile(`\bapi[- ]?version\b.{0,40}\b(not|unsupported|invalid|missing|required|unknown)|(unsupported|invalid|missing|unknown|specify|provide)\b.{0,30}\bapi[- ]?version`)
)

// brokenOff finds in the account of a busy server that a call had begun and was
// lost: proxies say so under the same status.
var brokenOff = []string{"timeout", "timed out", "disconnect/reset before headers", "reset reason", "reset by peer", "terminated", "backend fetch failed",
	"prematurely", "broken pipe", "aborted", "cancelled", "canceled", "crash", "died", "while generating", "mid-stream", "preempted"}

// neverBegan is what servers and proxies say of a call that no model began with.
var neverBegan = []string{"connection failure", "reset reason: overflow", "connection refused", "no healthy upstream", "no healthy backend", "loading model", "currently loading",
	"model is loading", "starting up", "overloaded_error", "server_overloaded", "queue is full", "no available workers", "no available capacity"}

// ofLoad are words for having no room now. They mean that a call was turned away only
// beside a time after which to come again; without any of them it may have been given up.
var ofLoad = []string{"load", "busy", "capacity", "availab", "queue", "slow down", "too many", "limit", "throttl", "try again", "retry", "wait", "maintenance",
	"starting", "warming", "scaling", "not ready", "draining", "shutting down", "demand", "traffic", "concurren", "exhausted", "繁忙", "过载", "稍后"}

// beforeGeneration reports whether an answer shows that the model never began with
// this call. A busy server says so by its status and asks for patience, or names the
// reason; a status alone may be a proxy's that ran out of patience with a long reply
// (design, rule 11). A server that timed out (408) may have waited for the model.
func (f fault) beforeGeneration(status int, patience bool) bool {
	said := strings.ToLower(f.code + "\n" + f.kind + "\n" + f.message + "\n" + f.raw)
	if f.began || strings.Contains(said, "retried and the latest") { // an earlier try may have begun
		return false
	}
	lost := containsAny(said, brokenOff)
	switch status {
	case 429:
		return !lost
	case 503, 529:
		return containsAny(said, neverBegan) || !lost && (strings.TrimSpace(said) == "" || patience && containsAny(said, ofLoad))
	}
	return status >= 400 && status < 500 && f.turnedAway() && !lost
}

// turnedAway reports whether the account is, by its code, that of an endpoint that lets no
// call in now: some give it a status of their own for what others call 429.
func (f fault) turnedAway() bool {
	return f.says("capacity_exceeded", "over_capacity", "RESOURCE_EXHAUSTED", "ThrottlingException", "TooManyRequestsException", "too_many_requests", "rate_limit_exceeded", "rate_limit_error")
}

// faulty reads a fault by the table of faults.
func (a answer) faulty(f fault) (Reply, *Error) {
	if f.byFilter(a.reading.BlockedWords) {
		return Reply{State: Blocked, FinishReason: "content_filter", Latency: a.latency}, nil
	}
	f.param = f.parameter()
	row := faults[slices.IndexFunc(faults, func(row faultRow) bool { return row.when(f) })]
	e := &Error{Kind: row.kind, Status: a.status, Code: cmp.Or(f.code, f.kind), Param: f.param, Message: f.message, remedy: row.remedy}
	if a.status >= 300 && a.status < 400 {
		e.Message = "it redirects to " + a.header.Get("Location")
	}
	if e.page = f.html; f.html && e.remedy == "" && a.status >= 400 {
		// Whatever its status means, what is in between has to be looked at first.
		e.remedy = pageRemedy
		if row.kind == RateLimited || row.kind == TooLong {
			e.remedy += "; or " + kinds[row.kind].remedy
		}
	}
	e.began = f.began
	if e.wait = serverWait(a.header); !e.wait.given && (e.Kind == RateLimited || a.status == 503 || a.status == 529) {
		e.wait = f.wait
	}
	// An account that broke off may have gone on to say the contrary.
	e.before = (a.err == nil || a.status == 429) && f.beforeGeneration(a.status, e.wait.given)
	if !e.wait.given && e.Kind == RateLimited { // gateways give the reset of a limit whatever failed
		e.wait = resetHeader(a.header)
	}
	return Reply{}, e
}

// faultBody reads the body of an answer that reports a fault: an object under
// "error", in older servers the body itself, or anything at all.
func (a answer) faultBody() fault {
	data := slimmed(trimBOM(a.body))
	if !bytes.HasPrefix(data, []byte("{")) {
		f := fault{status: a.status, message: looksLike(a.header, data), html: isPage(data) || isHTML(a.header, data), raw: short(string(data))}
		f.said, f.wait = f.raw, saidWait(f.raw)
		if json.Valid(data) { // a list or a text
			account := parseFault(a.status, data)
			account.said = short(saidIn(data, 0))
			if account.message != "" || account.code != "" {
				account.wait = bodyWait(data, account.message, a.header)
				return account
			}
		}
		return f
	}
	var body struct {
		Error   json.RawMessage   `json:"error"`
		Choices []json.RawMessage `json:"choices"`
		Code    lenientText       `json:"code"`
	}
	decoded := json.Unmarshal(data, &body) == nil
	v := json.RawMessage(data)
	if decoded && present(body.Error) {
		v = body.Error
	}
	f := parseFault(a.status, v)
	f.began = decoded && len(body.Choices) > 0
	f.said = short(saidIn(data, 0))
	if f.code == "" && v[0] == '"' {
		f.code = string(body.Code)
	}
	if !f.wait.given {
		f.wait = bodyWait(data, f.message, a.header)
	}
	return f
}

// nothings are texts that say that nothing is wrong, as plainWord writes them: one
// of marks alone is "" there.
var nothings = []string{"", "null", "nil", "none", "na", "noerror", "noerrors", "ok", "okay", "success", "succeeded", "successful", "false", "0", "nothing", "undefined"}

// present reports whether a JSON value is there and says something: an object or a
// list in which nothing does says nothing, nor does the code 0, nor a word such as
// "success".
func present(v json.RawMessage) bool { return presentTo(v, 0) }

func presentTo(v json.RawMessage, depth int) bool {
	const deepest = 4
	switch s := string(bytes.TrimSpace(v)); {
	case s == "", s == "null", s == "false", s == "0":
		return false
	case s[0] == '"':
		return !slices.Contains(nothings, plainWord(text(v)))
	case depth == deepest:
		return s != "{}" && s != "[]"
	case s[0] == '{':
		return presentIn(v, depth+1)
	case s[0] == '[':
		var list []json.RawMessage
		return json.Unmarshal(v, &list) != nil || slices.ContainsFunc(list, func(v json.RawMessage) bool { return presentTo(v, depth+1) })
	}
	return true
}

// presentIn reports whether a field of an object says something.
func presentIn(v json.RawMessage, depth int) bool {
	var object map[string]json.RawMessage
	if json.Unmarshal(v, &object) != nil {
		return true
	}
	for key, value := range object {
		code := key == "code" || key == "status" || key == "status_code"
		if word := text(value); code && (word == "0" || word == "200") {
			continue
		}
		if presentTo(value, depth) {
			return true
		}
	}
	return false
}

// samplingParams are the fields of a request that a model may not take, and
// formatParam the one that an endpoint may not.
var samplingParams = []string{"max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed", "logprobs", "top_logprobs", choicesParam}

const (
	formatParam  = "response_format"
	choicesParam = "n"
)

// longestText bounds what is looked at of an account of a fault, in bytes.
const longestText = 8 << 10

// short cuts a text to what is looked at.
func short(s string) string {
	if len(s) > longestText {
		s = strings.ToValidUTF8(s[:longestText], "")
	}
	return s
}

// slimmed returns a large JSON body with its texts cut to what is looked at, and any
// other body as it is.
func slimmed(data []byte) []byte {
	const large = 8 * longestText
	if len(data) < large || !bytes.ContainsAny(data[:1], "{[\"") {
		return data
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil || decoder.More() {
		return data
	}
	if less, err := json.Marshal(cutTexts(v)); err == nil {
		return less
	}
	return data
}

func cutTexts(v any) any {
	switch v := v.(type) {
	case string:
		return short(v)
	case []any:
		for i := range v {
			v[i] = cutTexts(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = cutTexts(v[key])
		}
	}
	return v
}

// saidIn gathers the texts of a JSON value, without those that repeat a request.
func saidIn(v json.RawMessage, depth int) string {
	const deepest = 6
	var list []json.RawMessage
	var object map[string]json.RawMessage
	var b strings.Builder
	add := func(v json.RawMessage) {
		if b.Len() < longestText {
			b.WriteString(saidIn(v, depth+1) + "\n")
		}
	}
	switch v = bytes.TrimSpace(v); {
	case len(v) == 0 || depth > deepest:
	case v[0] == '"':
		return text(v)
	case v[0] == '[' && json.Unmarshal(v, &list) == nil:
		for _, v := range list {
			add(v)
		}
	case v[0] == '{' && json.Unmarshal(v, &object) == nil:
		for _, key := range slices.Sorted(maps.Keys(object)) {
			if !slices.Contains([]string{"input", "messages", "prompt", "request", "choices", "flagged_input"}, strings.ToLower(key)) {
				add(object[key])
			}
		}
	}
	return b.String()
}

// parseFault reads the account v of a fault. Endpoints write it as text, as an
// object, or as a list of complaints about fields. The complaints' input is
// left out: it is the prompt.
func parseFault(status int, v json.RawMessage) fault { return faultWithin(status, v, 0) }

// deepestFault bounds how deep accounts of faults are read that stand in one another.
const deepestFault = 4

// faultWithin reads an account that stands in another one, at the given depth.
func faultWithin(status int, v json.RawMessage, depth int) fault {
	f := fault{status: status}
	var list []json.RawMessage
	if json.Unmarshal(v, &list) == nil && len(list) > 0 {
		v = list[0]
	}
	if json.Unmarshal(v, &f.message) == nil {
		f.message = short(f.message)
		if inner := strings.TrimSpace(f.message); depth < deepestFault && strings.HasPrefix(inner, "{") && json.Valid([]byte(inner)) {
			f.add(faultWithin(status, json.RawMessage(inner), depth+1))
		}
		return f
	}
	var object faultObject
	if json.Unmarshal(v, &object) != nil {
		return f
	}
	f.take(object)
	if depth < deepestFault {
		f.addInner(object, depth+1)
	}
	// Only parameters that we send count; some endpoints name them in the
	// message alone.
	f.field = cmp.Or(f.field, f.param)
	if f.param, _, _ = strings.Cut(f.param, "."); f.param != formatParam && !slices.Contains(samplingParams, f.param) {
		f.param = firstNamed(f.message)
	}
	// A proxy that answers with success gives the upstream's status as code.
	if n, err := strconv.Atoi(f.code); err == nil && n >= 400 && n < 600 && status < 300 {
		f.status = n
	}
	return f
}

// addInner adds the accounts that stand within an object's.
func (f *fault) addInner(object faultObject, depth int) {
	status := f.status
	for _, inner := range []json.RawMessage{object.Message, object.Error, object.Errors, object.BaseResp, object.Detail, object.Details, object.InnerError, object.InnerError2} {
		if present(inner) {
			f.add(faultWithin(status, inner, depth))
		}
	}
	if raw := object.upstream(); present(raw) { // around it stands that there was an error
		inner := faultWithin(status, raw, depth)
		f.message = cmp.Or(inner.message, f.message)
		f.add(inner)
	}
}

// faultObject is the form of most accounts.
type faultObject struct {
	Message, Detail, Details, Code, Type, Param, Msg, Error, Errors json.RawMessage

	InnerError  json.RawMessage `json:"innererror"`
	InnerError2 json.RawMessage `json:"inner_error"`
	Metadata    json.RawMessage `json:"metadata"`
	Filter      json.RawMessage `json:"content_filter_result"`
	Filters     json.RawMessage `json:"content_filter_results"`
	// MiniMax's words.
	BaseResp   json.RawMessage `json:"base_resp"`
	StatusCode lenientText     `json:"status_code"`
	StatusMsg  lenientText     `json:"status_msg"`
}

// upstream is the account of the provider that a router passes on as text.
func (o faultObject) upstream() json.RawMessage {
	var metadata struct {
		Raw json.RawMessage `json:"raw"`
	}
	_ = json.Unmarshal(o.Metadata, &metadata)
	return metadata.Raw
}

// ofMessageRole finds the name of a message's role as a parameter.
var ofMessageRole = regexp.MustCompile(`^messages\b.*\brole$`)

// take sets what an object says itself.
func (f *fault) take(object faultObject) {
	var complaints []struct {
		Loc []any
		Msg string
	}
	if json.Unmarshal(object.Detail, &complaints) == nil {
		for _, c := range complaints {
			if len(c.Loc) > 0 && f.param == "" {
				f.param = fmt.Sprint(c.Loc[len(c.Loc)-1])
			}
			if slices.Contains(c.Loc, any(formatParam)) {
				f.param = formatParam // the complaint may be about a part of it
			}
			f.ofRole = f.ofRole || slices.Contains(c.Loc, any("messages")) && c.Loc[len(c.Loc)-1] == any("role")
			f.message = short(strings.TrimPrefix(f.message+"; "+c.Msg, "; "))
		}
	} else {
		f.message = short(cmp.Or(text(object.Message), text(object.Msg), text(object.Detail), nestedMessage(object.Detail), nestedMessage(object.Message), text(object.Error), string(object.StatusMsg)))
	}
	f.code, f.kind = short(cmp.Or(text(object.Code), string(object.StatusCode))), short(text(object.Type))
	f.param = short(cmp.Or(text(object.Param), f.param))
	f.ofRole = f.ofRole || ofMessageRole.MatchString(f.param)
	f.filtered = filterActed(object.Filter) || filterActed(object.Filters)
	var metadata struct {
		Reasons json.RawMessage `json:"reasons"`
		Flagged json.RawMessage `json:"flagged_input"`
	}
	f.moderated = json.Unmarshal(object.Metadata, &metadata) == nil && (present(metadata.Reasons) || present(metadata.Flagged))
}

// add fills in what the account itself left out from one that stands within it.
// A code within says more than a status that was repeated around it.
func (f *fault) add(inner fault) {
	f.message = cmp.Or(f.message, inner.message)
	f.within = append(f.within, inner.codes()...)
	if _, err := strconv.Atoi(f.code); f.code == "" || err == nil && inner.code != "" {
		f.code = inner.code
	}
	if none := strings.ToLower(f.kind); none == "" || none == "none" {
		f.kind = inner.kind
	}
	f.param, f.field = cmp.Or(f.param, inner.param), cmp.Or(f.field, inner.field)
	f.moderated, f.filtered, f.ofRole = f.moderated || inner.moderated, f.filtered || inner.filtered, f.ofRole || inner.ofRole
}

// nestedMessage is what an object says that stands in the place of a message.
func nestedMessage(v json.RawMessage) string {
	var object struct{ Message, Error, Msg, Reason lenientText }
	_ = json.Unmarshal(v, &object)
	return string(cmp.Or(object.Message, object.Error, object.Msg, object.Reason))
}

// firstNamed returns the sampling parameter that a message names first, in
// quotes.
func firstNamed(message string) string {
	param, at := "", len(message)
	for _, p := range samplingParams {
		if i := strings.Index(message, "'"+p+"'"); i >= 0 && i < at {
			param, at = p, i
		}
	}
	return param
}

// isPage reports whether a body is an HTML page.
func isPage(body []byte) bool {
	start := strings.ToLower(string(body[:min(len(body), 512)]))
	return containsAny(start, []string{"<html", "<!doctype html", "<head>", "<body>"})
}

// isHTML reports whether a body that begins with markup is declared to be a page.
func isHTML(h http.Header, body []byte) bool {
	return bytes.HasPrefix(body, []byte("<")) && strings.Contains(strings.ToLower(h.Get("Content-Type")), "html")
}

// isStream reports whether a body is a stream of events.
func isStream(body []byte) bool {
	start := string(bytes.TrimSpace(body[:min(len(body), 64)]))
	for _, field := range []string{"data:", "event:", "id:", "retry:", ":"} {
		if strings.HasPrefix(start, field) {
			return true
		}
	}
	return false
}

// looksLike describes a body that is not a JSON object, without quoting it.
func looksLike(h http.Header, body []byte) string {
	what := "text"
	switch {
	case len(body) == 0:
		return ""
	case isPage(body):
		what = "an HTML page"
	case isStream(body):
		what = "a stream of events"
	}
	return fmt.Sprintf("%s of %d bytes instead of a JSON object, content type %q", what, len(body), h.Get("Content-Type"))
}
