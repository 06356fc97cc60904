package shrink

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Cause is what a violation is shrunk to: one context in which a rate is beyond its
// bound, or two whose rates lie further apart than a margin.
type Cause struct {
	Quantity claim.Quantity
	Requests claim.Requests
	// Relation is Below or Above of one context, NotRaised of two: the reference and
	// then the one that shows more.
	Relation claim.Relation
	// Margin is the bound of the rate or the margin of the difference, as a fraction.
	Margin   float64
	Contexts []prompt.Setting
	// Showing, unless nil, are the only demonstrations that there are to show.
	Showing []Shown
}

// Shown is a demonstration that a cause names.
type Shown struct {
	ID   string
	Kind prompt.Kind
}

// CauseOf is what there is to shrink in a claim that was found violated: of its bounds
// the one that was seen furthest beyond its limit among those that can be shrunk. It
// reports a verdict that is no violation, and says of each bound why it cannot be.
//
// A shuffled mix to which more is added is taken as shuffled together with it. The claim
// is taken over cells, without floors of visits, and without conditions beside the bound.
func CauseOf(v claim.Verdict) (Cause, error) {
	if v.State != evidence.Violated {
		return Cause{}, fmt.Errorf("the verdict on the claim %q was %q: there is a cause to look for only where it was found violated", v.Claim.Statement, v.State)
	}
	if s := v.Search; s != nil {
		if _, proven := s.Proven(); !proven {
			return Cause{}, fmt.Errorf("the claim %q cannot be shrunk: it is the mean over all arrangements that is too high, which no single one causes: state the claim about one of them, such as %s, and shrink its violation", v.Claim.Statement, s.Line)
		}
		// The arrangement that was found is the cause to begin with. That its cells are
		// asked apart from those of the search makes it no other context.
		v = *s.Judged
		v.Claim.Arms = slices.Clone(v.Claim.Arms)
		for i := range v.Claim.Arms {
			v.Claim.Arms[i].Again = 0
		}
	}
	order := []int{}
	for i := range v.Claim.Bounds {
		if i < len(v.Result.Conditions) {
			order = append(order, i)
		}
	}
	beyond := func(i int) float64 { return v.Result.Conditions[i].Estimate - v.Result.Conditions[i].Threshold }
	slices.SortStableFunc(order, func(a, b int) int {
		if beyond(a) > beyond(b) {
			return -1
		}
		return 1
	})
	err := errors.New("its verdict has no bounds")
	for n, i := range order {
		if n > 0 && beyond(i) <= 0 {
			break
		}
		c, why := causeOf(v.Claim, v.Claim.Bounds[i])
		if why == nil {
			return c, nil
		}
		if n == 0 {
			err = why
		}
	}
	return Cause{}, fmt.Errorf("the claim %q cannot be shrunk: %w", v.Claim.Statement, err)
}

func causeOf(c claim.Claim, b claim.Bound) (Cause, error) {
	out := Cause{Quantity: c.Quantity, Margin: b.Most}
	var arms []claim.Arm
	if k, atLeast, rate := b.Rate(); rate {
		arms, out.Relation = []claim.Arm{c.Arms[k]}, claim.Below
		if atLeast {
			out.Relation, out.Margin = claim.Above, -b.Most
		}
	} else {
		pair, err := compared(c, b)
		if err != nil {
			return out, err
		}
		arms, out.Relation = pair, claim.NotRaised
	}
	out.Quantity, out.Requests = arms[0].Counts(c), arms[0].Requests
	for _, a := range arms {
		switch {
		case a.Stored != "":
			return out, errors.New("it compares with stored rates, which are those of the contexts as they were")
		case a.Discordance != nil:
			return out, errors.New("it counts replies that differ, which no single context causes")
		case a.Counts(c) != out.Quantity || a.Requests != out.Requests:
			return out, errors.New("its arms count or ask different things")
		case a.Again != 0:
			return out, errors.New("it compares a context with itself")
		case len(arms) == 1 && (a.Model != "" || a.System != "" || a.NoSystem):
			return out, errors.New("it bounds the rate of another model or under another system prompt: shrink a claim that compares them")
		}
		x := plainly(a.Setting)
		if c := x.Composition; len(arms) == 1 && c != (prompt.Composition{Mix: c.Mix}) {
			return out, fmt.Errorf("it bounds a rate under demonstrations that are chosen or written in a way of their own (%s): shrink a claim that compares them with others", c)
		}
		out.Contexts = append(out.Contexts, x)
	}
	if len(out.Contexts) == 2 && out.Contexts[0].Name == out.Contexts[1].Name {
		out.Contexts[0].Name += " (reference)"
	}
	return out, out.Claim().Validate()
}

