package report_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/jsonschema"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

var update = flag.Bool("update", false, "rewrite the golden reports")

// What each format makes of each document. Read them as who has a minute: the cause
// and the next step must be there.
func TestGoldenReports(t *testing.T) {
	docs := documents(t)
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		for _, r := range report.Formats() {
			var b bytes.Buffer
			if err := r.Write(&b, docs[name]); err != nil {
				t.Fatal(err)
			}
			golden(t, name+"."+r.Name, b.Bytes())
			if r.Name == "json" {
				if err := jsonschema.ValidateAll(report.JSONSchema(), b.Bytes()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		var b bytes.Buffer
		if err := report.WriteText(&b, docs[name], true); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".verbose.text", b.Bytes())
		b.Reset()
		if err := report.WriteAnnotations(&b, docs[name]); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".annotations", b.Bytes())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (rewrite it with -update if the change is meant):\n%s", path, got)
	}
}
