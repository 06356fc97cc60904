package experiment

import (
	"context"
	"errors"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// This file says what an error means for what else may be asked.

// budgetSpent reports whether an error says that no further call may be made.
func budgetSpent(err error) bool { return errors.Is(err, record.ErrBudget) }

// endsAsking reports whether an error leaves nothing more to ask for this claim: no
// other call could succeed, the budget is spent, or the context has ended. Any other
// error is one call's own.
func endsAsking(ctx context.Context, err error) bool {
	return err != nil && (permanent(err) || budgetSpent(err) || ctx.Err() != nil)
}

// oneClaimOnly says that an error is about this claim's prompts, so that other
// claims may fare better.
func oneClaimOnly(err error) bool {
	if errors.Is(err, record.ErrMiss) { // a replay may hold all of another claim
		return true
	}
	var e *chat.Error
	return errors.As(err, &e) && (e.Kind == chat.TooLong || e.Kind == chat.Rejected || e.Kind == chat.InvalidRequest)
}

// permanent says that no other call for this claim could succeed either.
func permanent(err error) bool {
	for _, fatal := range []error{record.ErrMiss, record.ErrChanged, record.ErrWrite} {
		if errors.Is(err, fatal) {
			return true
		}
	}
	var e *chat.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case chat.Interrupted, chat.TimedOut, chat.RateLimited, chat.ServerFailed, chat.Unreadable:
		return false
	}
	return true
}
