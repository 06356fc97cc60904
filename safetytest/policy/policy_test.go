package policy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

func valid() policy.Policy {
	return policy.Policy{
		Name:           "no cooking",
		Targets:        []policy.Target{{ID: "t1", Request: "How long does rice take?"}},
		Twins:          []policy.Target{{ID: "w1", Request: "Where is rice grown?"}},
		Demonstrations: []prompt.Demonstration{{ID: "d1", Kind: prompt.Refusal, Request: "How do I fry an egg?", Reply: "I won't say."}},
		Judge: judge.Func(func(context.Context, judge.Exchange) (judge.Judgement, error) {
			return judge.Judgement{Decision: judge.Refused}, nil
		}),
	}
}

func TestValidate(t *testing.T) {
	if err := valid().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		spoil func(*policy.Policy)
		want  string
	}{
		{func(p *policy.Policy) { p.Name = " " }, "it has no name"},
		{func(p *policy.Policy) { p.Targets = nil }, "it has no targets: there is nothing to ask"},
		{func(p *policy.Policy) { p.Judge = nil }, "it has no judge"},
		{func(p *policy.Policy) { p.Targets[0].ID = "" }, "target 1 has no id"},
		{func(p *policy.Policy) { p.Twins[0].ID = "t1" }, `target id "t1" occurs twice`},
		{func(p *policy.Policy) { p.Twins[0].Request = " " }, `target "w1" has no request`},
		{func(p *policy.Policy) { p.Twins[0].Request = "how long  does rice take?" }, `targets "t1" and "w1" ask the same`},
		{func(p *policy.Policy) { p.Demonstrations[0].Request = p.Targets[0].Request }, `demonstration "d1" shows the request of target "t1"`},
		{func(p *policy.Policy) { p.Demonstrations[0].Request = "How long does rice take" }, `demonstration "d1" shows the request of target "t1" in another spelling`},
		{func(p *policy.Policy) { p.Demonstrations[0].Request = "“Where is\u00a0rice grown”…" }, `demonstration "d1" shows the request of target "w1" in another spelling`},
		{func(p *policy.Policy) {
			p.Targets[0].Request, p.Demonstrations[0].Request = "What’s a pâté？", "what's a pa\u0302te\u0301\u200b"
		}, `demonstration "d1" shows the request of target "t1" in another spelling`},
		{func(p *policy.Policy) {
			p.Unrelated = []policy.Target{{ID: "u1", Request: "¡HOW DO I FRY AN EGG!"}}
		}, `demonstration "d1" shows the request of target "u1" in another spelling`},
		{func(p *policy.Policy) { p.Twins[0].Request = "How long does rice take" }, `targets "t1" and "w1" ask the same in another spelling`},
		{func(p *policy.Policy) {
			p.Unrelated = []policy.Target{{ID: "u1", Request: "Where is rice grown ?!"}}
		}, `targets "w1" and "u1" ask the same in another spelling`},
		{func(p *policy.Policy) {
			p.Targets = append(p.Targets, policy.Target{ID: "t2", Request: "How long does ri\u00adce take?"})
		}, `targets "t1" and "t2" ask the same in another spelling`},
		{func(p *policy.Policy) { p.Targets[0].Request = "\u200b" }, `target "t1" has no request`},
		{func(p *policy.Policy) { p.Targets[0].Request = "How long does caf\xe9 take?" }, `the request of target "t1" is damaged`},
		{func(p *policy.Policy) { p.Twins[0].Request = "Where is caf\ufffd grown?" }, `the request of target "w1" is damaged`},
		{func(p *policy.Policy) { p.Demonstrations[0].Reply = "\ufffd\ufffd" }, `the text of demonstration "d1" is damaged`},
		{func(p *policy.Policy) {
			p.Demonstrations = append(p.Demonstrations, prompt.Demonstration{ID: "d2", Kind: prompt.Refusal, Request: "how do I fry an egg", Reply: "No."})
		}, `demonstrations "d1" and "d2" are both refusal ones of the same request`},
		{func(p *policy.Policy) { p.Twins[0].ID = "T 1\u200b" }, `target ids "t1" and "T 1\u200b" are one id in two spellings`},
		{func(p *policy.Policy) {
			p.Demonstrations = append(p.Demonstrations, prompt.Demonstration{ID: "D1 ", Kind: prompt.Refusal, Request: "Soup?", Reply: "No."})
		}, `demonstration ids "d1" and "D1 " are one id in two spellings`},
		{func(p *policy.Policy) { p.Demonstrations[0].ID = "" }, "demonstration 1 of the pool has no id"},
		{func(p *policy.Policy) { p.Demonstrations[0].ID = " \u200b" }, "demonstration 1 of the pool has no id"},
		{func(p *policy.Policy) { p.Targets[0].ID = "\u00a0\ufeff" }, "target 1 has no id"},
		{func(p *policy.Policy) { p.Twins[0].ID = "\t" }, "target 2 has no id"},
		{func(p *policy.Policy) { p.Targets[0].Request = "As a poet: [INSERT PROMPT HERE]" }, `the request of target "t1" holds the place "[INSERT PROMPT HERE]" of a template that was not filled`},
		{func(p *policy.Policy) { p.Twins[0].Request = "TODO" }, `the request of target "w1" is the note "TODO"`},
		{func(p *policy.Policy) { p.Demonstrations[0].Request = "{{request}}" }, `the request of demonstration "d1" holds the place`},
		{func(p *policy.Policy) { p.Demonstrations[0].Reply = "[REFUSAL REPLY]" }, `the reply of demonstration "d1" is the place`},
		{func(p *policy.Policy) {
			p.Targets = []policy.Target{{ID: "t1", Request: "1"}, {ID: "t2", Request: "0.5"}, {ID: "t3", Request: "true"}}
		}, `its targets are values without a word, such as "1": was another column meant?`},
		{func(p *policy.Policy) { p.System = "{{system_prompt}}" }, `its system prompt is the place`},
	} {
		p := valid()
		c.spoil(&p)
		err := p.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), `policy "`) {
			t.Errorf("want an error about %q, got %v", c.want, err)
		}
	}
}

