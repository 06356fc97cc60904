package simulated

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// apiError is an error as the protocol reports it.
type apiError struct {
	status                     int
	Message, Type, Param, Code string
}

func (e *apiError) Error() string { return e.Message }

// invalid is the error for a parameter that cannot be used.
func invalid(param, format string, args ...any) *apiError {
	return &apiError{status: http.StatusBadRequest, Param: param, Message: fmt.Sprintf(format, args...)}
}

// completionRequest is the part of a body that the server heeds. Others, such
// as top_p, are accepted and change nothing.
type completionRequest struct {
	Model               string        `json:"model"`
	Messages            []bodyMessage `json:"messages"`
	Temperature         *float64      `json:"temperature"`
	MaxTokens           *int          `json:"max_tokens"`
	MaxCompletionTokens *int          `json:"max_completion_tokens"`
	Stop                texts         `json:"stop"`
	Seed                *int64        `json:"seed"`
	N                   *int          `json:"n"`
	Stream              bool          `json:"stream"`

	conversation conversation
	words        int // of all messages
}

type bodyMessage struct {
	Role    string `json:"role"`
	Content parts  `json:"content"`
}

// texts is one string or a list of them, or null.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(data, []byte(`"`)) {
		*t = make(texts, 1)
		return json.Unmarshal(data, &(*t)[0])
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// parts is a message's content: a string, a list of text parts, or null.
type parts string

func (p *parts) UnmarshalJSON(data []byte) error {
	if !bytes.HasPrefix(data, []byte("[")) {
		return json.Unmarshal(data, (*string)(p))
	}
	var list []struct{ Type, Text string }
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	var all []string
	for _, part := range list {
		if part.Type != "text" {
			return fmt.Errorf("a content part has the type %q: only text is supported", part.Type)
		}
		all = append(all, part.Text)
	}
	*p = parts(strings.Join(all, "\n"))
	return nil
}

// parseBody reads and checks a body of /v1/chat/completions; known is as in
// parse. Its errors are apiErrors.
func parseBody(body []byte, known func(text string) bool) (*completionRequest, error) {
	var r completionRequest
	if err := json.Unmarshal(body, &r); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, invalid(wrong.Field, "%s must not be a JSON %s", wrong.Field, wrong.Value)
		}
		return nil, invalid("", "the body cannot be read as JSON: %v", err)
	}
	if r.Model == "" {
		return nil, invalid("model", "model is missing")
	}
	if len(r.Messages) == 0 {
		return nil, invalid("messages", "messages is missing or empty")
	}
	if t := r.Temperature; t != nil && (*t < 0 || *t > 2) {
		return nil, invalid("temperature", "temperature is %v: it must lie in [0,2]", *t)
	}
	for name, n := range map[string]*int{"max_tokens": r.MaxTokens, "max_completion_tokens": r.MaxCompletionTokens} {
		if n != nil && *n < 1 {
			return nil, invalid(name, "%s is %d: it must be at least 1", name, *n)
		}
	}
	if r.N != nil && (*r.N < 1 || *r.N > 128) {
		return nil, invalid("n", "n is %d: it must lie in [1,128]", *r.N)
	}
	if r.Stream {
		return nil, invalid("stream", "stream is not supported by this server")
	}
	for _, s := range r.Stop {
		if s == "" {
			return nil, invalid("stop", "stop holds an empty string")
		}
	}
	messages := make([]chat.Message, len(r.Messages))
	for i, m := range r.Messages {
		role := chat.Role(m.Role)
		if role == "developer" {
			role = chat.System
		}
		messages[i] = chat.Message{Role: role, Content: string(m.Content)}
		r.words += countWords(string(m.Content))
	}
	var err error
	if r.conversation, err = parse(messages, known); err != nil {
		return nil, invalid("messages", "%v", err)
	}
	return &r, nil
}

// choices is how many replies are asked for.
func (r *completionRequest) choices() int {
	if r.N == nil {
		return 1
	}
	return *r.N
}

// maxTokens is the limit on the reply's words, or 0.
func (r *completionRequest) maxTokens() int {
	limit := 0
	for _, n := range []*int{r.MaxTokens, r.MaxCompletionTokens} {
		if n != nil && (limit == 0 || *n < limit) {
			limit = *n
		}
	}
	return limit
}

// countWords counts the words of text, which the server calls tokens.
func countWords(text string) int {
	n, inside := 0, false
	for _, r := range text {
		space := unicode.IsSpace(r)
		if !space && !inside {
			n++
		}
		inside = !space
	}
	return n
}

// wordEnd returns the index after the n-th word of text, or its length if it
// has no more words than that.
func wordEnd(text string, n int) int {
	inside := false
	for i, r := range text {
		space := unicode.IsSpace(r)
		switch {
		case space && inside && n == 0:
			if strings.TrimSpace(text[i:]) == "" {
				return len(text)
			}
			return i
		case !space && !inside:
			n--
		}
		inside = !space
	}
	return len(text)
}

// The shapes of replies.
type (
	completion struct {
		ID          string   `json:"id"`
		Object      string   `json:"object"`
		Created     int64    `json:"created"`
		Model       string   `json:"model"`
		Choices     []choice `json:"choices"`
		Usage       usage    `json:"usage"`
		Fingerprint string   `json:"system_fingerprint"`
	}
	choice struct {
		Index        int          `json:"index"`
		Message      replyMessage `json:"message"`
		FinishReason string       `json:"finish_reason"`
	}
	replyMessage struct {
		Role    chat.Role `json:"role"`
		Content string    `json:"content"`
	}
	usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		TotalTokens      int `json:"total_tokens"`
	}
	modelList struct {
		Object string       `json:"object"`
		Data   []modelEntry `json:"data"`
	}
	modelEntry struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
)
