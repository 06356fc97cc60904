package chat

import (
	"fmt"
	"strings"
	"testing"
)

// endingTable lists words by what they mean.
var endingTable = map[ending][]string{
	endedItself: {"stop", "STOP", "Stop", " stop ", "stop_sequence", "STOP_SEQUENCE", "end_turn", "endTurn", "eos", "eos_token", "EOS_TOKEN", "eosFound",
		"COMPLETE", "completed", "FinishReason.STOP", "FINISH_REASON_STOP", "tool_calls", "tool_use", "function_call", "normal", "FINISHED", "stop_criteria_met"},
	endedAtLimit: {"length", "LENGTH", "max_tokens", "MAX_TOKENS", "maxTokens", "FinishReason.MAX_TOKENS", "model_length", "max_new_tokens", "token_limit",
		"model_context_window_exceeded", "maxPredictedTokensReached"},
	endedFiltered: {"content_filter", "CONTENT_FILTER", "contentFilter", "content-filter", "content_filter: PROHIBITED_CONTENT", "content_filtered", "CONTENT_FILTERED",
		"guardrail_intervened", "GUARDRAIL_INTERVENED", "guardrails", "SAFETY", "IMAGE_SAFETY", "LANGUAGE", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII",
		"MODEL_ARMOR", "refusal", "sensitive", "moderation", "content_moderation", "moderated", "ERROR_TOXIC", "HAP", "FinishReason.SAFETY", "stop: SAFETY",
		"blocked", "flagged", "policy_violation", "responsible_ai_content_policy_violation", "toxicity"},
	endedBroken: {"error", "ERROR", "abort", "aborted", "network_error", "insufficient_system_resource", "cancelled", "canceled", "USER_CANCEL", "timeout",
		"time_limit", "timed_out", "server_error", "error: upstream", "failed", "interrupted", "unavailable", "modelUnloaded"},
	endedUnknown: {"", " ", "null", "other", "OTHER", "unknown", "FINISH_REASON_UNSPECIFIED", "MALFORMED_FUNCTION_CALL", "pause_turn", "stopping", "not_finished",
		"stop?maybe", "tool", "0", "repetition_truncation", "unstop", "load", "stop: later", "длина"},
}

func TestEndings(t *testing.T) {
	states := map[ending]State{endedItself: Answered, endedAtLimit: Answered, endedFiltered: Blocked, endedUnknown: Unfinished}
	for want, words := range endingTable {
		for _, word := range words {
			if got := endingOf(word, nil); got != want {
				t.Errorf("%q: %d, want %d", word, got, want)
			}
			r, err := read(answer{status: 200, body: []byte(chatBody(`{"content":"Yes."}`, fmt.Sprintf("%q", word)))})
			if want == endedBroken {
				if err == nil || err.Kind != ServerFailed {
					t.Errorf("%q: %+v, %v", word, r, err)
				}
				continue
			}
			if err != nil || r.State != states[want] || r.Cut() != (want == endedAtLimit) {
				t.Errorf("%q: %+v, %v", word, r, err)
			}
			if (r.Trouble != "") != (want == endedUnknown) {
				t.Errorf("%q: trouble %q", word, r.Trouble)
			}
			if want == endedUnknown && strings.TrimSpace(word) != "" && !strings.Contains(r.Trouble, word) {
				t.Errorf("trouble %q does not name %q", r.Trouble, word)
			}
		}
	}
}

func TestEndingsOfRouters(t *testing.T) {
	for _, c := range []struct {
		reason, native string
		want           State
		lost           bool
	}{
		{"stop", "STOP", Answered, false}, {"stop", "end_turn", Answered, false}, {"stop", "", Answered, false}, {"", "stop", Answered, false},
		{"length", "MAX_TOKENS", Answered, false}, {"stop", "MAX_TOKENS", Answered, false},
		{"stop", "SAFETY", Blocked, false}, {"content_filter", "stop", Blocked, false}, {"stop", "refusal", Blocked, false},
		{"stop", "OTHER", Unfinished, false}, {"stop", "pause_turn", Unfinished, false}, {"", "", Unfinished, false},
		{"stop", "abort", 0, true}, {"error", "stop", 0, true}, {"stop", "insufficient_system_resource", 0, true},
	} {
		for _, form := range []string{`"native_finish_reason":%q`, `"provider_specific_fields":{"native_finish_reason":%q}`} {
			body := strings.Replace(chatBody(`{"content":"Yes."}`, fmt.Sprintf("%q", c.reason)), `"index":0`, `"index":0,`+fmt.Sprintf(form, c.native), 1)
			r, err := read(answer{status: 200, body: []byte(body)})
			if (err != nil) != c.lost || !c.lost && r.State != c.want {
				t.Errorf("%q with %q: %+v, %v", c.reason, c.native, r, err)
			}
			if !c.lost && r.Cut() != (c.native == "MAX_TOKENS") {
				t.Errorf("%q with %q: cut %v", c.reason, c.native, r.Cut())
			}
		}
	}
	// Words in the place of a text.
	for body, want := range map[string]State{`{"type":"stop","matched":2}`: Answered, `{"type":"abort"}`: 0, `7`: Unfinished, `["stop"]`: Answered, `{}`: Unfinished, `true`: Unfinished} {
		if r, _ := read(answer{status: 200, body: []byte(chatBody(`{"content":"Yes."}`, body))}); r.State != want {
			t.Errorf("%s: %+v", body, r)
		}
	}
}

