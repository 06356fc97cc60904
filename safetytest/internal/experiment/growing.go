package experiment

import (
	"context"
	"errors"
	"fmt"
)

// This file asks sets of questions that grow: which come next depends on the answers to
// those before, as in a search. Their replies are doubted as those of a designed set are,
// but for their rates over time, which a search changes by what it chooses to ask.

// Growing is a set of questions that grows.
type Growing struct{ run *designedRun }

// Grow begins a set that has no questions yet. It is never complete: the same set goes on
// from what an earlier run recorded, unless that came to a doubt.
func (s *Subject) Grow(name string) (*Growing, error) {
	r, err := s.beginDesigned(name)
	if err != nil {
		return nil, err
	}
	r.grows = true
	return &Growing{r}, r.begin()
}

// Recorded is how many replies of earlier runs the set goes on from, those to questions
// about the endpoint included.
func (g *Growing) Recorded() int { return g.run.recorded }

// Ask asks further questions, whose settings are counted among those that come with them,
// and returns the answers by question. calls is how many HTTP requests they took, whichever
// run made them. It returns an error where the run ended before all were asked, and where
// something speaks against counting the replies: then those of the whole set count for
// nothing, and it begins anew.
func (g *Growing) Ask(ctx context.Context, settings []DesignedSetting, questions []DesignedQuestion) (replies []DesignedReply, calls int, err error) {
	r := g.run
	from, scripts := len(r.questions), len(r.e.scripts)
	if err := r.add(settings, questions); err != nil {
		return nil, 0, err
	}
	for _, q := range r.e.scripts[scripts:] {
		if err := r.e.rec.Say(r.e.s.shownBy(q)); err != nil {
			return nil, 0, err
		}
	}
	doubted, err := g.answer(ctx, from)
	replies = r.out.Replies[from:]
	for _, reply := range replies {
		calls += reply.Calls
	}
	if err == nil && doubted {
		err = g.giveUp()
	}
	return replies, calls, err
}

// Probes is how many calls this run made to learn about the endpoint.
func (g *Growing) Probes() int { return g.run.e.probed.made() }

// answer asks the questions from a number on. What is read from the record alone was
// looked into when it came.
func (g *Growing) answer(ctx context.Context, from int) (doubted bool, err error) {
	r := g.run
	known, err := g.known(from)
	if err != nil {
		return false, err
	}
	if !known {
		if doubted, err := r.sees(ctx); doubted || err != nil {
			return doubted, err
		}
	}
	if doubted, err := r.sample(ctx); doubted || err != nil {
		return doubted, err
	}
	_ = r.e.settle() // what could not be found out is asked for at the end
	return r.doubts(r.e.undeclared(r.e.knownStale())), nil
}

// known says whether earlier runs answered all questions from a number on.
func (g *Growing) known(from int) (bool, error) {
	r := g.run
	for i := from; i < len(r.questions); i++ {
		_, key := r.e.s.keyed(r.question(i))
		if _, ok, err := r.e.rec.Earlier(key); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// End says that nothing more is asked. It returns an error where it cannot be found out
// whether the replies count, or something speaks against that.
func (g *Growing) End(ctx context.Context) error {
	r := g.run
	then, ended := r.e.rec.Last(r.key)
	if !ended || then.Reason != "" || !r.known() {
		if err := r.count(ctx); err != nil {
			return err
		}
	}
	if len(r.out.Doubts) > 0 {
		return g.giveUp()
	}
	return r.conclude()
}

// ErrDoubtful is in the error of a growing set whose replies cannot count.
var ErrDoubtful = errors.New("the replies cannot count")

// giveUp records that the replies count for nothing, and returns why as an error.
func (g *Growing) giveUp() error {
	if err := g.run.conclude(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrDoubtful, g.run.out.Doubts[0])
}
