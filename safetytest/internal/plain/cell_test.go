package plain_test

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@A": "'@A", "\t=1": `\t=1`, "\r=1": `\r=1`, " =1": "' =1", "'=1": "''=1", "＝1": "'＝1", "|x": "'|x",
		"plain": "plain", "a\nb": `a\nb`, `a\nb`: `a\\nb`, "\x1b[31m": `\x1b[31m`, "a=1": "a=1", "": "", "\u202ex": `\u202ex`,
	} {
		if got := plain.Cell(text); got != want {
			t.Errorf("%q is written as %q, want %q", text, got, want)
		}
	}
}

// FuzzCell writes any text as a field that is no formula and holds no command.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"=1", "\u00a0=1", "::error::x", "a\r\n=b", "'''=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := plain.Cell(s)
		if got != "" && strings.ContainsRune("=+-@\t\r", rune(got[0])) || strings.ContainsAny(got, "\n\r\t\x1b\x00") {
			t.Errorf("%q is written as %q", s, got)
		}
	})
}
