package chat

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is what came back for one HTTP request.
type answer struct {
	status  int // 0 when no answer came
	header  http.Header
	body    []byte
	err     error // why there is no answer, or why its body is incomplete
	latency time.Duration
	// wantsTokens says that the request asked for the likeliest first tokens.
	wantsTokens bool
}

// completion is the part of a chat completion that is read. It is read from
// the body itself, not taken from go-openai: that drops an error which comes
// with status 200, a refusal among content parts and reasoning under its
// shorter name, and loses a whole reply over a field that nobody needs.
type completion struct {
	Object            string          `json:"object"`
	Error             json.RawMessage `json:"error"`
	Model             string          `json:"model"`
	SystemFingerprint string          `json:"system_fingerprint"`
	Choices           []choice        `json:"choices"`
	Usage             struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		Details          struct {
			CachedTokens int `json:"cached_tokens"`
		} `json:"prompt_tokens_details"`
	} `json:"usage"`
	// Timings are llama.cpp's own words for what it evaluated.
	Timings *struct {
		PromptN int `json:"prompt_n"`
	} `json:"timings"`
}

// cachedTokens is how many prompt tokens the server says that it did not evaluate
// again.
func (c completion) cachedTokens() int {
	if n := c.Usage.Details.CachedTokens; n > 0 || c.Timings == nil {
		return n
	}
	return max(0, c.Usage.PromptTokens-c.Timings.PromptN)
}

type choice struct {
	Index        int    `json:"index"`
	FinishReason string `json:"finish_reason"`
	// Error is where routers put an upstream's fault.
	Error   json.RawMessage `json:"error"`
	Message *message        `json:"message"`
	// Logprobs is read only if it was asked for: servers fill it oddly.
	Logprobs json.RawMessage `json:"logprobs"`
}

type message struct {
	Content          content `json:"content"`
	Refusal          string  `json:"refusal"`
	ReasoningContent string  `json:"reasoning_content"`
	Reasoning        string  `json:"reasoning"`
	// ProviderFields is where LiteLLM moves fields that it does not know.
	ProviderFields struct {
		Refusal string `json:"refusal"`
	} `json:"provider_specific_fields"`
}

// content is a message's content: a string, null, or a list of parts.
type content struct{ text, refusal string }

func (c *content) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, &c.text)
	}
	var parts []struct{ Type, Text, Refusal string }
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		c.text += p.Text
		c.refusal += p.Refusal
	}
	return nil
}

// Finish reasons that mean more than the end of the text. Besides OpenAI's own
// word for a filter these are the words of Gemini, Anthropic and GLM, which
// their OpenAI-compatible endpoints, and proxies before them, pass on. Gemini
// adds its own word after a colon.
var (
	filterReasons = []string{"content_filter", "safety", "prohibited_content", "blocklist", "recitation", "spii", "refusal", "sensitive"}
	brokenReasons = []string{"error", "abort", "network_error"}
	cutReasons    = []string{"length", "max_tokens", "model_context_window_exceeded"}
)

// filtered reports whether a finish reason means that a filter withheld the
// reply.
func filtered(reason string) bool {
	word, _, _ := strings.Cut(reason, ":")
	return slices.Contains(filterReasons, strings.ToLower(word))
}

// fault is an endpoint's own account of what went wrong.
type fault struct {
	status                     int
	code, kind, param, message string
}

// says reports whether the fault's code or type is one of words.
func (f fault) says(words ...string) bool {
	return slices.Contains(words, f.code) || slices.Contains(words, f.kind)
}

// mentions reports whether the fault's message holds one of words.
func (f fault) mentions(words ...string) bool {
	message := strings.ToLower(f.message)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(message, w) })
}

// blocked is the outcome of a fault which is no error: a filter withheld the
// reply.
const blocked ErrorKind = -1

type faultRow struct {
	name string
	when func(f fault) bool
	kind ErrorKind
}