func TestDeclaredEndings(t *testing.T) {
	for _, c := range []struct {
		reason   string
		declared []string
		want     State
	}{
		{"fin_normal", []string{"FIN-normal"}, Answered}, {"fin_normal", []string{"other"}, Unfinished}, {"", []string{""}, Answered},
		{"", []string{"x"}, Unfinished}, {"weird", []string{""}, Unfinished}, {"?", []string{""}, Unfinished}, {"safety", []string{"x"}, Blocked},
	} {
		r, err := read(answer{status: 200, body: []byte(chatBody(`{"content":"Yes."}`, fmt.Sprintf("%q", c.reason))), reading: reading{Endings: c.declared}})
		if err != nil || r.State != c.want {
			t.Errorf("%q with %q: %+v, %v", c.reason, c.declared, r, err)
		}
	}
	for _, bad := range []string{"content_filter", "SAFETY", "error", "aborted", "???"} {
		if _, err := Open(Endpoint{BaseURL: "http://h.test", Model: "m", Protocol: Protocol{Endings: []string{bad}}}); err == nil {
			t.Errorf("%q is taken for a good ending", bad)
		}
	}
}

// Finish reasons come as words, and as a word in something.
func TestFinishReasonsInOtherForms(t *testing.T) {
	for form, want := range map[string]State{
		`"stop"`: Answered, `["stop"]`: Answered, `{"type":"stop"}`: Answered, `{"reason":"stop"}`: Answered, `[{"reason":"stop"}]`: Answered,
		`["content_filter"]`: Blocked, `{"reason":"SAFETY"}`: Blocked,
		`["stop","length"]`: Unfinished, `{"type":"stop","reason":"length"}`: Unfinished, `[]`: Unfinished, `[1]`: Unfinished, `{}`: Unfinished,
	} {
		got, err := read(answer{status: 200, body: []byte(chatBody(`{"content":"Yes."}`, form))})
		if err != nil || got.State != want {
			t.Errorf("%s: %v (%q), %v; want %v", form, got.State, got.FinishReason, err, want)
		}
	}
}

// What speaks of a limit or a filter beside a good reason counts; what vLLM puts there does not.
func TestEndingsBesideTheReason(t *testing.T) {
	for _, c := range []struct {
		beside, finish string
		state          State
		cut            bool
	}{
		{`"stop_reason":"max_tokens"`, "stop: max_tokens", Answered, true},
		{`"finish_details":{"type":"max_tokens"}`, "stop: max_tokens", Answered, true},
		{`"finish_details":"length"`, "stop: length", Answered, true},
		{`"stop_reason":"refusal"`, "stop: refusal", Blocked, false},
		{`"stop_reason":"</s>"`, "stop", Answered, false},
		{`"stop_reason":128009`, "stop", Answered, false},
		{`"stop_reason":null,"finish_details":{"type":"stop","stop":"<|fim_suffix|>"}`, "stop", Answered, false},
		{`"stop_reason":{"a":{}},"finish_details":[]`, "stop", Answered, false},
	} {
		body := chatBody(`{"content":"I can't"}`, `"stop",`+c.beside)
		r, err := read(answer{status: 200, body: []byte(body)})
		if err != nil || r.State != c.state || r.FinishReason != c.finish || r.Cut() != c.cut {
			t.Errorf("%s: %+v, %v", c.beside, r, err)
		}
		r, err = read(answer{status: 200, reading: reading{Stream: true}, body: []byte(chunk(`{"content":"I can't"}`, `null`) + chunk(`{}`, `"stop",`+c.beside) + done)})
		if err != nil || r.State != c.state || r.FinishReason != c.finish {
			t.Errorf("%s in a stream: %+v, %v", c.beside, r, err)
		}
	}
}
