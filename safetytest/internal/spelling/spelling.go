// Package spelling says when two requests are one request, written in two ways.
//
// A policy shows demonstrations and asks targets. Where a target stands among
// the demonstrations the model is shown the answer, and a spreadsheet changes a
// text easily: a curly apostrophe, an accent in two code points, a question mark
// less. What a reader would call the same must be found all the same.
package spelling

import (
	"html"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold gives the text that all spellings of a request share. Two requests are
// the same when they agree after Unicode normal form (NFKC), case, HTML
// entities, the shape of apostrophes, quotation marks and dashes, characters
// without a width, white space, and marks at the ends of words. The result is
// for comparison only. It is empty where there is nothing to read.
func Fold(request string) string {
	// Case first and last: folding can undo the normal form, and the normal
	// form can make letters that have a case (U+1D400 becomes "A").
	text := plain.Replace(html.UnescapeString(strings.ToValidUTF8(request, "\ufffd")))
	fold := cases.Fold()
	text = norm.NFKC.String(fold.String(norm.NFKC.String(fold.String(text))))
	text = turkish.Replace(strings.Map(shape, text))

	var b strings.Builder
	words := strings.Fields(text)
	for i, w := range words {
		words[i] = strings.TrimRightFunc(strings.TrimLeftFunc(w, opens), closes)
	}
	last := '\uffff'
	for _, w := range words {
		for i, r := range w {
			switch {
			case i == 0 && unicode.IsDigit(last) && unicode.IsDigit(r):
				b.WriteByte(' ') // "1 1/2" is not "11/2"
			case r == last && (r == '\'' || r == '-'):
				continue // '' stands for one quotation mark, -- for a dash
			}
			b.WriteRune(r)
			last = r
		}
	}
	if b.Len() == 0 { // marks and nothing else: they are what is asked
		return strings.Join(strings.Fields(text), "")
	}
	return b.String()
}

// plain takes the marks that NFKC would turn into a space and something else:
// the acute accent and the diaeresis that stand for an apostrophe and a
// quotation mark.
var plain = strings.NewReplacer("\u00b4", "'", "\u02bc", "'", "\u1fbd", "'", "\u1fbf", "'", "\u1ffd", "'", "\u1ffe", "'", "\u02dd", "'", "\u00a8", "'")

// turkish makes the letters i of Turkish one: their case is paired in another
// way than elsewhere, so that capitals and small letters would differ.
var turkish = strings.NewReplacer("i\u0307", "i", "\u0131", "i")

// shape maps marks that are written in many ways to one, and drops what cannot
// be seen.
func shape(r rune) rune {
	switch {
	case unicode.Is(unicode.Quotation_Mark, r) || strings.ContainsRune("`\u02b9\u02ba\u02bb\u02bd\u02ca\u02cb\u02ee\u055a\u05f3\u05f4\u2032\u2035\u275b\u275c\u275d\u275e\u276e\u276f\ua78b\ua78c", r):
		return '\''
	case unicode.Is(unicode.Dash, r):
		return '-'
	case unicode.IsSpace(r) || r == '\u2800': // a Braille pattern without dots
		return ' '
	case unseen(r):
		return -1
	}
	return r
}

// opens tells marks that can stand before a word without being of it.
func opens(r rune) bool { return r == '\'' || r == '¿' || r == '¡' }

// closes tells marks that can stand behind a word without being of it: those
// that end a sentence in any script, and those that part its clauses.
func closes(r rune) bool {
	return unicode.Is(unicode.Sentence_Terminal, r) || strings.ContainsRune("',;:、،؛·;\u2025\u2026", r)
}
