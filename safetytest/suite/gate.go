package suite

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
)

// Only declares that the gate consists of the specs with these labels, in the
// language of Ginkgo's label filters ("property:order || release"). The others are
// left out, are named in the report, and are not missed. Without a declaration a
// run that leaves specs out, by whatever flag, is red: PARTIAL.
//
// SAFETYTEST_ONLY declares the same from outside; where both are given a spec must
// match both.
func Only(labels string) Option {
	return func(s *session) { s.gate.declare(labels, "suite.Only") }
}

// Exploratory declares that the run decides nothing: a claim that is not proven is
// skipped instead of red, and specs may be left out or rest on a target or two.
// The exit status is then 0 unless a claim is violated or something fails, and
// "passed" is false whatever is found. SAFETYTEST_INCONCLUSIVE=skip does the same.
func Exploratory() Option { return func(s *session) { s.skip = true } }

// gate is which specs a release rests on: all, unless declared.
type gate struct {
	filter string   // "" for all
	from   []string // who declared it
}

func (g *gate) declare(labels, from string) {
	labels = strings.TrimSpace(labels)
	if g.filter != "" && labels != "" {
		labels = "(" + g.filter + ") && (" + labels + ")"
	}
	g.filter = labels
	g.from = append(g.from, from)
}

// apply reads SAFETYTEST_ONLY and adds what was declared to Ginkgo's own filter.
// The controls of the suite belong to every gate.
func (s *session) applyGate(config *types.SuiteConfig) error {
	only, err := environment.Only.Value()
	if err != nil {
		return err
	}
	if only != "" {
		s.gate.declare(only, environment.Only.Name)
	}
	if len(s.gate.from) == 0 {
		return nil
	}
	if s.gate.filter == "" {
		return errors.New("suite.Only names no labels: leave it out, or say which specs are the gate")
	}
	if s.controls {
		s.gate.filter = "(" + s.gate.filter + ") || " + controlLabel
	}
	if s.ladder != nil {
		s.gate.filter = "(" + s.gate.filter + ") || " + ladderLabel
	}
	if _, err := types.ParseLabelFilter(s.gate.filter); err != nil {
		return fmt.Errorf("%s: %q is no label filter: %w", strings.Join(s.gate.from, " and "), s.gate.filter, err)
	}
	filter := s.gate.filter
	if s.beside { // what states no claim is no matter of the gate's
		filter = "(" + filter + ") || " + statesNothing
	}
	if config.LabelFilter != "" {
		filter = "(" + config.LabelFilter + ") && (" + filter + ")"
	}
	config.LabelFilter = filter
	return nil
}

// The label of specs that state claims, and the filter that all others match.
const (
	propertyLabel = "property:"
	statesNothing = "property: isEmpty"
)

// states says whether a spec is labelled as one that states a claim, or belongs to
// the controls of those that do.
func states(spec types.SpecReport) bool {
	return slices.ContainsFunc(spec.Labels(), func(l string) bool { return strings.HasPrefix(l, propertyLabel) || instruments(l) })
}

// inGate says whether a spec is part of the gate. Beside ordinary specs that takes
// a claim.
func (s *session) inGate(spec types.SpecReport) bool {
	if s.beside && !states(spec) {
		return false
	}
	if s.gate.filter == "" {
		return true
	}
	match, err := types.ParseLabelFilter(s.gate.filter)
	return err != nil || match(append(slices.Clone(s.suiteLabels), spec.Labels()...))
}

// missed is a spec that did not run, as reports print it.
func missed(spec types.SpecReport, succeeded bool) report.NotRun {
	n := report.NotRun{Spec: plain.Text(spec.FullText()), Why: "filtered out"}
	switch {
	case spec.State == types.SpecStatePending:
		n.Why = "pending"
	case spec.Failure.Message != "":
		n.Why = "skipped: " + plain.Text(spec.Failure.Message)
	case !succeeded:
		n.Why = "filtered out or not reached"
	}
	n.Claim, n.Statement = claimOf(spec)
	return n
}

// claimOf is the claim that a spec was registered with, by its ID and in words; both are
// empty where there is none.
func claimOf(spec types.SpecReport) (id, statement string) {
	for _, label := range spec.Labels() {
		if known, ok := strings.CutPrefix(label, "claim:"); ok {
			id, statement = known, plain.Line(registered[known].claim.Statement)
		}
	}
	return id, statement
}

