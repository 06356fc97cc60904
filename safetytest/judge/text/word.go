package text

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A Word is one folded word of a text: lower case, without accents, apostrophes
// and invisible characters, so that typographic variants of a phrase are the
// same phrase. Only hashes are kept. In scripts that put no blanks between
// words, and in Korean, which puts few, a character is a word.
type Word struct {
	Hash uint64
	// Stem hashes the first letters, for comparing texts across endings.
	Stem uint64
	// Start and End delimit the word in the text, in bytes.
	Start, End int
	Letters    int
	// Quoted words stand between quotation marks inside a sentence.
	Quoted bool
	// Number words hold a digit.
	Number bool
	// Clause words stand first in a sentence, or behind a comma or the like.
	Clause bool
	// Single words are one character of a script that is read by characters.
	Single bool
	// Foreign words are of a script in which no phrases are known.
	Foreign bool
}

const stemLetters = 6

// FNV-1a, written out because words are hashed while they are folded.
const (
	hashSeed  = 14695981039346656037
	hashPrime = 1099511628211
)

func (w *Word) add(r rune) {
	if w.Letters == 0 {
		w.Hash = hashSeed
	}
	w.Hash = (w.Hash ^ uint64(r&0xff)) * hashPrime
	if r > 0xff {
		w.Hash = (w.Hash ^ uint64(r>>8)) * hashPrime
	}
	if w.Letters++; w.Letters <= stemLetters {
		w.Stem = w.Hash
	}
}

// asciiLetters maps the bytes that are ASCII letters or digits to lower case,
// and others to 0.
var asciiLetters = func() (table [256]byte) {
	for c := byte('0'); c <= '9'; c++ {
		table[c] = c
	}
	for c := byte('a'); c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = c, c
	}
	return table
}()

// folds maps letters to the plain ones that they are compared as, by their
// number: those with accents to those without, and Arabic letters that are
// written in several ways to one of them. 0 stands for the letter itself.
var folds = func() (table [0x2000]rune) {
	for r := rune(0xc0); r < 0x2000; r++ {
		if !unicode.IsLetter(r) || r >= 0x590 && r < 0x1e00 {
			continue
		}
		base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r)))
		if base = unicode.ToLower(base); base != unicode.ToLower(r) {
			table[r] = base
		}
	}
	for plain, others := range map[rune]string{
		'd': "đðĐÐ", 'i': "ıİ", 'l': "łŁ", 'o': "øØ", 's': "ſ",
		'ا': "أإآٱ", 'ي': "ىیئ", 'ه': "ةھہۀ", 'ك': "ک", 'و': "ؤ",
	} {
		for _, r := range others {
			table[r] = plain
		}
	}
	return table
}()

func plainLetter(r rune) rune {
	if r < rune(len(folds)) && folds[r] != 0 {
		return folds[r]
	}
	return r
}

// A class says what a character does to the words around it.
type class uint8

const (
	parts     class = iota // ends a word
	letter                 // of a word
	character              // a word by itself
	foreign                // a letter of a script without phrases
	nothing                // an accent that is dropped
	line                   // ends a line
	stop                   // may end a sentence
	pause                  // a comma or the like
	colon
	closer // of brackets
	tick   // an apostrophe
	quote
)

// classes are those of ASCII.
var classes = func() (table [utf8.RuneSelf]class) {
	for c, folded := range asciiLetters[:utf8.RuneSelf] {
		if folded != 0 {
			table[c] = letter
		}
	}
	for of, all := range map[class]string{line: "\n", stop: ".!?", pause: ",;", colon: ":", closer: "])", tick: "'`", quote: "\""} {
		for _, c := range all {
			table[c] = of
		}
	}
	return table
}()

// Where the characters of a script stand that are words by themselves, and the letters of
// scripts in which phrases are known.
var (
	characters = []struct{ first, last rune }{{0x0e00, 0x0e7f}, {0x3041, 0x30ff}, {0x3400, 0x9fff}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0x20000, 0x3ffff}}
	letters    = []struct{ first, last rune }{{0, 0x52f}, {0x590, 0x6ff}, {0x750, 0x77f}, {0x900, 0x97f}, {0x1e00, 0x1fff}}
)

// classOf returns what a character does.
func classOf(r rune) class {
	if r < utf8.RuneSelf {
		return classes[r]
	}
	switch r {
	case '。', '।', '؟', '۔', '։':
		return stop
	case '、', '،', '؛':
		return pause
	case '“', '”', '„', '«', '»', '「', '」', '『', '』':
		return quote
	case '\u0640': // only stretches an Arabic word
		return nothing
	}
	if unicode.Is(unicode.Mn, r) {
		return nothing
	}
	if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mc, r) {
		return parts
	}
	for _, c := range characters {
		if r >= c.first && r <= c.last {
			return character
		}
	}
	for _, l := range letters {
		if r >= l.first && r <= l.last {
			return letter
		}
	}
	return foreign
}
