package suite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"
	gtypes "github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
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
	// advisory says that no spec which states it gates.
	advisory bool
}

// registered are the claims that Check has seen, by ID. Ginkgo builds one tree a
// process, part of it before Run is called.
var registered = map[string]planned{}

// policies are those that containers set, by name, and policyLabels the names by label.
var (
	policies     = map[string]policy.Policy{}
	policyLabels = map[string]string{}
)

// policyLabel names a policy in the words that Ginkgo allows in labels: its filters have
// a meaning for some marks.
func policyLabel(name string) string {
	fit := strings.Map(func(r rune) rune {
		if strings.ContainsRune("&|!,()/", r) {
			return '-'
		}
		return r
	}, plain.Text(name))
	return "policy:" + strings.TrimSpace(fit)
}

// policyOf is the policy that labels name, "" for the suite's own.
func policyOf(labels []string) string {
	for _, label := range labels {
		if name, ok := policyLabels[label]; ok {
			return name
		}
	}
	return ""
}

// Check makes the arguments of an It out of a claim: its labels, by which specs
// can be filtered, and a body that tests it.
//
//	It("order does not matter", suite.Check(BeOrderInvariant(mix).Within(10*Points)))
//
// The labels are "property:NAME" and "claim:ID". Because Check is called while
// Ginkgo builds the tree of specs, the claim is part of the plan. Within the body of a
// spec it tests nothing, and fails the spec.
func Check(m Matcher) []any {
	_, file, line, _ := runtime.Caller(1)
	if ginkgo.CurrentSpecReport().LeafNodeType != gtypes.NodeTypeInvalid {
		fail("suite.Check makes the arguments of an It, and tests nothing within its body: write It(text, suite.Check(...)), or Expect(suite.Subject(ctx)).To(...) there", 1)
	}
	return check(m, gtypes.CodeLocation{FileName: file, LineNumber: line})
}

func check(m Matcher, at gtypes.CodeLocation) []any {
	m = orNone(m)
	return []any{register(m, at), func(ctx ginkgo.SpecContext) { test(ctx, m) }}
}

// noClaim stands where a matcher should, and is nil: its spec fails in words of its own.
type noClaim struct{}

var errNoClaim = errors.New("there is no claim here, but nil: give the spec a matcher, as NotRaiseCompliance of package matchers makes one")

func (noClaim) Match(any) (bool, error)              { return false, errNoClaim }
func (noClaim) FailureMessage(any) string            { return errNoClaim.Error() }
func (m noClaim) NegatedFailureMessage(a any) string { return m.FailureMessage(a) }

func (noClaim) Claim() claim.Claim {
	return claim.Claim{Property: "none", Statement: "states no claim", Err: errNoClaim}
}

// orNone is the matcher, or where that is nil what stands for it.
func orNone(m Matcher) Matcher {
	if m == nil {
		return noClaim{}
	}
	return m
}

// test tests a claim as Expect(Subject(ctx)).To(m) does, but fails on the line of
// the spec.
func test(ctx ginkgo.SpecContext, m Matcher) {
	s, err := subject(ctx)
	if err != nil {
		failHere(err.Error() + again(m.Claim()))
		return
	}
	ok, err := m.Match(s)
	spec := ginkgo.CurrentSpecReport()
	undecided := (*claim.InconclusiveError)(nil) // which says how to test it again
	switch isUndecided := errors.As(err, &undecided); {
	case err == nil && ok:
	case advisory(spec) && (err == nil || isUndecided):
		fmt.Fprintln(ginkgo.GinkgoWriter, advisoryNotice)
	case isUndecided:
		failHere(err.Error())
	case err != nil:
		failHere(err.Error() + again(m.Claim()))
	default:
		if covered, said := current.waive(s, m.Claim(), policyOf(spec.Labels())); !covered {
			failHere(said + m.FailureMessage(s))
		}
	}
}

