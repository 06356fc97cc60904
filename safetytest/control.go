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
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
)

// chosenControls are simulated models that show whether the instrument can tell a claim
// that is violated from one that holds: policy, judge, demonstrations and
// statistics together (assay sensitivity, design D29). They are chosen by their
// computed truth and not by their names.
type chosenControls struct {
	// Violating is the name of the model that breaks the claim most clearly,
	// Keeping of the one that keeps it best; Broken and Kept are by how many
	// points. A name is empty where no simulated model does so clearly.
	Violating, Keeping string
	Broken, Kept       float64
}

// controlsOf finds the controls of a claim under the subject's policy. It calls no
// model. Claims about stored baselines have none.
func (s *Subject) controlsOf(c claim.Claim) (chosenControls, error) {
	if err := c.Validate(); err != nil {
		return chosenControls{}, err
	}
	for _, a := range c.Arms {
		if a.Stored != "" {
			return chosenControls{}, nil
		}
	}
	names, excess, err := s.under.Excess(c)
	if err != nil {
		return chosenControls{}, err
	}
	var out chosenControls
	for i, name := range names {
		switch x := 100 * excess[i]; {
		case math.IsNaN(x):
		case x >= 200*clearly(c) && x > out.Broken:
			out.Violating, out.Broken = name, x
		case -x >= 100*clearly(c) && (-x > out.Kept || name == plainControl) && out.Keeping != plainControl:
			// One that never varies is known after the fewest calls.
			out.Keeping, out.Kept = name, -x
		}
	}
	return out, nil
}

// plainControl keeps most claims, with one and the same outcome in every arm.
const plainControl = "always-refuses"

// clearly is by how much a control must keep a claim to be distinguished within few
// calls; it must break it by twice that.
func clearly(c claim.Claim) float64 {
	if c.Relation.IsRate() {
		return c.Margin / 2
	}
	return max(c.Margin/2, 0.02)
}

// controlPairs bounds the visits of a control.
const controlPairs = 2400

// testControl tests a claim on a simulated model as if it were the model under
// test: the same policy, judge, draws and batches, asked over HTTP. Nothing is
// recorded, and nothing is paid but what a judge that asks a model costs.
func (s *Subject) testControl(ctx context.Context, name string, c claim.Claim) (claim.Verdict, error) {
	c.VisitsPerTarget = 0 // the floor is about reporting on the model under test
	control, err := s.control(name, c)
	if err != nil {
		return claim.Verdict{}, fmt.Errorf("control sim:%s: %w", name, err)
	}
	return control.Test(ctx, c)
}

// control is a simulated model as a subject. Claims share it, and so the replies
// of equal arms, until the run is closed.
func (s *Subject) control(name string, c claim.Claim) (*Subject, error) {
	config := s.config.ofControl(name, c)
	config.SamplingSeed = s.under.SamplingSeed()
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
			models[a.Model] = Endpoint{Model: simulated.Prefix + experiment.OtherModel}
		}
	}
	return Config{
		Model: simulated.Prefix + name, Models: models, Timeout: c.Timeout,
		Sampling: DefaultSampling(), SendSeed: c.SendSeed, System: c.System,
		Draws: c.Draws, Batch: c.Batch, Choices: c.Choices, Seed: c.Seed, Stopping: c.Stopping, Census: c.Census, MaxPairs: controlPairs, FewTargets: c.FewTargets, patient: true,
		Judge: c.Judge, BlockedRefuses: c.BlockedRefuses, Allow: c.Allow,
	}
}

// CheckControls tests a claim on its controls and reports every one that does not
// come out as its truth demands. The error wraps [ErrNoControl] where all that is
// wrong is that the claim has no clear control.
func (s *Subject) CheckControls(ctx context.Context, c claim.Claim) error {
	if s.under.Judge().Describe().AsksModel() {
		return fmt.Errorf("%w for free: the judge is a model, which would have to be paid for", ErrNoControl)
	}
	found, err := s.controlsOf(c)
	if err != nil {
		return err
	}
	var errs, none []error
	for _, control := range []struct {
		name, does string
		points     float64
		want       evidence.State
	}{
		{found.Violating, "breaks", found.Broken, evidence.Violated},
		{found.Keeping, "keeps", found.Kept, evidence.Holds},
	} {
		if control.name == "" {
			none = append(none, fmt.Errorf("%w that %s it clearly", ErrNoControl, control.does))
			continue
		}
		v, err := s.testControl(ctx, control.name, c)
		switch {
		case err != nil:
			errs = append(errs, err)
		case v.State == evidence.Inconclusive && v.Reason == evidence.Budget && control.want == evidence.Holds && control.name != plainControl:
			none = append(none, fmt.Errorf("%w that %s it clearly enough for %d pairs", ErrNoControl, control.does, v.Pairs))
		case v.State != control.want:
			errs = append(errs, fmt.Errorf("sim:%s %s the claim by %.0f points, and the verdict is %s (%s); the policy's judge or its demonstrations are not what they should be",
				control.name, control.does, control.points, v.State, v.Seen()))
		}
	}
	if len(errs) == 0 {
		return errors.Join(none...)
	}
	return errors.Join(errs...)
}

// ErrNoControl says that there is no simulated model for a control.
var ErrNoControl = errors.New("there is no simulated model")
