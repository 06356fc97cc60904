package safetytest_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// MaxPairs bounds what a claim takes in all runs of an attempt, and a verdict
// that could not get further says so.
func TestMaxPairsCountsRunsThatAreContinued(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	tested := NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(20 * Points).VisitingTargets(2).Claim()
	run := func(name string, most int) claim.Verdict {
		s := under(t, openings(always(0.4)), house(), safetytest.Config{MaxPairs: most, Batch: 8, Concurrency: 1, Dir: dir, Run: name})
		defer s.Close()
		return verdict(t, s, tested)
	}
	const repeated = 2 * 60 // to see that it is the same model
	first := run("one", 64)
	g.Expect([]int{first.Pairs, first.Calls}).To(Equal([]int{64, 128}))
	again := run("two", 64)
	g.Expect([]int{again.Pairs, again.Calls}).To(Equal([]int{64, repeated}))
	g.Expect(again.Warnings).To(ContainElement(ContainSubstring("all 64 visits that MaxPairs allows")))
	more := run("three", 240)
	g.Expect(more.Pairs).To(BeNumerically(">", 64))
	g.Expect(more.Calls).To(Equal(2*(more.Pairs-64) + repeated))
	g.Expect(strings.Join(more.Warnings, "\n")).NotTo(ContainSubstring("MaxPairs allows"))
}

// Resume reads the replies for a claim that is new, and says what that is worth.
func TestAClaimThatTheResumedRunDidNotPlan(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	planned := NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(20 * Points)
	run := func(name string, mode safetytest.Replies, c claim.Claim) claim.Verdict {
		s := under(t, openings(always(0.4)), house(), safetytest.Config{MaxPairs: 64, Batch: 8, Concurrency: 1, Dir: dir, Run: name, Replies: mode})
		defer s.Close()
		g.Expect(s.Begin(c)).To(Succeed())
		return verdict(t, s, c)
	}
	g.Expect(strings.Join(run("one", safetytest.RepliesAuto, planned.VisitingTargets(2).Claim()).Warnings, "\n")).NotTo(ContainSubstring("did not plan"))
	// The margin alone makes it another claim, on the same arms.
	v := run("two", safetytest.RepliesResume, planned.Within(19*Points).VisitingTargets(2).Claim())
	g.Expect([]int{v.Pairs, v.Calls, v.Recorded}).To(Equal([]int{64, 120, 128}))
	g.Expect(v.Warnings).To(ContainElement(ContainSubstring("did not plan this claim")))
}

// What is decided is asked afresh by the next run, also when the instrument's
// comparison of a condition with itself stayed undecided, or the one look of a
// fixed-n claim did.
func TestWhatIsDoneIsNotContinued(t *testing.T) {
	doubtful := NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(10 * Points).Claim()
	sure := NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(35 * Points).Claim()
	aa, ok := claim.AA(doubtful)
	if !ok {
		t.Fatal("no comparison with itself")
	}
	for name, c := range map[string]struct {
		claims []claim.Claim
		rule   evidence.StoppingRule
	}{
		"aa":      {[]claim.Claim{sure, aa}, evidence.Sequential},
		"fixed n": {[]claim.Claim{doubtful}, evidence.FixedN},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir := t.TempDir()
			for attempt := 1; attempt <= 2; attempt++ {
				s := under(t, openings(always(0.15)), house(), safetytest.Config{Stopping: c.rule, MaxPairs: 64, Concurrency: 1, Dir: dir, Run: fmt.Sprint("run", attempt)})
				g.Expect(s.Begin(c.claims...)).To(Succeed())
				undecided := 0
				for _, claim := range c.claims {
					v := verdict(t, s, claim)
					g.Expect(v.Attempt).To(Equal(attempt))
					g.Expect(v.Recorded).To(BeZero())
					if v.State == evidence.Inconclusive {
						undecided++
					}
				}
				g.Expect(undecided).To(Equal(1))
				g.Expect(s.Close()).To(Succeed())
			}
		})
	}
}

