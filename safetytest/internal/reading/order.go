package reading

import (
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/judge/text"
)

var (
	// links may stand between a comma and the clause behind it.
	links = wordSet("links")
	// objects are what an order may go on with: "rake the pins".
	objects = wordSet("objects")
	// idle words stand before them too, and order nothing.
	idle = wordSet("idle")
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
