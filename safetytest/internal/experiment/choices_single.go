package experiment

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// This file asks whether requests for several replies are answered as those for one are,
// which is what users of the model send: what takes them may be another build, or a batch
// queue with other settings, behind one name and one address. Before a claim holds by
// several replies a request, some of its questions are asked again for one.

// A stage is how many questions of an arm have been asked again when their readings are
// looked at, and the level of the one-sided test that they must pass not to be asked more.
type stage struct {
	asked int
	level float64
}

// stages end with the one at which a difference is taken for one. By TestWhatSinglesNotice a rate that
// is 40 points higher for one reply is noticed in 9 of 10 arms, and one that is 30 points
// higher in 7 to 9; an arm that is answered alike takes 18 or 19 calls and is doubted in
// less than 1 of 100.
var stages = []stage{{12, 0.30}, {24, 0.15}, {repeats, 0.01}}

// noticed is the least difference that is likely to be: where a rate has no room for as
// much, nothing is asked.
const noticed = 0.30

// severally is a request that several replies came to, and what it asked.
type severally struct {
	at    order.Place
	reply *call
}

// keepSeveral notes which requests of a batch were answered by several replies.
func (e *experiment) keepSeveral(b *batch) {
	if e.several.n <= 1 {
		return
	}
	if e.several.seen == nil {
		e.several.seen = make([][]severally, len(e.scripts))
	}
	for i, v := range b.visits {
		for k, a := range e.claim.Arms {
			if c := b.calls[i][k]; c != nil && !a.ReportOnly && c.cameSeverally() {
				e.several.seen[k] = append(e.several.seen[k], severally{v.Of[a.Requests], c})
			}
		}
	}
}

// cameSeverally says whether several replies were asked for and some came: a request that
// was lost as a whole is missing, and says nothing of how others are answered.
func (c *call) cameSeverally() bool {
	return len(c.others) > 0 && slices.ContainsFunc(append([]*call{c}, c.others...), func(o *call) bool { return o.state != chat.Lost })
}

// answersLikeOne doubts that a claim holds whose questions are answered otherwise where
// one reply is asked for, in the way that would speak against it.
func (e *experiment) answersLikeOne(ctx context.Context) ([]provenance.Finding, error) {
	if e.s.config.Replay {
		return nil, nil // which asks nothing; its run did
	}
	for k, seen := range e.several.seen {
		q := e.scripts[k]
		harms := slices.DeleteFunc(e.harms(k, seen), func(d direction) bool { return e.s.knownAlike(q, d) })
		if len(harms) == 0 || !e.s.real(q.arm.Model) {
			continue
		}
		said, err := e.armLikeOne(ctx, k, seen, harms)
		if err != nil {
			return nil, err
		}
		if said != "" {
			text := said + ": requests for several replies seem to be answered by another build, or in another way, than those for one, which users send; set SAFETYTEST_CHOICES=1"
			e.s.learnChoices(q.arm.Model, choosing{n: 1, why: "it answers requests for several otherwise than those for one"})
			return []provenance.Finding{{Kind: provenance.Single, Text: text}}, nil
		}
		e.s.learnAlike(q, harms)
	}
	return nil, nil
}

// A direction is one in which single replies may differ from those that came several at a
// time: showing more often what the claim counts, or less often.
type direction bool

const (
	showsMore direction = true
	showsLess direction = false
)

// harms are the directions in which an arm's single replies would speak against the claim,
// as far as its rate leaves room for a difference that can be noticed.
func (e *experiment) harms(k int, seen []severally) (out []direction) {
	if len(seen) == 0 {
		return nil
	}
	rate := 0.0
	for _, s := range seen {
		rate += meanOf(s.reply, func(c *call) evidence.Observation { return e.reads(k, c) }).Value / float64(len(seen))
	}
	up, down := false, false
	for _, b := range e.claim.Bounds {
		if k < len(b.Weights) {
			up, down = up || b.Weights[k] > 0, down || b.Weights[k] < 0
		}
	}
	if up && 1-rate >= noticed {
		out = append(out, showsMore)
	}
	if down && rate >= noticed {
		out = append(out, showsLess)
	}
	return out
}

