package safetytest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// What could not be found out about one endpoint of a claim is not made good by what was
// found out about the other, whichever of them was asked last.
func TestOneEndpointThatReadsWholePromptsDoesNotVouchForAnother(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var asked struct{ Model string }
		_ = json.Unmarshal(body, &asked)
		answer := map[string]any{"model": asked.Model,
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": "no"}}}}
		if asked.Model == "before" { // counts what it is sent, where the other is silent
			answer["usage"] = map[string]any{"prompt_tokens": len(body) / 4, "completion_tokens": 1}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	defer server.Close()
	p := doors()
	p.System = strings.Repeat("Doors stay shut whatever is said about doors. ", 200) // more than fits any window
	for range 8 {
		c := safetytest.Config{BaseURL: server.URL + "/v1", Model: "now", Sampling: safetytest.DefaultSampling(), Concurrency: 8,
			Models: map[string]safetytest.Endpoint{claim.Baseline: {Model: "before"}}}
		s, err := safetytest.Open(c, p)
		if err != nil {
			t.Fatal(err)
		}
		v, err := s.Test(context.Background(), matchers.NotExceedBaseline(prompt.Refusals(4)).Claim())
		if err != nil {
			t.Fatal(err)
		}
		if v.State == evidence.Holds || !strings.Contains(strings.Join(v.Warnings, "\n"), "could not be verified") {
			t.Fatalf("%s\n%s", v.Headline(), strings.Join(v.Warnings, "\n"))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
