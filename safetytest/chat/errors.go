package chat

import (
	"errors"
	"fmt"
	"strings"
)

// ErrorKind says why no reply could be had.
type ErrorKind int

// The kinds of error. The zero value is none of them.
const (
	// InvalidRequest requests were not sent: they are malformed.
	InvalidRequest ErrorKind = iota + 1
	// Cancelled calls were given up because their context ended.
	Cancelled
	// NotAdmitted calls were not sent: Endpoint.Admit held them back.
	NotAdmitted
	// Unreachable endpoints take no connection.
	Unreachable
	// Interrupted answers ended before they were complete.
	Interrupted
	// TimedOut answers took longer than Endpoint.Timeout.
	TimedOut
	// RateLimited calls came too fast for the endpoint.
	RateLimited
	// OverQuota accounts have no credit left.
	OverQuota
	// ServerFailed answers report a fault of the server's own.
	ServerFailed
	// Unauthorized calls had no key, or one that the endpoint does not know.
	Unauthorized
	// Forbidden calls had a key that may not do this.
	Forbidden
	// UnknownModel endpoints do not serve the model.
	UnknownModel
	// WrongAddress endpoints have no chat completions at this base URL.
	WrongAddress
	// TooLong requests do not fit into the model's context, or are too large
	// for the server.
	TooLong
	// SamplingRejected requests carried a setting that the model does not
	// take, such as a temperature where only the default one is served.
	SamplingRejected
	// Rejected requests were refused by the endpoint for another reason.
	Rejected
	// Unreadable answers are not chat completions.
	Unreadable
	// FormatRejected requests asked for a form of reply, by Request.Schema,
	// that the endpoint or the model does not take.
	FormatRejected
)

// kinds gives every kind its name, what happened, and what to do about it.
var kinds = [...]struct{ name, cause, remedy string }{
	InvalidRequest:   {"invalid request", "the request was not sent", "correct the request"},
	Cancelled:        {"cancelled", "the call was given up", ""},
	NotAdmitted:      {"not admitted", "the request was not sent", ""},
	Unreachable:      {"unreachable", "the endpoint cannot be reached", "start the server or correct SAFETYTEST_BASE_URL"},
	Interrupted:      {"interrupted", "the answer broke off", "look at the server's log, and at proxies in between"},
	TimedOut:         {"timed out", "the answer took too long", "allow more time for a call, fewer calls at a time, or fewer tokens"},
	RateLimited:      {"rate limited", "the endpoint's rate limit was hit", "lower SAFETYTEST_CONCURRENCY or set SAFETYTEST_RPM"},
	OverQuota:        {"over quota", "the account has no credit left", "add credit or use another key"},
	ServerFailed:     {"server failed", "the server failed", "look at the server's log, or try again later"},
	Unauthorized:     {"unauthorized", "the endpoint does not accept the key", "set SAFETYTEST_API_KEY to a key that it knows"},
	Forbidden:        {"forbidden", "the key may not use this model", "use another key or another model; if a filter speaks so about one prompt, declare its words in SAFETYTEST_BLOCKED_WORDS"},
	UnknownModel:     {"unknown model", "the endpoint does not serve this model", "correct SAFETYTEST_MODEL"},
	WrongAddress:     {"wrong address", "no chat completions are served there", "correct SAFETYTEST_BASE_URL"},
	TooLong:          {"too long", "the prompt does not fit into the model's context", "show fewer or shorter demonstrations, or serve the model with a larger context"},
	SamplingRejected: {"sampling rejected", "the model does not take this sampling", "leave the setting unset, so that it is not sent"},
	Rejected:         {"rejected", "the endpoint rejected the request", "correct what it names; if a filter speaks so about one prompt, declare its words in SAFETYTEST_BLOCKED_WORDS"},
	Unreadable:       {"unreadable", "the answer is not a chat completion", "check that SAFETYTEST_BASE_URL is an OpenAI-compatible endpoint"},
	FormatRejected:   {"format rejected", "the endpoint does not take the form asked for", "ask without Request.Schema"},
}

// String returns the kind's name in lower case, as reports print it.
func (k ErrorKind) String() string {
	if k < 1 || int(k) >= len(kinds) {
		return fmt.Sprintf("ErrorKind(%d)", int(k))
	}
	return kinds[k].name
}

// Error says why a call brought no reply: what happened, in the endpoint's own
// words where it gave any, and what to do. Its text holds neither the key nor
// the prompt, also where the endpoint repeats them.
type Error struct {
	Kind ErrorKind
	// Status is the HTTP status, 0 when none arrived.
	Status int
	// Code and Message are the endpoint's own, shortened; empty when it gave
	// none.
	Code, Message string
	// Param is the request field that the endpoint objects to, if it names one.
	Param string
	// Models are models that the endpoint lists, for UnknownModel.
	Models []string
	// Attempts counts the HTTP requests that were made.
	Attempts int

	where  string // model and address
	remedy string // takes the place of the kind's remedy unless empty
	cause  error
	wait   wait
	before bool   // it came before the model began with the call
	began  bool   // a piece of a reply stands beside it
	page   bool   // it is a page of something in between
	reply  *Reply // what is known of a reply that broke off
}

// Error returns where it happened, the cause and the remedy, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.where != "" {
		b.WriteString(e.where + ": ")
	}
	k := kinds[0]
	if e.Kind > 0 && int(e.Kind) < len(kinds) {
		k = kinds[e.Kind]
	}
	b.WriteString(k.cause)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.cause != nil {
		b.WriteString(": " + e.cause.Error())
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts)", e.Attempts)
	}
	remedy := k.remedy
	if e.remedy != "" {
		remedy = e.remedy
	}
	if remedy != "" {
		b.WriteString("; " + remedy)
	}
	return b.String()
}

// wantsRename reports whether the model takes max_tokens under its newer name
// only.
func (e *Error) wantsRename() bool {
	return e.Kind == SamplingRejected && e.Param == "max_tokens" &&
		(e.Code == "unsupported_parameter" || strings.Contains(e.Message, "max_completion_tokens"))
}

// GomegaString is what Gomega prints in failure messages.
func (e *Error) GomegaString() string { return e.Error() }

// Unwrap returns the cause, nil when the endpoint's answer is all there is.
func (e *Error) Unwrap() error { return e.cause }

// cause is an error whose text has been cleared of the key. It still is what
// the original error was, but gives no way back to the original's text, not
// even to printers that use reflection.
type cause struct {
	text string
	is   func(target error) bool
}

func (c cause) Error() string        { return c.text }
func (c cause) Is(target error) bool { return c.is(target) }

func clearedCause(err error, clean func(string) string) error {
	return cause{clean(err.Error()), func(target error) bool { return errors.Is(err, target) }}
}