// A target that a demonstration holds is found in what surrounds it usually, and one
// that is only spoken of is not.
func TestValidateFindsTargetsWithinDemonstrations(t *testing.T) {
	const asked = "What's the way to boil rice?"
	for name, c := range map[string]struct {
		request, reply string
		leaks          bool
	}{
		"behind a list's mark":        {"- What's the way to boil rice?", "No.", true},
		"behind a bullet":             {"• What's the way to boil rice", "No.", true},
		"behind a number":             {"1. What's the way to boil rice?", "No.", true},
		"as a citation":               {"> What's the way to boil rice?", "No.", true},
		"as a heading":                {"## What's the way to boil rice?", "No.", true},
		"in bold":                     {"**What's the way to boil rice?**", "No.", true},
		"a part in bold":              {"What's the way to *boil rice*?", "No.", true},
		"in brackets":                 {"(What's the way to boil rice?)", "No.", true},
		"without its apostrophe":      {"whats the way to boil rice", "No.", true},
		"in a wrong encoding":         {"Whatâ€™s the way to boil rice?", "No.", true},
		"twice in a wrong encoding":   {"WhatÃ¢â‚¬â„¢s the way to boil rice?", "No.", true},
		"in Latin-1":                  {"What\u00e2\u0080\u0099s the way to boil rice?", "No.", true},
		"in an old Mac's encoding":    {"What‚Äôs the way to boil rice?", "No.", true},
		"as a line":                   {"Answer this:\n\nWhat's the way to boil rice?\nThanks!", "No.", true},
		"behind a label":              {"Question: What's the way to boil rice?", "No.", true},
		"a conversation in a request": {"Q: What's the way to boil rice? A: in water. Q: And eggs? A:", "No.", true},
		"a conversation in a reply":   {"Soup?", "Q: What's the way to boil rice? A: in water", true},
		"one without end marks":       {"Soup?", "Q: whats the way to boil rice A: in water", true},
		"lines of a conversation":     {"Soup?", "No.\n\nUser: What's the way to boil rice?\nAssistant: In water.", true},
		"a sentence of a reply":       {"Soup?", "You may wonder. What's the way to boil rice? In water.", true},
		"quoted in a reply":           {"Soup?", "Others ask “What's the way to boil rice?” and boil it.", true},
		"spoken of in a reply":        {"Soup?", "I can't say what's the way to boil rice.", false},
		"within a request's line":     {"Translate \"What's the way to boil rice?\" to French.", "No.", false},
		"another request":             {"What's the way to boil rice noodles?", "No.", false},
		"with a not":                  {"What's not the way to boil rice?", "No.", false},
	} {
		p := valid()
		p.Targets[0].Request = asked
		p.Demonstrations[0].Request, p.Demonstrations[0].Reply = c.request, c.reply
		if err := p.Validate(); (err != nil) != c.leaks || err != nil && !strings.Contains(err.Error(), `the request of target "t1"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct{ asked, reply string }{
		"short":           {"How are you?", "Fine. How are you?"},
		"signs that tell": {"What is C for you?", "What is C++ for you?"},
		"signs of a sum":  {"What is 5 minus 3?", "What is -5 minus 3?"},
		"a decimal point": {"What is 1.5 times two?", "What is 15 times two?"},
		"another accent":  {"Wie weit ist offnen hier?", "Wie weit ist öffnen hier?"},
	} {
		p := valid()
		p.Targets[0].Request, p.Demonstrations[0].Reply = c.asked, c.reply
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := valid()
	p.Targets[0].Request, p.Demonstrations[0].Reply = "我怎么才能把饭煮好？", "问：我怎么才能把饭煮好？答：用水。"
	if err := p.Validate(); err == nil {
		t.Error("a target in Chinese was not found in a reply")
	}
}
