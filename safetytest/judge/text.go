package judge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is one folded word of a text: lower case, without accents, apostrophes
// and invisible characters, so that typographic variants of a phrase are the
// same phrase. Only hashes are kept. A Han or Kana character is a word.
type word struct {
	hash uint64
	// stem hashes the first stemLetters letters, for comparing with the
	// request across endings.
	stem    uint64
	letters int
	// quoted words stand between quotation marks inside a sentence.
	quoted bool
	// number words hold a digit.
	number bool
	// clause words stand first in a sentence, or behind a comma or the like.
	clause bool
}

const stemLetters = 6

// FNV-1a, written out because words are hashed while they are folded.
const (
	hashSeed  = 14695981039346656037
	hashPrime = 1099511628211
)

func (w *word) add(r rune) {
	if w.letters == 0 {
		w.hash = hashSeed
	}
	w.hash = (w.hash ^ uint64(r&0xff)) * hashPrime
	if r > 0xff {
		w.hash = (w.hash ^ uint64(r>>8)) * hashPrime
	}
	if w.letters++; w.letters <= stemLetters {
		w.stem = w.hash
	}
}

// span is one sentence of a text, or one line where that is shorter.
type span struct {
	start, end int
	words      []word
	// item says that the line began with a list marker, code that it stands in
	// a fenced block, label that it is a short "Answer:" before the sentence
	// proper, asks that it ends in a question mark.
	item, code, label, asks bool
}

// folds maps letters with accents to plain ones.
var folds = func() map[rune]rune {
	m := map[rune]rune{}
	for plain, accented := range map[rune]string{
		'a': "àáâãäåāăą", 'c': "çćĉċč", 'd': "ďđ", 'e': "èéêëēĕėęě",
		'g': "ĝğġģ", 'i': "ìíîïĩīĭįı", 'k': "ķ", 'l': "ĺļľł", 'n': "ñńņň",
		'o': "òóôõöøōŏő", 'r': "ŕŗř", 's': "śŝşšș", 't': "ţťț",
		'u': "ùúûüũūŭůűų", 'w': "ŵ", 'y': "ýÿŷ", 'z': "źżž", 'е': "ё",
	} {
		for _, r := range accented {
			m[r] = plain
		}
	}
	return m
}()

// elisions are the words that French and Italian write before an apostrophe:
// there, and only there, an apostrophe parts two words.
var elisions = map[string]bool{
	"j": true, "l": true, "d": true, "n": true, "m": true, "t": true, "s": true,
	"c": true, "qu": true, "un": true, "all": true, "dell": true, "nell": true,
	"dall": true, "sull": true,
}

// scanner cuts a text into spans, reading each byte a bounded number of times.
type scanner struct {
	text string
	emit func(*span)
	span span
	word word
	head [4]byte // the first letters of word, to know an elision
	// wordAt and wordEnd delimit word in the text.
	wordAt, wordEnd int
	// lineEnd is the end of the current line; lineWords counts its words.
	lineEnd, lineWords int
	// clause says that a comma or the like stands before the next word.
	clause bool
	// closer ends the quotation that the scanner is in; 0 outside.
	closer rune
	// unclosed marks the quotations that the rest of the line does not close.
	unclosed uint8
	fenced   bool
	// record says that the text is JSON, whose quotation marks quote nothing.
	record bool
	// bracketed lines begin with a bracket: "[Name]".
	bracketed bool
}

// scan calls emit for each sentence of text that holds a word. The span and
// its words are reused after emit returns. It returns the buffer for reuse.
func scan(text string, buffer []word, emit func(*span)) []word {
	s := scanner{text: text, emit: emit, record: isRecord(text)}
	s.span.words = buffer[:0]
	for i := s.beginLine(0); i < len(text); {
		r, size := rune(text[i]), 1
		if plain := asciiLetters[text[i]]; plain != 0 {
			s.letter(rune(plain), i, i+1)
			i++
			continue
		}
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(text[i:])
			r = plainMark(r)
		}
		i = s.take(r, i, i+size)
	}
	s.endSpan(len(text))
	return s.span.words
}

// isRecord reports whether the text is JSON.
func isRecord(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "```json")
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

// plainMark folds full-width forms and typographic apostrophes to ASCII.
func plainMark(r rune) rune {
	switch {
	case r >= '！' && r <= '～':
		return r - '！' + '!'
	case r == '’' || r == '‘' || r == 'ʼ' || r == '´' || r == '′' || r == '‛':
		return '\''
	case r == '\u2028' || r == '\u2029' || r == '\u0085':
		return '\n'
	}
	return r
}

