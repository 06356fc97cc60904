package spelling

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// Name gives the text that all spellings of an id share. It keeps marks, which
// tell ids apart, and drops case, blanks but those that part numbers, and what
// cannot be seen.
func Name(id string) string {
	if strings.IndexFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || 'A' <= r && r <= 'Z' }) < 0 {
		return id // as nearly all are
	}
	fold := cases.Fold()
	id = norm.NFKC.String(fold.String(norm.NFKC.String(id)))
	var b strings.Builder
	last, blanks := rune(-1), false
	for _, r := range id {
		switch {
		case unicode.IsSpace(r) || r == '\u2800':
			blanks = true
			continue
		case unseen(r):
			continue
		case blanks && unicode.IsDigit(last) && unicode.IsDigit(r):
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last, blanks = r, false
	}
	return b.String()
}

// leastWords is the length from which a request is looked for within texts.
// Shorter ones stand in them by chance. Of scripts without blanks two letters
// count for a word.
const leastWords = 4

// An Index finds requests within longer texts, also where they are spelled
// carelessly: behind a list's mark, in bold, without an apostrophe, or with
// letters that were read in a wrong encoding ("Whatâ€™s").
type Index struct {
	byFirst map[string][]entry
}

type entry struct {
	words []string
	key   int
}

// Add adds a request of which key is found. A request of few words is not added.
func (x *Index) Add(request string, key int) {
	tokens := tokenize(request)
	halves := 0
	words := make([]string, len(tokens))
	for i, t := range tokens {
		words[i] = t.word
		halves += 2
		if t.letter {
			halves--
		}
	}
	if halves < 2*leastWords {
		return
	}
	if x.byFirst == nil {
		x.byFirst = map[string][]entry{}
	}
	x.byFirst[words[0]] = append(x.byFirst[words[0]], entry{words, key})
}

// Lines gives the key of a request that whole lines of a text hold.
func (x *Index) Lines(text string) (key int, found bool) { return x.find(text, byLine) }

// Sentences gives the key of a request that whole sentences of a text hold.
// What stands in quotation marks or behind a label ("Q:") is a sentence.
func (x *Index) Sentences(text string) (key int, found bool) { return x.find(text, bySentence) }

func (x *Index) find(text string, least edge) (int, bool) {
	if len(x.byFirst) == 0 {
		return 0, false
	}
	tokens := tokenize(text)
	for i, t := range tokens {
		if t.before < least {
			continue
		}
		for _, e := range x.byFirst[t.word] {
			if i+len(e.words) > len(tokens) || tokens[i+len(e.words)-1].after < least {
				continue
			}
			k := 0
			for k < len(e.words) && tokens[i+k].word == e.words[k] {
				k++
			}
			if k == len(e.words) {
				return e.key, true
			}
		}
	}
	return 0, false
}

// An edge says what stands before or behind a word.
type edge int

const (
	byNothing  edge = iota
	bySentence      // the end of a sentence or of a part of one
	byLine          // the end of a line, or a label at its beginning
)

// A token is a word as it is compared, and what it stands between.
type token struct {
	word          string
	before, after edge
	letter        bool // one letter of a script without blanks
}

// labels stand before a turn of a conversation that is written down.
var labels = map[string]bool{
	"q": true, "a": true, "question": true, "answer": true, "user": true, "human": true, "assistant": true, "ai": true, "bot": true,
	"prompt": true, "request": true, "response": true, "reply": true, "model": true, "system": true, "input": true, "output": true, "instruction": true,
}

// tokenize reads the words of a text. Labels and marks of lists are none.
func tokenize(text string) (all []token) {
	fold := cases.Fold()
	text = plain.Replace(repaired(strings.ToValidUTF8(text, "\ufffd")))
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool {
		return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085' || r == '\v' || r == '\f'
	}) {
		line = norm.NFKC.String(fold.String(norm.NFKC.String(fold.String(line))))
		line = turkish.Replace(strings.Map(shape, line))
		from := len(all)
		before := byLine
		for field := range strings.FieldsSeq(line) {
			before = addField(&all, field, before, len(all) == from)
		}
		if len(all) > from {
			all[len(all)-1].after = byLine
		}
	}
	return all
}

