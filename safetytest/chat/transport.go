package chat

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/internal/jsontext"
)

// maxBody bounds an answer, in bytes. A reply of 100,000 tokens takes less
// than a tenth of it.
const maxBody = 16 << 20

// transport is the HTTP client that go-openai sends through. It sends a body of our own
// (go-openai cannot send a temperature of 0, among others), keeps the key out of
// go-openai's configuration, and keeps the whole answer, of which go-openai drops
// parts.
type transport struct {
	http *http.Client
	// key is a function so that no printer reaches the key by reflection.
	key func() string
	// protocol is one too: it holds values of headers and queries.
	protocol func() Protocol
	calls    atomic.Int64
}

// secrets are all that may stand in no text of ours, the longest first: a shorter
// one may be part of it.
func (t *transport) secrets() []string {
	p := t.protocol()
	all := []string{t.key()}
	for _, values := range []Secrets{p.Headers, p.Query} {
		for name, value := range values {
			if isPublic(name, value) {
				continue
			}
			all = append(all, value)
			// "Bearer KEY" and the like: the key may be echoed alone.
			if words := strings.Fields(value); len(words) > 1 {
				all = append(all, words[len(words)-1])
			}
			if escaped := url.QueryEscape(value); escaped != value {
				all = append(all, escaped)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return strings.TrimSpace(s) == "" })
}

// exchange is one HTTP request for a reply and what came back. It travels as a value
// of the request's context, because there is no other way through go-openai: it makes
// the http.Request itself, and hands nothing of the caller's on but the context.
type exchange struct {
	request []byte    // its body
	start   time.Time // when it was sent; zero if it was not
	answer
}

type exchangeKey struct{}

// Do implements openai.HTTPDoer.
func (t *transport) Do(req *http.Request) (*http.Response, error) {
	if key := t.key(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	t.protocol().prepare(req)
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return t.http.Do(req)
	}
	req.Body = io.NopCloser(bytes.NewReader(x.request))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.request)), nil }
	req.ContentLength = int64(len(x.request))
	t.calls.Add(1)
	// Whether a connection was had tells a call that the model may have begun with
	// from one that never reached it.
	var dialling atomic.Bool
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { dialling.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { dialling.Store(false) },
	}))
	x.start = time.Now()
	resp, err := t.http.Do(req)
	if err != nil {
		x.err, x.dialling = err, dialling.Load()
		x.latency = time.Since(x.start)
		return nil, err
	}
	defer resp.Body.Close()
	x.status, x.header = resp.StatusCode, resp.Header
	x.body, x.err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	x.latency = time.Since(x.start)
	resp.Body = io.NopCloser(strings.NewReader("{}")) // go-openai need not read it too
	return resp, nil
}

// responseFormat is a Schema as it is sent.
type responseFormat struct {
	Type       string     `json:"type"`
	JSONSchema jsonSchema `json:"json_schema"`
}

type jsonSchema struct {
	Name   string          `json:"name"`
	Strict bool            `json:"strict"`
	Schema json.RawMessage `json:"schema"`
}

// streamOptions asks a stream for its counts of tokens.
type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// encodeRequest returns r as the body that is sent. What go-openai would make of
// r is not it: it drops zeros, narrows numbers, and refuses settings by the
// model's name before any server is asked.
func encodeRequest(model string, p Protocol, r Request, renameMaxTokens bool) ([]byte, error) {
	rest := struct {
		Stream        bool           `json:"stream"` // always said, because servers differ in their default
		StreamOptions *streamOptions `json:"stream_options,omitempty"`
		Sampling
		MaxCompletionTokens *int            `json:"max_completion_tokens,omitempty"`
		Seed                *int64          `json:"seed,omitempty"`
		ResponseFormat      *responseFormat `json:"response_format,omitempty"`
		Logprobs            bool            `json:"logprobs,omitempty"`
		TopLogprobs         int             `json:"top_logprobs,omitempty"`
	}{Stream: p.Stream, Sampling: r.Sampling, Seed: r.Seed, Logprobs: r.TopTokens > 0, TopLogprobs: r.TopTokens}
	if p.Stream {
		rest.StreamOptions = &streamOptions{IncludeUsage: true}
	}
	if s := r.Schema; s != nil {
		rest.ResponseFormat = &responseFormat{"json_schema", jsonSchema{s.Name, true, s.JSON}}
	}
	if renameMaxTokens {
		rest.MaxTokens, rest.MaxCompletionTokens = nil, rest.MaxTokens
	}
	end, err := json.Marshal(rest)
	if err != nil {
		return nil, err
	}
	messages := p.arrange(r.Messages)
	size := len(model) + len(end) + 100
	for _, m := range messages {
		size += len(m.Content) + len(m.Content)/16 + 40
	}
	encoded := append(make([]byte, 0, size), `{"model":`...)
	encoded = append(jsontext.AppendString(encoded, model), `,"messages":[`...)
	for i, m := range messages {
		if i > 0 {
			encoded = append(encoded, ',')
		}
		encoded = jsontext.AppendString(append(encoded, `{"role":`...), string(m.Role))
		encoded = jsontext.AppendString(append(encoded, `,"content":`...), m.Content)
		encoded = append(encoded, '}')
	}
	encoded = append(append(encoded, "],"...), end[1:]...)
	if p.Nonce == "" || strings.HasPrefix(p.Nonce, "header:") {
		return encoded, nil
	}
	return fmt.Appendf(encoded[:len(encoded)-1], ",%q:%q}", p.Nonce, nonce()), nil
}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}
