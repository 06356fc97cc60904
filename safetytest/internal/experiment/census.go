package experiment

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

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
		found.Why = fmt.Sprintf("%d of %d repeated questions were answered otherwise at temperature 0, or by a copy of the first answer: cells are drawn with replacement, as of any model that samples", disagreed, repeats)
	}
	e.census = &found
	e.warn("%s", found.Why)
	return e.prepare()
}

// repeatsItself asks a question twice and says whether the answers agree to the byte. The
// second time it may take more tokens: a cache that goes by the whole request then has no
// answer to repeat, and who decodes greedily begins as before. A second copy of the first
// answer, by what the endpoint says of it, shows nothing.
func (e *experiment) repeatsItself(ctx context.Context, q *script, at order.Place, n int) (bool, error) {
	request := chat.Request{Messages: q.messages(at), Sampling: e.s.config.Sampling}
	ask := func(try int) (chat.Reply, error) {
		return e.probeBy(ctx, q, fmt.Sprintf("repeat/%s/%d/%d", q.cell(at), n, try), request)
	}
	first, err := ask(0)
	if err != nil || first.State != chat.Answered {
		return false, err
	}
	more := 64 + max(first.ReplyTokens, len(first.Content)+len(first.Refusal)+len(first.Reasoning)) // no token is shorter than a byte
	if most := request.Sampling.MaxTokens; most != nil {
		more = *most + 1
	}
	request.Sampling.MaxTokens = &more
	again, err := ask(1)
	switch {
	case err != nil || again.State != chat.Answered:
		return false, err
	case again.Cache != "", again.ID != "" && again.ID == first.ID && again.Created == first.Created:
		return false, nil
	case first.Cut():
		return strings.HasPrefix(again.Content, strings.TrimRight(first.Content, " \n")), nil
	}
	return again.Content == first.Content && again.Refusal == first.Refusal, nil
}
