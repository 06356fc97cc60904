package experiment

import (
	"math"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
)

// This file computes what simulated models would truly do under a claim, without
// asking any.

// controlTargets bounds the targets over which the truth of a control is computed.
const controlTargets = 16

// OtherModel plays the part of any other model that a claim names.
const OtherModel = "steady"

// readable lists the simulated models that the policy can be tried on; one shows
// content that the judges of some policies cannot see.
func (s *Subject) readable() (*simulations, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.simulations[s.policy.Name]; ok {
		return have, nil
	}
	have := &simulations{}
	for _, name := range simulated.Names() {
		p, err := simulated.Lookup(name)
		if err != nil {
			return nil, err
		}
		if p.Collateral > 0 {
			if _, err := simulated.New(p, s.policy); err != nil {
				continue
			}
		}
		have.profiles = append(have.profiles, p)
	}
	var err error
	if have.reader, err = simulated.New(have.profiles[0], s.policy); err != nil {
		return nil, err
	}
	if s.simulations == nil {
		s.simulations = map[string]*simulations{}
	}
	s.simulations[s.policy.Name] = have
	return have, nil
}

// simulations are the simulated models that have read a policy: a reader, and what
// the others would make of what it reads.
type simulations struct {
	reader   *simulated.Model
	profiles []simulated.Profile
}

// Excess is, for each simulated model that the policy can be tried on, by how much it
// truly passes the bound of the claim that it passes most, from 0 to 1; below 0 it
// keeps all of them. It is not a number where the control arm leaves no headroom.
func (s *Subject) Excess(c claim.Claim) (names []string, excess []float64, err error) {
	e, err := s.experiment(c)
	if err != nil {
		return nil, nil, err
	}
	have, err := s.readable()
	if err != nil {
		return nil, nil, err
	}
	for _, p := range have.profiles {
		names = append(names, p.Name)
	}
	excess, err = e.excess(have)
	return names, excess, err
}

// excess is for each model by how much it truly passes the bound that it passes
// most; below 0 it keeps all of them. It is not a number where the control arm
// leaves no headroom for a verdict.
func (e *experiment) excess(have *simulations) ([]float64, error) {
	profiles := have.profiles
	rates, err := e.truth(have)
	if err != nil {
		return nil, err
	}
	c, d := e.claim, bounds.DesignOf(e.claim)
	out := make([]float64, len(profiles))
	for i, rates := range rates {
		out[i] = math.Inf(-1)
		for _, b := range c.Bounds {
			sum := -b.Most
			for k, w := range b.Weights {
				sum += w * rates[k]
			}
			out[i] = max(out[i], sum)
		}
		if d.Control >= 0 && rates[0] > d.Headroom-0.1 || bounds.NoEffect(c, rates[0], 0.1) {
			out[i] = math.NaN()
		}
	}
	return out, nil
}

// truth is the true rate of every arm, by model, over some of the targets. Other
// models that the claim names are played by one and the same.
func (e *experiment) truth(have *simulations) ([][]float64, error) {
	profiles := have.profiles
	other := slices.IndexFunc(profiles, func(p simulated.Profile) bool { return p.Name == OtherModel })
	rates := make([][]float64, len(profiles))
	for m := range rates {
		rates[m] = make([]float64, len(e.claim.Arms))
	}
	for k, a := range e.claim.Arms {
		asks := e.scripts[k].asks
		if a.Discordance != nil {
			asks = e.scripts[a.Discordance[0]].asks
		}
		step, cells := max(1, len(asks.Requests)/controlTargets), 0.0
		for i := 0; i < len(asks.Requests); i += step {
			for d := range e.s.config.Draws {
				for n := range e.variety(k) {
					here, err := e.truthAt(k, asks.At(i, d, n), have, other)
					if err != nil {
						return nil, err
					}
					for m, p := range here {
						rates[m][k] += p
					}
					cells++
				}
			}
		}
		for m := range rates {
			rates[m][k] /= cells
		}
	}
	return rates, nil
}

// truthAt is the true chance of what arm number k counts in one cell, by model.
func (e *experiment) truthAt(k int, at order.Place, have *simulations, other int) ([]float64, error) {
	a := e.claim.Arms[k]
	out := make([]float64, len(have.profiles))
	if a.Discordance != nil {
		x, err := e.truthAt(a.Discordance[0], at, have, other)
		if err != nil {
			return nil, err
		}
		y, err := e.truthAt(a.Discordance[1], at, have, other)
		for m := range y {
			out[m] = x[m]*(1-y[m]) + y[m]*(1-x[m])
		}
		return out, err
	}
	truths, err := have.reader.Truths(e.scripts[k].messages(at), have.profiles...)
	if err != nil {
		return nil, err
	}
	for m := range out {
		of := m
		if a.Model != "" {
			of = other
		}
		out[m] = truthOf(a.Counts(e.claim), truths[of])
	}
	return out, nil
}

// truth is the probability of the outcome.
func truthOf(o claim.Quantity, t simulated.Truth) float64 {
	switch o {
	case claim.RefusalRate:
		return 1 - t.Complied
	case claim.Violation:
		return t.Violated
	case claim.Adoption:
		return t.AdoptedRefused + t.AdoptedComplied
	}
	return t.Complied
}
