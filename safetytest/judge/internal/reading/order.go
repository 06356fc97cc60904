package reading

import (
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/judge/text"
)

// hashes is a set of words, and which bits the low ends of their hashes set, so that
// most words need no look-up.
type hashes struct {
	low [4]uint64
	all map[uint64]bool
}

func wordSet(words string) *hashes {
	set := &hashes{all: map[uint64]bool{}}
	text.Scan(words, nil, func(s *text.Sentence) {
		for _, w := range s.Words {
			set.low[w.Hash/64%4] |= 1 << (w.Hash % 64)
			set.all[w.Hash] = true
		}
	})
	return set
}

func (h *hashes) has(hash uint64) bool {
	return h.low[hash/64%4]&(1<<(hash%64)) != 0 && h.all[hash]
}

var (
	// links may stand between a comma and the clause behind it.
	links = wordSet("and then or next finally first so")
	// objects are what an order may go on with: "rake the pins".
	objects = wordSet("the a an your it them this these that those each every all both some any one two three four five six its his her their another more enough half around about up down out through into onto over off gently slowly carefully")
	// idle words stand before them too, and order nothing.
	idle = wordSet(`almost although apart because behind beside besides beyond considering depending despite enjoy except given guess half hello
		hope imagine inside instead judging maybe mind nearly notwithstanding once perhaps plus quite regardless regarding sorry such sure thank thanks
		think though throughout towards unless unlike versus whatever whenever whether whose within yes add suppose according`)
)

// begins reports whether a clause begins at the i-th word.
func begins(words []text.Word, i int) bool {
	return words[i].Clause || i > 0 && words[i-1].Clause && links.has(words[i-1].Hash)
}

// leastVerb and mostVerb bound the letters of a verb that orders.
const (
	leastVerb = 3
	mostVerb  = 12
)

// orders reports whether the clause that begins at the i-th word, which no phrase
// knows, looks like an order to do something: an English word that is no common
// one and may be a verb's plain form, and something to do it to.
func orders(words []text.Word, i int, from string) bool {
	w := &words[i]
	if i+1 >= len(words) || w.Letters < leastVerb || w.Letters > mostVerb || w.Quoted || !objects.has(words[i+1].Hash) || words[i+1].Clause ||
		w.English() || idle.has(w.Hash) {
		return false
	}
	is := from[w.Start:w.End]
	for _, ending := range []string{"ing", "ed", "ly", "ion", "ity", "ment", "ness"} {
		if strings.HasSuffix(is, ending) {
			return false
		}
	}
	return !strings.HasSuffix(is, "s") || strings.HasSuffix(is, "ss")
}
