package prompt

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// Mixes is a space of mixes and orders: up to so many demonstrations of each kind, in any
// order. [Mixes.At] draws from it. Order has no place in it and stays zero, and neither
// have kinds that edit others, whose places it would take.
type Mixes Mix

// Validate reports a space that holds nothing to draw from: negative numbers, no
// demonstrations at all, an order, or kinds that edit others.
func (m Mixes) Validate() error {
	for _, k := range kinds {
		n := Mix(m).Count(k.kind)
		switch {
		case n < 0:
			return fmt.Errorf("a space of mixes cannot hold %d %s demonstrations", n, k.name)
		case n > 0 && k.edits != 0:
			return fmt.Errorf("a space of mixes has no place for %s demonstrations, which stand in the places of %s ones: state them by a contrast with Rewriting", k.name, k.edits)
		}
	}
	switch {
	case m.Order != Order{}:
		return fmt.Errorf("the order of a space of mixes is drawn at random: leave out Order (%s)", m.Order)
	case Mix(m).Len() == 0:
		return errors.New("a space of mixes needs room: it holds one arrangement only, that of no demonstrations; say how many of each kind there may be, such as Mixes{Harmful: 8, Refusal: 4}")
	}
	return nil
}

// IsZero says whether no space is given.
func (m Mixes) IsZero() bool { return m == Mixes{} }

// String describes the space as sentences do: "0 to 8 harmful, 0 to 8 benign and 0 to 4
// refusal demonstrations".
func (m Mixes) String() string {
	var parts []string
	for _, k := range kinds {
		if n := Mix(m).Count(k.kind); n != 0 {
			parts = append(parts, fmt.Sprintf("0 to %d %s", n, k.name))
		}
	}
	if len(parts) == 0 {
		return "no demonstrations"
	}
	return plain.List(parts) + " demonstrations"
}

// Fullest is the longest pattern of the space, kind by kind.
func (m Mixes) Fullest() string {
	var b strings.Builder
	for _, k := range kinds {
		b.WriteString(strings.Repeat(string(k.letter), Mix(m).Count(k.kind)))
	}
	return b.String()
}

// Holds says whether a pattern is one of the space's.
func (m Mixes) Holds(pattern string) bool {
	named := 0
	for _, k := range kinds {
		n := strings.Count(pattern, string(k.letter))
		if named += n; n > Mix(m).Count(k.kind) {
			return false
		}
	}
	return named == len(pattern)
}

// Size is the number of different arrangements in the space, that of no demonstrations
// included.
func (m Mixes) Size() *big.Int {
	// ways[n] is the number of arrangements of n demonstrations of the kinds so far.
	ways := []*big.Int{big.NewInt(1)}
	for _, k := range kinds {
		most := Mix(m).Count(k.kind)
		if most <= 0 {
			continue
		}
		next := make([]*big.Int, len(ways)+most)
		for i := range next {
			next[i] = new(big.Int)
		}
		for n, w := range ways {
			for c := range most + 1 {
				next[n+c].Add(next[n+c], new(big.Int).Mul(w, new(big.Int).Binomial(int64(n+c), int64(c))))
			}
		}
		ways = next
	}
	sum := new(big.Int)
	for _, w := range ways {
		sum.Add(sum, w)
	}
	return sum
}

// At draws the arrangement that is shown when a request is asked under a draw of
// demonstrations for a given time, counted from 0: the number of each kind is drawn
// from 0 to its most, each equally likely and independently of the others, and then the
// order, equally likely among all orders of the kinds. Equal arguments give equal
// patterns on every machine and with every version of Go. Requests names the set that
// the request's id is of.
func (m Mixes) At(seed uint64, requests, id string, draw, visit int) string {
	return m.Draw(fmt.Sprintf("arrangement %d/%s/%s/%d/%d", seed, requests, id, draw, visit))
}

// Draw is an arrangement drawn as [Mixes.At] says, by a key that fixes it.
func (m Mixes) Draw(key string) string {
	d := dice{key: fmt.Sprintf("%s of %s", key, m)}
	var letters []byte
	for _, k := range kinds {
		if most := Mix(m).Count(k.kind); most > 0 {
			for range d.below(most + 1) {
				letters = append(letters, k.letter)
			}
		}
	}
	for i := len(letters) - 1; i > 0; i-- {
		j := d.below(i + 1)
		letters[i], letters[j] = letters[j], letters[i]
	}
	return string(letters)
}

// dice are numbers that look random and depend on a key alone.
type dice struct {
	key    string
	block  [sha256.Size]byte
	n, out int // blocks made, bytes of the last one taken
}

// below is a number from 0 to n-1. That n divides no power of 2 favours none of them by
// more than n in 2^64.
func (d *dice) below(n int) int {
	if d.n == 0 || d.out+8 > len(d.block) {
		d.block, d.out = sha256.Sum256(fmt.Appendf(nil, "%s/%d", d.key, d.n)), 0
		d.n++
	}
	x := binary.BigEndian.Uint64(d.block[d.out:])
	d.out += 8
	return int(x % uint64(n))
}

// Arranged picks the demonstrations of a pattern from those of the fullest one of its
// space, kind by kind from the first: they are those that [Draw.Fill] shows for the
// pattern itself. It reports a letter that names no kind, and a kind of which there are
// too few.
func Arranged(fullest []Demonstration, pattern string) ([]Demonstration, error) {
	of := map[byte][]Demonstration{}
	for _, d := range fullest {
		of[d.Kind.letter()] = append(of[d.Kind.letter()], d)
	}
	out := make([]Demonstration, len(pattern))
	for i := range len(pattern) {
		next := of[pattern[i]]
		if len(next) == 0 {
			return nil, fmt.Errorf("pattern %q: there is no demonstration left for %q at position %d", pattern, pattern[i], i+1)
		}
		out[i], of[pattern[i]] = next[0], next[1:]
	}
	return out, nil
}
