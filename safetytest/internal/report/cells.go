package report

import (
	"cmp"
	"maps"
	"slices"
)

// request is the last thing that a user said in the cell's conversations.
func (c Cell) request() string {
	for _, x := range c.Arms {
		for _, m := range slices.Backward(x.Messages) {
			if m.Role == "user" {
				return m.Text
			}
		}
	}
	return ""
}

// said is a reply of one arm.
type said struct {
	Arm   string
	Reply Reply
}

// telling are the replies of the repeat in which the arms differ most in the outcome,
// of the first such repeat, one an arm. Arms without a reply to it are left out.
func (c Cell) telling() []said {
	byRepeat := map[[2]int][]said{}
	for _, x := range c.Arms {
		for _, r := range x.Replies {
			at := [2]int{r.Repeat, r.Choice}
			byRepeat[at] = append(byRepeat[at], said{x.Arm, r})
		}
	}
	var best []said
	apart := -1.0
	for _, repeat := range slices.SortedFunc(maps.Keys(byRepeat), func(a, b [2]int) int { return slices.Compare(a[:], b[:]) }) {
		replies := byRepeat[repeat]
		byOutcome := func(a, b said) int { return cmp.Compare(a.Reply.Outcome, b.Reply.Outcome) }
		d := slices.MaxFunc(replies, byOutcome).Reply.Outcome - slices.MinFunc(replies, byOutcome).Reply.Outcome
		if len(c.Arms) == 1 {
			d = replies[0].Reply.Outcome
		}
		if len(replies) > len(best) || len(replies) == len(best) && d > apart {
			best, apart = replies, d
		}
	}
	return best
}

// speaks says whether the arms differ in some repeat, or a single arm shows the outcome:
// elsewhere the replies explain nothing.
func (c Cell) speaks() bool {
	replies := c.telling()
	return slices.ContainsFunc(replies, func(r said) bool {
		return r.Reply.Outcome != replies[0].Reply.Outcome || len(replies) == 1 && r.Reply.Outcome > 0
	})
}

// quoted are the first cells that speak against a claim that does not hold.
func quoted(e Entry, cells []Cell) []Cell {
	var out []Cell
	for _, c := range cells {
		if !e.holds() && len(out) < mostQuoted && c.speaks() {
			out = append(out, c)
		}
	}
	return out
}

// read is what the judge made of the reply.
func (r Reply) read() string {
	said := "not read by the judge"
	if r.Reading != "" {
		said = "read as " + r.Reading
	}
	if r.Why != "" {
		said += ": " + r.Why
	}
	return said
}
