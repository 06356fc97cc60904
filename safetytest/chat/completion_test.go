package chat

import (
	"encoding/json"
	"testing"
)

// The short way of reading a field reads what the long one does.
func FuzzText(f *testing.F) {
	for _, v := range []string{`"stop"`, `""`, `"a\n"`, `"ä"`, `12`, `0`, `00`, `-1`, `1.5`, `1e3`, `null`, `true`, `{}`, `[1]`, ` "a"`, `"`, `nul`, ``} {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if len(v) > 0 && !json.Valid(v) {
			return // a decoder has looked at all that is read
		}
		long := ""
		var s string
		var n json.Number
		if json.Unmarshal(v, &s) == nil {
			long = s
		} else if json.Unmarshal(v, &n) == nil {
			long = n.String()
		}
		if got := text(v); got != long {
			t.Errorf("%s is read as %q, want %q", v, got, long)
		}
		if s, ok := bareText(v); ok && isString(v) != (json.Unmarshal(v, new(string)) == nil) {
			t.Errorf("%s is taken for a string or not, %q", v, s)
		}
	})
}
