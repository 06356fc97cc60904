package text

import (
	"html"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// Plain is a text in one spelling, as [Fold] makes it.
type Plain struct {
	// Text is the folded text.
	Text string
	// steps lead back to the source, the last one first.
	steps [][]edit
}

// An edit says that the folded text stands in its source from a place on. The
// bytes of a piece that was replaced all stand where the piece begins.
type edit struct {
	at, source int
	replaced   bool
}

// Source returns the byte of the source that byte i of the folded text comes
// from, or the end of the source for the end of the text.
func (p Plain) Source(i int) int {
	for _, edits := range p.steps {
		n := sort.Search(len(edits), func(n int) bool { return edits[n].at > i }) - 1
		if e := edits[n]; e.replaced {
			i = e.source
		} else {
			i += e.source - e.at
		}
	}
	return i
}

// Fold writes a text in the one spelling that phrases and rules are looked for
// in. It resolves HTML entities and the escapes of JSON, repairs UTF-8 that was
// read as Windows-1252 ("canâ€™t"), makes apostrophes, blanks, line ends and
// full-width or styled letters the plain ones, puts letters and their accents
// together, and drops what cannot be seen. It takes time linear in the length
// of the text, and returns plain ASCII as it is.
func Fold(source string) Plain {
	p := Plain{Text: source}
	if isPlain(source) {
		return p
	}
	f := folder{source: source, record: isRecord(source)}
	f.fold()
	p.step(f.out, f.edits)
	if !norm.NFKC.IsNormalString(p.Text) {
		p.step(compose(p.Text))
	}
	return p
}

func (p *Plain) step(out []byte, edits []edit) {
	if len(edits) == 0 {
		return // nothing to fold but what stands for itself
	}
	p.Text = string(out)
	p.steps = append([][]edit{edits}, p.steps...)
}

// isPlain reports whether there is nothing to fold.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if special[s[i]] && (s[i] != '?' || i+1 < len(s) && asciiLetters[s[i+1]] != 0) {
			return false
		}
	}
	return true
}

// special are the bytes that may have to be folded.
var special = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= utf8.RuneSelf || c == '&' || c == '\\' || c == '?'
	}
	return table
}()

// A folder copies a text, piece by piece.
type folder struct {
	source string
	out    []byte
	edits  []edit
	record bool // the text is JSON
	// repaired is where the last repaired character ended.
	repaired int
}

func (f *folder) fold() {
	f.out = make([]byte, 0, len(f.source))
	for i := 0; i < len(f.source); {
		c := f.source[i]
		if c < utf8.RuneSelf && c != '&' && c != '\\' && c != '?' {
			f.out = append(f.out, c)
			i++
			continue
		}
		with, n := f.piece(i)
		if n == 0 {
			_, n = utf8.DecodeRuneInString(f.source[i:])
			f.out = append(f.out, f.source[i:i+n]...)
		} else {
			f.replace(i, n, with)
		}
		i += n
	}
}

// replace puts other characters in the place of n bytes of the source.
func (f *folder) replace(at, n int, with string) {
	if len(f.edits) == 0 {
		f.edits = append(f.edits, edit{})
	}
	if last := &f.edits[len(f.edits)-1]; last.at == len(f.out) {
		f.edits = f.edits[:len(f.edits)-1]
	}
	if with != "" {
		f.edits = append(f.edits, edit{len(f.out), at, true})
		f.out = append(f.out, with...)
	}
	f.edits = append(f.edits, edit{at: len(f.out), source: at + n})
}

// piece returns what belongs in the place of the n bytes at i; n is 0 for a
// character that stands for itself.
func (f *folder) piece(i int) (with string, n int) {
	switch rest := f.source[i:]; rest[0] {
	case '&':
		return entity(rest)
	case '\\':
		return f.escape(rest)
	case '?':
		if i > 0 && isLetter(f.source[i-1]) && contracts(rest[1:]) {
			return "'", 1 // "can?t": the apostrophe got lost on the way
		}
		return "", 0
	}
	r, size := utf8.DecodeRuneInString(f.source[i:])
	if r == utf8.RuneError {
		if i > 0 && isLetter(f.source[i-1]) && contracts(f.source[i+size:]) {
			return "'", size
		}
		return "", 0
	}
	if good, n := f.repair(i); n > 0 {
		f.repaired = i + n
		if with, n1 := mark(good); n1 {
			return with, n
		}
		return string(good), n
	}
	if with, ok := mark(r); ok {
		return with, size
	}
	return "", 0
}

// mark folds apostrophes, blanks, line ends, invisible characters, and the letters
// that most texts are styled with.
func mark(r rune) (with string, ok bool) {
	switch r {
	case '’', '‘', 'ʼ', '´', '′', '‛', '＇', 'ʹ':
		return "'", true
	case '…':
		return ".", true
	case '\u2028', '\u2029', '\u0085':
		return "\n", true
	case '\u00a0', '\u202f', '\u205f', '\u3000':
		return " ", true
	case '\u034f':
		return "", true
	}
	return style(r)
}

