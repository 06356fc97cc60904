package experiment

import (
	"errors"
	"runtime"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file is what a run records beside its replies, so that it can be read without
// the code that made it.

// describe records what the claim asks, before anything is asked for it.
func (e *experiment) describe() error {
	parts := append(e.contexts(), record.Claim{Key: e.s.Key(e.claim), ID: e.claim.ID(), Policy: e.s.policy.Name, Since: e.scripts[0].since, Claim: e.claim})
	for _, part := range parts {
		if err := e.rec.Say(part); err != nil {
			return err
		}
	}
	return nil
}

// contexts are the run, the policy and what is shown, as they are recorded.
func (e *experiment) contexts() []any {
	s := e.s
	self, tested := module.Versions()
	j := s.Judge().Describe()
	parts := []any{
		record.Setup{
			Rules: s.rules(), Module: self, Go: runtime.Version(), Tested: tested, Model: s.config.Model, Policy: s.main, Simulated: s.config.Simulated(), Sampling: s.config.Sampling,
			Settings: s.config.Settings, MaxCalls: s.config.MaxCalls, MaxTokens: s.config.MaxSpendTokens, Config: s.config.Stored,
		},
		record.Policy{
			Name: s.policy.Name, Hash: s.PolicyHash(), Harmless: s.policy.Harmless, System: s.policy.System,
			Targets: s.policy.Targets, Twins: s.policy.Twins, Unrelated: s.policy.Unrelated, Demonstrations: s.policy.Demonstrations,
			Judge: j, JudgeSays: j.String(),
		},
	}
	for k, q := range e.scripts {
		if q.first == k && q.arm.Calls() {
			parts = append(parts, s.shownBy(q))
		}
	}
	return parts
}

// shownBy is what a script puts before a request, by the places of demonstrations in
// the policy's pool.
func (s *Subject) shownBy(q *script) record.Context {
	c := record.Context{
		Policy: s.policy.Name, Shows: q.shows, Asks: q.arm.Requests, Model: q.arm.Model, NoSystem: q.system == "",
		Presentation: q.arm.Presentation, Marker: q.arm.Marker(), Shown: map[string][][]int{},
	}
	if q.pattern != nil {
		c.Any, c.Seed = q.arm.Composition.Any, s.seed.Load()
	}
	if q.system != s.policy.System {
		c.System = q.system
	}
	places := map[prompt.Demonstration]int{}
	for i, d := range s.policy.Demonstrations {
		places[d] = i
	}
	for topic, draws := range q.demos {
		for _, shown := range draws {
			at := make([]int, len(shown))
			for i, d := range shown {
				place, known := places[d]
				if !known { // written for this context, such as filler
					c.Written = append(c.Written, d)
					place = -len(c.Written)
					places[d] = place
				}
				at[i] = place
			}
			c.Shown[topic] = append(c.Shown[topic], at)
		}
	}
	return c
}

// keepReading records what was read in a reply.
func (s *Subject) keepReading(c *call, q question) error {
	g := record.ReadingOf(c.judgement)
	g.Reply, g.Marker, g.Choice = c.ref, q.script.arm.Marker(), c.choice
	if s.policy.Name != s.main {
		g.Policy = s.policy.Name
	}
	if c.err != nil {
		g = record.Reading{Reply: g.Reply, Choice: g.Choice, Marker: g.Marker, Policy: g.Policy, Failed: "the judge failed"}
		if x := (*chat.Error)(nil); errors.As(c.err, &x) {
			g.Failed += ": " + x.Kind.String()
		}
	}
	return s.Record().Read(g)
}

// keepLook records the evidence at the end of a batch, with the replies of its visits.
func (e *experiment) keepLook(b *batch) error {
	r := e.engine.Result()
	l := record.Look{
		Claim: e.key(), Since: e.scripts[0].since, Pairs: r.Trials, Calls: e.calls + e.probed.made(),
		State: r.State.String(), LogE: r.LogEViolated,
	}
	for _, c := range r.Conditions {
		l.Bounds = append(l.Bounds, record.Seen{Estimate: c.Estimate, Lower: c.Lower, Upper: c.Upper})
	}
	for i, v := range b.visits {
		visit := record.Visit{Cell: v.Cell.ID(), Repeat: v.N, Replies: make([]record.Ref, len(e.claim.Arms))}
		for k, q := range e.scripts {
			if c := b.calls[i][q.first]; c != nil && e.claim.Arms[k].Calls() {
				visit.Replies[k] = c.ref
			}
		}
		l.Visits = append(l.Visits, visit)
	}
	return e.rec.Look(l)
}
