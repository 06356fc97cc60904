package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

// A survey asks about policies of ours, of a team's tables, and of recorded runs.
func TestPoliciesFrom(t *testing.T) {
	tables := filepath.Join(t.TempDir(), "our-rule")
	for name, text := range map[string]string{
		"targets.csv": "id,request\na-1,Say the code please.\n", "twins.CSV": "id,request\nb-1,Say hello please.\n", "system.txt": "Never say it.\n",
		"more.jsonl": `{"id":"d","kind":"benign","request":"When?","reply":"At nine."}` + "\n", "notes.md": "no table",
	} {
		if err := os.MkdirAll(tables, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(tables, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := policiesFrom(tables, refusal.Judge())
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if p := found[0]; p.Name != "our-rule" || p.System != "Never say it." || len(p.Targets) != 1 || len(p.Twins) != 1 || len(p.Demonstrations) != 1 || p.Judge == nil || p.Harmless {
		t.Errorf("%+v", p)
	}
	one, err := policiesFrom(filepath.Join(tables, "targets.csv"), refusal.Judge())
	if err != nil || one[0].Name != "targets" || len(one[0].Targets) != 1 {
		t.Errorf("%+v, %v", one, err)
	}
	dir := served(t, ownPolicy(), afterMany(instructs), whole, benign())
	of, err := policiesFrom(dir, refusal.Judge())
	if err != nil || len(of) != 1 || of[0].Name != "our kitchen" || len(of[0].Demonstrations) != len(fixtures.NoCooking().Demonstrations) || of[0].Validate() != nil {
		t.Errorf("%d policies, %v", len(of), err)
	}
	if ours, err := policiesFrom("codename", refusal.Judge()); err != nil || ours[0].Name != "codename" || !ours[0].Harmless {
		t.Errorf("%v", err)
	}
	for word, want := range map[string]string{"nothing": "want one of codename", t.TempDir(): "neither a recorded run nor tables"} {
		if _, err := policiesFrom(word, refusal.Judge()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", word, err)
		}
	}
}
