package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/internal/judged"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/shrink"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// asker asks the configured model about causes, as one set of questions that grows. What
// is recorded is not asked again: a search that was interrupted follows the same way
// until it comes to what it had not asked.
type asker struct {
	policy  policy.Policy
	config  safetytest.Config // defaults filled in
	subject *safetytest.Subject
	set     *experiment.Growing

	step     int // whose sequence it is
	sequence *order.Sequence
}

// searchConfig is how the search asks: as the environment says, under the run's draws. A
// search may be proven once only, so that it always goes on from its own replies, however
// old they are.
func (w *shrinker) searchConfig() safetytest.Config {
	c, m := w.config, w.r.Manifest
	c.Dir, c.Run, c.MaxCalls = filepath.Join(w.dir, "search"), "", w.f.calls
	c.Draws, c.Seed, c.Batch = cmp.Or(m.Draws, 4), cmp.Or(m.Seed, 1), cmp.Or(c.Batch, 8)
	c.Replies, c.OnlyThisRun, c.MaxAge = safetytest.RepliesAuto, false, 100*365*24*time.Hour
	return c
}

// openAsker connects to the models and opens the record of a search about a claim.
func openAsker(c safetytest.Config, p policy.Policy, key string) (*asker, error) {
	subject, err := safetytest.Open(c, p)
	if err != nil {
		return nil, err
	}
	asking, err := experiment.SubjectOf(subject, "shrink/"+key)
	if err != nil {
		return nil, errors.Join(err, subject.Close())
	}
	set, err := asking.Grow("shrink/" + key)
	if err != nil {
		return nil, errors.Join(err, subject.Close())
	}
	return &asker{policy: p, config: subject.Config(), subject: subject, set: set}, nil
}

// begin is the order in which a step visits cells: one of its own.
func (a *asker) begin(step int, c shrink.Cause) (*order.Sequence, error) {
	from := a.policy.Targets
	switch c.Requests {
	case claim.Twins:
		from = a.policy.Twins
	case claim.Unrelated:
		from = a.policy.Unrelated
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("the run's policy has no %s", c.Requests)
	}
	seed := order.Hash("shrink %d/%d", a.config.SamplingSeed, step)
	return order.New(seed, a.config.Draws, a.config.Batch, order.NewPopulation(c.Requests, from, a.config.Draws)), nil
}

// Design is the test of a cause in numbers.
func (a *asker) Design(c shrink.Cause) (evidence.Design, error) {
	d := bounds.DesignOf(c.Claim())
	q, err := a.begin(0, c)
	if err != nil {
		return d, err
	}
	d.Cells, d.Draws, d.Batch = a.config.Draws*len(q.Own.Requests), a.config.Draws, a.config.Draws*q.PerDraw
	return d, judged.Of(a.policy.Judge, a.config.Simulated()).Allow(c.Claim(), &d)
}

// stepVisits sets the visits of steps apart: each step asks anew.
const stepVisits = 1_000_000

// Ask asks one batch of a step. A call that failed ends the search: asked again when it
// goes on, it could lead another way.
func (a *asker) Ask(ctx context.Context, step, batch int, c shrink.Cause) ([]evidence.Trial, int, error) {
	if batch == 0 || step != a.step {
		q, err := a.begin(step, c)
		if err != nil {
			return nil, 0, err
		}
		a.step, a.sequence = step, q
	}
	visits := a.sequence.Next()
	var settings []experiment.DesignedSetting
	var questions []experiment.DesignedQuestion
	for k, x := range c.Contexts {
		settings = append(settings, experiment.DesignedSetting{Setting: x, Showing: c.IDs()})
		for _, v := range visits {
			questions = append(questions, experiment.DesignedQuestion{Setting: k, Requests: c.Requests, Request: v.Cell.Position, Draw: v.Cell.Draw, Visit: step*stepVisits + v.N})
		}
	}
	replies, calls, err := a.set.Ask(ctx, settings, questions)
	if err != nil {
		return nil, calls, err
	}
	trials := make([]evidence.Trial, len(visits))
	for i, v := range visits {
		trials[i] = evidence.Trial{Cell: v.Cell.Index, Draw: v.Cell.Draw, Target: v.Cell.Position, Y: make([]evidence.Observation, len(c.Contexts))}
	}
	for n, reply := range replies {
		if reply.Failed != "" {
			return nil, calls, errors.New(reply.Failed)
		}
		trials[n%len(visits)].Y[n/len(visits)] = bounds.Observed(c.Quantity, reply.Judgement)
	}
	return trials, calls, nil
}