// In plain testing nobody plans: a run's claims are those that it came to test, in
// any order.
func TestRunsWithoutAPlan(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	first := NotRaiseCompliance(Adding(2, Benign).After(Refusals(2))).Within(35 * Points).Claim()
	second := KeepComplianceBelow(40 * Points).Under(Refusals(2)).Claim()
	run := func(name string, claims ...claim.Claim) (vs []claim.Verdict) {
		s := under(t, openings(always(0.1)), house(), safetytest.Config{Concurrency: 1, Dir: dir, Run: name})
		defer s.Close()
		for _, c := range claims {
			v := verdict(t, s, c)
			g.Expect(v.State).To(Equal(evidence.Holds))
			g.Expect(strings.Join(v.Warnings, "\n")).NotTo(ContainSubstring("did not plan"))
			vs = append(vs, v)
		}
		return vs
	}
	g.Expect(run("one", first, second)[0].Attempt).To(Equal(1))
	// Whichever comes first, all of the first run was decided.
	for _, v := range run("two", second, first) {
		g.Expect([]int{v.Attempt, v.Recorded}).To(Equal([]int{2, 0}))
	}
}

// A baseline that is stored once more is asked for once more.
func TestABaselineIsStoredAfresh(t *testing.T) {
	g := NewWithT(t)
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "baseline.json")
	for _, run := range []string{"one", "two"} {
		m := openings(always(0.2))
		s := under(t, m, house(), safetytest.Config{Dir: dir, Run: run})
		g.Expect(s.StoreBaseline(t.Context(), file, 1, claim.Arm{Setting: Setting{Composition: Composition{Mix: Refusals(2)}}})).To(Succeed())
		g.Expect(s.Close()).To(Succeed())
		g.Expect(m.calls).To(Equal(120))
	}
}

// Replies that nobody can read end an attempt: when the endpoint is mended, the
// next run does not trip over them.
func TestAMendedEndpointIsAskedAfresh(t *testing.T) {
	g := NewWithT(t)
	dir := t.TempDir()
	tested := KeepComplianceBelow(20 * Points).Under(Refusals(2)).Claim()
	run := func(name string, m chat.Model) claim.Verdict {
		s := under(t, m, house(), safetytest.Config{Dir: dir, Run: name})
		defer s.Close()
		return verdict(t, s, tested)
	}
	broken := run("one", chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) {
		return chat.Reply{State: chat.Empty, FinishReason: "length", Model: "spy", Attempts: 1}, nil
	}))
	g.Expect(broken.Reason).To(Equal(evidence.MissingReplies))
	g.Expect(broken.Warnings).To(ContainElement(ContainSubstring("were cut off before they came to the point: raise SAFETYTEST_MAX_TOKENS")))
	mended := run("two", openings(always(0)))
	g.Expect(mended.State).To(Equal(evidence.Holds))
	g.Expect([]int{mended.Attempt, mended.Recorded}).To(Equal([]int{2, 0}))
}

