package simulated

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Server serves one model on loopback.
type Server struct {
	model  atomic.Pointer[Model]
	http   *http.Server
	url    string
	served chan error
}

// Start serves a model with profile p on a free port of 127.0.0.1 until Close.
// Its errors are those of New, and that no port could be had.
func Start(p Profile, policies ...policy.Policy) (*Server, error) {
	m, err := New(p, policies...)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("simulated model %q: %w", p.Name, err)
	}
	s := &Server{
		url:    fmt.Sprintf("http://%s/v1", listener.Addr()),
		served: make(chan error, 1),
	}
	s.model.Store(m)
	s.http = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.model.Load().ServeHTTP(w, r) }),
		ReadHeaderTimeout: time.Minute,
	}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

// Read lets the model read another policy while it is served. The error is that of
// New.
func (s *Server) Read(p policy.Policy) error {
	m, err := s.model.Load().and(p)
	if err != nil {
		return err
	}
	s.model.Store(m)
	return nil
}

// URL is the base URL for clients, "/v1" included.
func (s *Server) URL() string { return s.url }

// Model is the id of the model served, such as "sim:steady".
func (s *Server) Model() string { return s.model.Load().ID() }

// Compliance is [Model.Compliance] of the model served.
func (s *Server) Compliance(messages []chat.Message) (float64, error) {
	return s.model.Load().Compliance(messages)
}

// Close stops serving and cuts open connections. It may be called again.
func (s *Server) Close() error {
	if err := s.http.Close(); err != nil {
		return err
	}
	if err, ok := <-s.served; ok {
		close(s.served)
		if !errors.Is(err, http.ErrServerClosed) {
			return err
		}
	}
	return nil
}

// maxBody bounds a request's body, in bytes.
const maxBody = 8 << 20

// ServeHTTP answers POST /v1/chat/completions and GET /v1/models.
func (m *Model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/chat/completions":
		if allow(w, r, http.MethodPost) {
			m.serveCompletion(w, r)
		}
	case "/v1/models":
		if allow(w, r, http.MethodGet) {
			write(w, http.StatusOK, modelList{Object: "list", Data: []modelEntry{{ID: m.ID(), Object: "model", OwnedBy: "simulated"}}})
		}
	default:
		fail(w, &apiError{status: http.StatusNotFound, Message: "unknown path " + r.URL.Path + ": this server has /v1/chat/completions and /v1/models"})
	}
}

// allow reports whether r has the method, and answers it if not.
func allow(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	fail(w, &apiError{status: http.StatusMethodNotAllowed, Message: r.URL.Path + " takes " + method + ", not " + r.Method})
	return false
}

func (m *Model) serveCompletion(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			fail(w, &apiError{status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body is larger than %d bytes", maxBody)})
		}
		return // otherwise the client has gone
	}
	c, err := m.complete(body)
	if err != nil {
		var api *apiError
		if !errors.As(err, &api) {
			api = &apiError{status: http.StatusInternalServerError, Type: "server_error", Message: err.Error()}
		}
		fail(w, api)
		return
	}
	write(w, http.StatusOK, c)
}

// complete answers one body. Errors that are the client's fault are apiErrors.
func (m *Model) complete(body []byte) (*completion, error) {
	request, err := parseBody(body, m.known)
	if err != nil {
		return nil, err
	}
	if request.Model != m.ID() {
		return nil, &apiError{status: http.StatusNotFound, Code: "model_not_found", Param: "model",
			Message: fmt.Sprintf("the model %q does not exist: this server has %q", request.Model, m.ID())}
	}
	r, err := m.read(request.conversation)
	if err != nil {
		return nil, err
	}
	choices, answered := make([]choice, request.choices()), 0
	for i := range choices {
		text, finish := m.answer(request, r, m.dice(request, body, i))
		choices[i] = choice{Index: i, Message: replyMessage{Role: chat.Assistant, Content: text}, FinishReason: finish}
		answered += countWords(text)
	}
	return &completion{
		ID:          fmt.Sprintf("chatcmpl-%016x", rand.Uint64()),
		Object:      "chat.completion",
		Created:     time.Now().Unix(),
		Model:       m.ID(),
		Fingerprint: m.fingerprint,
		Choices:     choices,
		Usage:       usage{PromptTokens: request.words, CompletionTokens: answered, TotalTokens: request.words + answered},
	}, nil
}

// answer is one reply to a request, cut where it is to stop.
func (m *Model) answer(request *completionRequest, r reading, d dice) (text, finish string) {
	text, finish = m.reply(r, d), "stop"
	for _, stop := range request.Stop {
		if i := strings.Index(text, stop); i >= 0 {
			text = text[:i]
		}
	}
	if limit := request.maxTokens(); limit > 0 {
		if end := wordEnd(text, limit); end < len(text) {
			text, finish = text[:end], "length"
		}
	}
	return text, finish
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // an error here means that the client has gone
}

func fail(w http.ResponseWriter, e *apiError) {
	if e.Type == "" {
		e.Type = "invalid_request_error"
	}
	write(w, e.status, map[string]any{"error": map[string]any{
		"message": e.Message, "type": e.Type, "param": orNull(e.Param), "code": orNull(e.Code),
	}})
}

// orNull is nil, which encodes as null, for an empty string.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
