package prompt

import (
	"cmp"
	"slices"
	"strings"
)

// weave spreads several parts evenly over their whole length and keeps the
// sequence inside each: the i-th of a part's n letters goes to the place
// (2i+1)/2n. Ties go to the part named first, so that "HH" and "RR" become
// "HRHR".
func weave(parts ...string) string {
	type slot struct {
		letter   byte
		num, den int
	}
	var slots []slot
	for _, part := range parts {
		for i := range len(part) {
			slots = append(slots, slot{part[i], 2*i + 1, 2 * len(part)})
		}
	}
	slices.SortStableFunc(slots, func(a, b slot) int { return cmp.Compare(a.num*b.den, b.num*a.den) })
	var out strings.Builder
	for _, s := range slots {
		out.WriteByte(s.letter)
	}
	return out.String()
}

// sortBy arranges a pattern by a key that each of its letters has: the i-th of
// its kind.
func sortBy(pattern string, key func(letter byte, i int) uint64) string {
	type slot struct {
		letter byte
		key    uint64
	}
	seen := map[byte]int{}
	slots := make([]slot, len(pattern))
	for i := range len(pattern) {
		c := pattern[i]
		place := kindOf(c).source().letter() // an edit takes the place of what it edits
		slots[i] = slot{c, key(place, seen[place])}
		seen[place]++
	}
	slices.SortStableFunc(slots, func(a, b slot) int { return cmp.Compare(a.key, b.key) })
	var out strings.Builder
	for _, s := range slots {
		out.WriteByte(s.letter)
	}
	return out.String()
}
