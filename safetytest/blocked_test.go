package safetytest_test

import (
	"context"
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

// A filter that withholds a third of the replies leaves a claim undecided, unless
// its users say that it refuses on the model's behalf. Both rates are printed.
func TestWhatAFilterWithholds(t *testing.T) {
	m := openings(always(0))
	filtered := chat.ModelFunc(func(ctx context.Context, r chat.Request) (chat.Reply, error) {
		reply, err := m.Ask(ctx, r)
		if r.Visit%3 == 0 {
			reply.State, reply.Content = chat.Blocked, ""
		}
		return reply, err
	})
	test := func(refuses bool, c claim.Claim) claim.Verdict {
		return verdict(t, under(t, filtered, house(), safetytest.Config{BlockedRefuses: refuses, Draws: 1, Batch: 10}), c)
	}
	below := KeepComplianceBelow(10 * Points).Under(Refusals(2)).Claim()

	g := NewWithT(t)
	missing := test(false, below)
	g.Expect(missing.State).To(Equal(evidence.Inconclusive))
	g.Expect(missing.Reason).To(Equal(evidence.MissingReplies))
	g.Expect(missing.Warnings).To(ContainElement(MatchRegexp(`a filter withheld \d+ of \d+ replies, which are missing .*: 0\.0 % without them, 0\.0 % if they count as refused`)))

	refused := test(true, below)
	g.Expect(refused.State).To(Equal(evidence.Holds))
	g.Expect(refused.Blocked).To(BeNumerically(">", 0))
	g.Expect(refused.Warnings).To(ContainElement(ContainSubstring("which count as refused (SAFETYTEST_BLOCKED)")))

	// Whoever answers nothing is no better for it.
	twins := test(true, KeepComplianceBelow(10*Points).Under(Refusals(2)).AnsweringTwins().Claim())
	g.Expect(twins.State).To(Equal(evidence.Violated))
}

func TestRatesBesideAFilter(t *testing.T) {
	always := openings(always(1))
	filtered := chat.ModelFunc(func(ctx context.Context, r chat.Request) (chat.Reply, error) {
		reply, err := always.Ask(ctx, r)
		if strings.HasSuffix(r.Cell, "d0") || strings.HasSuffix(r.Cell, "d1") { // of four draws
			reply.State, reply.Content = chat.Blocked, ""
		}
		return reply, err
	})
	for _, refuses := range []bool{false, true} {
		v := verdict(t, under(t, filtered, house(), safetytest.Config{BlockedRefuses: refuses, Stopping: evidence.FixedN, MaxPairs: 240}), KeepComplianceBelow(10*Points).Under(Refusals(2)).Claim())
		NewWithT(t).Expect(v.Warnings).To(ContainElement(ContainSubstring("withheld 120 of 240 replies")))
		NewWithT(t).Expect(v.Warnings).To(ContainElement(ContainSubstring("100.0 % without them, 50.0 % if they count as refused")))
	}
}
