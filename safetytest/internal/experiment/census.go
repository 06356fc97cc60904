package experiment

import (
	"context"
	"fmt"
	"math/rand/v2"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
)

// fewestRepeats and mostRepeats bound the questions that are asked twice to see
// whether their answers repeat.
const fewestRepeats, mostRepeats = 20, 250

// wantsCensus says whether it is to be measured for the claim that answers repeat,
// which decides what is asked.
func (e *experiment) wantsCensus() bool {
	return e.s.config.Census && e.s.greedy() && !e.claim.OverTargets && !e.s.config.oneLook() && len(e.sequence.Beside) == 0 && !e.ofAny()
}

// measureRepeats asks some of the claim's questions twice, where it is worth that, and has each cell visited once only if the answers repeat.
// Without it, or where they do not, a temperature of 0 is sampled like any other,
// which is right whatever the server does.
func (e *experiment) measureRepeats(ctx context.Context) error {
	if !e.wantsCensus() {
		return nil
	}
	d, err := e.s.design(e.claim, nil)
	if err != nil {
		return err
	}
	plan, err := d.Deterministic(0, 0)
	if err != nil {
		return err
	}
	if plan.Repeats == 0 || plan.Repeats > mostRepeats {
		e.warn("temperature 0 is sampled like any other: with %d cells and this margin, %s", d.Cells, plan.Why)
		return nil
	}
	var asking []*script
	for k, a := range e.claim.Arms {
		if a.Calls() && !a.ReportOnly && e.scripts[k].first == k {
			asking = append(asking, e.scripts[k])
		}
	}
	// Which bodies are repeated must not depend on which are asked as evidence.
	r := rand.New(rand.NewPCG(e.s.seed.Load(), order.Hash("repeats of %s", e.claim.ID())))
	repeats, disagreed := 0, 0
	for range max(plan.Repeats, fewestRepeats) {
		q := asking[r.IntN(len(asking))]
		at := q.asks.At(r.IntN(len(q.asks.Requests)), r.IntN(e.s.config.Draws), 0)
		same, err := e.repeatsItself(ctx, q, at, repeats)
		switch {
		case endsAsking(ctx, err):
			return err
		case err != nil:
			continue
		}
		if repeats++; !same {
			disagreed++
		}
	}
	found, err := d.Deterministic(repeats, disagreed)
	if err != nil {
		return err
	}
	if disagreed > 0 { // the allowance would do, but who answers otherwise once is not greedy
		found.Worth = false
		found.Why = fmt.Sprintf("%d of %d repeated questions were answered otherwise at temperature 0: cells are drawn with replacement, as of any model that samples", disagreed, repeats)
	}
	e.census = &found
	e.warn("%s", found.Why)
	return e.prepare()
}

// repeatsItself asks a question twice and says whether the answers agree to the byte.
func (e *experiment) repeatsItself(ctx context.Context, q *script, at order.Place, n int) (bool, error) {
	var first chat.Reply
	for i := range 2 {
		reply, err := e.probe(ctx, q, fmt.Sprintf("repeat/%s/%d/%d", q.cell(at), n, i), q.messages(at))
		switch {
		case err != nil:
			return false, err
		case reply.State != chat.Answered:
			return false, nil
		case i == 0:
			first = reply
		case reply.Content != first.Content || reply.Refusal != first.Refusal:
			return false, nil
		}
	}
	return true, nil
}
