package experiment

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/wholefile"
)

// StoreBaseline asks every cell under each arm of c the given number of times and
// writes what was seen to a file. The file holds counts by cell, no requests and no
// replies, and appears whole or not at all: not where replies cannot count, or where more
// of them are missing than a verdict may miss.
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
	if err := e.seesWhole(ctx); err != nil {
		return fmt.Errorf("%s: storing a baseline: %w", s, err)
	}
	out := baseline{Version: baselineVersion, Model: s.config.Model, Date: time.Now().UTC().Format(time.DateOnly),
		Sampling: s.config.Sent, Judge: s.Reader(), Policy: s.policy.Name, Hash: s.PolicyHash(), Seed: s.config.Seed, Draws: s.config.Draws, Visits: visits}
	asked := 0
	for k, a := range arms {
		all := e.scripts[k].asks.All(s.config.Draws, visits)
		asked = max(asked, len(all))
		cells, err := e.countCells(ctx, e.questionsOf(k, all))
		stored := baselineArm{Shows: a.Shows(), Cells: cells}
		useless := errors.Is(err, errLost)
		if err == nil {
			err = stored.lacking(visits)
			useless = err != nil
		}
		if useless {
			err = errors.Join(err, e.giveUp())
		}
		if err != nil {
			return fmt.Errorf("%s: storing a baseline: arm %q: %w", s, a.Name, err)
		}
		out.Arms = append(out.Arms, stored)
	}
	if err := e.counts(ctx); err != nil {
		return fmt.Errorf("%s: storing a baseline: %w", s, err)
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

// countCells asks questions, and counts by cell what was answered.
func (e *experiment) countCells(ctx context.Context, questions []question) (map[string]cellCounts, error) {
	cells := map[string]cellCounts{}
	for i, c := range e.askAll(ctx, questions) {
		if c.err != nil {
			return nil, c.err
		}
		e.remember(questions[i], c)
		if err := e.noteAll(c); err != nil {
			return nil, err
		}
		id := questions[i].at.Cell.ID()
		n := cells[id]
		n.add(c.judgement)
		cells[id] = n
	}
	return cells, nil
}

// seesWhole reports endpoints that do not read whole prompts, or of which it is not known.
func (e *experiment) seesWhole(ctx context.Context) error {
	err := e.beginSight(ctx)
	defer e.endSight()
	if err != nil {
		return err
	}
	e.sight.wait()
	switch r, ends, err := e.heed(ctx); {
	case err != nil:
		return err
	case ends:
		return errors.New(cmp.Or(e.doubt, string(r.Reason)))
	case e.windowUnknown():
		return errors.New(e.unseen)
	}
	return nil
}

// counts reports what speaks against counting the replies.
func (e *experiment) counts(ctx context.Context) error {
	found := e.doubts()
	if !e.s.config.Simulated() {
		found = append(found, e.cutShort(e.endings)...)
	}
	if len(found) == 0 {
		var err error
		if found, err = e.madeAnew(ctx); err != nil {
			return fmt.Errorf("whether the replies were made anew could not be found out: %w", err)
		}
	}
	if len(found) > 0 {
		return errors.Join(errors.New(found[0].Text), e.giveUp())
	}
	return nil
}

// giveUp records that what was answered counts for nothing, so that the next run begins
// anew, whatever it finds out about its own replies.
func (e *experiment) giveUp() error {
	return e.rec.Conclude(record.Conclusion{Claim: e.s.Key(e.claim), State: "failed", Final: true, Question: e.s.question(e.claim), Since: e.rec.Apart(e.scripts[0].since)}, nil)
}