// faults is how every answer is read that brings a fault instead of a reply:
// by error status, or by an error body under any status. The first row that
// applies decides. Codes stand before statuses, because the same status means
// different things at different endpoints.
var faults = []faultRow{
	{"content filter", func(f fault) bool {
		return f.says("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation",
			"data_inspection_failed") ||
			f.code == "invalid_prompt" && f.mentions("usage policy")
	}, blocked},
	{"context length", func(f fault) bool {
		return f.says("context_length_exceeded", "exceed_context_size_error") || f.status == 413 ||
			(f.status == 400 || f.status == 422) &&
				f.mentions("maximum context length", "context size", "context window", "prompt is too long")
	}, TooLong},
	{"no credit", func(f fault) bool {
		return f.status == 402 || f.says("insufficient_quota", "billing_hard_limit_reached")
	}, OverQuota},
	{"unknown model", func(f fault) bool {
		return f.says("model_not_found") || f.status == 404 && f.mentions("model") ||
			f.status == 400 && f.mentions("invalid model name")
	}, UnknownModel},
	// LiteLLM looks an unknown key up in its database, and says so when it has none.
	{"key", func(f fault) bool { return f.status == 401 || f.says("invalid_api_key", "no_db_connection") }, Unauthorized},
	{"permission", func(f fault) bool { return f.status == 403 }, Forbidden},
	{"address", func(f fault) bool {
		return f.status == 404 || f.status == 405 || f.status >= 300 && f.status < 400
	}, WrongAddress},
	{"format", func(f fault) bool {
		return (f.status == 400 || f.status == 422) &&
			(f.param == formatParam || f.mentions(formatParam, "response format", "json_schema", "response_schema"))
	}, FormatRejected},
	{"sampling", func(f fault) bool {
		return (f.status == 400 || f.status == 422) && f.param != ""
	}, SamplingRejected},
	{"rate limit", func(f fault) bool {
		return f.status == 429 || f.says("rate_limit_exceeded", "rate_limit_error")
	}, RateLimited},
	{"server's wait for the request", func(f fault) bool { return f.status == 408 || f.status == 425 }, Interrupted},
	{"not implemented", func(f fault) bool { return f.status == 501 || f.status == 505 }, WrongAddress},
	{"server", func(f fault) bool { return f.status >= 500 || f.says("server_error") }, ServerFailed},
	{"other client error", func(f fault) bool { return f.status >= 400 }, Rejected},
	// What is left came with a status of success: an upstream's fault that a
	// proxy passed on.
	{"error in a successful answer", func(fault) bool { return true }, ServerFailed},
}