// objections are the reasons for which a run whose specs all passed is no pass.
func (s *session) objections(r ginkgo.Report) []string {
	var out []string
	if err := s.controlled(r); err != nil {
		out = append(out, err.Error())
	}
	out = append(out, s.waiverFaults(time.Now())...)
	if !r.SuiteSucceeded {
		return out // red anyway, in words of its own
	}
	switch {
	case !s.tested():
		out = append(out, nothingTested)
	case !s.skip && !slices.ContainsFunc(s.entries, func(e report.Entry) bool { return !e.Advisory && e.Property != claim.AAProperty }):
		out = append(out, "every claim that was tested is advisory, so that nothing decides whether the suite passes: let at least one gate, or declare the run exploratory, by suite.Exploratory in code or SAFETYTEST_INCONCLUSIVE=skip")
	}
	for _, name := range s.untested {
		out = append(out, fmt.Sprintf("the spec %q passed and never tested the claim that it was planned with, or that it took the model for: state it with Expect(suite.Subject(ctx)).To(...)", name))
	}
	for _, p := range unstated(r) {
		out = append(out, fmt.Sprintf("no spec states the claim made at %s (%s): give what suite.Check returns to an It, and what suite.Entry does to a table", p.where, plain.Line(p.claim.Statement)))
	}
	for _, said := range s.skippedLater {
		out = append(out, said+", and Ginkgo counts the spec as no failure: let nothing skip it after its claim was tested")
	}
	if err := s.unreported(); err != nil {
		out = append(out, err.Error())
	}
	if s.skip {
		return out
	}
	return append(out, s.incomplete()...)
}

// unstated are the claims that were registered and are no spec's, sorted by where they
// were: whoever wrote them takes them for tested.
func unstated(r ginkgo.Report) []planned {
	var out []planned
	for id, p := range registered {
		states := func(spec types.SpecReport) bool { return slices.Contains(spec.Labels(), "claim:"+id) }
		if !slices.ContainsFunc(r.SpecReports, states) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b planned) int { return strings.Compare(a.where, b.where) })
	return out
}

// incomplete says what a run lacks of the whole that decides about a release.
func (s *session) incomplete() []string {
	var out []string
	if n := len(s.missed); n > 0 {
		out = append(out, fmt.Sprintf("PARTIAL: %d of the gate's %d specs did not run, so that this is no pass, whatever the others showed: run them all, or declare which specs are the gate, by suite.Only in code or SAFETYTEST_ONLY",
			n, n+s.ran))
	}
	few := 0
	for _, e := range s.entries {
		if e.TooFew() && !e.Advisory {
			few++
		}
	}
	if few > 0 {
		out = append(out, fmt.Sprintf("TOO FEW TARGETS: %d of %d verdicts rest on fewer than %d distinct requests, and no release rests on so few: give the policy more targets, or declare the run exploratory, by suite.Exploratory in code or SAFETYTEST_INCONCLUSIVE=skip",
			few, len(s.entries), claim.LeastTargets))
	}
	return out
}

// unreported reports a verdict that is not "holds" and that no spec failed for, as
// when a claim is stated through NotTo or its verdict is not looked at. Where the run is
// exploratory a claim need not be proven, but must not be violated.
func (s *session) unreported() error {
	for _, e := range s.entries {
		forgiven := s.skip && e.State == evidence.Inconclusive.String()
		if e.Gates() && e.State != evidence.Holds.String() && !forgiven {
			return fmt.Errorf("a verdict of this run is %q and no spec failed for it: state what must hold, not its negation (%s)", e.State, e.Statement)
		}
	}
	return nil
}

// nothingAsked is why a dry run is red.
const nothingAsked = "DRY RUN: no model was asked and no claim was tested, so that this is no pass; SAFETYTEST_PLAN=1 prints the plan of a run"

// oneLine says that go test would show one line only of a run that passes. It never
// runs several processes.
func oneLine() bool {
	config, _ := ginkgo.GinkgoConfiguration()
	return !testing.Verbose() && config.ParallelTotal == 1
}

// unshown makes that line say that nothing of anybody's was tested: of a package
// that passes, go test without -v prints nothing but "ok", the time, and this mark.
const unshown = `of a package that passes, go test without -v shows one line; it will end with "[no tests to run]", for no model of yours was tested

testing: warning: no tests to run
`

// fail ends the spec with a message that may hold other people's text.
func fail(message string, skip ...int) {
	offset := 1
	if len(skip) > 0 {
		offset += skip[0]
	}
	ginkgo.Fail(plain.Lines(message), offset)
}

// failedEntry is the report entry of a spec that failHere was called for.
const failedEntry = "safetyspec failure"

// failHere fails the running spec at the line on which it stands, and lets its body
// return. Ginkgo takes the place of a failure from the stack, and where the body of
// a spec is this package's, no line of the user's is on it. An error that a cleanup
// returns is the one failure whose place can be given. Ginkgo drops it where an
// AfterEach has skipped the spec before, so it is left in the report as well.
func failHere(message string) {
	first, _, _ := strings.Cut(message, "\n")
	ginkgo.AddReportEntry(failedEntry, plain.Line(first), ginkgo.ReportEntryVisibilityNever)
	ginkgo.DeferCleanup(func() error { return errors.New(plain.Lines(message)) }, ginkgo.CurrentSpecReport().LeafNodeLocation)
}

// Names of specs and labels come from data files, too. They are made fit to be
// printed before Ginkgo prints them.
var _ = ginkgo.AddTreeConstructionNodeArgsTransformer(func(_ types.NodeType, _ ginkgo.Offset, text string, args []any) (string, []any, []error) {
	for _, arg := range args {
		if labels, ok := arg.(ginkgo.Labels); ok {
			for i, l := range labels {
				labels[i] = plain.Text(l)
			}
		}
	}
	return plain.Text(text), args, nil
})
