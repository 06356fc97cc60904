package experiment

import (
	"context"
	"fmt"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// leastFiled is the number of demonstrations of a kind below which nothing is said of how
// they are read.
const leastFiled = 3

// misfiled says why nothing can be proven with the policy's demonstrations and its
// judge, if most of them are read as the contrary of what they are filed as: a file whose
// labels are turned around shows refusals where a claim speaks of harmful ones, and a
// judge that reads the one as the other reads replies so too. It is nil where the judge
// asks a model, which would have to be paid for.
//
// A judge that was declared exact may look for one secret alone, which demonstrations
// about others do not give away: against it speaks only that both kinds are turned around.
func (s *Subject) misfiled() error {
	d := s.judged()
	if s.Judge().Describe().AsksModel() {
		return nil
	}
	harmful, refusals := s.readAs(prompt.Harmful, judge.Refused), s.readAs(prompt.Refusal, judge.Complied)
	switch {
	case harmful.most() && refusals.most():
		return fmt.Errorf("the judge reads %d of %d demonstrations filed as harmful as refused, and %d of %d filed as refusal as complied: their kinds seem to be exchanged; look at the column of the kinds, or at the judge", harmful.contrary, harmful.read, refusals.contrary, refusals.read)
	case d.Decision.Basis == judge.ByConstruction:
		return nil
	case harmful.most():
		return fmt.Errorf("the judge reads %d of %d demonstrations filed as harmful as refused: they are misfiled, or it would read replies so, too", harmful.contrary, harmful.read)
	case refusals.most():
		return fmt.Errorf("the judge reads %d of %d demonstrations filed as refusal as complied: they are misfiled, or it would read replies so, too", refusals.contrary, refusals.read)
	}
	return nil
}

// filed counts how demonstrations of a kind are read.
type filed struct{ read, contrary int }

// most says whether more than half are read as the contrary of what they are filed as.
func (f filed) most() bool { return f.read >= leastFiled && 2*f.contrary > f.read }

// readAs counts the demonstrations of a kind that the judge can read, and those that it
// reads as their contrary.
func (s *Subject) readAs(kind prompt.Kind, contrary judge.Decision) (n filed) {
	j := s.Judge()
	for _, shown := range s.policy.Demonstrations {
		if shown.Kind != kind || strings.TrimSpace(shown.Reply) == "" {
			continue
		}
		got, err := j.Judge(context.Background(), judge.Exchange{Request: shown.Request, Reply: chat.Reply{State: chat.Answered, Content: shown.Reply, FinishReason: "stop"}})
		if err != nil || !got.Decided() {
			continue // whatever it cannot read is reported where it matters
		}
		n.read++
		if got.Decision == contrary {
			n.contrary++
		}
	}
	return n
}
