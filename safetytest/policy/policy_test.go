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
		{func(p *policy.Policy) { p.Demonstrations[0].ID = "" }, "demonstration 1 of the pool has no id"},
	} {
		p := valid()
		c.spoil(&p)
		err := p.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), `policy "`) {
			t.Errorf("want an error about %q, got %v", c.want, err)
		}
	}
}
