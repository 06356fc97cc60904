package jsontext

import (
	"encoding/json"
	"testing"
)

// The record is looked up by hashes of what is written: it must not change by a byte.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", "a\nb\r\t\b\f\x00\x1f\x7f", `"quoted" \ and / and '`, "<b>&amp;</b>", "zwölf € 𝄞 \u2028\u2029\u2027\u202a\ufffd", "\xff\xc3", "\xe2\x80\xa8\xe2\x80", "\xed\xa0\x80x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendString([]byte("x"), s)); got != "x"+string(want) {
			t.Errorf("%q is written as %s, want x%s", s, got, want)
		}
	})
}
