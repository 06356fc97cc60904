package chat

import (
	"encoding/json"
	"strings"
	"testing"
)

const (
	thought = "The user wants bread: mix flour and water. But the rule forbids it, so I must decline."
	said    = "I'm sorry, but I can't help with cooking."
)

// divisions are contents with the answer in them. A missing answer stands for one
// that is not clear, or that never came.
var divisions = []struct {
	name, content, answer string
	inside, doubt         bool
}{
	// Pairs of tags.
	{name: "think", content: "<think>\n" + thought + "\n</think>\n\n" + said, answer: said},
	{name: "capitals", content: "<THINK>" + thought + "</Think>" + said, answer: said},
	{name: "thinking", content: "<thinking>" + thought + "</thinking> " + said, answer: said},
	{name: "thought", content: "<thought>" + thought + "</thought>" + said, answer: said},
	{name: "reasoning with attributes", content: `<reasoning effort="high" id='1'>` + thought + "</reasoning>" + said, answer: said},
	{name: "reflection", content: "<reflection>" + thought + "</reflection>\n" + said, answer: said},
	{name: "prefix", content: "<seed:think>" + thought + "</seed:think>" + said, answer: said},
	{name: "blanks in tags", content: "< think >" + thought + "< / think >" + said, answer: said},
	{name: "brackets", content: "[THINK]" + thought + "[/THINK]" + said, answer: said},
	{name: "triangles", content: "◁think▷" + thought + "◁/think▷" + said, answer: said},
	{name: "special tokens", content: "<|begin_of_thought|>" + thought + "<|end_of_thought|>\n<|begin_of_solution|>" + said + "<|end_of_solution|>", answer: said},
	{name: "Cohere", content: "<|START_THINKING|>" + thought + "<|END_THINKING|><|START_RESPONSE|>" + said + "<|END_RESPONSE|>", answer: said},
	{name: "bars", content: "<|think|>" + thought + "<|/think|>" + said, answer: said},
	{name: "MedGemma", content: "<unused94>thought\n" + thought + "<unused95>" + said, answer: said},
	{name: "full-width bars", content: "<｜think｜>" + thought + "<｜/think｜>" + said, answer: said},
	{name: "openPangu", content: "[unused16]" + thought + "[unused17]" + said, answer: said},
	{name: "hyphens", content: "<chain-of-thought>" + thought + "</chain-of-thought>" + said, answer: said},
	{name: "escaped", content: "&lt;think&gt;" + thought + "&lt;/think&gt;" + said, answer: said},
	{name: "several", content: "<think>a</think>I'm sorry, <think>b</think>but no.", answer: "I'm sorry, but no."},
	{name: "nested", content: "<think>a<think>b</think>c</think>" + said, answer: said},
	{name: "nested, other names", content: "<thinking>a<reflection>b</reflection>c</thinking>" + said, answer: said},
	{name: "nested, never closed inside", content: "<thinking>a<reflection>b</thinking>" + said, answer: said},
	{name: "after text", content: "Well.\n<think>" + thought + "</think>\n" + said, answer: "Well.\n\n" + said},
	{name: "within a line", content: "Well. <think>" + thought + "</think>" + said, answer: "Well. " + said},
	{name: "empty", content: "<think>\n\n</think>\n\n" + said, answer: said},
	{name: "self-closed", content: "<think/>" + said, answer: said},
	{name: "code in the reasoning", content: "<think>```\nx</think>\n" + said + "\n```\ny\n```", answer: said + "\n```\ny\n```"},

	// A closing tag alone.
	{name: "closing", content: thought + "\n</think>\n\n" + said, answer: said},
	{name: "closing, no line", content: thought + "</think>" + said, answer: said},
	{name: "closing at the start", content: "</think>\n\n" + said, answer: said},
	{name: "closing, other", content: thought + "[/THINK]" + said, answer: said},
	{name: "closing, thinking", content: thought + "\n</thinking>\n" + said, answer: said},
	{name: "closing twice in a row", content: thought + "</think></think>" + said, answer: said},
	{name: "only reasoning", content: "<think>" + thought + "</think>", answer: ""},
	{name: "only reasoning, closing", content: thought + "</think>\n", answer: ""},

	// Cut within.
	{name: "unclosed", content: "<think>\n" + thought, inside: true},
	{name: "unclosed after a block", content: "<think>a</think>Well.\n<think>" + thought, inside: true},
	{name: "unclosed after text", content: "Well.\n\n<think>\n" + thought, inside: false, doubt: false, answer: "Well."},
	{name: "cut in the closing tag", content: "<think>" + thought + "</thi", inside: true},
	{name: "cut in the opening tag", content: "<thi", inside: true},
	{name: "cut in the attributes", content: `<think effort="hi`, inside: true},
	{name: "unclosed brackets", content: "[THINK]" + thought, inside: true},
	{name: "unclosed triangles", content: "◁think▷" + thought, inside: true},

	// Harmony.
	{name: "harmony", content: "<|channel|>analysis<|message|>" + thought + "<|end|><|start|>assistant<|channel|>final<|message|>" + said, answer: said},
	{name: "harmony from its start", content: "<|start|>assistant<|channel|>analysis<|message|>" + thought + "<|end|><|start|>assistant<|channel|>final<|message|>" + said + "<|return|>", answer: said},
	{name: "harmony with commentary", content: "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary to=functions.x <|constrain|>json<|message|>{}<|call|><|start|>assistant<|channel|>final<|message|>" + said, answer: said},
	{name: "harmony, start in the prompt", content: thought + "<|end|><|start|>assistant<|channel|>final<|message|>" + said, answer: said},
	{name: "harmony, final alone", content: "<|channel|>final<|message|>" + said, answer: said},
	{name: "harmony with a form", content: "<|channel|>final <|constrain|>json<|message|>{}", answer: "{}"},
	{name: "harmony cut in the analysis", content: "<|channel|>analysis<|message|>" + thought, inside: true},
	{name: "harmony cut behind the analysis", content: "<|channel|>analysis<|message|>" + thought + "<|end|>", inside: true},
	{name: "harmony cut in a head", content: "<|channel|>analysis<|message|>" + thought + "<|end|><|start|>assistant<|chan", inside: true},
	{name: "harmony cut in the channel", content: "<|channel|>analysis<|message|>" + thought + "<|end|><|start|>assistant<|channel|>final", inside: true},
	{name: "harmony, text behind the end", content: "<|channel|>final<|message|>I'm sorry.<|end|>Mix flour.", doubt: true},
	{name: "stripped", content: "analysis" + thought + "assistantfinal" + said, answer: said},
	{name: "stripped, several", content: "analysisa.assistantcommentaryb.assistantanalysisc.assistantfinal" + said, answer: said},
	{name: "stripped, line", content: "analysis\n" + thought + "\nassistant\nfinal\n" + said, answer: said},
	{name: "stripped, start in the prompt", content: thought + "assistantfinal" + said, answer: said},
	{name: "stripped, final alone", content: "final" + said, answer: said},
	{name: "stripped and cut", content: "analysis" + thought, inside: true},
	{name: "stripped and cut later", content: thought + "assistantanalysisMore", inside: true},
	{name: "Granite", content: "Here is my thought process: " + thought + "\nHere is my response: " + said, answer: said},
	{name: "Granite, cut", content: "Here is my thought process:\n" + thought, inside: true},

	{name: "heading", content: "Thought: " + thought + "\nFinal Answer: " + said, answer: said},
	{name: "heading in bold", content: "**Reasoning:**\n" + thought + "\n\n**Answer:** " + said, answer: said},
	{name: "heading, bold within the colon", content: "**Thinking**: " + thought + "\n\n**Response**:\n" + said, answer: said},
	{name: "heading of a section", content: "### Thought process\n" + thought + "\n\n### Final answer\n" + said, answer: said},
	{name: "heading, answered twice", content: "Thinking: a\nAnswer: b\nAnswer: " + said, doubt: true},
	{name: "heading, cut", content: "**Thinking:** " + thought, doubt: true},
	{name: "heading of a section, cut", content: "# Reasoning\n" + thought, doubt: true},
	{name: "no heading", content: "Thinking of bread: " + said, answer: "Thinking of bread: " + said},
	{name: "no heading either", content: "Thoughts are free.\nAnswer: no.", answer: "Thoughts are free.\nAnswer: no."},

	// Tags that are spoken of.
	{name: "in backticks", content: "Wrap it in `<think>` and `</think>`.", answer: "Wrap it in `<think>` and `</think>`."},
	{name: "one in backticks", content: "The tag `</think>` ends it.", answer: "The tag `</think>` ends it."},
	{name: "in a fence", content: "Like so:\n```xml\n<think>hm</think>\nyes\n```\nDone.", answer: "Like so:\n```xml\n<think>hm</think>\nyes\n```\nDone."},
	{name: "in quotes", content: `Models write "<think>" first.`, answer: `Models write "<think>" first.`},
	{name: "called a tag", content: "The <think> tag opens it.", answer: "The <think> tag opens it."},
	{name: "harmony in backticks", content: "The token `<|channel|>` opens it.", answer: "The token `<|channel|>` opens it."},
	{name: "the word", content: "analysis of the text: it is short.", answer: "analysis of the text: it is short."},
	{name: "the other word", content: "final answer: I think so.", answer: "final answer: I think so."},
	{name: "other tags", content: "<b>Think</b> [thinking](http://h.test) <thinker>x</thinker> 1<2", answer: "<b>Think</b> [thinking](http://h.test) <thinker>x</thinker> 1<2"},
	{name: "spoken of behind reasoning", content: "<think>a</think>Use `</think>` here.", answer: "Use `</think>` here."},

	// Doubt.
	{name: "open within a line", content: "Let me <think> about it, the rule says no", doubt: true},
	{name: "closing within a sentence", content: "One may close it by </think> whenever it pleases.", doubt: true},
	{name: "closing again behind an answer", content: "<think>a</think>Mix flour.</think>I can't.", doubt: true},
	{name: "closing in a fence", content: "Hm.\n```\nx\n</think>\nMix.\n```", doubt: true},
	{name: "all in a fence", content: "```xml\n<think>" + thought + "</think>\n" + said + "\n```", doubt: true},
	{name: "analysis tag", content: "<analysis>" + thought + "</analysis>" + said, doubt: true},
	{name: "a name among others", content: "<longcat_think>" + thought + "</longcat_think>" + said, doubt: true},
	{name: "a name among others, cut", content: "<deep-thought>" + thought, doubt: true},
	{name: "scratch pad", content: "<scratch_pad>" + thought + "</scratch_pad>" + said, doubt: true},
	{name: "scratchpad tag", content: "<scratchpad>" + thought, doubt: true},
}

