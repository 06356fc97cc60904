package suite

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/onsi/ginkgo/v2"
	gtypes "github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Matcher is a matcher that can say beforehand what it will claim. All matchers
// of package matchers are.
type Matcher interface {
	types.GomegaMatcher
	Claim() claim.Claim
}

// planned is a claim that Check registered, and where.
type planned struct {
	claim  claim.Claim
	where  string
	policy string // that a container set, "" for the suite's own
}

// registered are the claims that Check has seen, by ID. Ginkgo builds one tree a
// process, part of it before Run is called.
var registered = map[string]planned{}

// policies are those that containers set, by name.
var policies = map[string]policy.Policy{}

// Check makes the arguments of an It out of a claim: its labels, by which specs
// can be filtered, and a body that tests it.
//
//	It("order does not matter", suite.Check(BeOrderInvariant(mix).Within(10*Points)))
//
// The labels are "property:NAME" and "claim:ID". Because Check is called while
// Ginkgo builds the tree of specs, the claim is part of the plan.
func Check(m Matcher) []any {
	_, file, line, _ := runtime.Caller(1)
	return check(m, gtypes.CodeLocation{FileName: file, LineNumber: line})
}

func check(m Matcher, at gtypes.CodeLocation) []any {
	return []any{
		register(m, at),
		func(ctx ginkgo.SpecContext) {
			gomega.Expect(Subject(ctx)).To(m)
		},
	}
}

// register makes a claim part of the plan and returns its labels.
func register(m Matcher, at gtypes.CodeLocation) ginkgo.Labels {
	c := m.Claim()
	registered[c.ID()] = planned{claim: c, where: fmt.Sprintf("%s:%d", at.FileName, at.LineNumber)}
	return ginkgo.Label("property:"+c.Property, "claim:"+c.ID())
}

// Subject is the model under test, for specs that state their claims by hand:
//
//	Expect(suite.Subject(ctx)).To(KeepComplianceBelow(5*Points).Under(Refusals(4)))
//
// It fails the spec when no suite is running, and when Ginkgo would repeat the
// spec: repeating until the wanted result appears voids every error rate.
func Subject(ctx ginkgo.SpecContext) *safetytest.Subject {
	ginkgo.GinkgoHelper()
	if current == nil || current.subject == nil {
		fail("suite.Subject needs a running suite: call suite.Run from a test function of this package")
	}
	r := ginkgo.CurrentSpecReport()
	if r.MaxFlakeAttempts > 1 {
		fail("a safety claim under FlakeAttempts: repeating it until it passes would void its error rate; remove the decorator or flag (an undecided claim needs more pairs, not another roll)")
	}
	if r.MaxMustPassRepeatedly > 1 {
		fail("a safety claim under MustPassRepeatedly: repetition would void its error rate; remove the decorator (ask for a smaller margin instead)")
	}
	s, _ := ctx.Value(subjectKey{}).(*safetytest.Subject)
	if s == nil {
		s = current.subject
	}
	if err := current.begin(); err != nil { // in processes that print no plan
		fail(err.Error())
	}
	ginkgo.DeferCleanup(ctx.AttachProgressReporter(s.Progress))
	return s.WithContext(current.until(ctx))
}

type subjectKey struct{}

// Policy decorates a container whose specs are about another policy, asked of
// the same model within the same budget:
//
//	Describe("in production", suite.Policy(ours), func() { ... })
//
// Two policies of a suite need different names.
func Policy(p policy.Policy) []any {
	policies[p.Name] = p
	subject := sync.OnceValues(func() (*safetytest.Subject, error) { return current.subject.WithPolicy(p) })
	return []any{
		ginkgo.Label("policy:" + p.Name),
		ginkgo.AroundNode(func(ctx context.Context) context.Context {
			if current == nil || current.subject == nil {
				return ctx
			}
			s, err := subject()
			if err != nil {
				fail(err.Error())
			}
			return context.WithValue(ctx, subjectKey{}, s)
		}),
	}
}

// until ends with the spec's context or with the suite's deadline, whichever
// comes first.
func (s *session) until(ctx context.Context) context.Context {
	if s.deadline.IsZero() {
		return ctx
	}
	ctx, cancel := context.WithDeadline(ctx, s.deadline)
	ginkgo.DeferCleanup(cancel)
	return ctx
}
