package reading

import (
	_ "embed"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/judge/text"
)

//go:embed words.txt
var wordsText string

// hashes is a set of words, and which bits the low ends of their hashes set, so that
// most words need no look-up.
type hashes struct {
	low [4]uint64
	all map[uint64]bool
}

// wordSet returns the set of a section of words.txt.
func wordSet(name string) *hashes {
	_, section, found := strings.Cut(wordsText, "\n["+name+"]\n")
	if !found {
		panic("words.txt has no section " + name) // the embedded file is wrong; every test sees it
	}
	section, _, _ = strings.Cut(section, "\n[")
	set := &hashes{all: map[uint64]bool{}}
	text.Scan(section, nil, func(s *text.Sentence) {
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