// compared are the two arms that a bound compares, the reference first.
func compared(c claim.Claim, b claim.Bound) ([]claim.Arm, error) {
	from, to := -1, -1
	for k, w := range b.Weights {
		switch {
		case w == 0:
		case w == 1 && to < 0:
			to = k
		case w == -1 && from < 0:
			from = k
		default:
			return nil, errors.New("the bound that is violated is about a slope or compares effects, which takes more than two contexts: shrink a claim about two of them")
		}
	}
	switch {
	case from < 0 || to < 0:
		return nil, errors.New("the bound that is violated compares no two contexts")
	case b.Most < 0:
		return nil, errors.New("it claims a least effect, of which less is left the less is shown: there is no smallest cause of a missing effect")
	}
	return []claim.Arm{c.Arms[from], c.Arms[to]}, nil
}

// plainly writes what a context adds into its mix, and its order in the plainest words.
func plainly(x prompt.Setting) prompt.Setting {
	c := x.Composition
	if letters, ok := c.Letters(); ok {
		c.Mix = mixOf(letters)
	} else if c.Added > 0 {
		var all strings.Builder
		for _, k := range prompt.Kinds() {
			all.WriteString(strings.Repeat(letterOf(k), c.Count(k)))
		}
		c.Mix = prompt.Pattern(all.String()).Ordered(c.Mix.Order)
	}
	c.Added, c.Kind, c.Position = 0, 0, 0
	x.Composition = c
	return x
}

// letterOf is the letter of a kind in patterns.
func letterOf(k prompt.Kind) string {
	for c := byte('A'); c <= 'Z'; c++ {
		if of, ok := prompt.KindOf(c); ok && of == k {
			return string(c)
		}
	}
	return ""
}

// plainOrders are the named orders in the order in which they are preferred to others
// and to a written pattern.
var plainOrders = []prompt.Order{prompt.HarmfulFirst, prompt.HarmfulLast, prompt.Interleaved, prompt.HarmfulMiddle, prompt.HarmfulOutside}

// mixOf is the mix that letters spell, in a named order if one gives the same.
func mixOf(letters string) prompt.Mix {
	m := prompt.Pattern(letters)
	for _, o := range plainOrders {
		if got, ok := (prompt.Composition{Mix: m.Ordered(o)}).Letters(); ok && got == letters {
			return m.Ordered(o)
		}
	}
	return m
}

// lettersOf are the letters of a context, in any order where draws differ in it; fixed
// says that they do not.
func lettersOf(x prompt.Setting) (letters string, fixed bool) {
	if letters, fixed = x.Composition.Letters(); fixed {
		return letters, true
	}
	for _, k := range prompt.Kinds() {
		letters += strings.Repeat(letterOf(k), x.Composition.Mix.Count(k))
	}
	return letters, false
}

// Size is the number of demonstrations that the larger of the contexts shows.
func (c Cause) Size() int {
	n := 0
	for _, x := range c.Contexts {
		n = max(n, x.Composition.Mix.Len())
	}
	return n
}

// Claim is the claim that the cause violates.
func (c Cause) Claim() claim.Claim {
	var out claim.Claim
	if c.Relation == claim.NotRaised {
		out = claim.Compare(c.Relation, c.Quantity, c.Contrast(), c.Margin)
	} else {
		out = claim.Rate(c.Relation, c.Quantity, c.Contexts, "under "+c.Contexts[0].Composition.Mix.String(), c.Margin)
	}
	if c.Requests != claim.Targets {
		out = out.Asking(c.Requests)
	}
	return out
}