// No way of changing a claim after its outcome was seen makes another claim of it
// without saying so: neither in plain testing, nor by way of a claim that reads the
// replies first; and a green one is not read from the record ever after.
func TestShoppingForAMarginShows(t *testing.T) {
	below := func(bound float64) claim.Claim { return KeepComplianceBelow(bound).Under(Refusals(2)).Claim() }
	unplanned := ContainElement(ContainSubstring("did not plan this claim"))
	run := func(t *testing.T, dir, name string, mode safetytest.Replies, rate float64, plan bool, claims ...claim.Claim) []claim.Verdict {
		s := under(t, openings(always(rate)), house(), safetytest.Config{Concurrency: 1, Dir: dir, Run: name, Replies: mode, MaxPairs: 96})
		defer s.Close()
		if plan {
			if err := s.Begin(claims...); err != nil {
				t.Fatal(err)
			}
		}
		var all []claim.Verdict
		for _, c := range claims {
			all = append(all, verdict(t, s, c))
		}
		return all
	}
	t.Run("without a plan", func(t *testing.T) {
		g, dir := NewWithT(t), t.TempDir()
		first := run(t, dir, "one", safetytest.RepliesAuto, 0.08, false, below(0.1))[0]
		g.Expect(first.State).To(Equal(evidence.Inconclusive))
		g.Expect(first.Warnings).NotTo(unplanned)
		again := run(t, dir, "two", safetytest.RepliesAuto, 0.08, false, below(0.1), below(0.5))
		g.Expect(again[0].Warnings).NotTo(unplanned)
		g.Expect(again[1].State).To(Equal(evidence.Holds))
		g.Expect(again[1].Warnings).To(unplanned)
	})
	t.Run("stated by hand beside a plan", func(t *testing.T) {
		g, dir := NewWithT(t), t.TempDir()
		for i := range 2 {
			s := under(t, openings(always(0.12)), house(), safetytest.Config{Concurrency: 1, Dir: dir, Run: fmt.Sprint("run", i), MaxPairs: 64})
			g.Expect(s.Begin(below(0.1))).To(Succeed())
			g.Expect(verdict(t, s, below(0.1)).State).To(Equal(evidence.Inconclusive))
			byHand := verdict(t, s, below(0.11))
			g.Expect(byHand.Warnings).NotTo(unplanned)
			g.Expect(s.Close()).To(Succeed())
		}
	})
	t.Run("behind a planned claim, and then for ever", func(t *testing.T) {
		g, dir := NewWithT(t), t.TempDir()
		run(t, dir, "one", safetytest.RepliesAuto, 0.08, true, below(0.1))
		resumed := run(t, dir, "two", safetytest.RepliesResume, 0.08, true, below(0.1), below(0.5))
		g.Expect(resumed[1].Recorded).To(BeZero(), "the other claim had them")
		g.Expect(resumed[1].Warnings).To(unplanned)
		alone := run(t, dir, "three", safetytest.RepliesResume, 0.08, true, below(0.5))[0]
		g.Expect(alone.State).To(Equal(evidence.Holds))
		fresh := run(t, dir, "four", safetytest.RepliesAuto, 1, true, below(0.5))[0]
		g.Expect(fresh.State).To(Equal(evidence.Violated), "what was decided is asked afresh")
		g.Expect(fresh.Attempt).To(Equal(2))
	})
	t.Run("attempts are counted whatever else is claimed", func(t *testing.T) {
		g, dir := NewWithT(t), t.TempDir()
		for i := range 4 {
			v := run(t, dir, fmt.Sprint("run", i), safetytest.RepliesAuto, 0.02, true, below(0.3), below(0.4+float64(i)/100))
			g.Expect([]int{v[0].Attempt, v[1].Attempt}).To(Equal([]int{i + 1, i + 1}), "whatever the margin")
		}
	})
}

// The one look of a fixed-n claim is the last, however often a run is resumed.
func TestOneLookIsOne(t *testing.T) {
	g, dir := NewWithT(t), t.TempDir()
	claim := KeepComplianceBelow(0.1).Under(Refusals(2)).Claim()
	var pairs []int
	for i, mode := range []safetytest.Replies{safetytest.RepliesAuto, safetytest.RepliesResume, safetytest.RepliesResume} {
		s := under(t, openings(always(0.1)), house(), safetytest.Config{Stopping: evidence.FixedN, Dir: dir, Run: fmt.Sprint("run", i), Replies: mode})
		v := verdict(t, s, claim)
		g.Expect(v.State).To(Equal(evidence.Inconclusive))
		pairs = append(pairs, v.Pairs)
		g.Expect(s.Close()).To(Succeed())
	}
	g.Expect(pairs[1:]).To(Equal([]int{pairs[0], pairs[0]}))
}

// A model under another spelling of its address is the same model, and names of
// models cannot be taken for others.
func TestAModelIsNotItsOwnBaseline(t *testing.T) {
	for _, spelling := range []string{"http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/", "HTTP://127.0.0.1:1//v1", "http://localhost:1/v1"} {
		_, err := safetytest.Open(safetytest.Config{BaseURL: "http://127.0.0.1:1/v1", Model: "m", Models: map[string]safetytest.Endpoint{"baseline": {BaseURL: spelling, Model: "m"}}}, house())
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring("is the model under test")), spelling)
	}
	for _, secret := range []string{"http://user:hunter2@127.0.0.1:1/v1", "http://127.0.0.1:1/v1?key=hunter2", "http://127.0.0.1:1/v1#hunter2"} {
		_, err := safetytest.Open(safetytest.Config{BaseURL: "http://127.0.0.1:1/v1", Model: "m", Models: map[string]safetytest.Endpoint{"baseline": {BaseURL: secret, Model: "m"}}}, house())
		NewWithT(t).Expect(err).To(MatchError(Not(ContainSubstring("hunter2"))))
	}
	for _, name := range []string{"", "b#1", "b@c", "a/b"} {
		_, err := safetytest.Open(safetytest.Config{BaseURL: "http://127.0.0.1:1/v1", Model: "m", Models: map[string]safetytest.Endpoint{name: {Model: "n"}}}, house())
		NewWithT(t).Expect(err).To(MatchError(ContainSubstring("each needs a name of letters")), name)
	}
}
