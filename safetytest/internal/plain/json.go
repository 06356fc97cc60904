package plain

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// JSON returns JSON text that means the same and in which nothing can steer a terminal,
// turn the direction of text, or be taken for a command of a CI system: what could is
// written as an escape, which only strings of JSON can hold.
func JSON(text []byte) []byte {
	if !bytes.Contains(text, []byte("::")) && !bytes.Contains(text, []byte("##")) && fitJSON(text) {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8)
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case (r == ':' || r == '#') && i > 0 && text[i-1] == byte(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		case r == '\n' || r == '\t' || r == '\r' || shown(r):
			out = append(out, text[i:i+size]...)
		case r > 0xffff:
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += size
	}
	return out
}

// fitJSON says whether text is printable ASCII with white space, as nearly all is.
func fitJSON(text []byte) bool {
	for _, c := range text {
		if (c < ' ' || c > '~') && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}
