package chat

import (
	"strings"
	"testing"
)

func chunk(delta, finish string) string {
	return `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"served-1","system_fingerprint":"fp","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}` + "\n\n"
}

const done = "data: [DONE]\n\n"

func TestReadStreams(t *testing.T) {
	usage := `data: {"id":"c1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}` + "\n\n"
	text := chunk(`{"role":"assistant","content":""}`, `null`) + chunk(`{"content":"I'm "}`, `null`) + chunk(`{"content":"sorry."}`, `null`)
	end := chunk(`{}`, `"stop"`)
	for _, c := range []struct {
		name, body, content, says string
		ended                     string // "" for any
		state                     State
		kind                      ErrorKind
	}{
		{name: "whole", body: text + end + usage + done, content: "I'm sorry.", state: Answered},
		{name: "other line ends and comments", body: ": hello\r\n\r\n" + strings.ReplaceAll("event: message\n"+text+end+done, "\n", "\r\n"), content: "I'm sorry.", state: Answered},
		{name: "carriage returns", body: strings.ReplaceAll("event: message\n"+text+end+done, "\n", "\r"), content: "I'm sorry.", state: Answered},
		{name: "done in small letters", body: text + end + "data: [done]\n\n", content: "I'm sorry.", state: Answered},
		{name: "done in quotes", body: text + end + "data: \"[DONE]\"\n\n", content: "I'm sorry.", state: Answered},
		{name: "pings", body: "event: ping\ndata: ping\n\n" + text + "event: ping\ndata: {\"error\":\"x\"}\n\n" + end, content: "I'm sorry.", state: Answered},
		{name: "error by its name", body: text + "event: error\ndata: {\"message\":\"Overloaded\",\"type\":\"overloaded_error\"}\n\n" + end, kind: ServerFailed, says: "Overloaded"},
		{name: "error by its name, wrapped", body: text + "event: error\ndata: {\"error\":{\"message\":\"Slow\",\"code\":429}}\n\n", kind: RateLimited, says: "Slow"},
		{name: "error by its name, a text", body: text + "event: error\ndata: broken\n\n" + end, kind: ServerFailed, says: "broken"},
		{name: "error by its name, empty", body: text + "event: error\ndata: {}\n\n" + end, kind: ServerFailed, says: "brought an error"},
		{name: "without [DONE]", body: text + end, content: "I'm sorry.", state: Answered},
		{name: "reasoning", body: chunk(`{"reasoning_content":"h","reasoning":"h"}`, `null`) + chunk(`{"reasoning_content":"m"}`, `null`) + text + end + done, content: "I'm sorry.", state: Answered},
		{name: "tags over pieces", body: chunk(`{"content":"<thi"}`, `null`) + chunk(`{"content":"nk>hm</think>"}`, `null`) + text + end + done, content: "I'm sorry.", state: Answered},
		{name: "cut at the limit", body: text + chunk(`{}`, `"length"`) + done, content: "I'm sorry.", state: Answered},
		{name: "cut, and well in a last event", body: text + chunk(`{}`, `"length"`) + end + done, content: "I'm sorry.", state: Answered, ended: "length"},
		{name: "filtered, and well in a last event", body: text + chunk(`{}`, `"content_filter"`) + end + done, content: "I'm sorry.", state: Blocked},
		{name: "failed, and well in a last event", body: text + chunk(`{}`, `"error"`) + end + done, kind: ServerFailed},
		{name: "well, and cut in a last event", body: text + end + chunk(`{}`, `"length"`) + done, content: "I'm sorry.", state: Answered, ended: "length"},
		{name: "not finished until the last event", body: chunk(`{"content":"I'm sorry."}`, `"not_finished"`) + end + done, content: "I'm sorry.", state: Answered, ended: "stop"},
		{name: "a call of a tool beside text", body: text + chunk(`{"tool_calls":[{"index":0,"function":{"name":"say","arguments":"{"}}]}`, `null`) + end + done, content: "I'm sorry.", state: Unfinished, says: "no judge reads"},
		{name: "without an ending", body: text + done, content: "I'm sorry.", state: Unfinished, says: "how the reply ended"},
		{name: "filtered", body: text + chunk(`{}`, `"content_filter"`) + done, content: "I'm sorry.", state: Blocked},
		{name: "plain after all", body: chatBody(`{"content":"Yes."}`, `"stop"`), content: "Yes.", state: Answered},
		{name: "breaks off", body: text, kind: Interrupted, says: "the stream ends"},
		{name: "breaks off in an event", body: text + `data: {"choices":[{"ind`, kind: Unreadable, says: "invalid JSON"},
		{name: "error event", body: text + `data: {"error":{"message":"upstream","code":502}}` + "\n\n", kind: ServerFailed, says: "upstream"},
		{name: "error of the request", body: `data: {"error":{"message":"no such key","code":401}}` + "\n\n" + done, kind: Unauthorized},
		{name: "gave up", body: text + chunk(`{}`, `"error"`) + done, kind: ServerFailed},
		{name: "nothing but comments", body: ": hello\n\n", kind: Interrupted},
	} {
		r, err := read(answer{status: 200, body: []byte(c.body), reading: reading{Stream: true}})
		if c.kind != 0 {
			if err == nil || err.Kind != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %+v, %v", c.name, r, err)
			}
			continue
		}
		if err == nil && c.ended != "" && r.FinishReason != c.ended {
			t.Errorf("%s: ended with %q", c.name, r.FinishReason)
		}
		if err != nil || r.State != c.state || r.Content != c.content || !strings.Contains(r.Trouble, c.says) {
			t.Errorf("%s: %+v, %v", c.name, r, err)
			continue
		}
		if r.ID != "c1" || r.Created != 1 || r.Model != "served-1" || r.Fingerprint != "fp" {
			t.Errorf("%s: %+v", c.name, r)
		}
		if c.name == "whole" && (r.PromptTokens != 7 || r.ReplyTokens != 3) || c.name == "reasoning" && r.Reasoning != "hm" {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	_, body := sentBy(t, Protocol{Stream: true}, question)
	if body["stream"] != true || body["stream_options"] == nil {
		t.Errorf("body %v", body)
	}
}

// FuzzCollect looks for streams that make the reader fail or find a reply in
// pieces of nothing.
func FuzzCollect(f *testing.F) {
	f.Add(chunk(`{"content":"Yes."}`, `null`) + chunk(`{}`, `"stop"`) + done)
	f.Add("data: {\"choices\":[{\"delta\":{\"content\":[\"a\"]},\"index\":\"0\"}]}\n\ndata:[DONE]")
	f.Fuzz(func(t *testing.T, body string) {
		r, err := read(answer{status: 200, body: []byte(body), reading: reading{Stream: true}})
		if err == nil && r.State == Answered && (r.Content == "" && r.Refusal == "" || r.FinishReason == "") {
			t.Fatalf("%+v", r)
		}
	})
}
