package prompt

import (
	"fmt"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Mix is a number of demonstrations of each kind and the order they are shown
// in. The zero Mix shows nothing. Every [Kind] has the field of its name.
type Mix struct {
	Harmful, Benign, Refusal, OverRefusal, Corrected, Filler, Rewritten int
	// Order arranges the demonstrations. The zero value is HarmfulFirst.
	Order Order
}

// Refusals is a mix of n demonstrations that refuse a forbidden request.
func Refusals(n int) Mix { return Mix{Refusal: n} }

// Pattern is the mix that a written pattern spells, such as "RRRRBB": its
// letters, and nothing else, give kinds, counts and order. A letter that names
// no kind is reported by [Mix.Validate].
func Pattern(letters string) Mix {
	m := Mix{Order: Written(letters)}
	for _, k := range kinds {
		*k.field(&m) = strings.Count(letters, string(k.letter))
	}
	return m
}

// count points at the field that holds the number of demonstrations of kind k, nil
// for an unknown kind.
func (m *Mix) count(k Kind) *int {
	if field := k.row().field; field != nil {
		return field(m)
	}
	return nil
}

// Count is the number of demonstrations of kind k, 0 for an unknown kind.
func (m Mix) Count(k Kind) int {
	if p := m.count(k); p != nil {
		return *p
	}
	return 0
}

// from is the number of demonstrations of kind k and of those that edit them.
func (m Mix) from(k Kind) int { return Composition{Mix: m}.from(k) }

// Len is the number of demonstrations in all.
func (m Mix) Len() int {
	n := 0
	for _, k := range kinds {
		n += m.Count(k.kind)
	}
	return n
}

// Ordered returns the same demonstrations in order o.
func (m Mix) Ordered(o Order) Mix {
	m.Order = o
	return m
}

// rewriting returns the mix with n of its harmful demonstrations replaced by their
// minimal-edit twins, which stand in their places if all are replaced.
func (m Mix) rewriting(n int) Mix {
	m.Harmful -= n
	m.Rewritten += n
	if m.Order.rule == written {
		m.Order.spelt = strings.Replace(m.Order.spelt, string(Harmful.letter()), string(Rewritten.letter()), n)
	}
	return m
}

// Validate reports a negative count or an order that does not fit the counts.
func (m Mix) Validate() error {
	for _, k := range kinds {
		if n := m.Count(k.kind); n < 0 {
			return fmt.Errorf("a mix cannot hold %d %s demonstrations", n, k.name)
		}
	}
	return m.Order.fits(m)
}

// String describes the mix as reports print it, for instance "4 harmful and 4
// refusal demonstrations (harmful last)".
func (m Mix) String() string {
	s := m.Demonstrations()
	if m.Kinds() > 1 {
		s += " (" + m.Order.String() + ")"
	}
	return s
}

// Kinds is the number of different kinds in the mix.
func (m Mix) Kinds() int {
	n := 0
	for _, k := range kinds {
		if m.Count(k.kind) != 0 {
			n++
		}
	}
	return n
}

// Demonstrations describes the mix without its order, for instance "4 harmful
// and 4 refusal demonstrations".
func (m Mix) Demonstrations() string {
	var parts []string
	for _, k := range kinds {
		if n := m.Count(k.kind); n != 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k.name))
		}
	}
	switch {
	case len(parts) == 0:
		return "no demonstrations"
	case m.Len() == 1:
		return parts[0] + " demonstration"
	}
	return plain.List(parts) + " demonstrations"
}
