package safetytest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/singleflight"
)

// Announce names the claims that the run is going to test under the subject's policy.
// It comes before Begin, which opens the record for all that were announced.
func (s *Subject) Announce(claims ...claim.Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range claims {
		s.announced = append(s.announced, announced{s.under, c})
	}
}

// slack is how much longer than one call's timeout another process of the run may
// write nothing: it may wait before it tries again.
const slack = 2 * time.Minute

// modes are the record's words for what becomes of recorded replies.
var modes = map[Replies]record.Mode{RepliesAuto: record.Auto, RepliesFresh: record.Fresh, RepliesResume: record.Resume, RepliesReplay: record.Replay}

// Begin opens the run's record, if it keeps one, for the claims that the run is
// going to test: those given, and those announced. Only the first call counts,
// and it comes before the first test; without it the first test begins a run
// whose claims are not known beforehand. It calls no model.
//
// It reports a record that cannot be written, before anything is paid for, and
// in the modes Resume and Replay that there is nothing to go on from.
func (s *Subject) Begin(claims ...claim.Claim) error {
	s.begin.Do(func() {
		s.Announce(claims...)
		defer s.expect()
		m := s.manifest()
		if s.config.Dir == "" {
			s.asking.Use(record.InMemory(m, s.config.MaxCalls), s.config.SamplingSeed)
			return
		}
		rec, err := record.Open(s.config.Dir, m, record.Options{
			Mode: modes[s.config.Replies], Run: s.config.Run, SamplingSeed: s.config.SamplingSeed,
			OnlyThisRun: s.config.OnlyThisRun, MaxAge: s.config.MaxAge, Release: s.config.Release,
			Patience: s.config.Timeout + slack,
			MaxCalls: s.config.MaxCalls, MaxTokens: s.config.MaxSpendTokens, MaxCost: s.config.MaxCost, Currency: s.config.Currency,
			RequestsPerMinute: s.config.RequestsPerMinute, TokensPerMinute: s.config.TokensPerMinute,
		})
		if err != nil {
			s.beginErr = err
			return
		}
		s.asking.Use(rec, rec.SamplingSeed())
	})
	return s.beginErr
}

// expect has the budget divided among the claims that were announced.
func (s *Subject) expect() {
	s.mu.Lock()
	all := slices.Clone(s.announced)
	s.mu.Unlock()
	for _, a := range all {
		a.under.Expect(a.claim)
	}
}

// manifest says what the run asks whom.
func (s *Subject) manifest() record.Manifest {
	if s.rereads != nil {
		m := *s.rereads
		m.Judge = s.under.Reader()
		return m
	}
	m := record.Manifest{
		Model: s.config.Model, Endpoint: s.config.BaseURL, Sampling: s.config.Sent(),
		Policy: s.under.PolicyHash(), Judge: s.under.Reader(),
		Design: s.config.parameters().LookedAt(),
		Seed:   s.config.Seed, Draws: s.config.Draws,
	}
	if s.config.Simulated() {
		m.Endpoint = "simulated"
	}
	for _, name := range slices.Sorted(maps.Keys(s.config.Models)) {
		m.Model += fmt.Sprintf("; %s: %s", name, s.config.Models[name])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.announced {
		m.Claims = append(m.Claims, a.under.Key(a.claim))
	}
	m.Claims = append(m.Claims, s.designed...)
	return m
}

// Plan says what testing a claim will take. It calls no model. It reports what
// Test would report before its first call: a malformed claim, or a mix larger
// than the policy's pool.
func (s *Subject) Plan(c claim.Claim) (claim.Plan, error) { return s.under.Plan(c) }

// Test asks the model until the claim is decided or cannot be, and returns the
// verdict. The same claim asked again returns the same verdict and costs
// nothing, so nobody can roll the dice twice.
//
// An inconclusive verdict is no error. An error means that there is no verdict:
// the claim is malformed, its mix is larger than the policy's pool, or the
// endpoint cannot be used; no such reply counts as a refusal or as compliance.
func (s *Subject) Test(ctx context.Context, c claim.Claim) (claim.Verdict, error) {
	if err := c.Validate(); err != nil {
		return claim.Verdict{}, err
	}
	key := s.policy.Name + "\x00" + c.Canonical()
	t, _, err := s.tests.Do(ctx, key, func(t *test) singleflight.Outcome { return s.decide(ctx, c, t) })
	if err != nil {
		return claim.Verdict{}, fmt.Errorf("%s: waiting for the verdict: %w", s, context.Cause(ctx))
	}
	if t.err == nil && s.config.OnVerdict != nil {
		s.config.OnVerdict(t.verdict)
	}
	return t.verdict, t.err
}

// decide tests a claim for all who ask for it. What an interruption left open is
// not remembered: asking again goes on with the same evidence.
func (s *Subject) decide(ctx context.Context, c claim.Claim, t *test) singleflight.Outcome {
	t.err = fmt.Errorf("%s: the test did not come to its end", s) // unless it does
	if err := s.Begin(); err != nil {
		t.err = plain.Error(err)
	} else {
		t.verdict, t.err = s.under.Test(ctx, c)
		t.err = plain.Error(t.err)
	}
	if ctx.Err() != nil && (t.err != nil || t.verdict.State == evidence.Inconclusive) {
		return singleflight.Interrupted
	}
	if t.err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.verdicts = append(s.verdicts, t.verdict)
	}
	return singleflight.Keep
}

// Verdicts lists the verdicts reached so far, in the order they were reached.
func (s *Subject) Verdicts() []claim.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]claim.Verdict(nil), s.verdicts...)
}

// Passes is what a matcher makes of a verdict: true where the claim holds, false
// where it is violated. All else is an error: a [claim.InconclusiveError], which a suite
// may turn into a skip, and a claim that holds over fewer targets than any release
// may rest on, unless Config.FewTargets.
func (s *Subject) Passes(v claim.Verdict) (bool, error) {
	switch v.State {
	case evidence.Holds:
		if v.Targets > 0 && v.Targets < claim.LeastTargets && !s.config.FewTargets {
			return false, fmt.Errorf("NOT PROVEN: %s; add targets, or state Config.FewTargets for exploration\n%s", v.Few(), v.Headline())
		}
		return true, nil
	case evidence.Violated:
		return false, nil
	}
	if s.config.OnInconclusive != nil {
		s.config.OnInconclusive(v)
	}
	return false, &claim.InconclusiveError{Verdict: v}
}

// StoreBaseline asks every cell under each arm the given number of times and
// writes what was seen to a file, which [prompt.Setting] names as Stored. It takes requests x
// draws x arms x visits calls, and those that tell whether the replies count, as the replies
// to a claim must. The file holds counts by cell, no requests and no replies, and appears
// whole or not at all: not where replies cannot count, or more than 5 % of an arm are missing.
func (s *Subject) StoreBaseline(ctx context.Context, path string, visits int, arms ...claim.Arm) error {
	if visits < 1 {
		return fmt.Errorf("a baseline of %d visits a cell", visits)
	}
	c := claim.Claim{Property: "baseline", Statement: "store a baseline", Arms: arms, Quantity: claim.Compliance, Relation: claim.Below, Margin: claim.DefaultMargin}.Bounded()
	if err := c.Validate(); err != nil {
		return err
	}
	for _, a := range arms {
		if !a.Calls() || a.ReportOnly {
			return fmt.Errorf("arm %q asks nothing that could be stored", a.Name)
		}
	}
	if err := s.Begin(c); err != nil {
		return err
	}
	return s.under.StoreBaseline(ctx, path, visits, c)
}
