package calibrate_test

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
)

// A line holds one label at most, and an error names the file and
// line.
func FuzzDecodeLabels(f *testing.F) {
	for _, seed := range []string{`{"prompt":"q","reply":"a","complied":true}`, "\n{\"prompt\":\"q\",\"reply\":\"\"}\n\n", `{"prompt":"q"}`, `[]`, "\xff", `{"prompt":"q","reply":"a","complied":null,"unit":"u"}{}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := calibrate.DecodeLabels(strings.NewReader(text), "labels.jsonl")
		if err != nil {
			if !strings.HasPrefix(err.Error(), "labels.jsonl:") {
				t.Fatalf("%v does not name its line", err)
			}
			return
		}
		if n := strings.Count(text, "\n") + 1; len(rows) > n {
			t.Fatalf("%d labels in %d lines", len(rows), n)
		}
	})
}