// Contrast is what the two contexts of a difference are called.
func (c Cause) Contrast() prompt.Contrast {
	named := slices.Clone(c.Contexts)
	phrase := make([]string, len(named))
	for i := range named {
		phrase[i] = contextName(named[i])
		named[i].Name = phrase[i]
	}
	if len(named) == 2 && phrase[0] == phrase[1] { // they differ in what names do not say
		named[0].Name, named[1].Name = phrase[0]+" (reference)", phrase[1]+" (changed)"
	}
	slices.Reverse(phrase)
	return prompt.Contrast{Name: "shrunk", Phrase: "showing " + strings.Join(phrase, " rather than "), Settings: named}
}

// contextName says what a context shows, and how, as far as that is short.
func contextName(x prompt.Setting) string {
	s := x.Composition.String()
	if x.Presentation != (prompt.Presentation{}) {
		s += ", " + x.Presentation.String()
	}
	switch {
	case x.NoSystem:
		s += ", without system prompt"
	case x.System != "":
		s += ", with another system prompt"
	}
	if x.Model != "" {
		s += ", asked of " + x.Model
	}
	return s
}

// Pattern is the letters of what the contexts show, the reference first.
func (c Cause) Pattern() string {
	var all []string
	for _, x := range c.Contexts {
		letters, fixed := lettersOf(x)
		switch {
		case letters == "":
			letters = "nothing"
		case !fixed:
			letters += " " + x.Composition.Mix.Order.String()
		}
		all = append(all, letters)
	}
	return strings.Join(all, " -> ")
}

// IDs are those of the only demonstrations that there are, nil where the whole pool is.
func (c Cause) IDs() []string {
	if c.Showing == nil {
		return nil
	}
	out := []string{}
	for _, s := range c.Showing {
		out = append(out, s.ID)
	}
	return out
}

// key tells causes apart.
func (c Cause) key() string { return c.Claim().Canonical() + "\x00" + strings.Join(c.IDs(), "\x00") }

// Named is the cause with exactly these demonstrations, one list a context in the order
// in which they are shown, so that they are shrunk one by one. Which of a kind stands in
// which of its places is drawn. It reports contexts that choose demonstrations in a way of
// their own, or show different ones of a kind.
func (c Cause) Named(shown [][]prompt.Demonstration) (Cause, error) {
	if len(shown) != len(c.Contexts) {
		return c, fmt.Errorf("%d lists of demonstrations for %d contexts", len(shown), len(c.Contexts))
	}
	c.Contexts = slices.Clone(c.Contexts)
	for i := range c.Contexts {
		if how := c.Contexts[i].Composition.Choice; how != prompt.Diverse {
			return c, fmt.Errorf("its demonstrations are chosen %s, which single ones cannot be: shrink the claim instead of a cell", how)
		}
		var letters strings.Builder
		for _, d := range shown[i] {
			letters.WriteString(letterOf(d.Kind))
		}
		c.Contexts[i].Composition.Mix = mixOf(letters.String())
	}
	c.Showing = []Shown{}
	for _, k := range prompt.Kinds() {
		if !k.Pooled() {
			continue
		}
		var most []string
		of := make([][]string, len(shown))
		for i, list := range shown {
			for _, d := range list {
				if d.Kind == k {
					of[i] = append(of[i], d.ID)
				}
			}
			if len(of[i]) > len(most) {
				most = of[i]
			}
		}
		for i := range of {
			if slices.ContainsFunc(of[i], func(id string) bool { return !slices.Contains(most, id) }) {
				return c, fmt.Errorf("its contexts show different %s demonstrations: shrink the claim instead of a cell", k)
			}
		}
		for _, id := range most {
			c.Showing = append(c.Showing, Shown{id, k})
		}
	}
	return c, c.Claim().Validate()
}