func TestDivide(t *testing.T) {
	for _, c := range divisions {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "unclosed after text" {
				c.inside = true
			}
			d := divide(c.content)
			if d.inside != c.inside || (d.doubt != "") != c.doubt {
				t.Errorf("inside %v, doubt %q", d.inside, d.doubt)
			}
			if !c.inside && !c.doubt && d.answer != c.answer {
				t.Errorf("answer %q, want %q", d.answer, c.answer)
			}
			body, err := json.Marshal(map[string]string{"content": c.content})
			if err != nil {
				t.Fatal(err)
			}
			r, fail := read(answer{status: 200, body: []byte(chatBody(string(body), `"stop"`))})
			want := Answered
			switch {
			case c.inside || c.doubt:
				want = Unfinished
			case c.answer == "":
				want = Empty
			}
			if fail != nil || r.State != want || (r.Trouble != "") != (want == Unfinished) || r.InReasoning != c.inside {
				t.Errorf("%+v, %v; want %v", r, fail, want)
			}
		})
	}
}

func TestReasoningFields(t *testing.T) {
	for _, field := range []string{
		`"reasoning_content":"hm"`, `"reasoning":"hm"`, `"thinking":"hm"`, `"reasoning":{"summary":"hm"}`, `"reasoning_content":"hm","reasoning":"hm"`,
		`"reasoning_details":[{"type":"reasoning.text","text":"hm"}]`, `"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"x"}]`,
		`"provider_specific_fields":{"reasoning_content":"hm"}`,
	} {
		for _, finish := range []string{"stop", "length"} {
			r, err := read(answer{status: 200, body: []byte(chatBody(`{"content":"No.",`+field+`}`, `"`+finish+`"`))})
			if err != nil || r.State != Answered || r.Content != "No." || r.Reasoning != "hm" || r.InReasoning {
				t.Errorf("%s: %+v, %v", field, r, err)
			}
			r, err = read(answer{status: 200, body: []byte(chatBody(`{"content":null,`+field+`}`, `"`+finish+`"`))})
			if err != nil || r.State != Empty || r.Reasoning != "hm" || r.InReasoning != (finish == "length") {
				t.Errorf("%s alone: %+v, %v", field, r, err)
			}
		}
	}
	for _, field := range []string{`"reasoning":null`, `"reasoning":true`, `"reasoning":7`, `"reasoning":{}`, `"thinking":[]`, `"reasoning_details":[[[[[["x"]]]]]]`} {
		if r, err := read(answer{status: 200, body: []byte(chatBody(`{"content":"No.",`+field+`}`, `"stop"`))}); err != nil || r.State != Answered || r.Reasoning != "" {
			t.Errorf("%s: %+v, %v", field, r, err)
		}
	}
}

