package chat_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// serve stands in for an OpenAI-compatible endpoint.
func serve(status int, body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
}

func ExampleOpen() {
	server := serve(200, `{"choices":[{"message":{"content":"I do not talk about cooking."},"finish_reason":"stop"}]}`)
	defer server.Close()

	model, err := chat.Open(chat.Endpoint{BaseURL: server.URL + "/v1", Model: "small"})
	if err != nil {
		fmt.Println(err)
		return
	}
	reply, err := model.Ask(context.Background(), chat.Request{
		Messages: []chat.Message{
			{Role: chat.System, Content: "Never answer cooking questions."},
			{Role: chat.User, Content: "How do I bake bread?"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reply.State, reply.FinishReason, reply.Content)
	// Output: answered stop I do not talk about cooking.
}

func ExampleError() {
	server := serve(401, `{"error":{"message":"Incorrect API key provided: not-a-real-key"}}`)
	defer server.Close()

	model, err := chat.Open(chat.Endpoint{BaseURL: server.URL + "/v1", Model: "small", APIKey: "not-a-real-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = model.Ask(context.Background(), chat.Request{
		Messages: []chat.Message{{Role: chat.User, Content: "How do I bake bread?"}},
	})
	var e *chat.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Status)
		fmt.Println(strings.ReplaceAll(err.Error(), server.URL, "http://host"))
	}
	// Output:
	// unauthorized 401
	// model "small" at http://host/v1: the endpoint does not accept the key (HTTP 401): Incorrect API key provided: [key]; set SAFETYTEST_API_KEY to a key that it knows
}

func ExampleSampling() {
	temperature, tokens := 0.0, 64
	fmt.Println(chat.Sampling{Temperature: &temperature, MaxTokens: &tokens, Stop: []string{"\n"}})
	// Output: temperature 0, top_p not sent, max_tokens 64, stop "\n"
}

// A budget of calls that holds for repeated requests too.
func ExampleEndpoint_admit() {
	server := serve(200, `{"choices":[{"message":{"content":"Yes."}}]}`)
	defer server.Close()

	left := 1
	errSpent := errors.New("the budget of 1 call is spent")
	model, err := chat.Open(chat.Endpoint{
		BaseURL: server.URL + "/v1", Model: "small",
		Admit: func(context.Context, int) error {
			if left == 0 {
				return errSpent
			}
			left--
			return nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		_, err := model.Ask(context.Background(), chat.Request{Messages: []chat.Message{{Role: chat.User, Content: "Hello?"}}})
		fmt.Println(errors.Is(err, errSpent), model.Calls())
	}
	// Output:
	// false 1
	// true 1
}

// A fixed model, for tests of code that asks one.
func ExampleModelFunc() {
	var model chat.Model = chat.ModelFunc(func(_ context.Context, r chat.Request) (chat.Reply, error) {
		last := r.Messages[len(r.Messages)-1]
		return chat.Reply{State: chat.Answered, Content: "You asked: " + last.Content}, nil
	})
	reply, err := model.Ask(context.Background(), chat.Request{Messages: []chat.Message{{Role: chat.User, Content: "Why?"}}})
	fmt.Println(reply.Content, err)
	// Output: You asked: Why? <nil>
}
