package prompt

import (
	"fmt"
	"strings"
)

// Order arranges the demonstrations of a mix. Orders are comparable values; the
// zero Order is HarmfulFirst. Rewritten demonstrations are arranged like the
// harmful ones that they replace; all others keep the sequence of [Kinds] (benign,
// refusal, over-refusal and so on) among themselves unless the order says
// otherwise.
type Order struct {
	rule  rule
	k     int
	spelt string
}

type rule int

const (
	harmfulFirst rule = iota
	harmfulLast
	harmfulMiddle
	harmfulOutside
	interleaved
	shuffled
	lastK
	written
	reshuffled
)

// The named orders. The paper calls the first two prefix and suffix (arXiv
// 2606.20508, order experiment).
var (
	// HarmfulFirst shows the harmful demonstrations before all others.
	HarmfulFirst = Order{rule: harmfulFirst}
	// HarmfulLast shows them after all others, next to the target.
	HarmfulLast = Order{rule: harmfulLast}
	// HarmfulMiddle shows them between two halves of the others; of an odd
	// number the first half is the smaller one.
	HarmfulMiddle = Order{rule: harmfulMiddle}
	// HarmfulOutside shows the others between two halves of the harmful ones;
	// of an odd number the first half is the smaller one.
	HarmfulOutside = Order{rule: harmfulOutside}
	// Interleaved spreads every kind evenly over the whole length.
	Interleaved = Order{rule: interleaved}
	// Shuffled arranges the kinds at random, differently in each draw and equally
	// in all arms of that draw that hold the same demonstrations.
	Shuffled = Order{rule: shuffled}
)

// LastK shows k harmful demonstrations last and the rest of them first. k lies
// between 0 and the number of harmful demonstrations.
func LastK(k int) Order { return Order{rule: lastK, k: k} }

// Reshuffled is another random arrangement of the kinds than Shuffled, differently
// for each number of at least 1. Within a kind the sequence stays.
func Reshuffled(n int) Order { return Order{rule: reshuffled, k: n} }

// Written is the order that a pattern spells, such as "RRHHRR"; see [Pattern]
// for a mix that takes its counts from the pattern, too.
func Written(letters string) Order { return Order{rule: written, spelt: letters} }

// String names the order as reports print it.
func (o Order) String() string {
	switch o.rule {
	case harmfulFirst:
		return "harmful first"
	case harmfulLast:
		return "harmful last"
	case harmfulMiddle:
		return "harmful in the middle"
	case harmfulOutside:
		return "harmful first and last"
	case interleaved:
		return "interleaved"
	case shuffled:
		return "shuffled"
	case reshuffled:
		return fmt.Sprintf("reshuffled %d", o.k)
	case lastK:
		return fmt.Sprintf("last %d harmful", o.k)
	}
	return o.spelt
}

// MarshalText returns the name that String does.
func (o Order) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText returns. A text that is no name of an order is
// taken for a written pattern, of which [Mix.Validate] says whether it is one.
func (o *Order) UnmarshalText(text []byte) error {
	*o = orderNamed(string(text))
	return nil
}

func orderNamed(name string) Order {
	for _, o := range []Order{HarmfulFirst, HarmfulLast, HarmfulMiddle, HarmfulOutside, Interleaved, Shuffled} {
		if name == o.String() {
			return o
		}
	}
	var k int
	if n, err := fmt.Sscanf(name, "last %d harmful", &k); n == 1 && err == nil && name == LastK(k).String() {
		return LastK(k)
	}
	if n, err := fmt.Sscanf(name, "reshuffled %d", &k); n == 1 && err == nil && name == Reshuffled(k).String() {
		return Reshuffled(k)
	}
	return Written(name)
}

// fits reports why the order cannot arrange m, or nil.
func (o Order) fits(m Mix) error {
	switch o.rule {
	case lastK:
		if o.k < 0 || o.k > m.from(Harmful) {
			return fmt.Errorf("order LastK(%d) does not fit %d harmful demonstrations", o.k, m.from(Harmful))
		}
	case reshuffled:
		if o.k < 1 {
			return fmt.Errorf("order Reshuffled(%d) needs a number of at least 1", o.k)
		}
	case written:
		for i := range len(o.spelt) {
			if kindOf(o.spelt[i]) == 0 {
				return fmt.Errorf("pattern %q: %q at position %d names no kind of demonstration (use %s)", o.spelt, o.spelt[i], i+1, letters())
			}
		}
		for _, k := range kinds {
			if got := strings.Count(o.spelt, string(k.letter)); got != m.Count(k.kind) {
				return fmt.Errorf("pattern %q spells %d %s demonstrations, the mix has %d", o.spelt, got, k.name, m.Count(k.kind))
			}
		}
	}
	return nil
}

// arrange writes the mix as a pattern. Only a shuffled order uses key, which
// gives the i-th demonstration of each kind its sorting key.
func (o Order) arrange(m Mix, key func(letter byte, i int) uint64) string {
	if o.rule == written {
		return o.spelt
	}
	// Demonstrations that edit others stand where those would that they replace.
	of := map[Kind]string{}
	for _, k := range kinds {
		of[k.source()] += strings.Repeat(string(k.letter), m.Count(k.kind))
	}
	runs := []string{of[Harmful]}
	for _, k := range kinds {
		if k.kind != Harmful {
			runs = append(runs, of[k.kind])
		}
	}
	harmful, rest := runs[0], strings.Join(runs[1:], "")
	switch o.rule {
	case harmfulLast:
		return rest + harmful
	case harmfulMiddle:
		half := len(rest) / 2
		return rest[:half] + harmful + rest[half:]
	case harmfulOutside:
		half := len(harmful) / 2
		return harmful[:half] + rest + harmful[half:]
	case interleaved:
		return weave(runs...)
	case shuffled:
		return sortBy(harmful+rest, key)
	case reshuffled:
		shuffled := sortBy(harmful+rest, key)
		for n := 1000 * o.k; ; n += 1000 * 100 {
			again := sortBy(harmful+rest, func(letter byte, i int) uint64 { return key(letter, i+n) })
			if again != shuffled || m.Kinds() < 2 {
				return again
			}
		}
	case lastK:
		return harmful[o.k:] + rest + harmful[:o.k]
	}
	return harmful + rest
}
