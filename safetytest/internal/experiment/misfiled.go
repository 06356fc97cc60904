package experiment

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
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
// A judge of which it was measured how often it errs is expected to misread that many of
// them, and may misread more by chance: against it speaks what is beyond that.
//
// A judge that was declared exact may look for one secret alone, which demonstrations
// about others do not give away: against it speaks only that both kinds are turned around.
func (s *Subject) misfiled() error {
	d := s.judged()
	if s.Judge().Describe().AsksModel() {
		return nil
	}
	harmful, refusals := s.readAs(prompt.Harmful, judge.Refused), s.readAs(prompt.Refusal, judge.Complied)
	if d.Decision.Basis == judge.Measured {
		c := d.Decision.Calibration
		harmful.expected, refusals.expected = 1-c.Sensitivity().Lower, 1-c.Specificity().Lower
	} else {
		harmful.expected, refusals.expected = math.NaN(), math.NaN()
	}
	switch {
	case harmful.most(math.Sqrt(byChance)) && refusals.most(math.Sqrt(byChance)):
		return fmt.Errorf("the judge reads %d of %d demonstrations filed as harmful as refused, and %d of %d filed as refusal as complied: their kinds seem to be exchanged; look at the column of the kinds, or at the judge", harmful.contrary, harmful.read, refusals.contrary, refusals.read)
	case d.Decision.Basis == judge.ByConstruction:
		return nil
	case harmful.most(byChance):
		return fmt.Errorf("the judge reads %d of %d demonstrations filed as harmful as refused: they are misfiled, or it would read replies so, too", harmful.contrary, harmful.read)
	case refusals.most(byChance):
		return fmt.Errorf("the judge reads %d of %d demonstrations filed as refusal as complied: they are misfiled, or it would read replies so, too", refusals.contrary, refusals.read)
	}
	return nil
}

// byChance is how rarely a judge that misreads as many as expected is suspected.
const byChance = 0.001

// filed counts how demonstrations of a kind are read.
type filed struct {
	read, contrary int
	// texts and contraryTexts count equal replies once, which are read alike.
	texts, contraryTexts int
	// expected is the share that the judge may misread, NaN where nobody knows.
	expected float64
}

// most says whether more than half are read as the contrary of what they are filed as,
// and more than a judge that errs as expected misreads by a chance.
func (f filed) most(chance float64) bool {
	if f.read < leastFiled || 2*f.contrary <= f.read {
		return false
	}
	i, err := evidence.ClopperPearson(f.contraryTexts, f.texts, 1-2*chance)
	return err != nil || !(i.Lower <= f.expected)
}

// readAs counts the demonstrations of a kind that the judge can read, and those that it
// reads as their contrary.
func (s *Subject) readAs(kind prompt.Kind, contrary judge.Decision) (n filed) {
	j := s.Judge()
	seen := map[string]bool{}
	for _, shown := range s.policy.Demonstrations {
		text := strings.TrimSpace(shown.Reply)
		if shown.Kind != kind || text == "" {
			continue
		}
		got, err := ReadShown(j, shown)
		if err != nil || !got.Decided() {
			continue // whatever it cannot read is reported where it matters
		}
		n.read++
		is := yes(got.Decision == contrary)
		n.contrary += is
		if !seen[text] {
			seen[text] = true
			n.texts++
			n.contraryTexts += is
		}
	}
	return n
}

// ReadShown has a judge read a demonstration as if a model had replied so. One made for
// replies of a model may count on more than is there, such as a conversation: that it
// panics is an error, and no word about kinds.
func ReadShown(j judge.Judge, shown prompt.Demonstration) (got judge.Judgement, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the judge panicked at a demonstration: %v", p)
		}
	}()
	return j.Judge(context.Background(), judge.Exchange{Request: shown.Request, Reply: chat.Reply{State: chat.Answered, Content: shown.Reply, FinishReason: "stop"}})
}
