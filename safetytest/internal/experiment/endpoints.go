package experiment

import (
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// This file keeps what a run knows of the endpoints that it asks.

// origins is what a run knows of its endpoints, shared by all claims.
type origins struct {
	whole map[route]wholePrompts
	asked map[asking]bool // models of which some questions were asked anew
	// cleared are those of which many were, because answers often repeated.
	cleared map[asking]bool
	stale   map[string]provenance.Finding
}

// asking is a model, and how many replies a request to it asks for: what keeps the answers
// to requests for several may make those to requests for one anew.
type asking struct {
	model   string
	choices int
}

// route is a way by which prompts reach a model: in one form, with or without a system
// prompt. What shortens conversations, such as a gateway that passes on the last messages
// only, leaves a transcript in one message whole, and the reverse; and some drop system
// prompts.
type route struct {
	model  string
	form   prompt.Form
	system bool
	// choices is how many replies a request asks for: what takes those for several may
	// cut them where those for one are read whole.
	choices int
}

// route is the one by which the script asks.
func (s *script) route() route {
	return route{s.arm.Model, s.arm.Presentation.Form, s.system != "", max(1, s.choices)}
}

// wholePrompts says up to which size an endpoint was seen to read prompts whole.
type wholePrompts struct {
	size    int
	unknown string // why nothing could be found out, "" if something was
	note    string // what could not be verified and is likely all the same, "" where nothing is
}

// real says whether a model is somebody's endpoint that may be asked about itself:
// not one of ours, and not one that the caller made.
func (s *Run) real(model string) bool {
	if !s.config.AdmitsItself || s.config.Replay {
		return false
	}
	return !s.simulates(model)
}

// sharesReplies says whether claims may take over each other's replies of a model. One
// of ours stays as it is. Of others a reply is as old as the claim that asked first,
// while the arm that it is compared with is asked now: what changed meanwhile would
// pass for an effect.
func (s *Run) sharesReplies(model string) bool {
	return s.simulates(model) || s.config.allows(provenance.Time)
}

// SharesReplies says whether claims take over each other's replies of equal arms.
func (s *Run) SharesReplies() bool { return s.sharesReplies("") }

// simulates says whether a model is one of ours.
func (s *Run) simulates(model string) bool {
	name := s.config.Model
	if model != "" {
		name = s.config.Models[model]
	}
	return simulated.Named(name)
}

// greedy says whether the model is asked for its most probable reply only. That
// replies then repeat is what servers promise and few keep: it is measured, not
// believed (design, rule 12).
func (s *Subject) greedy() bool {
	t := s.config.Sampling.Temperature
	return t != nil && *t == 0
}
