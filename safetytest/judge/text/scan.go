package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Sentence is one of a text, or a line where that is shorter.
type Sentence struct {
	// Start and End delimit it in the text, in bytes, with its closing mark.
	Start, End int
	// Mark is the character that closes it, 0 where the text just stops, and a comma
	// where it is too long to be one.
	Mark  rune
	Words []Word
	// Item says that the line began with a list marker, Code that it stands in
	// a fenced block, Label that it is a short "Answer:" before the sentence
	// proper, Asks that it ends in a question mark.
	Item, Code, Label, Asks bool
}

// elisions are the words that French and Italian write before an apostrophe:
// there, and only there, an apostrophe parts two words.
var elisions = map[string]bool{
	"j": true, "l": true, "d": true, "n": true, "m": true, "t": true, "s": true,
	"c": true, "qu": true, "un": true, "all": true, "dell": true, "nell": true,
	"dall": true, "sull": true,
}

// scanner cuts a text into sentences, reading each byte a bounded number of
// times.
type scanner struct {
	text     string
	emit     func(*Sentence)
	sentence Sentence
	word     Word
	head     [4]byte // the first letters of word, to know an elision
	// lineEnd is the end of the current line; lineWords counts its words.
	lineEnd, lineWords int
	// clause says that a comma or the like stands before the next word.
	clause bool
	// closer ends the quotation that the scanner is in; 0 outside.
	closer rune
	// unclosed marks the quotations that the rest of the line does not close.
	unclosed uint16
	fenced   bool
	// record says that the text is JSON, whose quotation marks quote nothing.
	record bool
	// bracketed lines begin with a bracket: "[Name]".
	bracketed bool
}

// Scan calls emit for each sentence that holds a word, of a text that [Fold]
// made. The sentence and its words are reused after emit returns. It returns
// the buffer for reuse.
func Scan(text string, buffer []Word, emit func(*Sentence)) []Word {
	s := scanner{text: text, emit: emit, record: isRecord(text)}
	s.sentence.Words = buffer[:0]
	for i := s.beginLine(0); i < len(text); {
		if plain := asciiLetters[text[i]]; plain != 0 {
			s.letter(rune(plain), i, i+1)
			i++
			continue
		}
		if text[i] == ' ' {
			s.endWord()
			i++
			continue
		}
		i = s.take(i)
	}
	s.endSentence(0, len(text))
	return s.sentence.Words
}

// IsRecord reports whether the text is JSON.
func IsRecord(text string) bool { return isRecord(text) }

func isRecord(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "```json")
}

// take reads the character at the offset, no ASCII letter, and returns where to
// go on.
func (s *scanner) take(at int) int {
	r, size := utf8.DecodeRuneInString(s.text[at:])
	end := at + size
	switch c := classOf(r); c {
	case letter, foreign:
		s.letter(plainLetter(unicode.ToLower(r)), at, end)
		s.word.Foreign = s.word.Foreign || c == foreign
	case nothing:
	case tick:
		if s.ticks(r) {
			s.endWord()
		}
	case character:
		s.endWord()
		s.letter(r, at, end)
		s.word.Single = true
		s.endWord()
	case line:
		s.endSentence('\n', at)
		return s.beginLine(end)
	default:
		letters := s.word.Letters
		s.endWord()
		s.punctuation(c, r, end, letters)
	}
	return end
}

// ticks reports whether an apostrophe or a backtick ends the word before it.
func (s *scanner) ticks(r rune) bool {
	n := s.word.Letters
	return r == '`' && (n == 0 || s.fenced) || n > 0 && n <= len(s.head) && elisions[string(s.head[:n])]
}

// punctuation takes what stands behind a word of so many letters and ends at the offset.
func (s *scanner) punctuation(c class, r rune, end, letters int) {
	switch c {
	case stop:
		if r >= utf8.RuneSelf || s.ends(end, letters) {
			s.sentence.Asks = r == '?' || r == '؟'
			s.endSentence(r, end)
		}
	case pause, colon, closer:
		s.clause = s.clause || c != closer
		if c == colon || c == closer && s.bracketed {
			s.label(r, end)
		}
	case quote:
		if !s.record {
			s.quotation(r, end)
		}
	}
}

