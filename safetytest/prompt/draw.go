package prompt

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// Pool is the set of demonstrations that draws choose from.
type Pool struct{ groups []group }

// group holds the demonstrations of one request. Of a forbidden request the pool
// may hold an answer and a refusal; one prompt must never show both.
type group struct {
	request string
	demos   []Demonstration
}

// NewPool makes a pool. It reports demonstrations without an id, a known kind, a
// request or a reply, and ids that occur twice.
func NewPool(demos []Demonstration) (*Pool, error) {
	p := &Pool{}
	seen := map[string]bool{}
	at := map[string]int{}
	for i, d := range demos {
		switch {
		case d.ID == "":
			return nil, fmt.Errorf("demonstration %d of the pool has no id", i+1)
		case seen[d.ID]:
			return nil, fmt.Errorf("demonstration id %q occurs twice in the pool", d.ID)
		case d.Kind.letter() == 0:
			return nil, fmt.Errorf("demonstration %q has no known kind", d.ID)
		case strings.TrimSpace(d.Request) == "" || strings.TrimSpace(d.Reply) == "":
			return nil, fmt.Errorf("demonstration %q needs a request and a reply", d.ID)
		}
		seen[d.ID] = true
		g, ok := at[d.Request]
		if !ok {
			g = len(p.groups)
			at[d.Request] = g
			p.groups = append(p.groups, group{request: d.Request})
		}
		p.groups[g].demos = append(p.groups[g].demos, d)
	}
	return p, nil
}

// Draw is a choice of demonstrations: one permutation for each kind. It shows no
// request twice, whatever the mix.
type Draw struct {
	seed   int64
	index  int
	byKind map[Kind][]Demonstration
}

// Draw makes draw number index of the family that seed names. Equal arguments
// give equal draws on every machine and every version of Go. The choice of one
// demonstration does not depend on the others' places in the pool, so a pool
// that grows keeps most of its draws.
func (p *Pool) Draw(seed int64, index int) Draw {
	d := Draw{seed: seed, index: index, byKind: map[Kind][]Demonstration{}}
	groups := slices.Clone(p.groups)
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(d.rank(a.request), d.rank(b.request)), cmp.Compare(a.request, b.request))
	})
	for _, g := range groups {
		// A request that several kinds could use goes to the one that has
		// fewest so far, so that the pool's requests are shared out evenly
		// and no mix depends on another.
		best := g.demos[0]
		for _, demo := range g.demos[1:] {
			fewer := cmp.Compare(len(d.byKind[demo.Kind]), len(d.byKind[best.Kind]))
			if cmp.Or(fewer, cmp.Compare(demo.Kind, best.Kind)) < 0 {
				best = demo
			}
		}
		d.byKind[best.Kind] = append(d.byKind[best.Kind], best)
	}
	return d
}

// Index is the draw's number within its family.
func (d Draw) Index() int { return d.index }

// rank is a number that looks random and depends on the draw and on text alone.
func (d Draw) rank(text string) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "draw %d/%d: %s", d.seed, d.index, text))
	return binary.BigEndian.Uint64(sum[:])
}

// Fill chooses the demonstrations of a context, in the order they are shown. It
// reports a context that is not well formed or needs more demonstrations of a
// kind than the pool can give to one prompt.
func (d Draw) Fill(c Composition) ([]Demonstration, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	for _, k := range kinds {
		if need, have := c.Count(k.kind), len(d.byKind[k.kind]); need > have {
			return nil, fmt.Errorf("%s: needs %d %s demonstrations, but the pool can give %d to one prompt (no request is shown twice); add demonstrations to the policy or ask for a smaller mix", c, need, k.name, have)
		}
	}
	pattern := c.pattern(func(letter byte, i int) uint64 { return d.rank(fmt.Sprintf("place %c%d", letter, i)) })
	// The mix takes the first demonstrations of a kind and the addition the
	// following ones, wherever they stand, so that the mix is the same with
	// and without the addition.
	var inMix, added [len(kinds)]int
	out := make([]Demonstration, len(pattern))
	for i := range len(pattern) {
		if k := kindOf(pattern[i]); k != 0 {
			out[i] = d.byKind[k][inMix[k-1]]
			inMix[k-1]++
		} else {
			out[i] = d.byKind[c.Kind][c.Mix.Count(c.Kind)+added[c.Kind-1]]
			added[c.Kind-1]++
		}
	}
	return out, nil
}

// Messages writes a conversation: the system prompt if there is one, each
// demonstration as a user and an assistant turn, and the target request.
func Messages(system string, demos []Demonstration, target string) []chat.Message {
	m := make([]chat.Message, 0, 2*len(demos)+2)
	if system != "" {
		m = append(m, chat.Message{Role: chat.System, Content: system})
	}
	for _, d := range demos {
		m = append(m, chat.Message{Role: chat.User, Content: d.Request}, chat.Message{Role: chat.Assistant, Content: d.Reply})
	}
	return append(m, chat.Message{Role: chat.User, Content: target})
}
