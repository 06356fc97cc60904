package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
)

// StoreBaseline asks every cell under each arm of c the given number of times and
// writes what was seen to a file. The file holds counts by cell, no requests and no
// replies, and appears whole or not at all.
func (s *Subject) StoreBaseline(ctx context.Context, path string, visits int, c claim.Claim) error {
	arms := c.Arms
	e, err := s.experiment(c)
	if err != nil {
		return err
	}
	if err := e.admitEarlier(ctx); err != nil {
		return err
	}
	if err := e.describe(); err != nil {
		return err
	}
	out := baseline{Version: baselineVersion, Model: s.config.Model, Date: time.Now().UTC().Format(time.DateOnly),
		Sampling: s.config.Sent, Judge: s.Reader(), Policy: s.policy.Name, Hash: s.PolicyHash(), Seed: s.config.Seed, Draws: s.config.Draws, Visits: visits}
	asked := 0
	for k, a := range arms {
		all := e.scripts[k].asks.All(s.config.Draws, visits)
		asked = max(asked, len(all))
		cells := map[string]cellCounts{}
		for i, call := range e.askAll(ctx, e.questionsOf(k, all)) {
			if call.err != nil {
				return fmt.Errorf("%s: storing a baseline: arm %q: %w", s, a.Name, call.err)
			}
			n := cells[all[i].Cell.ID()]
			n.add(call.judgement)
			cells[all[i].Cell.ID()] = n
		}
		out.Arms = append(out.Arms, baselineArm{Shows: a.Shows(), Cells: cells})
	}
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	if err := wholefile.Write(path, append(text, '\n')); err != nil {
		return fmt.Errorf("storing a baseline: %w", err)
	}
	// Final, because another baseline asks anew.
	return e.rec.Conclude(record.Conclusion{Claim: s.Key(c), State: "stored", Final: true, Pairs: asked, Question: s.question(c), Since: e.scripts[0].since}, nil)
}