// addField adds the words of what stands between two blanks, and gives what stands
// before the next. first says that no word of the line was added yet.
func addField(all *[]token, field string, before edge, first bool) edge {
	begun := undressed(field)
	if strings.Trim(begun, "|") == "" { // "-", "**", "|"
		return max(before, behind(*all, bySentence))
	}
	if len(begun) < len(field) && before < bySentence && !strings.HasPrefix(field, "-") {
		before = behind(*all, bySentence) // an opening quotation mark or bracket
	}
	word := strings.TrimRightFunc(begun, ends)
	tail := begun[len(word):]
	if labels[word] && strings.Contains(tail, ":") {
		behind(*all, byLine)
		return byLine
	}
	if first && (strings.HasSuffix(begun, ".") || strings.HasSuffix(begun, ")")) && listed(word) {
		return byLine
	}
	if word = strings.ReplaceAll(word, "'", ""); word == "" {
		return before
	}
	after := byNothing
	if strings.Trim(tail, ",'*_") != "" || strings.ContainsAny(tail, "'*_") {
		after = bySentence
	}
	addWord(all, word, before, after)
	return after
}

// undressed is a field without the marks before its word; the minus of a number is none.
func undressed(field string) string {
	begun := strings.TrimLeftFunc(field, dresses)
	number := begun != "" && begun[0] >= '0' && begun[0] <= '9'
	if sign := len(field) - len(begun) - 1; number && sign >= 0 && field[sign] == '-' {
		return field[sign:] // "-5" is not "5"
	}
	return begun
}

// behind says what stands behind the last word, if that is more than is known.
func behind(all []token, e edge) edge {
	if n := len(all); n > 0 {
		all[n-1].after = max(all[n-1].after, e)
	}
	return e
}

// addWord adds a word, or each letter of one of a script without blanks.
func addWord(all *[]token, word string, before, after edge) {
	if !strings.ContainsFunc(word, unspaced) {
		*all = append(*all, token{word: word, before: before, after: after})
		return
	}
	from := len(*all)
	for _, r := range word {
		switch {
		case closes(r):
			before = max(before, behind(*all, bySentence))
			continue
		case unicode.IsMark(r) && len(*all) > from:
			(*all)[len(*all)-1].word += string(r)
			continue
		}
		*all = append(*all, token{word: string(r), before: before, letter: true})
		before = byNothing
	}
	behind(*all, after)
}

// unspaced tells letters of scripts that write no blanks between words.
func unspaced(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// listed tells what numbers an item of a list: "1", "a".
func listed(word string) bool {
	return len(word) == 1 && word[0] >= 'a' && word[0] <= 'z' || len(word) > 0 && len(word) <= 3 && strings.Trim(word, "0123456789") == ""
}

// dresses tells marks that stand before a word and are not of it.
func dresses(r rune) bool { return opens(r) || strings.ContainsRune("-*_~#>([{|•‣◦▪●·", r) }

// ends tells marks that stand behind a word and are not of it.
func ends(r rune) bool { return closes(r) || strings.ContainsRune("*_~)]}|-", r) }

// unseen tells characters without a width.
func unseen(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.IsControl(r)
}

// misreadings are the encodings in which UTF-8 is read by mistake.
var misreadings = []*charmap.Charmap{charmap.Windows1252, charmap.ISO8859_1, charmap.Macintosh, charmap.Windows1251}

// repaired gives a text in which letters that were read in a wrong encoding, once or
// twice, are what they were.
func repaired(text string) string {
	for range 2 {
		var b strings.Builder
		changed := false
		for text != "" {
			n := strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
			if n < 0 {
				break
			}
			b.WriteString(text[:n])
			text = text[n:]
			if n = strings.IndexFunc(text, func(r rune) bool { return r < utf8.RuneSelf }); n < 0 {
				n = len(text)
			}
			run, ok := reread(text[:n])
			changed = changed || ok
			b.WriteString(run)
			text = text[n:]
		}
		b.WriteString(text)
		if text = b.String(); !changed {
			break
		}
	}
	return text
}

// reread reads letters of a wrong encoding as UTF-8, if that is what they are.
func reread(run string) (string, bool) {
	for _, m := range misreadings {
		bytes := make([]byte, 0, len(run))
		ok := true
		for _, r := range run {
			b, known := m.EncodeRune(r)
			if !known && m == charmap.Windows1252 && r < 0xa0 { // bytes that it leaves undefined
				b, known = byte(r), true
			}
			if ok = known && b >= utf8.RuneSelf; !ok {
				break
			}
			bytes = append(bytes, b)
		}
		if ok && utf8.Valid(bytes) {
			return string(bytes), true
		}
	}
	return run, false
}
