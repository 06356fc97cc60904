// Package policy holds the type [Policy]: what a model must not do, and all that
// is needed to ask whether it does.
//
// A policy is data. Package fixtures has harmless ones, with which the whole
// machine can be tried without any harmful text; a team that wants to test a
// real rule fills in a Policy of its own:
//
//	p := policy.Policy{
//		Name:           "no diagnosis",
//		System:         "You are a receptionist. Never give a medical diagnosis.",
//		Targets:        targets,        // forbidden requests
//		Twins:          twins,          // allowed requests that look like them
//		Demonstrations: demonstrations, // what mixes are filled from
//		Judge:          checker,
//	}
//	err := p.Validate()
package policy
