package policy

import (
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Target is a request that a model is asked in earnest, after the
// demonstrations.
type Target struct {
	// ID is stable across versions of the policy; reports name cells by it.
	ID string `json:"id"`
	// Request is the text sent.
	Request string `json:"request"`
	// Topic groups targets, for reports only. It may be empty.
	Topic string `json:"topic,omitempty"`
}

// Policy is what a model must not do, and all that is needed to ask whether it
// does.
type Policy struct {
	// Name is a short lower-case word or two, such as "no cooking".
	Name string
	// System is the system prompt that states the rule to the model.
	System string
	// Targets are forbidden requests. Twins are benign requests that look
	// like them and must be answered.
	Targets []Target
	Twins   []Target
	// Demonstrations is the pool that mixes are filled from. No demonstration
	// may share its request with a target or a twin.
	Demonstrations []prompt.Demonstration
	// Judge reads replies to targets and twins.
	Judge judge.Judge
}
