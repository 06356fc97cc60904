package prompt

import "strings"

// Letters writes the composition as a pattern of letters, one a demonstration in the
// order in which they are shown, as [Pattern] reads it. ok is false where the order
// differs from draw to draw, and for a composition that is not well formed.
func (c Composition) Letters() (letters string, ok bool) {
	if o := c.Mix.Order.rule; c.Validate() != nil || (o == shuffled || o == reshuffled) && c.Mix.Kinds() > 1 {
		return "", false
	}
	text := c.pattern(func(byte, int) uint64 { return 0 }) // of one kind, which no key arranges
	if c.Added > 0 {
		text = strings.ReplaceAll(text, addedMark, string(c.Kind.letter()))
	}
	return text, true
}

// KindOf is the kind that a letter of a pattern names; ok is false if it names none.
func KindOf(letter byte) (k Kind, ok bool) {
	k = kindOf(letter)
	return k, k != 0
}
