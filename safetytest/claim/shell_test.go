package claim

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/onsi/gomega"
	"github.com/onsi/gomega/format"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// hard are words of a command with percent signs, quoted in all ways.
var hard = []string{
	`plain`, `100%`, `%s%d%%`, `'a % b'`, `'%'`, `"a % b"`, `"\"%\""`, `"\%"`, `\%`, `\\%`, `"\\%"`, `'\%'`,
	`'it'\''s 5 %'`, `"it's 5 %"`, `'"%"'`, `a'%'b"%"c%`, `'^gate holds at 100\%$'`, `'%!(NOVERB)'`, `'ünï % çödé'`,
}

// The command means the same to a shell, and holds no sign that a format would take.
func TestCommandsLoseTheirPercentSignsAndNotTheirMeaning(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell")
	}
	words := func(command string) string {
		out, err := exec.Command(shell, "-c", `show() { for a; do echo "<$a>"; done; }; show `+command).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v, %s", command, err, out)
		}
		return string(out)
	}
	for _, command := range append(hard, strings.Join(hard, " ")) {
		got := withoutPercent(command)
		if strings.Contains(got, "%") {
			t.Errorf("%s became %s", command, got)
		}
		if want, said := words(command), words(got); said != want {
			t.Errorf("%s means %q and became %s, which means %q", command, want, got, said)
		}
	}
	for _, open := range []string{`'%`, `"%`, `%\`} { // no command, and no panic either
		if got := withoutPercent(open); strings.Contains(got, "%") {
			t.Errorf("%s became %s", open, got)
		}
	}
}

// percents is a verdict whose every text holds what a format would take, and more
// of it than Gomega prints.
func percents() Verdict {
	v := Verdict{
		Claim: Claim{Statement: "at most 5 % of 100%s", Property: "p"}, State: evidence.Violated, Reason: "100%d", Model: "m%v", Policy: "p%d",
		Population: "%[1]d", Judge: "%w", Worst: []CellCount{{ID: "%x/d1", Visits: 1}},
		Reproduce: "SAFETYTEST_BASE_URL='http://a/%20b' go test . -ginkgo.focus='^" + strings.Repeat("long ", 700) + "holds at 100%$'",
	}
	for i := range 700 {
		v.Warnings = append(v.Warnings, fmt.Sprintf("warning %d of 100%%s %s", i, strings.Repeat("long ", 2000)))
	}
	return v
}

// Whatever way a verdict goes through Gomega, what it prints ends with the line that
// reproduces it, and nothing in it was taken for a format.
func TestVerdictsSurviveGomega(t *testing.T) {
	v := percents()
	line := withoutPercent(v.Reproduce)
	if details := v.Details(); strings.Contains(details, "%") || !strings.HasSuffix(details, line) {
		t.Errorf("%.2000s … %s", details, details[len(details)-300:])
	}
	for name, assert := range map[string]func(g gomega.Gomega){
		"a description":          func(g gomega.Gomega) { g.Expect(false).To(gomega.BeTrue(), v.Details()) },
		"a description's value":  func(g gomega.Gomega) { g.Expect(false).To(gomega.BeTrue(), "it is: %s", v.Details()) },
		"a described headline":   func(g gomega.Gomega) { g.Expect(false).To(gomega.BeTrue(), v.Headline()+"\n"+v.Details()) },
		"the verdict":            func(g gomega.Gomega) { g.Expect(v).To(gomega.BeNil()) },
		"its address":            func(g gomega.Gomega) { g.Expect(&v).To(gomega.BeNil()) },
		"an error":               func(g gomega.Gomega) { g.Expect(&InconclusiveError{v}).NotTo(gomega.HaveOccurred()) },
		"a wrapped error":        func(g gomega.Gomega) { g.Expect(fmt.Errorf("gate: %w", &InconclusiveError{v})).To(gomega.Succeed()) },
		"an error beside":        func(g gomega.Gomega) { g.Expect(1, &InconclusiveError{v}).To(gomega.Equal(1)) },
		"an error as a value":    func(g gomega.Gomega) { g.Expect(any(&InconclusiveError{v})).To(gomega.BeNil()) },
		"an error's description": func(g gomega.Gomega) { g.Expect(false).To(gomega.BeTrue(), (&InconclusiveError{v}).Error()) },
	} {
		said := ""
		assert(gomega.NewGomega(func(message string, _ ...int) { said = message }))
		if !strings.Contains(said, line) {
			t.Errorf("%s: the line that reproduces it is not in %d characters: %.300s", name, len(said), said)
		}
		for _, taken := range []string{"%!", "MISSING", "EXTRA", "NOVERB"} {
			if strings.Contains(said, taken) {
				t.Errorf("%s: the text was taken for a format (%s)", name, taken)
			}
		}
	}
	if format.MaxLength >= len(v.Details()) {
		t.Error("the verdict is shorter than what Gomega prints whole")
	}
}
