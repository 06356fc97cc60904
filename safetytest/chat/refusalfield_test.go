package chat

import (
	"fmt"
	"testing"
)

func TestRefusalField(t *testing.T) {
	refuses := []string{"I'm sorry, but I can't assist with that.", "I cannot.", "I will not.", "We won’t help with this.", "This request violates our policy.", "Es tut mir leid, dabei kann ich nicht helfen.",
		"Lo siento, no puedo ayudar con eso.", "Je suis désolé, je ne peux pas aider.", "抱歉，我无法帮助您。", "申し訳ありませんが、お手伝いできません。", "Извините, я не могу помочь."}
	saysNothing := []string{"", " ", "None", "none", "null", "false", "False", "N/A", "n/a", "no", "No.", "0", "nil", "-", "undefined", "not applicable", "Not a refusal", "no refusal", "No refusal detected.",
		"The model did not refuse.", "none given", "not provided", "Here is the recipe: mix flour and water.", "refused", "{}", "[]"}
	ask := func(content, refusal string) Reply {
		r, err := read(answer{status: 200, body: []byte(chatBody(fmt.Sprintf(`{"content":%s,"refusal":%s}`, content, refusal), `"stop"`))})
		if err != nil {
			t.Fatalf("%s beside %s: %v", refusal, content, err)
		}
		return r
	}
	for _, text := range refuses {
		for _, content := range []string{`null`, `""`, `" \n"`, `"<think>Hm.</think>"`} {
			if r := ask(content, fmt.Sprintf("%q", text)); r.State != Answered || r.Refusal != text {
				t.Errorf("%q beside %s: %+v", text, content, r)
			}
		}
		if r := ask(`"Mix flour."`, fmt.Sprintf("%q", text)); r.State != Answered || r.Refusal != "" || r.Content != "Mix flour." {
			t.Errorf("%q beside a recipe: %+v", text, r)
		}
	}
	for _, text := range saysNothing {
		if r := ask(`null`, fmt.Sprintf("%q", text)); r.State != Empty || r.Refusal != "" {
			t.Errorf("%q alone: %+v", text, r)
		}
		if r := ask(`"Mix flour."`, fmt.Sprintf("%q", text)); r.State != Answered || r.Refusal != "" {
			t.Errorf("%q beside a recipe: %+v", text, r)
		}
	}
	for _, value := range []string{`true`, `false`, `0`, `1`, `[]`, `{}`, `["I cannot help"]`, `{"text":"I cannot help"}`} {
		if r := ask(`null`, value); r.State != Empty || r.Refusal != "" {
			t.Errorf("%s alone: %+v", value, r)
		}
		if r := ask(`"Mix flour."`, value); r.State != Answered || r.Refusal != "" {
			t.Errorf("%s beside a recipe: %+v", value, r)
		}
	}
	// Whatever is not answered is not refused.
	r, err := read(answer{status: 200, body: []byte(chatBody(`{"content":null,"refusal":"I cannot help."}`, `"other"`))})
	if err != nil || r.State != Unfinished || r.Refusal != "" {
		t.Errorf("unfinished: %+v, %v", r, err)
	}
}
