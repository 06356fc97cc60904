package plain

import (
	"encoding/json"
	"strings"
	"testing"
)

// JSON means what it meant, and holds no command.
func TestJSON(t *testing.T) {
	for _, s := range []string{"", "plain", "::error::x", "a:::b", "##vso[task.x]", "###", "\x1b[31m\u009b2J", "\u202eevil\u2069", "\U000e0041tag", "zwj\u200d", "line\nbreak\u2028", "ö 漢 🙂", "\\::"} {
		text, err := json.Marshal(map[string]string{s: s})
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(text)
		var back map[string]string
		if err := json.Unmarshal(safe, &back); err != nil || back[s] != s {
			t.Errorf("%q was written as %s and came back as %q, %v", s, safe, back, err)
		}
		for _, never := range []string{"::", "##", "\x1b", "\u009b", "\u202e", "\u2069", "\U000e0041", "\u200d", "\u2028"} {
			if strings.Contains(string(safe), never) {
				t.Errorf("%s holds %q", safe, never)
			}
		}
	}
}

// FuzzJSON writes any string so that it is read back and holds no command.
func FuzzJSON(f *testing.F) {
	f.Add("::error::x ## \u202e")
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.Marshal(s)
		if err != nil {
			t.Skip()
		}
		var want, got string
		if err := json.Unmarshal(text, &want); err != nil {
			t.Skip()
		}
		safe := JSON(text)
		if err := json.Unmarshal(safe, &got); err != nil || got != want {
			t.Errorf("%q came back as %q: %v", want, got, err)
		}
		if strings.Contains(string(safe), "::") || strings.Contains(string(safe), "##") || strings.Contains(string(safe), "\x1b") {
			t.Errorf("%s", safe)
		}
	})
}
