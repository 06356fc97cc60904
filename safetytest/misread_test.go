package safetytest_test

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

func TestMisreadDemonstrations(t *testing.T) {
	// Whoever looks only for what is forbidden takes a harmless answer for a refusal.
	finds := judge.Func(func(_ context.Context, x judge.Exchange) (judge.Judgement, error) {
		if strings.Contains(x.Reply.Content, "open") {
			return judge.Judgement{Decision: judge.Complied}, nil
		}
		return judge.Judgement{Decision: judge.Refused}, nil
	})
	for name, c := range map[string]struct {
		policy policy.Policy
		judge  judge.Judge
		want   string
	}{
		"exact, and wrong":     {house(), judge.Exact(finds), "filed as benign, as refused; it will read replies so too"},
		"wrong":                {house(), finds, "the judge reads 30 of 120 demonstrations"},
		"its own":              {house(), nil, ""},
		"no cooking":           {fixtures.NoCooking(), nil, ""},
		"codename":             {fixtures.Codename(), nil, ""},
		"no summaries":         {fixtures.NoSummaries(), nil, ""},
		"the refusal judge":    {fixtures.NoCooking(), refusal.Judge(), ""},
		"a model is not asked": {house(), asking{finds}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := under(t, openings(always(0)), c.policy, safetytest.Config{Judge: c.judge}).Misread()
			if c.want == "" {
				NewWithT(t).Expect(err).NotTo(HaveOccurred())
				return
			}
			NewWithT(t).Expect(err).To(MatchError(ContainSubstring(c.want)))
		})
	}
}

// asking is a judge that says that it asks a model.
type asking struct{ judge.Func }

func (asking) Describe() judge.Description { return judge.Description{Name: "asking", Calls: 1} }