// read returns the reply that an answer holds, or the error that it is. This
// is the only place where an answer becomes an outcome: what is not understood
// is an error.
func read(a answer) (Reply, *Error) {
	if a.status == 0 {
		return Reply{}, unanswered(a.err)
	}
	if len(a.body) > maxBody {
		return Reply{}, &Error{Kind: Unreadable, Status: a.status, Message: fmt.Sprintf("more than %d bytes", maxBody)}
	}
	if a.status < 200 || a.status >= 300 {
		return a.faulty(a.faultBody())
	}
	switch body := bytes.TrimSpace(a.body); {
	case a.err != nil:
		e := unanswered(a.err)
		e.Status = a.status
		return Reply{}, e
	case len(body) == 0:
		return Reply{}, &Error{Kind: Interrupted, Status: a.status, Message: "empty body"}
	case body[0] != '{':
		return Reply{}, &Error{Kind: Unreadable, Status: a.status, Message: looksLike(a.header, body)}
	}

	var c completion
	err := json.Unmarshal(a.body, &c)
	switch {
	case present(c.Error) || c.Object == "error":
		return a.faulty(a.faultBody())
	case err != nil:
		return Reply{}, malformed(a, err)
	}
	if len(c.Choices) == 0 {
		return Reply{}, &Error{Kind: Unreadable, Status: a.status, Message: "no choices"}
	}
	// One choice is asked for. Of several the first is taken, as if it were
	// the only one.
	first := slices.MinFunc(c.Choices, func(x, y choice) int { return cmp.Compare(x.Index, y.Index) })
	switch {
	case present(first.Error):
		return a.faulty(parseFault(a.status, first.Error))
	case slices.Contains(brokenReasons, first.FinishReason):
		return Reply{}, &Error{Kind: ServerFailed, Status: a.status,
			Message: "the reply broke off with finish reason " + first.FinishReason}
	case first.Message == nil && !filtered(first.FinishReason):
		return Reply{}, &Error{Kind: Unreadable, Status: a.status, Message: "a choice without message"}
	}
	m := cmp.Or(first.Message, &message{})
	r := Reply{
		State:        Answered,
		Content:      m.Content.text,
		Refusal:      cmp.Or(m.Refusal, m.Content.refusal, m.ProviderFields.Refusal),
		Reasoning:    cmp.Or(m.ReasoningContent, m.Reasoning),
		FinishReason: first.FinishReason,
		Model:        c.Model,
		Fingerprint:  c.SystemFingerprint,
		PromptTokens: c.Usage.PromptTokens,
		ReplyTokens:  c.Usage.CompletionTokens,
		CachedTokens: c.cachedTokens(),
		Latency:      a.latency,
	}
	if a.wantsTokens {
		tokens, err := firstTokens(first.Logprobs)
		if err != nil {
			return Reply{}, &Error{Kind: Unreadable, Status: a.status, Message: err.Error()}
		}
		if len(tokens) > 0 {
			r.FirstTokens = &tokens
		}
	}
	switch {
	case filtered(first.FinishReason):
		r.State = Blocked
	case r.Refusal == "" && strings.TrimSpace(r.Content) == "":
		// Also a call of a tool that nobody offered, and reasoning that used
		// up all tokens.
		r.State = Empty
	}
	return r, nil
}

// firstTokens reads the likeliest first tokens from the log probabilities of a
// choice: none where the server gave none, and an error where they are not what
// the protocol says.
func firstTokens(logprobs json.RawMessage) ([]Token, error) {
	if !present(logprobs) {
		return nil, nil
	}
	var l struct {
		Content []struct {
			TopLogprobs []struct {
				Token   *string  `json:"token"`
				Logprob *float64 `json:"logprob"`
			} `json:"top_logprobs"`
		} `json:"content"`
	}
	if err := json.Unmarshal(logprobs, &l); err != nil {
		return nil, errors.New("log probabilities that are not those of a chat completion")
	}
	if len(l.Content) == 0 {
		return nil, nil
	}
	var tokens []Token
	for _, t := range l.Content[0].TopLogprobs {
		if t.Token == nil || t.Logprob == nil || *t.Logprob > 0 {
			return nil, errors.New("a first token without text, or with a log probability that is none")
		}
		tokens = append(tokens, Token{*t.Token, *t.Logprob})
	}
	return tokens, nil
}

// faulty reads a fault by the table of faults.
func (a answer) faulty(f fault) (Reply, *Error) {
	row := faults[slices.IndexFunc(faults, func(row faultRow) bool { return row.when(f) })]
	if row.kind == blocked {
		return Reply{State: Blocked, FinishReason: "content_filter", Latency: a.latency}, nil
	}
	e := &Error{Kind: row.kind, Status: a.status, Code: cmp.Or(f.code, f.kind), Param: f.param, Message: f.message}
	if a.status >= 300 && a.status < 400 {
		e.Message = "it redirects to " + a.header.Get("Location")
	}
	e.wait = serverWait(a.header)
	return Reply{}, e
}

// faultBody reads the body of an answer that reports a fault: an object under
// "error", in older servers the body itself, or anything at all.
func (a answer) faultBody() fault {
	if !bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("{")) {
		return fault{status: a.status, message: looksLike(a.header, a.body)}
	}
	var body struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(a.body, &body) == nil && present(body.Error) {
		return parseFault(a.status, body.Error)
	}
	return parseFault(a.status, a.body)
}

