package chat

import (
	"encoding/json"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestReplySurvivesJSON(t *testing.T) {
	for _, state := range []State{Answered, Blocked, Empty} {
		want := Reply{State: state, Content: "“Yes.”\n", Refusal: "r", Reasoning: "because", FinishReason: "length", Model: "m",
			Fingerprint: "f", PromptTokens: 1, ReplyTokens: 2, Latency: 3, Attempts: 4}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), `"state":"`+state.String()+`"`) {
			t.Errorf("the state is not named in %s", data)
		}
		var got Reply
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if data, err := json.Marshal(Reply{}); err == nil {
		t.Errorf("a reply without state became %s", data)
	}
	var r Reply
	for _, body := range []string{`{"state":"refused"}`, `{"state":""}`, `{"state":1}`} {
		if err := json.Unmarshal([]byte(body), &r); err == nil {
			t.Errorf("%s became %+v", body, r)
		}
	}
}

func TestCut(t *testing.T) {
	for reason, want := range map[string]bool{"length": true, "MAX_TOKENS": true, "stop": false, "": false, "content_filter": false} {
		if got := (Reply{FinishReason: reason}).Cut(); got != want {
			t.Errorf("finish reason %q: cut %v", reason, got)
		}
	}
}

func TestEveryKindIsDescribed(t *testing.T) {
	names := map[string]bool{}
	for k := InvalidRequest; k <= FormatRejected; k++ {
		names[k.String()] = true
		if kinds[k].name == "" || kinds[k].cause == "" {
			t.Errorf("kind %d: %+v", k, kinds[k])
		}
	}
	if len(names) != len(kinds)-1 {
		t.Errorf("%d names for %d kinds", len(names), len(kinds)-1)
	}
	if got := ErrorKind(0).String() + ErrorKind(99).String() + State(0).String(); got != "ErrorKind(0)ErrorKind(99)State(0)" {
		t.Error(got)
	}
}
