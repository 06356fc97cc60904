package suite

import (
	"errors"
	goflag "flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	"github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Run runs the specs of the package as a gate on one model under one policy. Call
// it from a test function, once a process. It ends the test at once, with a
// message, when the suite cannot be set up.
func Run(t *testing.T, name string, p policy.Policy, options ...Option) {
	t.Helper()
	s := newSession(t, caller(), p, options)
	s.name = name
	gomega.RegisterFailHandler(fail)
	suiteConfig := s.attach(t)
	suiteConfig.FailOnEmpty = !suiteConfig.DryRun
	_, reporterConfig := ginkgo.GinkgoConfiguration()
	reporterConfig.NoColor = reporterConfig.NoColor || environment.NoColor.IsSet()
	ginkgo.RunSpecs(t, name, suiteConfig, reporterConfig)
	s.finish(t)
}

// Attach adds a gate on one model under one policy to a suite that a team has
// already, with a RunSpecs of its own. Call it from the test function, once a
// process, before RunSpecs:
//
//	func TestShop(t *testing.T) {
//		RegisterFailHandler(Fail)
//		suite.Attach(t, fixtures.NoCooking(), suite.Fallback("sim:steady"))
//		RunSpecs(t, "shop")
//	}
//
// The plan, the table of verdicts, report.json and whatever makes a gate red are
// the same as those of [Run], with these differences.
//
//   - The gate is made of the specs that state claims: those of [Check], [Claims]
//     and [Entry], and those that state one by hand with [Subject], which need a
//     label "property:NAME" for it. Left out, by whatever means, any of them makes
//     the suite red (PARTIAL). Other specs may be filtered, skipped and pending as
//     ever, and [Only] and SAFETYTEST_ONLY leave them in.
//   - A suite in which no claim was tested is red, however many other specs passed.
//   - The report follows when the test function has ended, because the suite is red
//     also where that function fails for another reason.
//   - The suite has the name that RunSpecs is given. Where RunSpecs is given a
//     configuration, ask Ginkgo for it after Attach, which narrows it down to the
//     declared gate: otherwise more claims run than were declared.
//
// It ends the test at once, with a message, when the gate cannot be set up, also
// where RunSpecs has begun already.
func Attach(t *testing.T, p policy.Policy, options ...Option) {
	t.Helper()
	s := newSession(t, caller(), p, options)
	s.beside = true
	suiteConfig := s.attach(t)
	// RunSpecs is the team's, and reads its configuration from Ginkgo's flags.
	if err := goflag.Set("ginkgo.label-filter", suiteConfig.LabelFilter); err != nil {
		t.Fatal(plain.Lines(fmt.Sprintf("suite.Attach: %v", err)))
	}
}

// caller is where the function that calls it was called.
func caller() types.CodeLocation {
	_, file, line, _ := runtime.Caller(2)
	return types.CodeLocation{FileName: file, LineNumber: line}
}

// newSession makes the suite the running one, of which there is one a process.
func newSession(t *testing.T, at types.CodeLocation, p policy.Policy, options []Option) *session {
	t.Helper()
	if err := misplaced(); err != nil {
		refuse(t, err.Error())
	}
	s := &session{test: t.Name(), at: at, policy: p}
	if err := forgetReport(); err != nil {
		t.Fatal(plain.Lines(fmt.Sprintf("%s: %v", s.title(), err)))
	}
	for _, o := range options {
		o(s)
	}
	current = s
	return s
}

// specsEnded says that Ginkgo has run the specs of this process.
var specsEnded bool

// misplaced says why no suite can be set up here and now.
func misplaced() error {
	switch node := ginkgo.CurrentSpecReport().LeafNodeType; {
	case current != nil:
		return fmt.Errorf("a gate was set up before, at %s, and a process can have one: call suite.Run or suite.Attach once, and leave -count at 1", current.at)
	case node != types.NodeTypeInvalid:
		return fmt.Errorf("a gate cannot be set up within [%s], where RunSpecs has begun: call suite.Attach in the test function, on the line before RunSpecs", node)
	case specsEnded:
		return fmt.Errorf("a gate cannot be set up after RunSpecs: call suite.Attach on the line before it")
	}
	return nil
}

// refuse ends the test, or the node of Ginkgo's that runs.
func refuse(t *testing.T, message string) {
	t.Helper()
	if ginkgo.CurrentSpecReport().LeafNodeType == types.NodeTypeInvalid {
		t.Fatal(plain.Lines(message))
	}
	t.Error(plain.Lines(message))
	fail(message, 2)
}

// title names the suite, also before Ginkgo knows its name.
func (s *session) title() string {
	if s.name == "" {
		return s.test
	}
	return s.name
}

// attach sets up the gate and has Ginkgo call it when the suite begins and ends.
// It returns Ginkgo's configuration, narrowed down to the gate.
func (s *session) attach(t *testing.T) types.SuiteConfig {
	t.Helper()
	if err := s.ladder.check(); err != nil {
		t.Fatal(plain.Lines(fmt.Sprintf("%s: %v", s.title(), err)))
	}
	if s.controls {
		s.addControls()
	}
	if s.ladder != nil {
		s.addLadder()
	}
	suiteConfig, _ := ginkgo.GinkgoConfiguration()
	if err := s.applyGate(&suiteConfig); err != nil {
		t.Fatal(plain.Lines(fmt.Sprintf("%s: %v", s.title(), err)))
	}
	if s.waiverFile != "" {
		var err error
		if s.waivers, err = readWaivers(s.waiverFile); err != nil {
			t.Fatal(plain.Lines(fmt.Sprintf("%s: %v", s.title(), err)))
		}
	}
	s.dry = suiteConfig.DryRun
	if !s.dry { // which builds the tree only: no model, no plan
		if err := s.open(t); err != nil {
			t.Fatal(plain.Lines(fmt.Sprintf("%s: %v", s.title(), err)))
		}
	}
	ginkgo.ReportBeforeSuite(s.before, s.at)
	ginkgo.ReportAfterSuite("safetyspec", s.after, s.at)
	// Whatever ends the test function, the gate is asked.
	t.Cleanup(func() { s.finish(t) })
	return suiteConfig
}

// before prints the plan and begins the run.
func (s *session) before(r ginkgo.Report) {
	s.learn(r)
	if s.dry {
		return
	}
	if environment.Listing() {
		ginkgo.AbortSuite("the specs were to be listed only: leave DryRun of the configuration of RunSpecs as Ginkgo's flags set it")
	}
	out := terminal()
	s.reach()
	if !s.planOnly { // a plan is no attempt
		if err := s.begin(); err != nil {
			ginkgo.AbortSuite(plain.Lines(err.Error()))
		}
	}
	var text strings.Builder
	s.printNotes(&text)
	s.printPlan(&text, s.willRun)
	s.printLadder(&text)
	fmt.Fprint(out, plain.Narrow(text.String(), mostColumns))
	if replies, attempt := s.subject.Continued(); replies > 0 && s.subject.Config().Replies != safetytest.RepliesReplay {
		fmt.Fprint(out, plain.Narrow(fmt.Sprintf("attempt %d goes on: %d recorded replies are known, and count for each claim once repeats of some show that the model is still the same (of runs begun within %v, SAFETYTEST_MAX_AGE); SAFETYTEST_REPLIES=fresh begins another attempt\n\n", attempt, replies, s.subject.Config().MaxAge), mostColumns))
	}
	if s.planOnly {
		ginkgo.AbortSuite("SAFETYTEST_PLAN=1: the plan was printed and no model was called; a run that asks nothing is never green")
	}
	if r.SuiteConfig.ParallelTotal == 1 {
		s.stopBeat = s.startBeat(out)
	}
}

// after collects the verdicts and fails the suite where something speaks against
// a pass. It runs in one process of several.
func (s *session) after(r ginkgo.Report) {
	s.learn(r)
	s.ended = true
	if s.dry {
		for _, spec := range r.SpecReports {
			if spec.LeafNodeType == types.NodeTypeIt && s.inGate(spec) {
				s.listed++
			}
		}
		return
	}
	s.collect(r)
	against := s.objections(r)
	var err error
	if s.gone, err = s.findGone(); err != nil {
		against = append(against, err.Error())
	}
	for _, said := range against {
		s.against = append(s.against, plain.Line(said))
	}
	s.succeeded = r.SuiteSucceeded && len(against) == 0
	against = append(against, s.reportNow(r)...)
	if len(against) > 0 {
		s.succeeded = false
		fail(fmt.Sprintf("%s\n(the gate is set up at %s)", strings.Join(against, "\n"), s.at))
	}
}

// reportNow prints the report where it would be lost at the end, and returns what kept it
// from being written.
func (s *session) reportNow(r ginkgo.Report) (against []string) {
	note := func(err error) {
		if err != nil {
			against = append(against, err.Error())
		}
	}
	switch {
	case r.SuiteConfig.ParallelTotal > 1: // what a process prints after its specs is lost
		var text strings.Builder
		note(s.printReport(plain.Writer(&text), s.succeeded))
		note(s.writeToActions(&text, s.succeeded))
		ginkgo.AddReportEntry("verdicts", text.String(), ginkgo.ReportEntryVisibilityAlways)
	case r.SuiteHasProgrammaticFocus && s.succeeded: // Ginkgo will end the process
		note(errors.Join(s.printReport(terminal(), false), s.writeToActions(os.Stdout, false)))
	}
	return against
}

// mostColumns is how wide what the suite prints may be, but for commands to copy.
const mostColumns = 100

// learn takes from Ginkgo's report what only RunSpecs knows.
func (s *session) learn(r ginkgo.Report) {
	if s.name == "" {
		s.name = r.SuiteDescription
	}
	s.suiteLabels = r.SuiteLabels
	s.dry = s.dry || r.SuiteConfig.DryRun
}

// finish prints the report, if no process did, and closes the model. A test
// function that ends without having run the specs is red.
func (s *session) finish(t *testing.T) {
	t.Helper()
	if s.finished {
		return
	}
	s.finished = true
	if s.stopBeat != nil {
		s.stopBeat()
	}
	config, _ := ginkgo.GinkgoConfiguration()
	switch {
	case !s.ended && config.ParallelProcess == 1 && !t.Failed():
		t.Errorf("%s: the specs did not run: RunSpecs must follow suite.Attach (%s), in the same test function", s.title(), s.at)
	case !s.ended: // another process reports, or the test says what failed
	case s.dry:
		t.Error(nothingAsked)
		sum := report.Summary{Suite: plain.Text(s.name), Only: plain.Text(s.gate.filter), NotRun: s.listed}
		if err := sum.WriteJSON(os.Stdout); err != nil {
			t.Error(err)
		}
	default:
		s.finishReport(t, config.ParallelTotal == 1)
	}
	if s.subject != nil {
		if err := s.subject.Close(); err != nil {
			t.Error(plain.Lines(fmt.Sprintf("%s: %v", s.title(), err)))
		}
	}
}

// finishReport prints the report where a single process ran the specs; of several one has
// printed it, and only the stored one can still change.
func (s *session) finishReport(t *testing.T, single bool) {
	t.Helper()
	if !s.succeeded && !t.Failed() { // RunSpecs was given another test
		t.Errorf("%s: the suite failed", s.title())
	}
	out := terminal()
	if !single {
		out = io.Discard
	}
	passed := s.succeeded && !t.Failed()
	if err := errors.Join(s.writeToActions(os.Stdout, passed), s.printReport(out, passed)); err != nil {
		t.Error(plain.Lines(err.Error()))
	}
}

// nobodyAttached is what to write where claims have no suite.
const nobodyAttached = `claims are stated, and no model is there to test them on: in the test function, write

	suite.Attach(t, fixtures.NoCooking(), suite.Fallback("sim:steady"))
	RunSpecs(t, "the name of your suite")

with your own policy, or, where every spec is a claim, suite.Run in place of both`

// Claims of a suite that no gate was attached to are red also where filters leave
// them out, so that nothing would ever test them.
var _ = ginkgo.ReportAfterSuite("safetyspec: claims need suite.Run or suite.Attach", func(ginkgo.Report) {
	specsEnded = true
	if current == nil && len(registered) > 0 {
		fail(nobodyAttached)
	}
})