// present reports whether a JSON value is there and says something.
func present(v json.RawMessage) bool {
	s := string(bytes.TrimSpace(v))
	return s != "" && s != "null" && s != "false" && s != `""` && s != "{}"
}

// samplingParams are the fields of a request that a model may not take, and
// formatParam the one that an endpoint may not.
var samplingParams = []string{"max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "seed", "logprobs", "top_logprobs"}

const formatParam = "response_format"

// parseFault reads the account v of a fault. Endpoints write it as text, as an
// object, or as a list of complaints about fields. The complaints' input is
// left out: it is the prompt.
func parseFault(status int, v json.RawMessage) fault {
	f := fault{status: status}
	if json.Unmarshal(v, &f.message) == nil {
		return f
	}
	var object struct {
		Message, Detail, Code, Type, Param json.RawMessage
		InnerError                         struct{ Code string } `json:"innererror"`
	}
	if json.Unmarshal(v, &object) != nil {
		return f
	}
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
			f.message = strings.TrimPrefix(f.message+"; "+c.Msg, "; ")
		}
	} else {
		f.message = cmp.Or(text(object.Message), text(object.Detail))
	}
	f.code, f.kind = text(object.Code), text(object.Type)
	f.param = cmp.Or(text(object.Param), f.param)
	if object.InnerError.Code == "ResponsibleAIPolicyViolation" {
		f.code = object.InnerError.Code
	}
	// Only parameters that we send count; some endpoints name them in the
	// message alone.
	if f.param, _, _ = strings.Cut(f.param, "."); f.param != formatParam && !slices.Contains(samplingParams, f.param) {
		f.param = firstNamed(f.message)
	}
	// A proxy that answers with success tells the upstream's status as code.
	if n, err := strconv.Atoi(f.code); err == nil && n >= 400 && n < 600 && status < 300 {
		f.status = n
	}
	return f
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

// text returns a JSON string's or number's text, "" for anything else.
func text(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(v, &n) == nil {
		return n.String()
	}
	return ""
}

// malformed says what is wrong with a body that is no chat completion, without
// quoting it: it may hold a reply.
func malformed(a answer, err error) *Error {
	var whole json.RawMessage
	if json.NewDecoder(bytes.NewReader(a.body)).Decode(&whole) == io.ErrUnexpectedEOF {
		return &Error{Kind: Interrupted, Status: a.status, Message: fmt.Sprintf("the JSON ends after %d bytes", len(a.body))}
	}
	message := "invalid JSON"
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		message = fmt.Sprintf("field %s is a %s", wrongType.Field, wrongType.Value)
	}
	return &Error{Kind: Unreadable, Status: a.status, Message: message}
}

// looksLike describes a body that is not a JSON object, without quoting it.
func looksLike(h http.Header, body []byte) string {
	start := strings.ToLower(string(body[:min(len(body), 512)]))
	what := "text"
	switch {
	case len(body) == 0:
		return ""
	case strings.Contains(start, "<html") || strings.Contains(start, "<!doctype html"):
		what = "an HTML page"
	case strings.HasPrefix(start, "data:") || strings.HasPrefix(start, "event:"):
		what = "a stream of events"
	}
	return fmt.Sprintf("%s of %d bytes instead of a JSON object, content type %q", what, len(body), h.Get("Content-Type"))
}

// unanswered classifies a transport error.
func unanswered(err error) *Error {
	e := &Error{Kind: Interrupted, cause: err}
	if strings.Contains(err.Error(), "malformed") {
		// net/http quotes what it could not read, which may be a reply.
		e.cause, e.Message = nil, "the answer is not HTTP"
		return e
	}
	var (
		timeout interface{ Timeout() bool }
		dial    *net.OpError
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, context.Canceled):
		e.Kind = Cancelled
	case errors.As(err, &dns), errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &record),
		errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect"):
		e.Kind = Unreachable
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Kind = TimedOut
	}
	return e
}
