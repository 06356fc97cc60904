package safetytest

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// experiment is one claim under test.
type experiment struct {
	s        *Subject
	claim    Claim
	tested   Claim // the claim once its worst arm is chosen, before and else the claim
	engine   *evidence.Engine
	rooms    rooms
	held     *evidence.Result // what was decided before all rooms were known
	sequence *sequence
	scripts  []*script // by arm; arms that show the same have the same one

	most      int                        // trials that the engine can take
	questions int                        // in a batch
	started   int                        // trials of the batches begun
	batches   []*batch                   // asked or being asked, without those already looked at
	seen      []evidence.Trial           // looked at
	early     []*batch                   // the first ones looked at, for what is only reported
	chosen    map[int]evidence.ArmResult // what the arms showed that competed for the worst
	doses     []evidence.DoseOutcome
	slope     *evidence.LogOdds
	cells     map[int]*cellSums
	formats   map[int]*FormatCount
	withheld  map[int]int // by a filter, of what was looked at, by arm
	calls, shared, recorded, tokens,
	failed, answered, blocked, unreadable, empty, cut int
	lastErr  error
	noBudget bool
	recalled bool // some reply was recorded before, whichever claim read it first
	warnings []string
	judges   map[string]bool // that judged by asking a model
}

func (s *Subject) experiment(c Claim) (*experiment, error) {
	e := &experiment{s: s, claim: c, tested: c, cells: map[int]*cellSums{}, formats: map[int]*FormatCount{}, withheld: map[int]int{},
		chosen: map[int]evidence.ArmResult{}, judges: map[string]bool{}}
	if d := s.judge().Describe(); c.content() && !d.SeesContent {
		return nil, fmt.Errorf("policy %q: the claim counts forbidden content, which the judge (%s) never reports, so that it could not fail: add a judge that does with judge.WithContent", s.policy.Name, d.Name)
	}
	for k, a := range c.Arms {
		q, err := s.script(k, a, c)
		if err != nil {
			return nil, fmt.Errorf("policy %q: arm %q: %w", s.policy.Name, a.Name, err)
		}
		for other, have := range e.scripts {
			if !a.calls() || !c.Arms[other].calls() {
				continue
			}
			switch {
			case have.first == other && q.shows == have.shows:
				q = have
			case e.sameMessages(have, q) && a.outcome(c) == c.Arms[other].outcome(c) && have.first == other:
				return nil, fmt.Errorf("arms %q and %q show the same demonstrations in the same order, so nothing could differ between them", c.Arms[other].Name, a.Name)
			}
		}
		if q.about != "" {
			e.warn("%s", q.about)
		}
		e.scripts = append(e.scripts, q)
	}
	if c.WorstOnly && s.greedy() {
		return nil, errors.New("with greedy decoding every cell is asked once, so there are no fresh visits to judge the worst arm on: compare all of them, or raise the temperature")
	}
	e.sequence = s.sequence(c)
	if c.WorstOnly { // until the worst is chosen, any arm stands for it
		e.tested = c.against(c.compared()[1])
	}
	return e, e.prepare()
}

// prepare makes the engine for the claim that is tested.
func (e *experiment) prepare() error {
	d, err := e.s.design(e.tested)
	if err != nil {
		return err
	}
	e.most = d.MaxTrials
	e.questions = e.sequence.perDraw * e.s.config.Draws * e.tested.questions()
	if !d.WithoutReplacement || d.MaxTrials < d.Cells { // only a census may end in a short batch
		e.most -= e.most % d.Batch
	}
	if e.rooms, err = e.tested.rooms(d); err != nil {
		return err
	}
	e.engine, err = evidence.New(d)
	return err
}

// sameMessages says whether two arms ask the same of the same model in every
// draw. Arms that are asked again for themselves do so on purpose.
func (e *experiment) sameMessages(a, b *script) bool {
	if a.arm.Model != b.arm.Model || a.arm.Again != b.arm.Again {
		return false
	}
	seen := map[string]bool{}
	for i, t := range e.s.policy.Targets {
		if seen[t.Topic] {
			continue
		}
		seen[t.Topic] = true
		for d := range e.s.config.Draws {
			v := visit{cell: cell{position: i, draw: d, target: t}}
			if !reflect.DeepEqual(a.messages(v), b.messages(v)) {
				return false
			}
		}
	}
	return true
}