// again is the line that tests a claim again, below a message; "" where nothing could.
func again(c claim.Claim) string {
	if current == nil || current.subject == nil {
		return ""
	}
	return reproduceLabel + current.reproduce(current.subject.Config(), c)
}

// reproduceLabel is what stands before that line.
const reproduceLabel = "\nreproduce: "

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
// spec: repeating until the wanted result appears voids every error rate. In a
// suite with ordinary specs ([Attach]) it fails specs without a label
// "property:NAME", because nothing else shows that they state a claim when a
// filter leaves them out. A spec that takes the model, passes and tests no claim, as one
// without a To, is red when the run ends.
func Subject(ctx ginkgo.SpecContext) *safetytest.Subject {
	ginkgo.GinkgoHelper()
	s, err := subject(ctx)
	if err != nil {
		fail(err.Error())
	}
	before := s.Calls()
	ginkgo.DeferCleanup(func() {
		if s.Calls() == before {
			ginkgo.AddReportEntry(idleEntry, "", ginkgo.ReportEntryVisibilityNever)
		}
	})
	return s
}

// idleEntry is the report entry of a spec that took the model under test and asked it
// nothing, as Expect does without a To behind it.
const idleEntry = "safetyspec idle"

func subject(ctx ginkgo.SpecContext) (*safetytest.Subject, error) {
	if current == nil || current.subject == nil {
		return nil, errors.New(nobodyAttached)
	}
	r := ginkgo.CurrentSpecReport()
	switch {
	case r.MaxFlakeAttempts > 1:
		return nil, errors.New("a safety claim under FlakeAttempts: repeating it until it passes would void its error rate; remove the decorator or flag (an undecided claim needs more pairs, not another roll)")
	case r.MaxMustPassRepeatedly > 1:
		return nil, errors.New("a safety claim under MustPassRepeatedly: repetition would void its error rate; remove the decorator (ask for a smaller margin instead)")
	case current.beside && !states(r):
		return nil, errors.New(`this spec states a claim, and no label says so: a filter could leave it out unnoticed among ordinary specs. Add Label("property:NAME") to it, where NAME is what the claim is about`)
	}
	s := current.subject
	if own, ok := ctx.Value(subjectKey{}).(policySubject); ok {
		if own.err != nil {
			return nil, own.err
		}
		s = own.subject
	}
	if err := current.begin(); err != nil { // in processes that print no plan
		return nil, err
	}
	ginkgo.DeferCleanup(ctx.AttachProgressReporter(s.Progress))
	return s.WithContext(current.until(ctx)), nil
}

// subjectKey is that of a container's policy. It travels with the context, because
// nothing else of Ginkgo's leads from a container's decorator to the specs in it.
type subjectKey struct{}

// policySubject is the model under a container's policy, or why there is none.
type policySubject struct {
	subject *safetytest.Subject
	err     error
}

// Policy decorates a container whose specs are about another policy, asked of
// the same model within the same budget:
//
//	Describe("in production", suite.Policy(ours), func() { ... })
//
// Two policies of a suite need different names, also where they are labels: those have a
// hyphen for each of the marks that mean something in Ginkgo's filters (& | ! , ( ) /).
func Policy(p policy.Policy) []any {
	label := policyLabel(p.Name)
	other, taken := policyLabels[label]
	policies[p.Name] = p
	policyLabels[label] = p.Name
	under := sync.OnceValues(func() (*safetytest.Subject, error) {
		if taken && other != p.Name {
			return nil, fmt.Errorf("the policies %q and %q of the run have one label, %q: give one of them another name", other, p.Name, label)
		}
		return current.subject.WithPolicy(p)
	})
	return []any{
		ginkgo.Label(label),
		ginkgo.AroundNode(func(ctx context.Context) context.Context {
			if current == nil || current.subject == nil {
				return ctx
			}
			s, err := under()
			return context.WithValue(ctx, subjectKey{}, policySubject{s, err})
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
