package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Where a request brings several replies, each of them is exported, shown and read again.
func TestSeveralRepliesARequest(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Messages []chat.Message
			N        int
			Most     int `json:"max_tokens"`
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &q); err != nil {
			t.Error(err)
		}
		calls++
		var choices []any
		for i := range max(1, q.N) {
			text := fmt.Sprintf("%s (%d)", refuses, calls)
			if i == 2 && len(q.Messages) > 20 { // the third of three, where much is shown
				text = fmt.Sprintf("%s (%d)", instructs, calls)
			}
			ending := "stop"
			if q.Most < 12 {
				ending = "length"
			}
			choices = append(choices, map[string]any{"index": i, "finish_reason": ending, "message": map[string]any{"role": "assistant", "content": text}})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"model": "m-1", "choices": choices, "usage": map[string]any{"prompt_tokens": len(body) / 4, "completion_tokens": 12 * len(choices)}})
	}))
	defer server.Close()
	dir := t.TempDir()
	s, err := safetytest.Open(safetytest.Config{BaseURL: server.URL + "/v1", Model: "m", Dir: dir, SamplingSeed: 5, MaxPairs: 64, Concurrency: 1, Sampling: safetytest.DefaultSampling(), Choices: 3}, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Test(t.Context(), benign())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{0, 1.0 / 3} { // as read, before the judge's errors are corrected for
		if rate := v.Result.Arms[k].Rate; rate < want-1e-9 || rate > want+1e-9 {
			t.Errorf("of %s %v comply, want %v", v.Result.Arms[k].Name, rate, want)
		}
	}

	rows, at := exported(t, "-texts", dir)
	byChoice := map[string]int{}
	for _, row := range rows[1:] {
		get := func(name string) string { return row[at[name]] }
		complied := get("arm") == "8 benign added" && get("choice") == "3"
		if get("claims") != "" && (complied != (get("reading") == "complied") || complied != (get("outcome") == "1") || complied != strings.HasPrefix(get("reply_text"), "Mix the flour")) {
			t.Errorf("%q", row)
		}
		if (get("choice") == "1") != (get("prompt_tokens") != "0") {
			t.Errorf("tokens of choice %s: %q", get("choice"), get("prompt_tokens"))
		}
		byChoice[get("choice")]++
	}
	if byChoice["1"] < 2*v.Pairs || byChoice["2"] != byChoice["1"] || byChoice["3"] != byChoice["1"] {
		t.Errorf("rows by choice: %v, %d pairs", byChoice, v.Pairs)
	}

	shown, err := command(t, "", "show", dir)
	if err != nil || !strings.Contains(shown, "choice 3") || !strings.Contains(shown, "Mix the flour") {
		t.Errorf("%v\n%s", err, shown)
	}
	again, err := command(t, "", "rejudge", dir, "-judge", "nocooking")
	if err != nil || !strings.Contains(lines(again), fmt.Sprintf("0 of %d change", 6*v.Pairs)) {
		t.Errorf("%v, %d pairs\n%s", err, v.Pairs, again)
	}
}
