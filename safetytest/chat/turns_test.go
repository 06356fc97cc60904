package chat

import (
	"encoding/json"
	"fmt"
	"testing"
)

func quoted(s string) string {
	text, _ := json.Marshal(s) // a text never fails
	return string(text)
}

func TestTokensOfTemplatesInReplies(t *testing.T) {
	const no = "I'm sorry, I can't."
	for _, c := range []struct {
		content string
		want    State
	}{
		{"<|im_end|>", Empty}, {"</s>", Empty}, {"<|eot_id|>\n", Empty}, {"<pad><pad><pad>", Empty}, {"<|im_start|>assistant\n", Empty}, {"<start_of_turn>model\n", Empty},
		{"<｜end▁of▁sentence｜>", Empty}, {"\u200b\ufeff", Empty}, {"\u2060\u200d", Empty}, {"<br>", Empty}, {"&nbsp;", Empty}, {"[INST]", Empty}, {"<|assistant|>", Empty},
		{no + "<|im_end|>\n<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\nMix flour.", Unfinished}, {no + "</s> Mix flour.", Unfinished},
		{no + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nWhy?", Unfinished}, {no + "<end_of_turn>\n<start_of_turn>user\nWhy?", Unfinished},
		{no + " [INST] Why? [/INST] Mix flour.", Unfinished}, {no + "<|endoftext|>Mix flour.", Unfinished}, {no + "<｜User｜>Why?<｜Assistant｜>Mix flour.", Unfinished},
		{"<|im_start|>assistant\n" + no + "<|im_end|>\nMix flour.", Unfinished},
		{no, Answered}, {no + "<|im_end|>", Answered}, {no + "</s>\n</s>", Answered}, {"<|im_start|>assistant\n" + no + "<|im_end|>\n", Answered}, {"<s>" + no + "</s>", Answered},
		{"The token `<|im_end|>` ends a turn.", Answered}, {"```\n<|im_end|>\nx\n```\nSo it is.", Answered}, {`Write "<|im_end|>" there.`, Answered}, {"The </s> token ends it.", Answered},
		{"Not <s>bread</s> but cake.", Answered}, {"<s>No.</s> Mix flour.", Unfinished}, {"a < b and [c] > d", Answered}, {"0", Answered}, {"...", Answered}, {"model", Answered}, {"否", Answered}, {"<p>No.</p>", Answered},
	} {
		r, err := read(answer{status: 200, body: []byte(chatBody(fmt.Sprintf(`{"content":%s}`, quoted(c.content)), `"stop"`))})
		if err != nil || r.State != c.want || (r.Trouble != "") != (c.want == Unfinished) {
			t.Errorf("%q: %+v, %v", c.content, r, err)
		}
	}
}
