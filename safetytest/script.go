package safetytest

import (
	"errors"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// script is all that turns a visit into a question: who is asked, with which
// demonstrations, for what.
type script struct {
	arm      Arm
	shows    string // what the arm does, in words
	first    int    // arm that shows this
	model    chat.Model
	system   string
	demos    map[string][][]prompt.Demonstration // by topic, "" where it does not matter, and draw
	requests []policy.Target                     // by position of the cell's target
	stored   map[string]float64                  // by cell, where nothing is asked
	about    string                              // where they come from
	since    string                              // of its keys in the record; see continued.go
}

// messages is what is sent at a visit.
func (s *script) messages(v visit) []chat.Message {
	demos, ok := s.demos[v.cell.target.Topic]
	if !ok {
		demos = s.demos[""]
	}
	return s.arm.Presentation.Messages(s.system, demos[v.cell.draw], s.request(v))
}

// request is what is asked at a visit.
func (s *script) request(v visit) string { return s.requests[v.cell.position].Request }

// cell names the cell in the record: every arm that must be asked for itself has
// names of its own.
func (s *script) cell(v visit) string {
	id := v.cell.id()
	if s.arm.Model != "" {
		id += "@" + s.arm.Model
	}
	if s.arm.Again != 0 {
		id += fmt.Sprintf("#%d", s.arm.Again)
	}
	return id
}

// script makes the questions of arm number k.
func (s *Subject) script(k int, a Arm, c Claim) (*script, error) {
	q := &script{arm: a, shows: a.shows(), first: k, system: s.policy.System}
	switch {
	case a.Differs != nil:
		return q, nil
	case a.Stored != "":
		var err error
		if q.requests, err = s.requests(a.Asks); err != nil {
			return nil, err
		}
		q.stored, q.about, err = s.storedRates(a, a.outcome(c))
		return q, err
	case a.NoSystem:
		q.system = ""
	case a.System != "":
		q.system = a.System
	}
	var ok bool
	if q.model, ok = s.models[a.Model]; !ok {
		if a.Model == Baseline {
			return nil, errors.New("it asks a baseline model, and none is configured: set SAFETYTEST_BASELINE_MODEL, and SAFETYTEST_BASELINE_BASE_URL where it is served elsewhere")
		}
		return nil, fmt.Errorf("it asks a model named %q, which Config.Models does not have: add it there, in a suite by suite.Configure", a.Model)
	}
	var err error
	if q.requests, err = s.requests(a.Asks); err != nil {
		return nil, err
	}
	if of := len(s.policy.Twins); c.OverTargets && (a.Asks == Twins && of < len(q.requests) || a.Asks == Unrelated && len(s.policy.Unrelated) < len(q.requests)) {
		return nil, fmt.Errorf("over targets it needs as many %s as targets, %d: each target is a unit with requests of its own", a.Asks, len(q.requests))
	}
	q.demos, err = s.demonstrations(a.Composition)
	return q, err
}

// requests lists what is asked in the cells of each target: as many as there are
// targets, whatever is asked.
func (s *Subject) requests(asks Asks) ([]policy.Target, error) {
	from := s.policy.Targets
	switch asks {
	case Targets:
		return from, nil
	case Twins:
		from = s.policy.Twins
	case Unrelated:
		from = s.policy.Unrelated
	}
	if len(from) == 0 {
		return nil, fmt.Errorf("it asks %s, and the policy has none: fill in Policy.Twins or Policy.Unrelated, or load a file of them", asks)
	}
	out := make([]policy.Target, len(s.policy.Targets))
	for i := range out {
		out[i] = from[i*len(from)/len(out)]
	}
	return out, nil
}

// demonstrations fills a composition for every draw, and for every topic of the
// targets where it depends on the topic.
func (s *Subject) demonstrations(c prompt.Composition) (map[string][][]prompt.Demonstration, error) {
	topics := map[string]bool{"": true}
	if c.Choice == prompt.OnTopic || c.Choice == prompt.OffTopic {
		topics = map[string]bool{}
		for _, t := range s.policy.Targets {
			topics[t.Topic] = true
		}
	}
	out := map[string][][]prompt.Demonstration{}
	for topic := range topics {
		for d := range s.config.Draws {
			demos, err := s.pool.Draw(s.config.Seed, d).Fill(c, topic)
			if err != nil {
				return nil, err
			}
			out[topic] = append(out[topic], demos)
		}
	}
	return out, nil
}
