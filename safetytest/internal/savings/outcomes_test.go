package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Every contrast is added to what the file holds, a cell a line, with its draw.
func TestOutcomesAreKept(t *testing.T) {
	arm := func(values ...float64) (out []asked) {
		for _, v := range values {
			out = append(out, asked{read: v >= 0, value: v})
		}
		return out
	}
	m := measure{outcomes: filepath.Join(t.TempDir(), "outcomes.tsv")}
	for range 2 {
		if err := m.keep("small", "a contrast", [][2][]asked{{arm(0, 1, -1), arm(1, 1, 0)}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(m.outcomes)
	if err != nil {
		t.Fatal(err)
	}
	if want := "small\ta contrast\t0\t01-\t110\n"; string(got) != want+want {
		t.Errorf("it holds %q, want twice %q", got, want)
	}
	if err := (measure{outcomes: t.TempDir()}).keep("small", "a contrast", nil); err == nil {
		t.Error("a folder in the file's place is no error")
	}
}
