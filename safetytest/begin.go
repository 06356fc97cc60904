package safetytest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Announce tells which claims the run is going to test under the subject's policy.
// It comes before Begin, which opens the record for all that were announced.
func (s *Subject) Announce(claims ...claim.Claim) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range claims {
		s.announced = append(s.announced, s.key(c))
	}
}

// slack is how much longer than one call's timeout another process of the run may
// write nothing: it may wait before it tries again.
const slack = 2 * time.Minute

// key names a claim in the run's record.
func (s *Subject) key(c claim.Claim) string {
	if s.policy.Name == s.main {
		return c.ID()
	}
	return c.ID() + "@" + s.policy.Name
}

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
		m := s.manifest()
		if s.config.Dir == "" {
			s.record.Store(record.InMemory(m, s.config.MaxCalls))
			return
		}
		rec, err := record.Open(s.config.Dir, m, record.Options{
			Mode: modes[s.config.Replies], Run: s.config.Run, SamplingSeed: s.config.SamplingSeed,
			OnlyThisRun: s.config.OnlyThisRun, MaxAge: s.config.MaxAge, Release: s.config.Release,
			Patience: s.config.Timeout + slack,
			MaxCalls: s.config.MaxCalls, MaxTokens: s.config.MaxSpendTokens,
			RequestsPerMinute: s.config.RequestsPerMinute, TokensPerMinute: s.config.TokensPerMinute,
		})
		if err != nil {
			s.beginErr = err
			return
		}
		s.seed.Store(rec.SamplingSeed())
		s.record.Store(rec)
	})
	return s.beginErr
}

// manifest says what the run asks whom.
func (s *Subject) manifest() record.Manifest {
	if s.rereads != nil {
		m := *s.rereads
		m.Judge = s.reader()
		return m
	}
	m := record.Manifest{
		Model: s.config.Model, Endpoint: s.config.BaseURL, Sampling: s.config.Sent(),
		Policy: s.policyHash(), Judge: s.reader(),
		Design: s.config.lookedAt(),
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
	m.Claims = slices.Clone(s.announced)
	return m
}

// Sent says in words how the model is asked: the sampling, and where its protocol
// is not the plain one. It belongs to what is measured, and holds no secret.
func (c Config) Sent() string {
	text := c.Sampling.String()
	if settings := c.Settings(); settings != "" && !c.Simulated() {
		text += "; " + settings
	}
	return text
}

// lookedAt says in words when the evidence is looked at. A run that looks otherwise
// is not continued: each way has its own error rates.
func (c Config) lookedAt() string {
	text := fmt.Sprintf("batches of %d", c.Batch)
	if c.Stopping > evidence.Sequential {
		text += ", " + c.Stopping.String()
	}
	if c.oneLook() { // 0 pairs: as many as planned
		text += fmt.Sprintf(" after %d pairs", c.MaxPairs)
	}
	return text
}

// oneLook says whether some look spends what error is left, so that none may come
// after it.
func (c Config) oneLook() bool { return c.Stopping.Final() }

// policyHash identifies all of the policy that decides what is asked.
func (s *Subject) policyHash() string {
	h := sha256.New()
	p := s.policy
	_ = json.NewEncoder(h).Encode([]any{p.Name, p.System, p.Targets, p.Twins, p.Unrelated, p.Demonstrations}) // neither texts nor a hash can fail
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// reader names who reads the replies, and what becomes of those that a filter
// withheld.
func (s *Subject) reader() string {
	if s.config.BlockedRefuses {
		return judgeName(s.judge()) + "; blocked counts as refused"
	}
	return judgeName(s.judge())
}

// judgeName tells judges apart as far as they can be told: by what they say of
// themselves.
func judgeName(j judge.Judge) string { return j.Describe().String() }
