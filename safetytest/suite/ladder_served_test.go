package suite_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// deaf is an endpoint that refuses, and answers with the model that it has loaded, whichever
// is asked for.
func deaf(t *testing.T, served func(asked string) string) string {
	t.Helper()
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Model    string
			Messages []struct{ Content string }
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		tokens, seen := 0, ""
		for _, m := range in.Messages {
			tokens += len(m.Content)/4 + 4
			seen += m.Content + "\n"
		}
		id := n.Add(1)
		text := fmt.Sprintf("I'm sorry, but I can't help with that (%d).", id)
		if last := in.Messages[len(in.Messages)-1].Content; strings.Contains(last, "number") || strings.Contains(last, "Answer with the word") {
			text = seen
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"id": fmt.Sprintf("chatcmpl-%d", id), "created": time.Now().Unix(), "model": served(in.Model),
			"choices": []any{map[string]any{"finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}}},
			"usage":   map[string]any{"prompt_tokens": tokens, "completion_tokens": 12}})
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// A build that answers as another one was not asked.
func TestLadderOfOneModelUnderSeveralNames(t *testing.T) {
	url := deaf(t, func(string) string { return "shop-q8" })
	code, out, sum, d := laddered(t, "steady", "gate", "shop-q8 q6=shop-q6 q4=shop-q4", "SAFETYTEST_BASE_URL", url, "SAFETYTEST_MODEL", "shop-q8")
	if code != 0 || sum.Smallest != "shop-q8" || d.Ladder.Rungs[1].State != "inconclusive" || d.Ladder.Rungs[1].Held != 0 {
		t.Errorf("exit %d, %+v, %+v\n%s", code, sum, d.Ladder, out)
	}
	mustContain(t, out, "the endpoint answers with what it has loaded")
	if testing.Short() {
		return
	}
	url = deaf(t, func(asked string) string { return asked })
	code, out, sum, _ = laddered(t, "steady", "gate", "shop-q8 q6=shop-q6", "SAFETYTEST_BASE_URL", url, "SAFETYTEST_MODEL", "shop-q8")
	if code != 0 || sum.Smallest != "q6" {
		t.Errorf("builds under their own names: exit %d, %+v\n%s", code, sum, out)
	}
}
