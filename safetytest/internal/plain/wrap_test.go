package plain_test

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{{"", 5, ""}, {"one two", 7, "one two"}, {"one two", 6, "one|two"}, {"abcdefgh", 3, "abc|def|gh"}, {"a abcdef b", 4, "a|abcd|ef b"}, {"料理料", 4, "料理|料"}} {
		if got := strings.Join(plain.Wrap(c.text, c.most), "|"); got != c.want {
			t.Errorf("%q at %d: %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func TestNarrow(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"short\nlines", "short\nlines"},
		{"a line of words that goes on and on", "a line of words\n    that goes on and\n    on"},
		{"12    34   a claim that is long enough", "12    34\n    a claim that is\n    long enough"},
		{"  indented words that go on and on", "  indented words\n      that go on and\n      on"},
		{"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop\n    qrstuvwxyz"},
	} {
		got := plain.Narrow(c.text, 20)
		if got != c.want {
			t.Errorf("%q:\n%s\nwant\n%s", c.text, got, c.want)
		}
	}
}
