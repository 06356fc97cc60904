package runs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Cell is one request under one draw, as the arms of a claim showed it.
type Cell struct {
	ID   string
	Arms []Arm
}

// Arm is what one arm of a claim showed for a cell.
type Arm struct {
	Name  string
	Index int // among the claim's
	// Weight is that of the arm in the bound that the verdict is about.
	Weight float64
	// Sent is the conversation, and Unsent why it is not known.
	Sent   Conversation
	Unsent error
	// Replies follow the visits. One that is not recorded here has no Ref.
	Replies []Reply
}

// Reply is one reply with the reading of it.
type Reply struct {
	record.Recorded
	Repeat int
	// Choice is which of the replies to one request it is, 0 the first.
	Choice int
	// Reading is what the run's judge read, Read whether it did.
	Reading record.Reading
	Read    bool
	// Pattern is the arrangement of demonstrations that was drawn for the reply, "" where
	// all of the arm's replies answer the same.
	Pattern string
	// Value is the claim's outcome, and Missing says that the reply is none.
	Value   float64
	Missing bool
}

// Number says which of its arm's replies to a cell the reply is: its repeat, from 1, and
// which of the replies to one request where it is not the first.
func (r Reply) Number() string {
	if r.Choice > 0 {
		return fmt.Sprintf("repeat %d, choice %d", r.Repeat+1, r.Choice+1)
	}
	return fmt.Sprintf("repeat %d", r.Repeat+1)
}

// Pointed is the part of the reply's text that decided, as bytes from and to; both are 0
// where the judge did not say.
func (r Reply) Pointed() (from, to int) {
	from, to = r.Reading.Start, r.Reading.End
	if from < 0 || to > len(r.Answer.Content) || from >= to {
		return 0, 0
	}
	return from, to
}

// SharesSeed says whether two replies were asked for with one seed, of an endpoint that
// was seen to make its replies of it.
func (r *Run) SharesSeed(a, b Reply) bool {
	_, one, seeded := strings.Cut(a.Sampling, ", seed ")
	_, other, _ := strings.Cut(b.Sampling, ", seed ")
	return seeded && one == other && !r.Setup().Simulated // ours make each reply of the whole request
}

// Says is the reading in two or three words.
func (r Reply) Says() string {
	switch {
	case r.Answer.State == 0:
		return "not recorded here"
	case !r.Read:
		return "not read"
	case r.Reading.Failed != "":
		return r.Reading.Failed
	case r.Answer.State != chat.Answered && r.Reading.Decision == judge.CannotTell.String():
		return r.Answer.State.String()
	}
	return r.Reading.Decision
}

// Why is what the judge read it from, or what befell a reply that is no outcome.
func (r Reply) Why() string {
	if r.Reading.Why != "" || r.Answer.State == chat.Answered {
		return r.Reading.Why
	}
	return cmp.Or(r.Answer.Trouble, r.Answer.FinishReason)
}

// differs says how far apart the arms of the cell are: the weighted sum of their mean
// outcomes, in the direction that speaks against the bound.
func (c Cell) differs() float64 {
	sum := 0.0
	for _, a := range c.Arms {
		total, n := 0.0, 0
		for _, r := range a.Replies {
			if !r.Missing {
				total, n = total+r.Value, n+1
			}
		}
		if n > 0 {
			sum += a.Weight * total / float64(n)
		}
	}
	return sum
}

// reported is the bound that a claim's effect is about: of several the one that was
// seen nearest to violation, and the first one where nothing was.
func (c Claim) reported() int {
	best := 0
	if c.Verdict == nil {
		return best
	}
	over := math.Inf(-1)
	for i, x := range c.Verdict.Result.Conditions {
		if d := x.Estimate - x.Threshold; d > over && i < len(c.Claim.Bounds) {
			best, over = i, d
		}
	}
	return best
}

// Cells lists the cells that were looked at for a claim, those that speak most against
// it first. It reads no text.
func (r *Run) Cells(c Claim) ([]Cell, error) {
	c = c.decided()
	return r.cellsOf(c, c.reported())
}

// decided is the claim whose cells decided: that about the arrangement which a search
// found, where it is this one that violates the claim.
func (c Claim) decided() Claim {
	if c.Verdict == nil || c.Verdict.State != evidence.Violated || c.Verdict.Result.State == evidence.Violated {
		return c
	}
	if _, proven := c.Verdict.Search.Proven(); !proven {
		return c
	}
	found := *c.Verdict.Search.Judged
	c.Key, c.Claim, c.Verdict = c.Key+record.FoundPart, found.Claim, &found
	return c
}