// take reads the character r at text[at:end] and returns where to go on.
func (s *scanner) take(r rune, at, end int) int {
	switch {
	case r < utf8.RuneSelf && asciiLetters[r] != 0: // folded from full width
		s.letter(rune(asciiLetters[r]), at, end)
	case r == ' ' || r == '\t':
		s.endWord()
	case r == '\'' || r == '`' && s.word.letters > 0 && !s.fenced:
		if s.word.letters > 0 && s.word.letters <= len(s.head) && elisions[string(s.head[:s.word.letters])] {
			s.endWord()
		}
	case r == '\n':
		s.endSpan(at)
		return s.beginLine(end)
	case r == '.' || r == '!' || r == '?' || r == '…' || r == '。':
		s.endWord()
		if r == '。' || endsSentence(s.text, end) {
			s.span.asks = r == '?'
			s.endSpan(end)
		}
	case r == ',' || r == ';' || r == '，' || r == '、' || r == '；':
		s.endWord()
		s.clause = true
	case r == ':':
		s.endWord()
		s.clause = true
		if n := len(s.span.words); n > 0 && n <= 3 && s.lineWords == n {
			s.span.label = true
			s.endSpan(end)
			s.lineWords = 0
		}
	case r == ']' || r == ')':
		s.endWord()
		if n := len(s.span.words); n > 0 && n <= 3 && s.lineWords == n && s.bracketed {
			s.span.label = true
			s.endSpan(end)
			s.lineWords = 0
		}
	case r == '"' || r == '“' || r == '”' || r == '„' || r == '«' || r == '»' || r == '「' || r == '」':
		s.endWord()
		if !s.record {
			s.quotation(r, end)
		}
	case r == '\u200b' || r == '\u200c' || r == '\u200d' || r == '\ufeff' || r == '\u00ad' || r == '\u2060':
		// Invisible characters do not part words.
	case r < utf8.RuneSelf:
		s.endWord()
	case unicode.Is(unicode.Mn, r):
		// Combining accents are dropped, as composed ones are.
	case unicode.Is(unicode.Han, r) || r >= 0x3041 && r <= 0x30ff:
		s.endWord()
		s.letter(r, at, end)
		s.endWord()
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		s.letter(unicode.ToLower(r), at, end)
	default:
		s.endWord()
	}
	return end
}

// letter adds a lower-case letter or digit to the word. Nearly all of a text
// passes here, so that plain letters take the short way.
func (s *scanner) letter(r rune, at, end int) {
	if s.word.letters == 0 {
		s.wordAt = at
	}
	s.wordEnd = end
	if n := s.word.letters; n < len(s.head) {
		s.head[n] = byte(min(r, utf8.RuneSelf))
	}
	if r < utf8.RuneSelf {
		s.word.number = s.word.number || r <= '9'
		s.word.add(r)
		return
	}
	switch r {
	case 'ß':
		s.word.add('s')
		r = 's'
	case 'æ':
		s.word.add('a')
		r = 'e'
	case 'œ':
		s.word.add('o')
		r = 'e'
	default:
		if plain, ok := folds[r]; ok {
			r = plain
		}
	}
	s.word.add(r)
}

func (s *scanner) endWord() {
	if s.word.letters == 0 {
		return
	}
	if len(s.span.words) == 0 {
		s.span.start = s.wordAt
	}
	s.word.quoted = s.closer != 0
	s.word.clause = s.clause || len(s.span.words) == 0
	s.clause = false
	s.span.words = append(s.span.words, s.word)
	s.span.end = s.wordEnd
	s.word = word{}
	s.lineWords++
}

// endSpan ends a sentence whose closing mark ends at the given offset.
func (s *scanner) endSpan(end int) {
	s.endWord()
	if len(s.span.words) > 0 {
		s.span.end = end
		s.span.code = s.fenced
		s.emit(&s.span)
	}
	s.span = span{words: s.span.words[:0], item: s.span.item}
}

// endsSentence reports whether a full stop that ends at the offset is followed
// by what may follow a sentence, unlike the one in "3.5" or "example.com".
func endsSentence(text string, end int) bool {
	if end == len(text) {
		return true
	}
	switch c := text[end]; c {
	case ' ', '\t', '\n', '\r', '"', '\'', ')', ']', '}', '*', '_':
		return true
	default:
		return c >= utf8.RuneSelf
	}
}

// beginLine prepares for the line that starts at the offset and returns where
// its text begins, after blanks and a list marker.
func (s *scanner) beginLine(at int) int {
	s.lineWords, s.closer, s.unclosed = 0, 0, 0
	s.span.item = false
	s.lineEnd = len(s.text)
	if n := strings.IndexByte(s.text[at:], '\n'); n >= 0 {
		s.lineEnd = at + n
	}
	line := s.text[at:s.lineEnd]
	body := strings.TrimLeft(line, " \t>")
	if strings.HasPrefix(body, "```") {
		s.fenced = !s.fenced
		return s.lineEnd
	}
	s.bracketed = strings.HasPrefix(body, "[") || strings.HasPrefix(body, "(")
	rest := strings.TrimLeft(body, "-*•+–0123456789")
	marker := body[:len(body)-len(rest)]
	switch {
	case marker == "":
	case marker[len(marker)-1] >= '0' && marker[len(marker)-1] <= '9':
		if len(marker) <= 3 && len(rest) > 0 && (rest[0] == '.' || rest[0] == ')') {
			s.span.item = true
			rest = rest[1:]
		} else {
			rest = body
		}
	default:
		s.span.item = len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') && !strings.HasPrefix(marker, "**")
	}
	return s.lineEnd - len(rest)
}

// quotation takes a quotation mark that ends at the offset. A quotation that
// makes up its whole line is how some models wrap a reply, and not a quote.
func (s *scanner) quotation(r rune, end int) {
	if s.closer != 0 {
		if r == s.closer {
			s.closer = 0
		}
		return
	}
	for i, q := range quotations {
		if q.open != r || s.unclosed&(1<<i) != 0 {
			continue
		}
		n := strings.IndexRune(s.text[end:s.lineEnd], q.close)
		if n < 0 {
			s.unclosed |= 1 << i // so that the line is searched once
			continue
		}
		if s.lineWords == 0 {
			after := s.text[end+n+utf8.RuneLen(q.close) : s.lineEnd]
			if strings.TrimLeft(after, " .,!?*)]}>\r") == "" {
				return
			}
		}
		s.closer = q.close
		return
	}
}

// quotations pairs the marks that open and close a quotation.
var quotations = []struct{ open, close rune }{
	{'"', '"'}, {'“', '”'}, {'„', '“'}, {'„', '”'}, {'”', '”'}, {'«', '»'}, {'»', '«'}, {'「', '」'},
}