// ends reports whether a full stop that ends at the offset, behind a word of so
// many letters, is followed by what may follow a sentence, unlike the one in
// "3.5" or "example.com". Who forgets the blank begins with a capital.
func (s *scanner) ends(end, letters int) bool {
	if end == len(s.text) {
		return true
	}
	switch c := s.text[end]; c {
	case ' ', '\t', '\n', '\r', '"', '\'', ')', ']', '}', '*', '_':
		return true
	default:
		return c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' && letters > 1 && !s.fenced
	}
}

// label ends a short "Answer:" that begins a line.
func (s *scanner) label(mark rune, end int) {
	if n := len(s.sentence.Words); n > 0 && n <= 3 && s.lineWords == n {
		s.sentence.Label = true
		s.endSentence(mark, end)
		s.lineWords = 0
	}
}

// letter adds a lower-case letter or digit to the word. Nearly all of a text
// passes here, so that plain letters take the short way.
func (s *scanner) letter(r rune, at, end int) {
	if s.word.Letters == 0 {
		s.word.Start = at
	}
	s.word.End = end
	if n := s.word.Letters; n < len(s.head) {
		s.head[n] = byte(min(r, utf8.RuneSelf))
	}
	if r < utf8.RuneSelf {
		s.word.Number = s.word.Number || r <= '9'
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
		s.word.Number = s.word.Number || unicode.IsDigit(r)
	}
	s.word.add(r)
}

func (s *scanner) endWord() {
	if s.word.Letters == 0 {
		return
	}
	if len(s.sentence.Words) == 0 {
		s.sentence.Start = s.word.Start
	}
	s.word.Quoted = s.closer != 0
	s.word.Clause = s.clause || len(s.sentence.Words) == 0
	s.clause = false
	s.sentence.Words = append(s.sentence.Words, s.word)
	s.word = Word{}
	s.lineWords++
	if len(s.sentence.Words) == longestSentence {
		s.endSentence(',', s.sentence.Words[longestSentence-1].End)
	}
}

// longestSentence is the most words of a sentence; what goes on longer is parted
// there, so that nobody who looks at one needs more time than its length is worth.
const longestSentence = 200

// endSentence ends a sentence whose closing mark ends at the offset.
func (s *scanner) endSentence(mark rune, end int) {
	s.endWord()
	if len(s.sentence.Words) > 0 {
		s.sentence.Mark, s.sentence.End = mark, end
		s.sentence.Code = s.fenced
		s.emit(&s.sentence)
	}
	s.clause = false
	s.sentence = Sentence{Words: s.sentence.Words[:0], Item: s.sentence.Item}
}

// beginLine prepares for the line that starts at the offset and returns where
// its text begins, after blanks and a list marker.
func (s *scanner) beginLine(at int) int {
	s.lineWords, s.closer, s.unclosed = 0, 0, 0
	s.lineEnd = len(s.text)
	if n := strings.IndexByte(s.text[at:], '\n'); n >= 0 {
		s.lineEnd = at + n
	}
	body := strings.TrimLeft(s.text[at:s.lineEnd], " \t>")
	if strings.HasPrefix(body, "```") {
		s.fenced, s.sentence.Item = !s.fenced, false
		return s.lineEnd
	}
	s.bracketed = strings.HasPrefix(body, "[") || strings.HasPrefix(body, "(")
	var rest string
	rest, s.sentence.Item = unlisted(body)
	return s.lineEnd - len(rest)
}

// unlisted is a line without its list marker, if it begins with one.
func unlisted(body string) (rest string, item bool) {
	rest = strings.TrimLeft(body, "-*•+–0123456789")
	marker := body[:len(body)-len(rest)]
	if marker == "" {
		return rest, false
	}
	if last := marker[len(marker)-1]; last < '0' || last > '9' {
		return rest, len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') && !strings.HasPrefix(marker, "**")
	}
	if len(marker) > 3 || rest == "" || rest[0] != '.' && rest[0] != ')' {
		return body, false // a number
	}
	if len(rest) > 1 && asciiLetters[rest[1]] != 0 && !isLetter(rest[1]) {
		return body, false // "3.5"
	}
	return rest[1:], true
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
	{'"', '"'}, {'“', '”'}, {'„', '“'}, {'„', '”'}, {'”', '”'}, {'«', '»'}, {'»', '«'}, {'「', '」'}, {'『', '』'},
}