// cellsOf is Cells for one of the claim's bounds.
func (r *Run) cellsOf(c Claim, bound int) ([]Cell, error) {
	looks, err := r.Looks(c.Key)
	if err != nil || !c.Known || bound >= len(c.Claim.Bounds) {
		return nil, err
	}
	b := c.Claim.Bounds[bound]
	about, _ := c.Claim.Population(b)
	at := map[string]int{}
	var cells []Cell
	for _, l := range looks {
		for _, v := range l.Visits {
			name := v.Cell
			if about != c.Claim.Arms[0].Requests {
				if name = r.cellOf(c, v, about); name == "" {
					continue
				}
			}
			i, ok := at[name]
			if !ok {
				i = len(cells)
				at[name], cells = i, append(cells, newCell(c, b, about, name))
			}
			for k := range cells[i].Arms {
				a := &cells[i].Arms[k]
				if a.Index < len(v.Replies) {
					a.Replies = append(a.Replies, r.readings(c, a.Index, v.Replies[a.Index], v.Repeat)...)
				}
			}
		}
	}
	slices.SortStableFunc(cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(b.differs(), a.differs()), cmp.Compare(len(b.Arms[0].Replies), len(a.Arms[0].Replies)), cmp.Compare(a.ID, b.ID))
	})
	return cells, nil
}

// newCell has the arms that ask the population of the bound, those of the bound first
// that it takes away, then those that it adds.
func newCell(c Claim, b claim.Bound, about claim.Requests, name string) Cell {
	cell := Cell{ID: name}
	for k, a := range c.Claim.Arms {
		if a.Requests == about && a.Calls() && !a.ReportOnly {
			cell.Arms = append(cell.Arms, Arm{Name: a.Name, Index: k, Weight: b.Weights[k]})
		}
	}
	rank := func(a Arm) int {
		switch {
		case a.Weight < 0:
			return 0
		case a.Weight > 0:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(cell.Arms, func(a, b Arm) int { return rank(a) - rank(b) })
	return cell
}

// cellOf is the cell of a visit in another population than the claim's own.
func (r *Run) cellOf(c Claim, v record.Visit, about claim.Requests) string {
	for k, a := range c.Claim.Arms {
		if a.Requests != about || k >= len(v.Replies) {
			continue
		}
		reply, ok, err := r.Reply(v.Replies[k])
		if id, draw, is := CellOf(reply.Cell); ok && err == nil && is {
			return fmt.Sprintf("%s/d%d", id, draw)
		}
	}
	return ""
}

// readings are the replies to one request of a claim's arm as they were read, without
// their texts: as many as were asked for, one where none was read.
func (r *Run) readings(c Claim, arm int, ref record.Ref, repeat int) []Reply {
	out := []Reply{{Repeat: repeat, Missing: true}}
	out[0].Ref = ref
	own, marker := c.Policy, c.Claim.Arms[arm].Marker()
	if own == r.Setup().Policy {
		own = ""
	}
	for _, g := range r.AllReadings(ref) {
		if g.Policy != own || g.Marker != marker {
			continue
		}
		for len(out) <= g.Choice {
			out = append(out, Reply{Repeat: repeat, Choice: len(out), Missing: true})
			out[len(out)-1].Ref = ref
		}
		of := &out[g.Choice]
		of.Reading, of.Read = g, true
		y := bounds.Observed(c.Claim.Arms[arm].Counts(c.Claim), g.Judgement())
		of.Value, of.Missing = y.Value, y.Missing
	}
	return out
}

// Read fills in the texts of a cell: the conversation of each arm, and the replies.
func (r *Run) Read(c *Cell) error {
	for k := range c.Arms {
		a := &c.Arms[k]
		a.Unsent = fmt.Errorf("%w: no reply of the arm is recorded here", ErrMismatch)
		found := false
		for i := range a.Replies {
			reply, ok, err := r.Reply(a.Replies[i].Ref)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			a.Replies[i].Recorded = reply.Choice(a.Replies[i].Choice)
			if !found {
				a.Sent, a.Unsent = r.Sent(reply)
				found = true
			}
			if a.Sent.Drawn { // each reply answers another one
				if sent, err := r.Sent(reply); err == nil {
					a.Replies[i].Pattern = sent.Pattern
				}
			}
		}
	}
	return nil
}

// Marker is the format marker that was looked for in the reply, "" for none.
func (r Reply) Marker() string { return r.Reading.Marker }
