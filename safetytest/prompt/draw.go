package prompt

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/internal/spelling"
)

// Pool is the set of demonstrations that draws choose from.
type Pool struct {
	groups []group
	edits  map[edited]Demonstration
}

// edited names an edit: its kind, and the ID of the demonstration that it edits, as
// spelling.Name has it.
type edited struct {
	kind Kind
	of   string
}

// group holds the demonstrations of one request, however they spell it. Of a
// forbidden request the pool may hold an answer and a refusal; one prompt must
// never show both.
type group struct {
	request string // in the spelling that sorts first
	demos   []Demonstration
}

// NewPool makes a pool. It reports demonstrations without an id, a known kind, a
// request or a reply, ids that occur twice, also in two spellings, two demonstrations of one kind for
// the same request in whatever spelling (a draw would never show the second),
// rewritten demonstrations of nothing that is harmful, and filler, which this
// package writes itself.
func NewPool(demos []Demonstration) (*Pool, error) {
	p := &Pool{edits: map[edited]Demonstration{}}
	seen := map[string]Demonstration{} // by id, as RewriteOf finds it
	at := map[string]int{}
	type shown struct {
		kind    Kind
		request string
	}
	first := map[shown]string{} // the id of the first demonstration that shows it
	for i, d := range demos {
		request, id := spelling.Fold(d.Request), spelling.Name(d.ID)
		switch other, twice := seen[id]; {
		case id == "":
			return nil, fmt.Errorf("demonstration %d of the pool has no id", i+1)
		case twice && other.ID != d.ID:
			return nil, fmt.Errorf("demonstration ids %+q and %+q are one id in two spellings", other.ID, d.ID)
		case twice:
			return nil, fmt.Errorf("demonstration id %q occurs twice in the pool", d.ID)
		case !d.Kind.row().known():
			return nil, fmt.Errorf("demonstration %q has no known kind", d.ID)
		case !d.Kind.Pooled():
			return nil, fmt.Errorf("demonstration %q is %s: %[2]s is written to the length that a claim asks for, and taken from no pool", d.ID, d.Kind)
		case request == "" || strings.TrimSpace(d.Reply) == "":
			return nil, fmt.Errorf("demonstration %q needs a request and a reply", d.ID)
		case d.Kind.Edits() == 0 && d.RewriteOf != "":
			return nil, fmt.Errorf("demonstration %q rewrites %q, but its kind is %s, which rewrites nothing", d.ID, d.RewriteOf, d.Kind)
		}
		if other, twice := first[shown{d.Kind, request}]; twice {
			return nil, fmt.Errorf("demonstrations %q and %q are both %s ones of the same request: keep one of them", other, d.ID, d.Kind)
		}
		seen[id], first[shown{d.Kind, request}] = d, d.ID
		if d.Kind.Edits() != 0 { // it is chosen with the one that it edits
			edit := edited{d.Kind, spelling.Name(d.RewriteOf)}
			if other, twice := p.edits[edit]; twice {
				return nil, fmt.Errorf("demonstrations %q and %q both rewrite %q", other.ID, d.ID, d.RewriteOf)
			}
			p.edits[edit] = d
			continue
		}
		g, ok := at[request]
		if !ok {
			g = len(p.groups)
			at[request] = g
			p.groups = append(p.groups, group{request: d.Request})
		}
		p.groups[g].request = min(p.groups[g].request, d.Request) // whatever the order of the rows
		p.groups[g].demos = append(p.groups[g].demos, d)
	}
	for edit, d := range p.edits {
		if seen[edit.of].Kind != d.Kind.Edits() {
			return nil, fmt.Errorf("demonstration %q rewrites %q, which is no %s demonstration of the pool", d.ID, d.RewriteOf, d.Kind.Edits())
		}
	}
	return p, nil
}

// Draw is a choice of demonstrations: one permutation for each kind. It shows no
// request twice, whatever the mix, unless a composition asks for repetition.
type Draw struct {
	seed   int64
	index  int
	groups []group // by rank
	byKind map[Kind][]Demonstration
	edits  map[edited]Demonstration
}

// Draw makes draw number index of the family that seed names. Equal arguments
// give equal draws on every machine and every version of Go. The choice of one
// demonstration does not depend on the others' places in the pool, so a pool
// that grows keeps most of its draws.
func (p *Pool) Draw(seed int64, index int) Draw {
	d := Draw{seed: seed, index: index, byKind: map[Kind][]Demonstration{}, edits: p.edits}
	groups := slices.Clone(p.groups)
	ranks := make(map[string]uint64, len(groups)) // each is asked for many times
	for _, g := range groups {
		ranks[g.request] = d.rank(g.request)
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(ranks[a.request], ranks[b.request]), cmp.Compare(a.request, b.request))
	})
	d.groups = groups
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

// rank is a number that looks random and depends on the draw and on text alone.
func (d Draw) rank(text string) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "draw %d/%d: %s", d.seed, d.index, text))
	return binary.BigEndian.Uint64(sum[:])
}

