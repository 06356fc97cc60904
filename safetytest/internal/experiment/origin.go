package experiment

import (
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// This file asks whether a claim's replies can count at all (design, rule 10): whether
// the model saw what was sent (window.go), answered it freshly (cache.go, cache_partial.go),
// and ended it itself (cut.go). What can be asked beforehand is, with a few calls a
// run; the rest is read off the replies.

// doubts are what the replies so far say against counting them. They are looked for
// as replies come, so that nothing is bought in vain.
func (e *experiment) doubts() []provenance.Finding {
	byModel := e.byModel()
	return append(e.doubtsAbout(byModel, e.endings), e.undeclared(e.oneForAnother(byModel))...)
}

// doubtsAbout are what replies by model and the ways in which they ended say against
// counting them.
func (e *experiment) doubtsAbout(byModel map[string][]origin, n endings) []provenance.Finding {
	var out []provenance.Finding
	for model, of := range byModel {
		if e.s.simulates(model) {
			continue
		}
		replies := repliesOf(of)
		out = append(out, provenance.Cut(replies)...)
		out = append(out, provenance.Stale(replies)...)
		if f := provenance.Several(replies); f != nil {
			out = append(out, *f)
		} else if f := provenance.Apart(replies); f != nil {
			out = append(out, *f)
		}
	}
	return e.undeclared(append(out, n.unmarked()...))
}

// knownStale is what was found of the claim's models before: the replies of one that
// answers from a cache count for no claim.
func (e *experiment) knownStale() []provenance.Finding {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	var found []provenance.Finding
	for model, f := range e.s.origins.stale {
		if slices.ContainsFunc(e.claim.Arms, func(a claim.Arm) bool { return a.Calls() && a.Model == model }) {
			found = append(found, f)
		}
	}
	return found
}

// origin is a reply's origin with what it answered.
type origin struct {
	provenance.Reply
	model     string
	arm       int
	turn      int // of the question
	script    *script
	at        order.Place
	judgement judge.Judgement
}

// byModel sorts the claim's replies by who was asked, in the order in which they came.
func (e *experiment) byModel() map[string][]origin {
	return sortedByModel(e.origins[:len(e.origins):len(e.origins)])
}

// inTurn are the claim's replies by who was asked, all of those to a request, in the order of
// asking, up to where all have come. What comes first of questions under way is no sample of
// what is answered: it is short, as refusals are.
func (e *experiment) inTurn() map[string][]origin {
	var all []origin
	for _, r := range slices.Concat(e.origins, e.further) {
		if r.turn <= e.through {
			all = append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b origin) int { return a.turn - b.turn })
	return sortedByModel(all)
}

func sortedByModel(all []origin) map[string][]origin {
	if len(all) == 0 {
		return nil
	}
	one := all[0].model
	if !slices.ContainsFunc(all, func(r origin) bool { return r.model != one }) {
		return map[string][]origin{one: all}
	}
	out := map[string][]origin{}
	for _, r := range all {
		out[r.model] = append(out[r.model], r)
	}
	return out
}

// remember keeps where a reply came from.
func (e *experiment) remember(q question, c *call) {
	of := func(c *call) origin {
		return origin{Reply: c.from, model: q.script.arm.Model, arm: q.script.first, turn: q.turn, script: q.script, at: q.at, judgement: c.judgement}
	}
	came := func(c *call) bool { return c.state == chat.Answered || c.state == chat.Unfinished }
	if came(c) {
		e.origins = append(e.origins, of(c))
	}
	for _, o := range c.others {
		if came(o) {
			e.further = append(e.further, of(o))
		}
	}
}
