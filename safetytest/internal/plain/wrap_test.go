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
