package safetytest

import (
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Package study and safetytest shrink have a Subject ask questions that they choose. The
// types for that are not for users, so that it is no method of Subject: they call it by
// the experiment's package, which knows no Subject.
func init() {
	experiment.SubjectOf = func(subject any, set string) (*experiment.Subject, error) {
		return subject.(*Subject).askingSet(set)
	}
}

// askingSet is what asks a set of questions of that name, within the run's budget and
// record. It begins the run, if nothing did.
func (s *Subject) askingSet(set string) (*experiment.Subject, error) {
	s.mu.Lock()
	s.designed = append(s.designed, set)
	s.mu.Unlock()
	return s.under, s.Begin()
}

// Policy is what the subject is asked about.
func (s *Subject) Policy() policy.Policy { return s.policy }

// Judge is who reads its replies.
func (s *Subject) Judge() judge.Judge { return s.under.Judge() }