// style folds what belongs to a whole range of characters: full-width and styled
// letters, blanks of many widths, and what cannot be seen.
func style(r rune) (with string, ok bool) {
	within := func(first, last rune) bool { return r >= first && r <= last }
	switch {
	case within('！', '～'): // full-width
		return ascii[r-'！'+'!':][:1], true
	case within(0x1d400, 0x1d6a3): // bold, italic and the like
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		return letters[(r-0x1d400)%52:][:1], true
	case within('\u2000', '\u200a'):
		return " ", true
	case within('\ufe00', '\ufe0f'), r >= 0x80 && unicode.Is(unicode.Cf, r):
		return "", true
	}
	return "", false
}

// ascii is all of it, to cut strings of one character from.
var ascii = func() string {
	var all [utf8.RuneSelf]byte
	for c := range all {
		all[c] = byte(c)
	}
	return string(all[:])
}()

func isLetter(c byte) bool { return asciiLetters[c] > '9' }

// contracts reports whether the text begins with what follows an apostrophe in
// English: the t of "can't".
func contracts(s string) bool {
	for _, end := range []string{"t", "s", "m", "d", "re", "ve", "ll"} {
		if strings.HasPrefix(s, end) && (len(s) == len(end) || asciiLetters[s[len(end)]] == 0) {
			return true
		}
	}
	return false
}

// longestEntity bounds the bytes of an entity between & and ;, so that looking
// for its end takes no time.
const longestEntity = 10

// entity resolves the HTML entity that s begins with, and what was escaped
// twice.
func entity(s string) (with string, n int) {
	end := strings.IndexByte(s[:min(len(s), longestEntity+2)], ';')
	if end < 2 {
		return "", 0
	}
	with = html.UnescapeString(s[:end+1])
	if with == s[:end+1] {
		return "", 0
	}
	n = end + 1
	if with == "&" {
		if again, m := entity("&" + s[n:min(len(s), n+longestEntity+2)]); m > 0 {
			return again, n + m - 1
		}
	}
	if r, size := utf8.DecodeRuneInString(with); size == len(with) {
		if folded, ok := mark(r); ok {
			return folded, n
		}
	}
	return with, n
}

// escape resolves the escape of JSON that s begins with: a character by its
// number anywhere, the others in JSON only, for elsewhere a backslash may be one.
func (f *folder) escape(s string) (with string, n int) {
	if len(s) >= 6 && s[1] == 'u' {
		if code, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
			if folded, ok := mark(rune(code)); ok {
				return folded, 6
			}
			return string(rune(code)), 6
		}
	}
	if f.record && len(s) >= 2 {
		switch s[1] {
		case 'n', 'r':
			return "\n", 2
		case 't':
			return " ", 2
		case '"', '\\', '/':
			return s[1:2], 2
		}
	}
	return "", 0
}

// repair decodes a character of UTF-8 whose bytes were taken for characters of
// Windows-1252. Most such characters prove themselves only by a second one
// beside them, since "Ñ" and a sign after it may well be meant.
func (f *folder) repair(i int) (good rune, n int) {
	good, n, sure := misread(f.source[i:])
	if n == 0 || sure || f.repaired == i && i > 0 {
		return good, n
	}
	if _, again, _ := misread(f.source[i+n:]); again > 0 {
		return good, n
	}
	return 0, 0
}

func misread(s string) (good rune, n int, sure bool) {
	var bytes [utf8.UTFMax]byte
	want := 1
	for k := 0; k < want; k++ {
		r, size := utf8.DecodeRuneInString(s[n:])
		c, ok := windows1252(r)
		switch {
		case !ok || size == 0:
			return 0, 0, false
		case k == 0:
			if want = sequence(c); want == 0 {
				return 0, 0, false
			}
			sure = c == 0xc2 || c == 0xc3 || c == 0xe2
		case c&0xc0 != 0x80:
			return 0, 0, false
		}
		bytes[k] = c
		n += size
	}
	r, size := utf8.DecodeRune(bytes[:want])
	if r == utf8.RuneError || size != want {
		return 0, 0, false
	}
	return r, n, sure
}

// sequence returns how many bytes a character of UTF-8 has that begins with c, 0
// where it can begin with none.
func sequence(c byte) int {
	switch {
	case c >= 0xc2 && c <= 0xdf:
		return 2
	case c >= 0xe0 && c <= 0xef:
		return 3
	case c >= 0xf0 && c <= 0xf4:
		return 4
	}
	return 0
}

// windows1252 returns the byte that stands for the character there. The controls
// above ASCII are read as they are: bytes that it leaves open are, by browsers, and all
// of them by Latin-1.
func windows1252(r rune) (byte, bool) {
	if r >= 0x80 && r < 0xa0 {
		return byte(r), true
	}
	return charmap.Windows1252.EncodeRune(r)
}

// compose puts letters and their accents together, and makes full-width and
// styled letters plain.
func compose(s string) (out []byte, edits []edit) {
	f := folder{source: s, out: make([]byte, 0, len(s))}
	var composed []byte
	for i := 0; i < len(s); {
		n := norm.NFKC.QuickSpanString(s[i:])
		if n > 0 {
			f.out = append(f.out, s[i:i+n]...)
			if i += n; i == len(s) {
				break
			}
		}
		// The span may end within what belongs together.
		n = max(1, norm.NFKC.NextBoundaryInString(s[i:], true))
		composed = norm.NFKC.AppendString(composed[:0], s[i:i+n])
		f.replace(i, n, string(composed))
		i += n
	}
	return f.out, f.edits
}
