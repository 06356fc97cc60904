package shrink

import (
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// cut is one way to make a cause simpler, with the words for what it leaves out.
type cut struct {
	to   Cause
	says string
}

// simpler are the causes that are shown in a plainer way: as turns, without markers,
// reminders and instructions, from the whole pool. What the contexts differ in stays,
// and so does the marker whose adoption is counted.
func (c Cause) simpler() []cut {
	alike := func(same func(a, b prompt.Setting) bool) bool {
		return !slices.ContainsFunc(c.Contexts, func(x prompt.Setting) bool { return !same(c.Contexts[0], x) })
	}
	first := c.Contexts[0]
	var parts []func(*prompt.Setting)
	var says []string
	add := func(there, can bool, text string, drop func(*prompt.Setting)) {
		if there && can {
			parts, says = append(parts, drop), append(says, text)
		}
	}
	of := func(x prompt.Setting) prompt.Presentation { return x.Presentation }
	add(of(first).Form != prompt.Turns, alike(func(a, b prompt.Setting) bool { return of(a).Form == of(b).Form }),
		"demonstrations as turns", func(x *prompt.Setting) { x.Presentation.Form = prompt.Turns })
	marker := c.Quantity != claim.Adoption
	add(of(first).Marker != "", marker && alike(func(a, b prompt.Setting) bool { return of(a).Marker == of(b).Marker }),
		"without the marker", func(x *prompt.Setting) { x.Presentation.Marker = "" })
	add(of(first).Reminder != prompt.NoReminder, alike(func(a, b prompt.Setting) bool { return of(a).Reminder == of(b).Reminder }),
		"without the reminder", func(x *prompt.Setting) { x.Presentation.Reminder = prompt.NoReminder })
	add(of(first).Instruction != "" || of(first).Asked != "", marker && alike(func(a, b prompt.Setting) bool {
		return of(a).Instruction == of(b).Instruction && of(a).Asked == of(b).Asked
	}), "without the instruction", func(x *prompt.Setting) { x.Presentation.Instruction, x.Presentation.Asked = "", "" })
	add(first.Composition.Choice != prompt.Diverse, alike(func(a, b prompt.Setting) bool { return a.Composition.Choice == b.Composition.Choice }),
		"any demonstrations of the kinds", func(x *prompt.Setting) { x.Composition.Choice = prompt.Diverse })
	var out []cut
	if len(parts) > 1 {
		out = append(out, cut{c.with(parts...), "all at once: " + strings.Join(says, ", ")})
	}
	for i := range parts {
		out = append(out, cut{c.with(parts[i]), says[i]})
	}
	return out
}

// with is the cause with every context changed.
func (c Cause) with(change ...func(*prompt.Setting)) Cause {
	c.Contexts = slices.Clone(c.Contexts)
	for i := range c.Contexts {
		for _, f := range change {
			f(&c.Contexts[i])
		}
	}
	return c
}

// units are demonstrations of one kind that contexts have in common, or that one shows
// beyond the other: by which contexts show them, and how many.
type units struct {
	kind     prompt.Kind
	from, to int   // occurrences of the kind, the first included
	in       []int // contexts
}

// units lists what there is to leave out.
func (c Cause) units() []units {
	var out []units
	for _, k := range prompt.Kinds() {
		counts := make([]int, len(c.Contexts))
		for i, x := range c.Contexts {
			counts[i] = x.Composition.Mix.Count(k)
		}
		least := slices.Min(counts)
		if least > 0 {
			u := units{kind: k, to: least}
			for i := range c.Contexts {
				u.in = append(u.in, i)
			}
			out = append(out, u)
		}
		for i, n := range counts {
			if n > least {
				out = append(out, units{kind: k, from: least, to: n, in: []int{i}})
			}
		}
	}
	// What is shown most of goes first: leaving it out saves most.
	slices.SortStableFunc(out, func(a, b units) int { return (b.to - b.from) - (a.to - a.from) })
	return out
}

// smaller are the causes with fewer demonstrations, those that leave out most first:
// all of one kind that contexts share or that one adds, then halves of these, then
// single ones. Each one appears once.
func (c Cause) smaller() []cut {
	seen := map[string]bool{c.key(): true}
	var out []cut
	add := func(u units, from, to int) {
		small := c.without(u, from, to)
		if claim := small.Claim(); claim.Validate() != nil || seen[small.key()] {
			return
		}
		seen[small.key()] = true
		out = append(out, cut{small, c.leaving(u, from, to)})
	}
	all := c.units()
	for _, u := range all {
		add(u, u.from, u.to)
	}
	for _, u := range all {
		if half := (u.to - u.from) / 2; half > 1 {
			add(u, u.from, u.from+half)
			add(u, u.to-half, u.to)
		}
	}
	for _, u := range all {
		for i := u.from; i < u.to; i++ {
			add(u, i, i+1)
		}
	}
	return out
}

// leaving says what a cut leaves out.
func (c Cause) leaving(u units, from, to int) string {
	n := to - from
	what := fmt.Sprintf("%d of %d %s demonstrations", n, u.to-u.from, u.kind)
	switch {
	case n == u.to-u.from && n == 1:
		what = fmt.Sprintf("the %s demonstration", u.kind)
	case n == u.to-u.from:
		what = fmt.Sprintf("the %d %s demonstrations", n, u.kind)
	}
	if len(c.Contexts) > 1 && len(u.in) == len(c.Contexts) {
		what += " of both"
	}
	if gone := c.named(u.kind, from, to); len(gone) > 0 {
		what += " (" + strings.Join(gone, ", ") + ")"
	}
	return "without " + what
}

// named are the IDs of some demonstrations of a kind, where the cause names them.
func (c Cause) named(k prompt.Kind, from, to int) []string {
	var out []string
	i := 0
	for _, s := range c.Showing {
		if s.Kind != k {
			continue
		}
		if i >= from && i < to {
			out = append(out, s.ID)
		}
		i++
	}
	return out
}

// without leaves out occurrences of a kind.
func (c Cause) without(u units, from, to int) Cause {
	letter := letterOf(u.kind)[0]
	out := c
	out.Contexts = slices.Clone(c.Contexts)
	for _, i := range u.in {
		x := &out.Contexts[i]
		letters, fixed := lettersOf(*x)
		var left []byte
		nth := 0
		for j := range len(letters) {
			if letters[j] == letter {
				if nth++; nth > from && nth <= to {
					continue
				}
			}
			left = append(left, letters[j])
		}
		if m := mixOf(string(left)); fixed || m.Kinds() < 2 {
			x.Composition.Mix = m
		} else {
			x.Composition.Mix = m.Ordered(x.Composition.Mix.Order)
		}
	}
	if c.Showing != nil {
		gone := c.named(u.kind, from, to)
		out.Showing = slices.DeleteFunc(slices.Clone(c.Showing), func(s Shown) bool { return slices.Contains(gone, s.ID) })
	}
	return out
}

// ordered are the causes with the same demonstrations in a plain order: the harmful ones
// first, or last, in every context.
func (c Cause) ordered() []cut {
	rank := func(x prompt.Setting) int {
		if x.Composition.Mix.Kinds() < 2 {
			return 0
		}
		if i := slices.Index(plainOrders, x.Composition.Mix.Order); i >= 0 {
			return i
		}
		return len(plainOrders)
	}
	worst := 0
	for _, x := range c.Contexts {
		worst = max(worst, rank(x))
	}
	var out []cut
	for i, o := range plainOrders[:2] {
		if i >= worst {
			break
		}
		plain := c.with(func(x *prompt.Setting) {
			x.Composition.Mix = x.Composition.Mix.Ordered(o)
			if letters, ok := x.Composition.Letters(); ok {
				x.Composition.Mix = mixOf(letters)
			}
		})
		if plain.Claim().Validate() == nil && plain.key() != c.key() {
			out = append(out, cut{plain, o.String() + " in order"})
		}
	}
	return out
}
