package safetytest

import (
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
)

// A message is read within a minute, however much there is to say: fewer than 25 lines
// of at most 100 columns, but for the commands, which are to be copied.
func TestDetailsAreShort(t *testing.T) {
	v := percents()
	v.Attempt, v.Pairs, v.rolls = 3, 40, "1"
	v.Reason = "because " + v.Reason
	for range 40 {
		v.Claim.Statement += strings.Repeat(" and another", 20)
		v.Worst = append(v.Worst, CellCount{ID: strings.Repeat("a long name ", 30), Visits: 1})
		v.doubt += strings.Repeat("no room whatever ", 40)
	}
	lines := strings.Split(v.Details(), "\n")
	if len(lines) >= 25 {
		t.Errorf("%d lines:\n%.3000s", len(lines), v.Details())
	}
	for _, line := range lines {
		command := strings.HasPrefix(strings.TrimSpace(line), "reproduce") || strings.HasPrefix(strings.TrimSpace(line), "next")
		if plain.Columns(line) > 98 && !command {
			t.Errorf("%d columns: %s", plain.Columns(line), line)
		}
	}
	if !strings.Contains(v.Details(), "and 697 more warnings") {
		t.Errorf("warnings are left out silently:\n%.3000s", v.Details())
	}
}
