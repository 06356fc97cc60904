package experiment

import (
	"context"
	"errors"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
)

// This file says how the test of a claim comes to its end.

// look shows a batch to the engine. A claim that holds waits until all arms that
// others are compared with have been shown to leave headroom.
func (e *experiment) look(trials []evidence.Trial) (evidence.Result, error) {
	if err := e.headrooms.Add(trials); err != nil {
		return evidence.Result{}, err
	}
	if e.held == nil {
		r, err := e.engine.Add(trials)
		if err != nil || !r.Done || r.State != evidence.Holds {
			return r, err
		}
		e.held = &r
	}
	open, shown := e.headrooms.Open()
	switch {
	case shown:
		return *e.held, nil
	case open:
		return evidence.Result{}, nil
	}
	return e.stop(evidence.NoHeadroom), nil
}

// stop ends the test undecided.
func (e *experiment) stop(why evidence.Reason) evidence.Result {
	if e.held == nil {
		return e.engine.Stop(why)
	}
	r := *e.held
	r.State, r.Reason = evidence.Inconclusive, why
	if why == evidence.Budget {
		r.Reason = evidence.NoHeadroom // which is all that was left to show
	}
	return r
}

func stopReason(ctx context.Context) evidence.Reason {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return evidence.Deadline
	}
	return evidence.Cancelled
}

// endBy ends a claim at an error that leaves nothing more to ask: without a verdict
// where the budget or the time is the reason, and with the error otherwise.
func (e *experiment) endBy(ctx context.Context, err error) (evidence.Result, error) {
	switch {
	case budgetSpent(err):
		e.noBudget = true
		return e.stop(evidence.Budget), nil
	case ctx.Err() != nil:
		return e.stop(stopReason(ctx)), nil
	}
	return evidence.Result{}, err
}

// doubtful ends a claim whose replies cannot count.
func (e *experiment) doubtful(found []provenance.Finding) evidence.Result {
	e.warnOf(found)
	return e.stop(claim.DoubtfulReplies)
}

// unchecked is the result of a claim that was decided and of which it could not be
// found out whether what its replies rest on is so: an alarm stands, and nothing is proven.
func (e *experiment) unchecked(ctx context.Context, r evidence.Result, what string, err error) evidence.Result {
	if r.State == evidence.Violated {
		e.warn("whether %s could not be found out: %v", what, err)
		return r
	}
	r.State, r.Reason = evidence.Inconclusive, claim.DoubtfulReplies
	e.doubt = fmt.Sprintf("whether %s could not be found out: %v", what, err)
	switch {
	case ctx.Err() != nil:
		r.Reason = stopReason(ctx)
	case budgetSpent(err):
		r.Reason, e.noBudget = evidence.Budget, true
	}
	return r
}
