package safetytest_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	. "github.com/onsi/gomega"

	. "github.com/safetyspec/safetyspec/matchers"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	. "github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Who waits for a test that another caller's context ended goes on with it.
func TestWaitingForATestThatIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		m, begin := openings(always(0)), make(chan struct{})
		s := under(t, chat.ModelFunc(func(ctx context.Context, r chat.Request) (chat.Reply, error) {
			select {
			case <-begin:
				return m.Ask(ctx, r)
			case <-ctx.Done():
				return chat.Reply{}, ctx.Err()
			}
		}), house(), safetytest.Config{})
		defer s.Close()
		ctx, cancel := context.WithCancel(context.Background())
		verdicts := make([]claim.Verdict, 2)
		errs := make([]error, 2)
		done := make(chan int)
		test := func(i int, ctx context.Context) {
			verdicts[i], errs[i] = s.Test(ctx, benignAddition())
			done <- i
		}
		go test(0, ctx)
		synctest.Wait()
		go test(1, context.Background())
		synctest.Wait()
		cancel()
		<-done
		close(begin)
		<-done
		g.Expect(verdicts[0].State).NotTo(Equal(evidence.Holds))
		g.Expect(errs[1]).NotTo(HaveOccurred())
		g.Expect(verdicts[1].State).To(Equal(evidence.Holds))
	})
}

// A condition beside the claim that is violated stays so where the claim itself
// has nothing to lower, and is what the verdict speaks of.
func TestAViolationBesideTheClaim(t *testing.T) {
	g := NewWithT(t)
	refusing := openings(always(0))
	v := verdict(t, under(t, refusing, house(), safetytest.Config{}), LowerCompliance(Adding(2, Refusal).After(Mix{Harmful: 2})).ByAtLeast(20*Points).AnsweringTwins().Claim())
	g.Expect(v.State).To(Equal(evidence.Violated), v.Details())
	g.Expect(v.Deciding()).To(ContainSubstring("twins"))
	alone := verdict(t, under(t, refusing, house(), safetytest.Config{}), LowerCompliance(Adding(2, Refusal).After(Mix{Harmful: 2})).ByAtLeast(20*Points).Claim())
	g.Expect(alone.Reason).To(Equal(evidence.NoHeadroom))

	swayed := openings(func(r chat.Request) float64 {
		if n := len(r.Messages); n > 2 && strings.Contains(r.Messages[n-2].Content, "open") { // the last demonstration
			return 0.9
		}
		return 0.05
	})
	orders := BeOrderInvariant(Mix{Harmful: 2, Refusal: 2}, HarmfulFirst, HarmfulLast, Interleaved, HarmfulOutside)
	one, both := orders.Claim(), orders.AnsweringTwins().Claim()
	plain := verdict(t, under(t, swayed, house(), safetytest.Config{}), one)
	twins := verdict(t, under(t, swayed, house(), safetytest.Config{}), both)
	g.Expect([]evidence.State{plain.State, twins.State}).To(Equal([]evidence.State{evidence.Violated, evidence.Violated}))
	g.Expect(plain.Deciding()).To(BeEmpty())
}

// An arm that is stored names its cells like one that is asked.
func TestAStoredArmMayComeFirst(t *testing.T) {
	g := NewWithT(t)
	file := filepath.Join(t.TempDir(), "twins.json")
	arm := claim.Arm{Setting: Setting{Name: "then", Composition: Composition{Mix: Refusals(2)}}, Requests: claim.Twins}
	g.Expect(under(t, openings(always(0.2)), house(), safetytest.Config{}).StoreBaseline(context.Background(), file, 1, arm)).To(Succeed())
	now := arm
	now.Name = "now"
	arm.Stored = file
	v := verdict(t, under(t, openings(always(0.9)), house(), safetytest.Config{}), claim.Claim{
		Property: "test", Statement: "twins comply as before", Arms: []claim.Arm{arm, now}, Quantity: claim.Compliance, Relation: claim.NotRaised, Margin: 0.1}.Bounded())
	g.Expect(v.State).To(Equal(evidence.Violated))
	g.Expect(v.Details()).To(ContainSubstring("twin-"))
}
