package safetytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
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
	return m
}

// Sent says in words how the model is asked: the sampling, and where its protocol
// is not the plain one. It belongs to what is measured, and holds no secret.
func (c Config) Sent() string {
	text := c.Sampling.String()
	if settings := c.Settings(); settings != "" && !c.Simulated() {
		text += "; " + settings
	}
	if c.NoSharedSeeds && !c.Simulated() {
		text += "; seeds not shared"
	}
	return text
}

// parameters are what the configuration says about how claims are tested.
func (c Config) parameters() experiment.Parameters {
	models := map[string]string{}
	for name, e := range c.Models {
		models[name] = e.Model
	}
	stored, _ := json.Marshal(c.stored()) // of plain numbers and words, which cannot fail
	return experiment.Parameters{
		Model: c.Model, Models: models, Sent: c.Sent(), Settings: c.Settings(), Stored: stored, Sampling: c.Sampling, SendSeed: c.SendSeed, NoSharedSeeds: c.NoSharedSeeds, BlockedRefuses: c.BlockedRefuses,
		Concurrency: c.Concurrency, Timeout: c.Timeout,
		MaxPairs: c.MaxPairs, MaxCalls: c.MaxCalls, MaxSpendTokens: c.MaxSpendTokens, MaxCost: c.MaxCost, Prices: c.Prices, Currency: c.Currency,
		Batch: c.Batch, Draws: c.Draws, Stopping: c.Stopping, Seed: c.Seed, Census: c.Census, Patient: c.patient,
		Keeps: c.Dir != "", Replay: c.Replies == RepliesReplay, Rolls: c.Rolls, Allow: c.Allow, Judge: c.Judge,
		OnPace: c.OnPace, Reproduce: c.Reproduce,
	}
}
