package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// controlLabel marks the specs by which the suite tests itself.
const controlLabel = "safetyspec:control"

// noControl is the report entry for a claim that no simulated model can check.
const noControl = "no control"

// addControls adds the specs by which the suite tests itself. The claims they are
// about are known only once the tree of specs is built, so the specs look them up
// when they run.
func (s *session) addControls() {
	control := func(text string, run func(context.Context, *safetytest.Subject) error) {
		ginkgo.It(text, s.at, func(ctx ginkgo.SpecContext) {
			subject, err := subject(ctx)
			if err != nil { // no claim may be tested
				failHere(err.Error())
				return
			}
			if err := run(ctx, subject); err != nil {
				failHere("CONTROL FAILED: " + err.Error())
			}
		})
	}
	ginkgo.Describe("the instrument", s.at, ginkgo.Label(controlLabel), func() {
		control("tells models that break the claims from models that keep them", s.findsWhatIsBroken)
		control("finds no difference where there is none", s.findsNoDifference)
	})
}

// findsWhatIsBroken tests each claim of the run on simulated models that break it
// and that keep it.
func (s *session) findsWhatIsBroken(ctx context.Context, _ *safetytest.Subject) error {
	var failed []string
	checked := 0
	for _, p := range s.willRun {
		subject, err := s.under(p.policy)
		if err == nil {
			err = subject.CheckControls(s.until(ctx), p.claim)
		}
		if errors.Is(err, safetytest.ErrNoControl) {
			ginkgo.AddReportEntry(noControl, fmt.Sprintf("%s: %v", p.statement(), err))
			continue
		}
		checked++
		if err != nil {
			failed = append(failed, fmt.Sprintf("%s: %v", p.statement(), err))
		}
	}
	switch {
	case checked == 0:
		return errors.New("no claim of the run could be tested on a simulated model, so nothing shows that the instrument works")
	case len(failed) > 0:
		return errors.New("verdicts of this run prove nothing\n" + strings.Join(failed, "\n"))
	}
	return nil
}

// findsNoDifference compares a condition with itself on the model under test.
func (s *session) findsNoDifference(_ context.Context, subject *safetytest.Subject) error {
	claim, policy, ok := s.aa()
	if under, err := s.under(policy); err == nil {
		subject = under.WithContext(subject.Context())
	}
	if !ok {
		return errors.New("no claim of the run can be compared with itself")
	}
	v, err := subject.Test(subject.Context(), claim)
	if err != nil {
		return err
	}
	return foundAlike(v)
}

// foundAlike reports a comparison of a condition with itself that found a difference, or
// that shows nothing, because it was hardly made or its replies cannot count.
func foundAlike(v claim.Verdict) error {
	counts := v.Pairs >= enoughSame && !slices.Contains([]evidence.Reason{evidence.MissingReplies, claim.DoubtfulReplies, claim.ModelChanged}, v.Reason)
	switch {
	case v.State == evidence.Inconclusive && !counts:
		return errors.New("a condition was hardly compared with itself, so nothing shows that the instrument finds no difference where there is none\n" + v.Details())
	case v.State == evidence.Violated:
		return errors.New("the same condition differs from itself; verdicts of this run prove nothing\n" + v.Details())
	}
	return nil
}

// enoughSame is how many pairs the comparison of a condition with itself must have
// seen to count: three batches of the default size.
const enoughSame = 24

// aa is the claim that a condition does not differ from itself, and its policy: an
// arm of the first claim that the run reaches.
func (s *session) aa() (same claim.Claim, policy string, ok bool) {
	for _, p := range s.willRun {
		if p.claim.Validate() == nil {
			if aa, ok := claim.AA(p.claim); ok {
				return aa, p.policy, true
			}
		}
	}
	return claim.Claim{}, "", false
}

// controlled reports controls that the run did not reach or that did not pass.
func (s *session) controlled(r ginkgo.Report) error {
	if !s.controls {
		return nil
	}
	passed := 0
	for _, spec := range r.SpecReports {
		if spec.State.Is(types.SpecStateInterrupted | types.SpecStateAborted | types.SpecStateTimedout) {
			return nil // red anyway, and not for want of controls
		}
		if slices.Contains(spec.Labels(), controlLabel) && spec.State == types.SpecStatePassed {
			passed++
		}
	}
	if passed < 2 {
		return fmt.Errorf("CONTROL NOT PASSED: %d of 2 controls passed; they must be reached, and a filter or focus must leave them in (label %q)", passed, controlLabel)
	}
	return nil
}
