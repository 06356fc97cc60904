package prompt

import (
	"errors"
	"fmt"
	"strings"
)

// Composition describes the demonstrations of one arm: a mix, and perhaps more
// demonstrations of one kind added to it. The zero Composition shows nothing.
type Composition struct {
	Mix Mix
	// Added demonstrations of kind Kind stand at Position relative to the mix,
	// whose own order they leave alone. Their kind may also occur in the mix;
	// the mix then takes the first ones of the draw.
	Added    int
	Kind     Kind
	Position Position
	// Choice says which demonstrations of the pool stand for the counts.
	Choice Choice
	// FillerWords is the length of a filler demonstration, in words of request
	// and reply together. 0 means 60, unless FillerLike is set.
	FillerWords int
	// FillerLike gives every filler demonstration the length of the one of
	// this kind that would stand in its place, so that content can be kept
	// apart from length.
	FillerLike Kind
	// Any, unless zero, stands for the mix: each time that a request is asked another
	// arrangement is drawn from this space. Nothing is added to it.
	Any Mixes `json:",omitzero"`
}

// Choice says which demonstrations of the pool fill a composition.
type Choice int

// The choices.
const (
	// Diverse shows different demonstrations, whatever their topic.
	Diverse Choice = iota
	// Repeated shows one demonstration of each kind again and again: of those
	// that Diverse would show, the one of middle length.
	Repeated
	// OnTopic shows harmful demonstrations and refusals of the target's topic.
	OnTopic
	// OffTopic shows harmful demonstrations and refusals of other topics.
	OffTopic
)

// String returns the choice as reports print it, empty for Diverse.
func (c Choice) String() string {
	switch c {
	case Repeated:
		return "one repeated"
	case OnTopic:
		return "of the target's topic"
	case OffTopic:
		return "of other topics"
	}
	return ""
}

// Position says where added demonstrations stand. It is part of every addition
// because it decides a good part of the effect: what stands next to the target
// counts most.
type Position int

// The positions of an addition.
const (
	// After the mix, next to the target.
	After Position = iota
	// Before the mix.
	Before
	// Among the demonstrations of the mix, evenly spread.
	Among
)

// String returns the position in lower case.
func (p Position) String() string {
	switch p {
	case Before:
		return "before"
	case Among:
		return "among"
	}
	return "after"
}

// Validate reports counts that are negative, a mix that does not fit its order,
// and an addition without a kind.
func (c Composition) Validate() error {
	if err := c.Mix.Validate(); err != nil {
		return err
	}
	if !c.Any.IsZero() {
		return c.validateAny()
	}
	if c.Added < 0 {
		return fmt.Errorf("cannot add %d demonstrations", c.Added)
	}
	if c.Added > 0 && !c.Kind.row().known() {
		return fmt.Errorf("added demonstrations have no such kind: %v", c.Kind)
	}
	switch {
	case c.Choice < Diverse || c.Choice > OffTopic:
		return fmt.Errorf("there is no choice of demonstrations with number %d", int(c.Choice))
	case c.Choice >= OnTopic && c.Added > 0:
		return errors.New("demonstrations are chosen by topic for a whole mix: put what is added into the mix")
	case c.FillerWords < 0:
		return fmt.Errorf("a filler demonstration cannot have %d words", c.FillerWords)
	case c.FillerLike != 0 && !c.FillerLike.Pooled():
		return fmt.Errorf("filler demonstrations cannot be as long as those of kind %v", c.FillerLike)
	}
	return nil
}

// validateAny reports a space that cannot be drawn from, or beside which something else is
// said of what is shown.
func (c Composition) validateAny() error {
	if err := c.Any.Validate(); err != nil {
		return err
	}
	if (c != Composition{Any: c.Any}) {
		return errors.New("where arrangements are drawn from a space, no mix, addition or choice of demonstrations is said beside it")
	}
	return nil
}

// Count is the number of demonstrations of kind k, added ones included.
func (c Composition) Count(k Kind) int {
	n := c.Mix.Count(k)
	if c.Kind == k {
		n += c.Added
	}
	return n
}

// from is the number of demonstrations of kind k and of those that edit them, added
// ones included.
func (c Composition) from(k Kind) int {
	n := 0
	for _, r := range kinds {
		if r.source() == k {
			n += c.Count(r.kind)
		}
	}
	return n
}

// String describes the context as reports print it, for instance "8 benign
// demonstrations after 4 refusal demonstrations".
func (c Composition) String() string {
	s := c.shown()
	for _, more := range []string{c.Choice.String(), c.fillers()} {
		if more != "" {
			s += ", " + more
		}
	}
	return s
}

// fillers describes filler demonstrations that are not of the usual length.
func (c Composition) fillers() string {
	switch {
	case c.Count(Filler) == 0:
		return ""
	case c.FillerLike != 0:
		return fmt.Sprintf("filler as long as %s demonstrations", c.FillerLike)
	case c.FillerWords != 0:
		return fmt.Sprintf("filler of %d words", c.FillerWords)
	}
	return ""
}

// shown describes how many demonstrations of which kind stand where.
func (c Composition) shown() string {
	if !c.Any.IsZero() {
		return c.Any.String() + ", number and order drawn anew each time"
	}
	if c.Added == 0 {
		return c.Mix.String()
	}
	added := fmt.Sprintf("%d %s demonstrations", c.Added, c.Kind)
	if c.Added == 1 {
		added = strings.TrimSuffix(added, "s")
	}
	if c.Mix.Len() == 0 {
		return added
	}
	return fmt.Sprintf("%s %s %s", added, c.Position, c.Mix)
}

// addedMark stands in a pattern for every added demonstration, which so stays
// apart from those of the mix.
const addedMark = "+"

// pattern writes the context as letters; key is as in Order.arrange.
func (c Composition) pattern(key func(letter byte, i int) uint64) string {
	base, added := c.Mix.Order.arrange(c.Mix, key), strings.Repeat(addedMark, c.Added)
	switch c.Position {
	case Before:
		return added + base
	case Among:
		return weave(base, added)
	}
	return base + added
}
