package safetytest

import (
	"context"

	"github.com/safetyspec/safetyspec/safetytest/claim"
)

// Controls and TestControl are the parts of CheckControls, for tests of what it finds.
func (s *Subject) Controls(c claim.Claim) (chosenControls, error) { return s.controlsOf(c) }

func (s *Subject) TestControl(ctx context.Context, name string, c claim.Claim) (claim.Verdict, error) {
	return s.testControl(ctx, name, c)
}
