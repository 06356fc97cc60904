// Package jsontext writes texts as JSON, byte for byte as encoding/json does, without
// its reflection: prompts are long, and are written for every call.
package jsontext

import (
	"encoding/json"
	"unicode/utf8"
)

// plain are the ASCII characters that stand for themselves in a JSON string.
var plain = func() (is [utf8.RuneSelf]bool) {
	for c := range is {
		text, _ := json.Marshal(string(rune(c))) // a string cannot fail
		is[c] = len(text) == len(`"a"`)
	}
	return is
}()

// AppendString appends a string as json.Marshal writes it.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && plain[c] {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r != '\u2028' && r != '\u2029' && (r != utf8.RuneError || size > 1) {
				i += size
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '\n':
			dst = append(dst, '\\', 'n')
		case '"', '\\':
			dst = append(dst, '\\', c)
		default:
			text, _ := json.Marshal(s[i : i+size])
			dst = append(dst, text[1:len(text)-1]...)
		}
		i += size
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}
