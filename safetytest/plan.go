package safetytest

import (
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Plan is what a claim is expected to cost and to be able to show, known before
// the first call.
type Plan struct {
	Claim Claim
	// Forecast counts in pairs: visits of a cell, each a call for every arm.
	Forecast evidence.Forecast
	// CallsPerPair is the number of calls that a pair takes.
	CallsPerPair int
	// ReportCalls are the calls for arms that are only reported.
	ReportCalls int
}

// Plan says what testing a claim will take. It calls no model. It reports what
// Test would report before its first call: a malformed claim, or a mix larger
// than the policy's pool.
func (s *Subject) Plan(c Claim) (Plan, error) {
	if err := c.Validate(); err != nil {
		return Plan{}, err
	}
	if _, err := s.experiment(c); err != nil {
		return Plan{}, err
	}
	d, err := s.design(c)
	if err != nil {
		return Plan{}, err
	}
	f, err := d.Forecast()
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Claim: c, Forecast: f, CallsPerPair: c.decisiveArms()}
	if c.OverTargets {
		p.CallsPerPair *= s.config.Draws
	}
	for _, a := range c.Arms {
		if a.ReportOnly {
			p.ReportCalls += s.sequence(c).perDraw * s.config.Draws
		}
	}
	return p, nil
}

// Calls is the expected number of calls if the true effect is none, and the
// largest number possible, without retries.
func (p Plan) Calls() (expected, most int) {
	return int(p.Forecast.AtZero.Trials+0.5)*p.CallsPerPair + p.ReportCalls, p.Forecast.Max*p.CallsPerPair + p.ReportCalls
}
