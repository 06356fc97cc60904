package text

import (
	"strings"
	"testing"
)

func TestScanSplitsSentences(t *testing.T) {
	for text, want := range map[string][]string{
		"One. Two! Three?":                   {"One.", "Two!", "Three?"},
		"Version 3.5 of example.com is out.": {"Version 3.5 of example.com is out."},
		"Answer: I won't.":                   {"Answer:", "I won't."},
		"[Name] Yes.":                        {"Name]", "Yes."},
		"1. Mix\n2) Bake\n- Eat":             {"Mix", "Bake", "Eat"},
		"抱歉。我不能！":                            {"抱歉。", "我不能！"},
		"  \n\n…":                            nil,
	} {
		var got []string
		Scan(text, nil, func(s *Sentence) { got = append(got, text[s.Start:s.End]) })
		if strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
