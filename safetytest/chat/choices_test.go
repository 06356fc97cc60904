package chat

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// choiceBody is an answer with these choices, each in JSON.
func choiceBody(choices ...string) string {
	return fmt.Sprintf(`{"id":"c1","object":"chat.completion","created":1,"model":"served-1","system_fingerprint":"fp","choices":[%s],"usage":{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}`, strings.Join(choices, ","))
}

func aChoice(index int, content, finish string) string {
	return fmt.Sprintf(`{"index":%d,"message":{"role":"assistant","content":%q},"finish_reason":%q}`, index, content, finish)
}

// Each reply to a request counts as one: what did not come, or cannot be read, is lost,
// and no other call takes its place.
func TestAskReadsAllChoices(t *testing.T) {
	short := "the endpoint gave %d of the 3 choices that were asked for"
	for _, c := range []struct {
		name string
		body string
		want []Reply // state, content, ending and trouble of each
	}{
		{"all", choiceBody(aChoice(0, "A", "stop"), aChoice(1, "B", "stop"), aChoice(2, "C", "length")),
			[]Reply{{State: Answered, Content: "A", FinishReason: "stop"}, {State: Answered, Content: "B", FinishReason: "stop"}, {State: Answered, Content: "C", FinishReason: "length"}}},
		{"in another order", choiceBody(aChoice(2, "C", "stop"), aChoice(0, "A", "stop"), aChoice(1, "B", "stop")),
			[]Reply{{State: Answered, Content: "A", FinishReason: "stop"}, {State: Answered, Content: "B", FinishReason: "stop"}, {State: Answered, Content: "C", FinishReason: "stop"}}},
		{"too few", choiceBody(aChoice(0, "A", "stop")),
			[]Reply{{State: Answered, Content: "A", FinishReason: "stop"}, {State: Lost, Trouble: fmt.Sprintf(short, 1)}, {State: Lost, Trouble: fmt.Sprintf(short, 1)}}},
		{"too many", choiceBody(aChoice(0, "A", "stop"), aChoice(1, "B", "stop"), aChoice(2, "C", "stop"), aChoice(3, "D", "stop")),
			[]Reply{{State: Lost, Trouble: fmt.Sprintf(short, 4)}, {State: Lost, Trouble: fmt.Sprintf(short, 4)}, {State: Lost, Trouble: fmt.Sprintf(short, 4)}}},
		{"one filtered, one that broke off", choiceBody(aChoice(0, "A", "stop"), aChoice(1, "", "content_filter"), aChoice(2, "C", "error")),
			[]Reply{{State: Answered, Content: "A", FinishReason: "stop"}, {State: Blocked, FinishReason: "content_filter"}, {State: Lost, Trouble: "finish reason error"}}},
		{"the first with an error", choiceBody(`{"index":0,"error":{"code":502,"message":"upstream"}}`, aChoice(1, "B", "stop"), aChoice(2, "C", "stop")),
			[]Reply{{State: Lost, Trouble: "upstream"}, {State: Answered, Content: "B", FinishReason: "stop"}, {State: Answered, Content: "C", FinishReason: "stop"}}},
		{"a filter's mark on the whole", strings.Replace(choiceBody(aChoice(0, "A", "stop"), aChoice(1, "", "stop"), aChoice(2, "C", "content_filter")), `"object"`, `"output_sensitive":true,"object"`, 1),
			[]Reply{{State: Unfinished, Content: "A", FinishReason: "stop: sensitive", Trouble: "does not say on which of them it acted"}, {State: Blocked, FinishReason: "stop: sensitive"}, {State: Blocked, Content: "C", FinishReason: "content_filter"}}},
		{"reasoning in one", choiceBody(aChoice(0, "<think>hm</think>A", "stop"), aChoice(1, "<think>hm", "length"), aChoice(2, "C", "stop")),
			[]Reply{{State: Answered, Content: "A", FinishReason: "stop"}, {State: Unfinished, FinishReason: "length", Trouble: "stops within its reasoning"}, {State: Answered, Content: "C", FinishReason: "stop"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := open(t, script(always(200, c.body), ok))
			r := question
			r.Sampling.Choices = ptr(3)
			got, err := client.Ask(t.Context(), r)
			if err != nil || client.Calls() != 1 || got.Others == nil {
				t.Fatalf("%+v, %v, %d calls", got, err, client.Calls())
			}
			if got.ID != "c1" || got.PromptTokens != 7 || got.ReplyTokens != 9 || got.Attempts != 1 || got.Model != "served-1" {
				t.Errorf("of the whole: %+v", got)
			}
			all := append([]Reply{got}, *got.Others...)
			if len(all) != len(c.want) {
				t.Fatalf("%d replies", len(all))
			}
			for i, want := range c.want {
				is := all[i]
				if is.State != want.State || is.Content != want.Content || want.State != Lost && is.FinishReason != want.FinishReason || !strings.Contains(is.Trouble, want.Trouble) {
					t.Errorf("choice %d is %+v, want %+v", i, is, want)
				}
				if i > 0 && (is.ID != "" || is.PromptTokens != 0 || is.Attempts != 0 || is.Others != nil) {
					t.Errorf("choice %d has what is of the whole: %+v", i, is)
				}
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			var back Reply
			if err := json.Unmarshal(text, &back); err != nil || cmp.Diff(got, back) != "" {
				t.Errorf("%v: %s", err, cmp.Diff(got, back))
			}
		})
	}
}

func TestAskSeveralChoices(t *testing.T) {
	var sent map[string]any
	client := open(t, inMemory(func(r *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &sent); err != nil {
			t.Error(err)
		}
		return respond(200, choiceBody(aChoice(0, "A", "stop"), aChoice(1, "the key is "+testKey, "stop"))), nil
	}))
	r := question
	r.Sampling.Choices, r.Sampling.MaxTokens = ptr(2), ptr(50)
	got, err := client.Ask(t.Context(), r)
	if err != nil || sent["n"] != 2.0 {
		t.Errorf("%v, sent %v", err, sent)
	}
	if strings.Contains((*got.Others)[0].Content, testKey) {
		t.Error("a further choice shows the key")
	}
	one := question
	one.Sampling.MaxTokens = ptr(50)
	if r.EstimateTokens()-one.EstimateTokens() != 50 {
		t.Errorf("two replies are taken for %d tokens, one for %d", r.EstimateTokens(), one.EstimateTokens())
	}
	for _, n := range []int{0, 129} {
		r.Sampling.Choices = ptr(n)
		if _, err := client.Ask(t.Context(), r); err == nil || !strings.Contains(err.Error(), "choices are asked for, 1 to 128 can be") {
			t.Errorf("%d choices: %v", n, err)
		}
	}
}

// An endpoint that takes no number of choices is told apart from a broken one.
func TestChoicesRejected(t *testing.T) {
	for _, body := range []string{
		`{"error":{"message":"n must be 1","type":"invalid_request_error","param":"n"}}`,
		`{"error":{"message":"Unsupported value: 'n' must be 1 for this model.","type":"invalid_request_error","param":"n","code":"unsupported_value"}}`,
		`{"error":{"message":"Invalid value for 'n': only 1 is supported","type":"invalid_request_error"}}`,
	} {
		client := open(t, script(always(400, body), ok))
		r := question
		r.Sampling.Choices = ptr(4)
		_, err := client.Ask(t.Context(), r)
		if err == nil || !strings.Contains(err.Error(), "set SAFETYTEST_CHOICES=1") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Where all replies to a request took as many tokens as they may together, each was cut,
// whatever the endpoint calls that; one may have as many as all of these took.
func TestChoicesThatWereCut(t *testing.T) {
	for most, cut := range map[int]bool{3: true, 9: false} {
		client := open(t, script(always(200, choiceBody(aChoice(0, "A", "stop"), aChoice(1, "B", "stop"), aChoice(2, "C", "stop"))), ok))
		r := question
		r.Sampling.Choices, r.Sampling.MaxTokens = ptr(3), ptr(most)
		got, err := client.Ask(t.Context(), r)
		if err != nil || got.Others == nil {
			t.Fatal(got, err)
		}
		for i, one := range append([]Reply{got}, *got.Others...) {
			if one.Cut() != cut {
				t.Errorf("%d tokens each, 9 together: choice %d ended with %q", most, i, one.FinishReason)
			}
		}
	}
}

// A call that was lost is lost with all its replies.
func TestChoicesLost(t *testing.T) {
	client := open(t, script(always(500, ""), ok))
	r := question
	r.Sampling.Choices = ptr(4)
	got, err := client.Ask(t.Context(), r)
	if err != nil || got.State != Lost || got.Others != nil || client.Calls() != 1 {
		t.Errorf("%+v, %v, %d calls", got, err, client.Calls())
	}
}

// An endpoint that counts the tokens of the first reply alone does not make the others
// free.
func TestTokensOfAllChoicesCount(t *testing.T) {
	long := strings.Repeat("word ", 40)
	for counted, want := range map[int]int{9: 150, 40: 150, 80: 80, 200: 200} {
		body := choiceBody(aChoice(0, long, "stop"), aChoice(1, long, "stop"), aChoice(2, long, "stop"))
		body = strings.Replace(body, `"completion_tokens":9`, fmt.Sprintf(`"completion_tokens":%d`, counted), 1)
		client := open(t, script(always(200, body), ok))
		r := question
		r.Sampling.Choices = ptr(3)
		got, err := client.Ask(t.Context(), r)
		if err != nil || got.ReplyTokens != want || got.Spent(0) != got.PromptTokens+want {
			t.Errorf("%d counted: %d tokens, %d charged, want %d of the replies; %v", counted, got.ReplyTokens, got.Spent(0), want, err)
		}
	}
}
