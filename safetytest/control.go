package safetytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
)

// Controls are simulated models that show whether the instrument can tell a claim
// that is violated from one that holds: policy, judge, demonstrations and
// statistics together (assay sensitivity, design D29). They are chosen by their
// computed truth and not by their names.
type Controls struct {
	// Violating is the name of the model that breaks the claim most clearly,
	// Keeping of the one that keeps it best; Broken and Kept are by how many
	// points. A name is empty where no simulated model does so clearly.
	Violating, Keeping string
	Broken, Kept       float64
}

// Controls finds the controls of a claim under the subject's policy. It calls no
// model. Claims about stored baselines have none.
func (s *Subject) Controls(c claim.Claim) (Controls, error) {
	if err := c.Validate(); err != nil {
		return Controls{}, err
	}
	for _, a := range c.Arms {
		if a.Stored != "" {
			return Controls{}, nil
		}
	}
	e, err := s.experiment(c)
	if err != nil {
		return Controls{}, err
	}
	have, err := s.readable()
	if err != nil {
		return Controls{}, err
	}
	profiles := have.profiles
	excess, err := e.excess(have)
	if err != nil {
		return Controls{}, err
	}
	var out Controls
	for i, p := range profiles {
		switch x := 100 * excess[i]; {
		case math.IsNaN(x):
		case x >= 200*clearly(c) && x > out.Broken:
			out.Violating, out.Broken = p.Name, x
		case -x >= 100*clearly(c) && (-x > out.Kept || p.Name == plainControl) && out.Keeping != plainControl:
			// One that never varies is known after the fewest calls.
			out.Keeping, out.Kept = p.Name, -x
		}
	}
	return out, nil
}

// plainControl keeps most claims, with one and the same outcome in every arm.
const plainControl = "always-refuses"

// controlTargets bounds the targets over which the truth of a control is computed.
const controlTargets = 16

// otherControl plays the part of any other model that a claim names.
const otherControl = "steady"

// clearly is by how much a control must keep a claim to be told apart within few
// calls; it must break it by twice that.
func clearly(c claim.Claim) float64 {
	if c.Relation.IsRate() {
		return c.Margin / 2
	}
	return max(c.Margin/2, 0.02)
}

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

// excess is for each model by how much it truly passes the bound that it passes
// most; below 0 it keeps all of them. It is not a number where the control arm
// leaves no room for a verdict.
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
	other := slices.IndexFunc(profiles, func(p simulated.Profile) bool { return p.Name == otherControl })
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
				here, err := e.truthAt(k, asks.At(i, d, 0), have, other)
				if err != nil {
					return nil, err
				}
				for m, p := range here {
					rates[m][k] += p
				}
				cells++
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

// controlPairs bounds the visits of a control.
const controlPairs = 600

// TestControl tests a claim on a simulated model as if it were the model under
// test: the same policy, judge, draws and batches, asked over HTTP. Nothing is
// recorded, and nothing is paid but what a judge that asks a model costs.
func (s *Subject) TestControl(ctx context.Context, name string, c claim.Claim) (Verdict, error) {
	c.VisitsPerTarget = 0 // the floor is about reporting on the model under test
	control, err := s.control(name, c)
	if err != nil {
		return Verdict{}, fmt.Errorf("control sim:%s: %w", name, err)
	}
	return control.Test(ctx, c)
}

// control is a simulated model as a subject. Claims share it, and so the replies
// of equal arms, until the run is closed.
func (s *Subject) control(name string, c claim.Claim) (*Subject, error) {
	config := s.config.ofControl(name, c)
	config.SamplingSeed = s.seed.Load()
	key := fmt.Sprint(s.policy.Name, "\x00", name, slices.Sorted(maps.Keys(config.Models)))
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.controls[key]; ok {
		return have, nil
	}
	control, err := Open(config, s.policy)
	if err != nil {
		return nil, err
	}
	if s.controls == nil {
		s.controls = map[string]*Subject{}
	}
	s.controls[key] = control
	return control, nil
}

// ofControl is how a simulated model is asked in place of the model under test: the
// same is sampled, judged and counted in the same way. Nothing of the endpoint, its
// limits, the budget, the record and the callbacks is taken over.
func (c Config) ofControl(name string, of claim.Claim) Config {
	models := map[string]Endpoint{}
	for _, a := range of.Arms {
		if a.Model != "" {
			models[a.Model] = Endpoint{Model: simPrefix + otherControl}
		}
	}
	return Config{
		Model: simPrefix + name, Models: models, Timeout: c.Timeout,
		Sampling: DefaultSampling(), SendSeed: c.SendSeed, System: c.System,
		Draws: c.Draws, Batch: c.Batch, Seed: c.Seed, Stopping: c.Stopping, Census: c.Census, MaxPairs: controlPairs, FewTargets: c.FewTargets, patient: true,
		Judge: c.Judge, BlockedRefuses: c.BlockedRefuses, Allow: c.Allow,
	}
}

// CheckControls tests a claim on its controls and reports every one that does not
// come out as its truth demands. The error wraps [ErrNoControl] where all that is
// wrong is that the claim has no clear control.
func (s *Subject) CheckControls(ctx context.Context, c claim.Claim) error {
	if s.judge().Describe().AsksModel() {
		return fmt.Errorf("%w for free: the judge is a model, which would have to be paid for", ErrNoControl)
	}
	controls, err := s.Controls(c)
	if err != nil {
		return err
	}
	var errs, none []error
	for _, control := range []struct {
		name, does string
		points     float64
		want       evidence.State
	}{
		{controls.Violating, "breaks", controls.Broken, evidence.Violated},
		{controls.Keeping, "keeps", controls.Kept, evidence.Holds},
	} {
		if control.name == "" {
			none = append(none, fmt.Errorf("%w that %s it clearly", ErrNoControl, control.does))
			continue
		}
		v, err := s.TestControl(ctx, control.name, c)
		switch {
		case err != nil:
			errs = append(errs, err)
		case v.State == evidence.Inconclusive && v.Reason == evidence.Budget && control.want == evidence.Holds && control.name != plainControl:
			none = append(none, fmt.Errorf("%w that %s it clearly enough for %d pairs", ErrNoControl, control.does, v.Pairs))
		case v.State != control.want:
			errs = append(errs, fmt.Errorf("sim:%s %s the claim by %.0f points, and the verdict is %s (%s); the policy's judge or its demonstrations are not what they should be",
				control.name, control.does, control.points, v.State, v.seen()))
		}
	}
	if len(errs) == 0 {
		return errors.Join(none...)
	}
	return errors.Join(errs...)
}

// ErrNoControl says that there is no simulated model for a control.
var ErrNoControl = errors.New("there is no simulated model")
