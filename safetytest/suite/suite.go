package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/report"
)

// Option changes how Run sets up the suite.
type Option func(*session)

// Fallback names the model to ask when the environment names none, usually
// "sim:steady", so that the suite can be tried at once. Without a fallback such
// a run is red. SAFETYTEST_REQUIRE_MODEL=1 forbids the fallback, as every
// release gate should.
func Fallback(model string) Option { return func(s *session) { s.fallback = model } }

// System replaces the policy's system prompt with the one used in production,
// which is part of the model under test.
func System(text string) Option {
	return func(s *session) { s.options = append(s.options, func(c *safetytest.Config) { c.System = &text }) }
}

// Configure changes the configuration after the environment was read, for
// settings that belong in code. What it sets wins over the environment.
func Configure(change func(*safetytest.Config)) Option {
	return func(s *session) { s.options = append(s.options, change) }
}

// session is the suite that is running. Ginkgo allows one a process.
type session struct {
	name     string
	test     string
	policy   policy.Policy
	fallback string
	options  []func(*safetytest.Config)
	skip     bool // inconclusive claims are skipped instead of red

	subject *safetytest.Subject
	ctx     context.Context
	claims  map[string]planned
	reached sync.Once
	willRun []planned // the claims whose specs this run reaches
	entries []report.Entry
	errors  int
	notRun  int

	expected, most int // calls, as planned
}

var current *session

// Run runs the specs of the package as a gate on one model under one policy. Call
// it from a test function, once a process. It ends the test at once, with a
// message, when the suite cannot be set up.
func Run(t *testing.T, name string, p policy.Policy, options ...Option) {
	t.Helper()
	s := &session{name: name, test: t.Name(), policy: p, claims: map[string]planned{}}
	for _, o := range options {
		o(s)
	}
	current = s
	gomega.RegisterFailHandler(ginkgo.Fail)
	suiteConfig, reporterConfig := ginkgo.GinkgoConfiguration()
	if suiteConfig.DryRun { // builds the tree only: no model, no plan
		ginkgo.RunSpecs(t, name, suiteConfig, reporterConfig)
		return
	}
	suiteConfig.FailOnEmpty = true
	cancel, err := s.open(t)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer cancel()
	defer s.subject.Close()

	planOnly := os.Getenv("SAFETYTEST_PLAN") == "1"
	ginkgo.ReportBeforeSuite(func(r ginkgo.Report) {
		if err := s.begin(); err != nil {
			ginkgo.AbortSuite(err.Error())
		}
		s.printPlan(os.Stdout, s.willRun)
		if planOnly {
			ginkgo.AbortSuite("SAFETYTEST_PLAN=1: the plan was printed and no model was called")
		}
	})
	ginkgo.ReportAfterSuite("safetyspec", func(r ginkgo.Report) {
		s.collect(r)
		if suiteConfig.ParallelTotal > 1 { // what a process prints after its specs is lost
			var text strings.Builder
			if err := s.printReport(&text, r.SuiteSucceeded); err != nil {
				ginkgo.Fail(err.Error())
			}
			ginkgo.AddReportEntry("verdicts", text.String(), ginkgo.ReportEntryVisibilityAlways)
		}
	})
	passed := ginkgo.RunSpecs(t, name, suiteConfig, reporterConfig)
	if suiteConfig.ParallelTotal == 1 {
		if err := s.printReport(os.Stdout, passed); err != nil {
			t.Error(err)
		}
	}
}

// open reads the configuration, guards against go test's cache and makes the
// subject. cancel ends the deadline that go test's own timeout sets.
func (s *session) open(t *testing.T) (cancel context.CancelFunc, err error) {
	config, err := safetytest.FromEnv()
	switch {
	case errors.Is(err, safetytest.ErrNoModel) && os.Getenv("SAFETYTEST_REQUIRE_MODEL") == "1":
		return nil, fmt.Errorf("SAFETYTEST_REQUIRE_MODEL=1: %w", err)
	case errors.Is(err, safetytest.ErrNoModel) && s.fallback != "":
		config.Model = s.fallback
	case err != nil:
		return nil, err
	}
	for _, change := range s.options {
		change(&config)
	}
	switch v := os.Getenv("SAFETYTEST_INCONCLUSIVE"); v {
	case "", "fail":
	case "skip":
		s.skip = true
	default:
		return nil, fmt.Errorf("SAFETYTEST_INCONCLUSIVE=%q is neither fail nor skip", v)
	}
	config.OnVerdict = s.onVerdict
	config.OnPace = s.onPace
	config.OnInconclusive = s.onInconclusive
	config.Reproduce = func(c safetytest.Claim) string { return s.reproduce(config, c) }
	if config.Dir, err = baseDirectory(); err != nil {
		return nil, fmt.Errorf("the replies cannot be recorded: %w; make the module's directory writable or set SAFETYTEST_DIR", err)
	}
	config.Dir = filepath.Join(config.Dir, "replies")
	if err := stampModule(); err != nil {
		return nil, err
	}
	if s.subject, err = safetytest.Open(config, s.policy); err != nil {
		return nil, err
	}
	s.ctx, cancel = context.WithCancel(context.Background())
	if deadline, ok := t.Deadline(); ok {
		s.ctx, cancel = context.WithDeadline(context.Background(), deadline.Add(-reserve(time.Until(deadline))))
	}
	return cancel, nil
}

// begin opens the record for the claims that this run will reach. Processes of a
// parallel run reach the same ones between them.
func (s *session) begin() error {
	s.reached.Do(func() { s.willRun = s.findReached() })
	var claims []safetytest.Claim
	for _, p := range s.willRun {
		claims = append(claims, p.claim)
	}
	return s.subject.Begin(claims...)
}

// reserve is the time kept for writing reports before go test's own timeout
// kills the process: a tenth of what there is, at most half a minute.
func reserve(left time.Duration) time.Duration { return min(left/10, 30*time.Second) }

// onVerdict attaches a verdict to the running spec. Entries travel between the
// processes of a parallel run, which share no memory.
func (s *session) onVerdict(v safetytest.Verdict) {
	ginkgo.AddReportEntry(entryName, report.NewEntry(v), ginkgo.ReportEntryVisibilityNever)
	if v.State == evidence.Holds { // a failure says it anyway
		fmt.Fprintf(ginkgo.GinkgoWriter, "%s\n%s\n", v.Headline(), v.Details())
	}
}

// onPace says how long the run will take, once the endpoint has shown its speed.
func (s *session) onPace(callsPerSecond float64) {
	if s.most == 0 { // another process printed the plan
		return
	}
	minutes := func(calls int) time.Duration {
		return time.Duration(float64(calls) / callsPerSecond * float64(time.Second)).Round(time.Second)
	}
	fmt.Printf("\npace: %.1f calls a second; the plan takes about %v, at most %v\n", callsPerSecond, minutes(s.expected), minutes(s.most))
	if deadline, ok := s.ctx.Deadline(); ok && minutes(s.most) > time.Until(deadline) {
		fmt.Printf("pace: go test ends the run in %v; to be sure of every verdict use -timeout %v\n",
			time.Until(deadline).Round(time.Second), (minutes(s.most) + time.Minute).Round(time.Minute))
	}
}

// onInconclusive skips the running spec if the run is exploratory.
func (s *session) onInconclusive(v safetytest.Verdict) {
	if s.skip {
		ginkgo.Skip("NOT PROVEN: " + v.Claim.Statement + "\n" + v.Headline())
	}
}
