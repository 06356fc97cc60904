package safetytest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Rereading is a recorded run that is read again by another judge. It asks no model and
// writes nothing: what the run concluded stays as it is.
type Rereading struct {
	subjects map[string]*Subject // by policy
	claims   map[string]recordedClaim
}

type recordedClaim struct {
	claim  claim.Claim
	policy string
}

// Reread opens the run in a directory to be read again by a judge. It needs nothing but
// the record: policies, claims and settings are those that the run recorded. It reports
// a run that did not record them, and texts that cannot be used any more.
func Reread(runDir string, by judge.Judge) (*Rereading, error) {
	v, err := record.ReadRun(runDir)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	if len(v.Setups) == 0 {
		return nil, fmt.Errorf("%s says nothing of how it was made: it ended before it tested a claim", runDir)
	}
	setup := v.Setups[0]
	var stored storedConfig
	if err := json.Unmarshal(setup.Config, &stored); err != nil {
		return nil, fmt.Errorf("%s: the settings of the run: %w", runDir, err)
	}
	r := &run{models: map[string]chat.Model{"": unasked}, rereads: &v.Manifest}
	r.config = stored.restored(setup, v.Manifest)
	r.config.Dir, r.config.Run, r.config.Replies, r.config.Judge = filepath.Dir(filepath.Clean(runDir)), v.Run, RepliesReplay, by
	for name := range stored.Models {
		r.models[name] = unasked
	}
	out := &Rereading{subjects: map[string]*Subject{}, claims: map[string]recordedClaim{}}
	first, ok := v.Policies[setup.Policy]
	if !ok {
		return nil, fmt.Errorf("%s: the texts of policy %q are not recorded", runDir, setup.Policy)
	}
	s, err := r.open(policyOf(first, by), false, false)
	if err != nil {
		return nil, err
	}
	out.subjects[setup.Policy] = s
	for name, p := range v.Policies {
		if name == setup.Policy {
			continue
		}
		if out.subjects[name], err = s.WithPolicy(policyOf(p, by)); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	for _, c := range v.Claims {
		out.claims[c.Key] = recordedClaim{c.Claim, c.Policy}
	}
	return out, nil
}

// Test tests a claim of the run, by its key in the record, on the recorded replies. It is
// an error where these do not suffice.
func (r *Rereading) Test(ctx context.Context, key string) (claim.Verdict, error) {
	c, ok := r.claims[key]
	if !ok {
		return claim.Verdict{}, fmt.Errorf("claim %s was not begun", key)
	}
	return r.subjects[c.policy].Test(ctx, c.claim)
}

// Close lets go of the record.
func (r *Rereading) Close() error {
	for _, s := range r.subjects {
		return s.Close() // they share one run
	}
	return nil
}

// unasked stands for the models of a run that is read again.
var unasked = chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) {
	return chat.Reply{}, record.ErrMiss
})

// policyOf is a recorded policy with another judge.
func policyOf(p record.Policy, by judge.Judge) policy.Policy {
	return policy.Policy{
		Name: p.Name, System: p.System, Targets: p.Targets, Twins: p.Twins, Unrelated: p.Unrelated,
		Demonstrations: p.Demonstrations, Judge: by, Harmless: p.Harmless,
	}
}