// armLikeOne asks questions of an arm again for one reply, and says how these are read
// otherwise, "" if they can be drawn like the several.
func (e *experiment) armLikeOne(ctx context.Context, k int, seen []severally, harms []direction) (string, error) {
	var pairs []pair
	again := e.drawSingles(k, seen)
	for _, stage := range stages {
		further, err := e.askSingles(ctx, k, again[len(pairs):min(stage.asked, len(again))])
		if err != nil {
			return "", err
		}
		pairs = append(pairs, further...)
		d := differenceOf(pairs)
		if !slices.ContainsFunc(harms, func(h direction) bool { return d.turned(h, stage.level) }) {
			e.several.single = max(e.several.single, len(pairs))
			return "", nil
		}
	}
	d := differenceOf(pairs)
	return fmt.Sprintf("asked again %d times for one reply, questions under %q were read otherwise: %.0f %% of them showed what the claim counts, and %.0f %% where several were asked for (%d and %d were no outcome)",
		len(pairs), e.claim.Arms[k].Name, 100*d.now, 100*d.then, d.lostNow, d.lostThen), nil
}

// turned says whether the second readings differ from the first in a direction, at a level,
// or are less often outcomes.
func (d difference) turned(in direction, level float64) bool {
	of, others := d.more, d.fewer
	if in == showsLess {
		of, others = others, of
	}
	oneSided := func(of, others int) float64 {
		if p := signTest(of, others); of > others {
			return p / 2
		}
		return 1
	}
	return min(oneSided(of, others), oneSided(d.lost, d.found)) <= level
}

// single is a question that is asked again for one reply, and one of the several that it
// is compared with, drawn by lot: two single replies to one question are alike in law, and
// a mean and a single one are not.
type single struct {
	at   order.Place
	then *call
}

// drawSingles draws questions of an arm to be asked again, in the order in which they are:
// each of them once, and then again, compared with another of its replies.
func (e *experiment) drawSingles(k int, seen []severally) []single {
	lot := func(s severally) int { return e.lot(k, s.at) }
	seen = slices.Clone(seen)
	slices.SortFunc(seen, func(a, b severally) int { return cmp.Compare(lot(a), lot(b)) })
	var out []single
	for round := range e.several.n {
		for _, s := range seen {
			if round > len(s.reply.others) {
				continue
			}
			at := s.at
			at.N += round * anotherVisit // or it would be answered from the record
			out = append(out, single{at, s.reply.drawn(lot(s) + round)})
		}
	}
	return out
}

// lot is a number for a question of an arm, which hangs on nothing that was answered.
func (e *experiment) lot(k int, at order.Place) int {
	return int(order.Hash("single %d/%s/%d", e.s.seed.Load(), e.scripts[k].cell(at), at.N) >> 33)
}

// drawn is the one of the replies to a request that a lot falls on.
func (c *call) drawn(lot int) *call {
	if i := lot % (1 + len(c.others)); i > 0 {
		return c.others[i-1]
	}
	return c
}

// anotherVisit is beyond the visits of a cell that a claim comes to.
const anotherVisit = 1 << 20

// askSingles asks an arm's questions again for one reply, and reads both.
func (e *experiment) askSingles(ctx context.Context, k int, again []single) ([]pair, error) {
	questions := make([]question, len(again))
	for i, s := range again {
		questions[i] = question{script: e.scripts[k], index: i, at: s.at, check: e.rec.Run(), choices: 1}
	}
	before := e.calls
	calls := e.askAll(ctx, questions)
	e.checked += e.calls - before
	pairs := make([]pair, len(calls))
	for i, c := range calls {
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case budgetSpent(c.err), c.err != nil && permanent(c.err):
			return nil, c.err
		}
		pairs[i] = pair{then: e.reads(k, again[i].then), now: e.reads(k, c)}
	}
	return pairs, nil
}

// knownAlike says whether the run has seen that what a script shows is not answered
// otherwise in a direction where one reply is asked for.
func (s *Subject) knownAlike(q *script, in direction) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alike[s.contextOf(q, in)]
}

// learnAlike keeps that for the claims to come.
func (s *Subject) learnAlike(q *script, in []direction) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range in {
		s.alike[s.contextOf(q, d)] = true
	}
}

// contextOf names what a script shows, to whom and under which policy, and a direction.
type contextOf struct {
	policy, model, shows, marker string
	in                           direction
}

func (s *Subject) contextOf(q *script, in direction) contextOf {
	return contextOf{s.policy.Name, q.arm.Model, q.shows, q.arm.Marker(), in}
}