// Fill chooses the demonstrations of a composition for a target of the given
// topic, in the order they are shown. Only a composition OnTopic or OffTopic
// depends on the topic. Fill reports a composition that is not well formed or
// needs more demonstrations of a kind than the pool can give to one prompt. Of one that
// draws its arrangements from a space it gives those of the fullest, which [Arranged]
// picks from.
func (d Draw) Fill(c Composition, topic string) ([]Demonstration, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if !c.Any.IsZero() { // as many of each kind as may be needed
		c.Mix, c.Any = Pattern(c.Any.Fullest()), Mixes{}
	}
	taken := map[string]bool{}
	f := filling{Draw: d, c: c, topic: topic, used: map[Kind]int{}, taken: taken}
	key := func(letter byte, i int) uint64 { return d.rank(fmt.Sprintf("place %c%d", letter, i)) }
	pattern := c.pattern(key)
	// The mix takes the first demonstrations of a kind and the addition the
	// following ones, wherever they stand, so that the mix is the same with
	// and without the addition.
	mixed := filling{Draw: d, c: c, topic: topic, used: map[Kind]int{}, taken: taken}
	for _, k := range kinds {
		f.used[k.source()] += c.Mix.Count(k.kind)
	}
	out := make([]Demonstration, len(pattern))
	for i := range len(pattern) {
		next := mixed.next
		k := kindOf(pattern[i])
		if k == 0 {
			k, next = c.Kind, f.next
		}
		var err error
		if out[i], err = next(k); err != nil {
			return nil, fmt.Errorf("%s: %w", c, err)
		}
	}
	return out, nil
}

// filling takes demonstrations one after the other.
type filling struct {
	Draw
	c     Composition
	topic string
	used  map[Kind]int    // by source
	taken map[string]bool // requests shown already, where topics matter
}

// next takes the next demonstration of kind k.
func (f filling) next(k Kind) (Demonstration, error) {
	from := k.source()
	n := f.used[from]
	f.used[from]++
	switch {
	case k == Filler:
		return f.filler(n)
	case !k.Pooled():
		return Demonstration{}, fmt.Errorf("%v demonstrations come from no pool, and nothing here writes them", k)
	}
	demo, err := f.nth(from, n)
	if err != nil || k == from {
		return demo, err
	}
	edit, ok := f.edits[edited{k, spelling.Name(demo.ID)}]
	if !ok {
		return demo, fmt.Errorf("no demonstration of the pool rewrites %q; add a %s one whose RewriteOf names it", demo.ID, k)
	}
	return edit, nil
}

// nth is demonstration number n of a kind, as the composition chooses.
func (f filling) nth(k Kind, n int) (Demonstration, error) {
	if about := f.c.Choice == OnTopic || f.c.Choice == OffTopic; about && k.row().topical {
		return f.byTopic(k)
	}
	all := f.byKind[k]
	if f.c.Choice == Repeated {
		if shown := min(f.c.from(k), len(all)); shown > 0 {
			return middle(all[:shown]), nil
		}
	}
	if n >= len(all) {
		return Demonstration{}, fmt.Errorf("needs %d %s demonstrations, but the pool can give %d to one prompt (no request is shown twice, so that kinds which share requests have to share them out); add demonstrations of other requests to the policy or ask for a smaller mix", f.c.from(k), k, len(all))
	}
	return all[n], nil
}

// byTopic takes the next demonstration of kind k that has the target's topic, or
// has another one. Topics are small: any request that was not shown yet will do,
// whichever kind it would serve elsewhere.
func (f filling) byTopic(k Kind) (Demonstration, error) {
	for _, g := range f.groups {
		for _, d := range g.demos {
			if d.Kind == k && !f.taken[g.request] && (d.Topic == f.topic) == (f.c.Choice == OnTopic) {
				f.taken[g.request] = true
				return d, nil
			}
		}
	}
	return Demonstration{}, fmt.Errorf("the pool has too few %s demonstrations %s, which is %q; give targets and demonstrations topics, or ask for a smaller mix", k, f.c.Choice, f.topic)
}

// middle is the demonstration of middle length.
func middle(demos []Demonstration) Demonstration {
	sorted := slices.Clone(demos)
	slices.SortStableFunc(sorted, func(a, b Demonstration) int { return cmp.Compare(a.words(), b.words()) })
	return sorted[len(sorted)/2]
}

// words is the length of request and reply together.
func (d Demonstration) words() int {
	return len(strings.Fields(d.Request)) + len(strings.Fields(d.Reply))
}

// filler is filler demonstration number n of the composition.
func (f filling) filler(n int) (Demonstration, error) {
	words := cmp.Or(f.c.FillerWords, defaultFillerWords)
	if like := f.c.FillerLike; like != 0 {
		if inMix := f.c.Mix.Filler; n >= inMix { // added: after those of the kind in the mix
			n += f.c.Mix.from(like.source()) - inMix
		}
		demo, err := f.nth(like.source(), n)
		if err != nil {
			return demo, err
		}
		words = demo.words()
	}
	return writeFiller(words, func(i int) uint64 { return f.rank(fmt.Sprintf("filler %d/%d", n, i)) }), nil
}
