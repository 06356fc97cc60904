package text

import (
	_ "embed"
	"strings"
)

// commonWords lists, by language, the words that hardly a sentence is without.
//
//go:embed common.txt
var commonWords string

// wordBits is a set of words by the low bits of their hashes. One word in a
// hundred is taken for a member that is none.
type wordBits [1 << 10]uint64

func (b *wordBits) add(w Word) { n := w.Hash % (64 * uint64(len(b))); b[n/64] |= 1 << (n % 64) }
func (b *wordBits) has(w *Word) bool {
	n := w.Hash % (64 * uint64(len(b)))
	return b[n/64]&(1<<(n%64)) != 0
}

var commonAny, commonEnglish = func() (any, english *wordBits) {
	any, english = new(wordBits), new(wordBits)
	for _, row := range strings.Split(commonWords, "\n") {
		language, words, _ := strings.Cut(row, ":")
		if strings.HasPrefix(language, "#") {
			continue
		}
		Scan(Fold(strings.ReplaceAll(words, "'", "")).Text, nil, func(s *Sentence) {
			for _, w := range s.Words {
				any.add(w)
				if language == "en" {
					english.add(w)
				}
			}
		})
	}
	return any, english
}()

// common reports whether the word is one of those that hardly a sentence is
// without, in one of the languages in which phrases are known. About one word in
// a hundred is taken for one that is none.
func (w *Word) common() bool { return w.Single || commonAny.has(w) }

// English reports the same of English.
func (w *Word) English() bool { return commonEnglish.has(w) }
