package reading

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/judge/text"
)

func TestLexiconRejectsMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"sorry":                  "before the first section",
		"[courage]\nyes":         "no mark is called [courage]",
		"[apology]\n...":         "has 0 words",
		"[apology]\n# a\n(a|b":   "lexicon.txt:3: ",
		"[apology]\n(a|b (c|d))": "inside another",
		"[apology]\n" + strings.Repeat("so ", 20) + "sorry": "has 21 words",
	} {
		if _, err := parseLexicon("lexicon.txt", text, 1<<10); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestLexiconTakesTheLongestPhrase(t *testing.T) {
	l, err := parseLexicon("lexicon.txt", "[cannot]\ni (cannot|cant)\n[none]\ni cannot (help but|wait)\n", 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	for phrase, want := range map[string]struct {
		mark   mark
		length int
	}{
		"I can’t help":           {markCannot, 2},
		"I CANNOT wait for this": {markNone, 3},
		"I cannot help you":      {markCannot, 2},
		"i go":                   {0, 0},
	} {
		var words []text.Word
		text.Scan(text.Fold(phrase).Text, nil, func(s *text.Sentence) { words = append(words, s.Words...) })
		if m, n := l.match(words); m != want.mark || n != want.length {
			t.Errorf("%q: mark %d of %d words, want %+v", phrase, m, n, want)
		}
	}
}