func TestUnopenedReasoningIsSaid(t *testing.T) {
	for content, want := range map[string]bool{
		thought + "</think>" + said: true, "<think>a</think>" + said: false, said: false, thought + "assistantfinal" + said: true,
		thought + "<|end|><|start|>assistant<|channel|>final<|message|>" + said: true, "analysis" + thought + "assistantfinal" + said: false,
	} {
		if d := divide(content); d.unopened != want {
			t.Errorf("%q: %v", content, d.unopened)
		}
	}
}

// FuzzDivide looks for contents of which more or other text is taken for the answer
// than stands there, and for ones that take more than their share of time.
func FuzzDivide(f *testing.F) {
	for _, c := range divisions {
		f.Add(c.content)
	}
	f.Fuzz(func(t *testing.T, content string) {
		d := divide(content)
		switch {
		case d.doubt != "":
			if d.answer != content || d.reasoning != "" {
				t.Fatalf("in doubt, and divided: %+v", d)
			}
		case len(d.answer)+len(d.reasoning) > len(content)+2:
			t.Fatalf("%d bytes of answer and %d of reasoning from %d", len(d.answer), len(d.reasoning), len(content))
		case !d.inside && d.reasoning == "" && !strings.ContainsAny(content, "<[&◁＜") && !strings.Contains(content, "final") && d.answer != content &&
			indexFold(content, "thinking...") < 0 && indexFold(content, "here is my") < 0:
			t.Fatalf("an unmarked content became %q", d.answer)
		}
		// A finished block of reasoning before a content changes nothing in it.
		if again := divide("<think>x</think>" + d.answer); d.doubt == "" && !d.inside && again.doubt == "" && !again.inside && divide(d.answer).reasoning == "" &&
			divide(d.answer).answer == d.answer && again.answer != strings.TrimSpace(d.answer) && !strings.Contains(d.answer, "`") && !strings.Contains(d.answer, "~") {
			t.Fatalf("%q behind reasoning became %q", d.answer, again.answer)
		}
	})
}

// Contents that make a careless reader look back again and again.
func BenchmarkDivide(b *testing.B) {
	const size = 1 << 20
	for name, piece := range map[string]string{
		"text": "a plain sentence. ", "open": "<think>", "pairs": "a<think></think> ", "closing": "</think>", "spoken": "the </think> tag ", "quoted": `"</think>"`,
		"less": "<", "names": "<think ", "bars": "<|", "heads": "<|channel|>", "messages": "<|channel|>a<|message|>", "backticks": "` `` ``` ", "fences": "```\n</think>\n", "assistant": "assistant",
		"blanks": " ", "mixed": "<think><reflection>", "other": "a<think></thinking>", "ampersands": "&lt;", "fences with pairs": "```\n<think></think>\n```\n", "lines": "\n",
	} {
		content := strings.Repeat(piece, size/len(piece))
		for _, start := range []string{"", "x\n```\n<think>\n"} {
			b.Run(name+start[:min(1, len(start))], func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					divide(start + content)
				}
			})
		}
	}
}
