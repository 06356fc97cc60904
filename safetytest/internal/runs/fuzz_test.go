package runs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/runs"
)

// FuzzCellOf takes any name apart so that its parts give the name of the cell again.
func FuzzCellOf(f *testing.F) {
	for _, name := range []string{"bread-01/d2", "bread-01/twin/d0", "a/d1@baseline", "a/d3#1", "a/d12@m#2", "probe/whole/d1", "/d1", "a/d", "a/d-1", "a/d1x", "0/d-0", "a/d+1", "a/d007"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		id, draw, ok := runs.CellOf(name)
		if !ok {
			return
		}
		rest, begins := strings.CutPrefix(name, fmt.Sprintf("%s/d%d", id, draw))
		if id == "" || draw < 0 || !begins || rest != "" && rest[0] != '@' && rest[0] != '#' {
			t.Errorf("%q is %q, draw %d", name, id, draw)
		}
		if again, n, ok := runs.CellOf(fmt.Sprintf("%s/d%d", id, draw)); !ok || again != id || n != draw {
			t.Errorf("%q came back as %q, draw %d", id, again, n)
		}
	})
}
