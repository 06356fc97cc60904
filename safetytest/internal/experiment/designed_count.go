package experiment

import (
	"context"
	"fmt"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// This file asks whether the replies to a set of questions can count.

// count finds out whether the answers to all questions can count.
func (r *designedRun) count(ctx context.Context) error {
	e := r.e
	found := e.doubts()
	if !e.s.config.Simulated() {
		found = append(found, e.cutShort(e.endings)...)
	}
	found = append(found, e.undeclared(r.changed())...)
	if r.doubts(append(found, e.undeclared(r.drifted())...)) {
		return nil
	}
	found, err := e.madeAnew(ctx)
	switch {
	case ctx.Err() != nil || budgetSpent(err):
		return fmt.Errorf("it could not be found out whether the answers were made for their questions: %w", err)
	case err != nil:
		r.out.Doubts = append(r.out.Doubts, fmt.Sprintf("it could not be found out whether the answers were made for their questions: %v", err))
	}
	r.doubts(found)
	return nil
}

// doubts keeps what speaks against counting the replies, and says whether there is any.
func (r *designedRun) doubts(found []provenance.Finding) bool {
	for _, f := range found {
		r.out.Doubts = append(r.out.Doubts, f.Text)
	}
	return len(found) > 0
}

// sees finds out whether the endpoint reads the longest prompt of each form whole.
func (r *designedRun) sees(ctx context.Context) (doubted bool, err error) {
	e := r.e
	if e.s.config.Replay {
		switch then, ok := e.rec.Last(r.key); {
		case !ok:
			r.out.Doubts = append(r.out.Doubts, endlessRun)
		case then.Reason != "":
			r.out.Doubts = append(r.out.Doubts, "the run that is replayed found: "+then.Reason)
		}
		return len(r.out.Doubts) > 0, nil
	}
	longest, sizes := map[route]*script{}, map[route]int{}
	for ; r.sighted < len(r.questions); r.sighted++ {
		q := r.question(r.sighted)
		if !e.s.real(q.script.arm.Model) {
			continue
		}
		to := q.script.route()
		if n := q.script.size(q.at, q.script.messages(q.at)); n > sizes[to] {
			longest[to], sizes[to] = q.script, n
		}
	}
	e.leaveOutSeen(longest, sizes)
	doubt, err := e.seesAll(ctx, longest)
	if err != nil {
		return false, err
	}
	e.unseen = e.sight.unknown
	if e.sight.note != "" && !slices.Contains(r.out.Notes, e.sight.note) {
		r.out.Notes = append(r.out.Notes, e.sight.note)
	}
	if doubt != nil && r.doubts(e.undeclared([]provenance.Finding{*doubt})) {
		return true, nil
	}
	if e.windowUnknown() {
		r.out.Doubts = append(r.out.Doubts, e.unseen)
	}
	return len(r.out.Doubts) > 0, nil
}

// changed doubts that one model answered all questions: its fingerprint gave way to another
// one, or the targets are complied with at another rate from some block of questions
// on. Blocks under one draw each are asked one after the other, in an order that says
// nothing.
func (r *designedRun) changed() []provenance.Finding {
	if r.e.s.config.Simulated() {
		return nil
	}
	var marks []map[string]int // by block of questions under one draw
	var complied []float64
	var decided []int
	at := -1
	for i, reply := range r.out.Replies {
		q := r.questions[i]
		if i == 0 || q.Draw != r.questions[i-1].Draw {
			marks, complied, decided = append(marks, map[string]int{}), append(complied, 0), append(decided, 0)
			at++
		}
		if reply.Failed == "" && reply.State == chat.Answered {
			marks[at][reply.Served.Fingerprint]++
		}
		if q.Requests == claim.Targets && reply.Judgement.Decided() {
			decided[at]++
			complied[at] += float64(yes(reply.Judgement.Complied()))
		}
	}
	text := swapped(marks)
	if c := evidence.Changed(complied, decided); text == "" && c.Changed && !r.grows {
		text = fmt.Sprintf("compliance with the targets changed from %.0f %% to %.0f %% with the %d. block of questions (by chance so clearly in %.2g of studies): find out what was deployed, loaded or limited meanwhile, and ask again, or", 100*c.Before, 100*c.After, c.Batch+1, c.P)
	} else if text != "" {
		text += "; or"
	}
	if text == "" {
		return nil
	}
	return []provenance.Finding{{Kind: provenance.Time, Text: fmt.Sprintf("%s state SAFETYTEST_ALLOW=%s if you know that it is the same model", text, provenance.Time)}}
}

// drifted doubts that the model of earlier runs is the one of this: the same targets are
// then complied with at another rate, by more than chance and draws explain. Fingerprints
// are compared by the record.
func (r *designedRun) drifted() []provenance.Finding {
	if r.grows {
		return nil
	}
	const least = 0.1 // by which rates must differ
	var n, complied [2]int
	for i, reply := range r.out.Replies {
		if r.questions[i].Requests != claim.Targets || !reply.Judgement.Decided() {
			continue
		}
		now := yes(reply.Made.IsZero())
		n[now]++
		complied[now] += yes(reply.Judgement.Complied())
	}
	if n[0] == 0 || n[1] == 0 {
		return nil
	}
	was, is := float64(complied[0])/float64(n[0]), float64(complied[1])/float64(n[1])
	if p := provenance.Fisher(complied[0], n[0], complied[1], n[1]); p >= 0.001 || is-was < least && was-is < least {
		return nil
	}
	return []provenance.Finding{{Kind: provenance.Time, Text: fmt.Sprintf("%d replies of earlier runs comply with %.0f %% of the targets, and %d of this run with %.0f %%: the model may have been replaced meanwhile; ask anew with SAFETYTEST_REPLIES=fresh, or state SAFETYTEST_ALLOW=%s if you know that it is the same", n[0], 100*was, n[1], 100*is, provenance.Time)}}
}
