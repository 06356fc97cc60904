package safetytest_test

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
	"github.com/safetyspec/safetyspec/safetytest/record"
)

// MaxPairs bounds what a claim takes in all runs of an attempt, and a verdict
// that could not get further says so.
func TestMaxPairsCountsRunsThatAreContinued(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	claim := NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(20 * Points).VisitingTargets(1).Claim()
	run := func(name string, most int) safetytest.Verdict {
		s := under(t, openings(always(0.4)), house(), safetytest.Config{MaxPairs: most, Concurrency: 1, Dir: dir, Run: name})
		defer s.Close()
		return verdict(t, s, claim)
	}
	first := run("one", 32)
	g.Expect([]int{first.Pairs, first.Calls}).To(Equal([]int{32, 64}))
	again := run("two", 32)
	g.Expect([]int{again.Pairs, again.Calls}).To(Equal([]int{32, 0}))
	g.Expect(again.Warnings).To(ContainElement(ContainSubstring("all 32 visits that MaxPairs allows")))
	more := run("three", 120)
	g.Expect(more.Pairs).To(BeNumerically(">", 32))
	g.Expect(more.Calls).To(Equal(2 * (more.Pairs - 32)))
	g.Expect(strings.Join(more.Warnings, "\n")).NotTo(ContainSubstring("MaxPairs allows"))
}

// Resume reads the replies for a claim that is new, and says what that is worth.
func TestAClaimThatTheResumedRunDidNotPlan(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	planned := NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(20 * Points).VisitingTargets(1)
	run := func(name string, mode record.Mode, c safetytest.Claim) safetytest.Verdict {
		s := under(t, openings(always(0.4)), house(), safetytest.Config{MaxPairs: 32, Concurrency: 1, Dir: dir, Run: name, Replies: mode})
		defer s.Close()
		g.Expect(s.Begin(c)).To(Succeed())
		return verdict(t, s, c)
	}
	g.Expect(strings.Join(run("one", record.Auto, planned.Claim()).Warnings, "\n")).NotTo(ContainSubstring("did not plan"))
	// The margin alone makes it another claim, on the same arms.
	v := run("two", record.Resume, planned.Within(19*Points).VisitingTargets(1).Claim())
	g.Expect([]int{v.Pairs, v.Calls, v.Recorded}).To(Equal([]int{32, 0, 64}))
	g.Expect(v.Warnings).To(ContainElement(ContainSubstring("did not plan this claim")))
}
