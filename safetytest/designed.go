package safetytest

import (
	"context"

	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Package study designs sets of questions and has a Subject ask them. Its types are not
// for users, so it is no method of Subject: study calls it by the experiment's room,
// which knows no Subject.
func init() {
	experiment.AskOf = func(ctx context.Context, subject any, d experiment.Designed) (experiment.DesignedReplies, error) {
		return subject.(*Subject).askDesigned(ctx, d)
	}
}

// askDesigned asks a designed set of questions, all of them in their order, within the
// run's budget and record. It begins the run, if nothing did.
func (s *Subject) askDesigned(ctx context.Context, d experiment.Designed) (experiment.DesignedReplies, error) {
	s.mu.Lock()
	s.designed = append(s.designed, d.Name)
	s.mu.Unlock()
	if err := s.Begin(); err != nil {
		return experiment.DesignedReplies{}, err
	}
	return s.under.AskDesigned(ctx, d)
}

// Policy is what the subject is asked about.
func (s *Subject) Policy() policy.Policy { return s.policy }

// Judge is who reads its replies.
func (s *Subject) Judge() judge.Judge { return s.under.Judge() }
