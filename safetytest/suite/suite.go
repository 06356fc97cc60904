package suite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	gtypes "github.com/onsi/ginkgo/v2/types"

	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/report"
	"github.com/safetyspec/safetyspec/safetytest/policy"
)

// Option changes how Run and Attach set up the suite.
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
// settings that belong in code. What it sets wins over the environment: a model,
// the directory of the record (Dir), a bound. Functions that it sets are called
// beside the suite's own, but for Reproduce, which is the suite's.
func Configure(change func(*safetytest.Config)) Option {
	return func(s *session) { s.options = append(s.options, change) }
}

// Controls has the suite test itself: each claim of the run is tested on a
// simulated model that breaks it and must be found to, and on one that keeps it;
// and one condition is compared with itself on the model under test, which must
// not differ. A control that fails, or that filters and focus leave out, makes the
// suite red. Simulated models cost nothing; the comparison takes part in the
// budget and in the plan.
func Controls() Option { return func(s *session) { s.controls = true } }

// session is the suite that is running. Ginkgo allows one a process.
type session struct {
	name        string // of Run; for Attach what RunSpecs calls it
	test        string
	at          gtypes.CodeLocation // of the call of Run or Attach
	beside      bool                // attached: other specs than claims run beside them
	suiteLabels []string            // those that RunSpecs gives to every spec
	policy      policy.Policy
	fallback    string
	options     []func(*safetytest.Config)
	planOnly    bool
	skip        bool // exploratory: inconclusive claims are skipped instead of red
	controls    bool
	ladder      *ladder // nil without one

	subject            *safetytest.Subject
	deadline           time.Time // zero without go test's timeout
	reached, announced sync.Once
	willRun            []planned // the claims whose specs this run reaches
	byHand             int       // specs that it reaches without knowing their claims
	entries            []report.Entry
	failed             []report.Failure // specs that failed without a verdict, and those beside the gate
	skippedLater       []string         // specs that failed and were skipped afterwards
	untested           []string         // specs that passed without testing their claim
	gate               gate
	waiverFile         string
	waivers            waivers
	waived             map[string]report.Waiver // by policy and claim
	tolerated          []report.Entry           // claims tested in the place of waived ones
	gone               []report.Gone
	ran                int             // specs of the gate that ran
	missed, leftOut    []report.NotRun // specs of the gate that did not run, and others
	// uncontrolled are the claims that no simulated model can check.
	uncontrolled []string
	// same are the comparisons of a condition with itself that showed no
	// difference, and need show none.
	same []report.Entry
	// interrupted says that some spec was.
	interrupted bool
	noted       int // of the record's notes, those that were printed

	expected, most int // calls, as planned

	dry       bool // Ginkgo only lists the specs
	listed    int  // those of the gate, in a dry run
	ended     bool // Ginkgo came to the end of the suite, in the process that reports
	succeeded bool // and found nothing wrong, and neither did the suite
	finished  bool // the report was printed
	inCI      bool // the job's summary and marks were written
	began     time.Time
	against   []string // what speaks against a pass beside the verdicts
	stopBeat  func()   // nil where no line a minute is printed
}

var current *session

// tested says whether there is a verdict on a claim of the run.
func (s *session) tested() bool {
	return slices.ContainsFunc(s.entries, func(e report.Entry) bool { return e.Property != claim.AAProperty })
}

// nothingTested is why a suite without any verdict is red.
const nothingTested = "no claim was tested: every spec was skipped, or none states a claim"

// open reads the configuration and makes the subject.
func (s *session) open(t *testing.T) error {
	config, err := safetytest.FromEnv()
	required, faults := s.readEnv()
	if faults != nil {
		return faults
	}
	s.began = time.Now()
	unnamed := errors.Is(err, safetytest.ErrNoModel)
	if err != nil && !unnamed {
		return err
	}
	if unnamed && !required {
		config.Model = s.fallback
	}
	if config.Models == nil { // for changes to add to
		config.Models = map[string]safetytest.Endpoint{}
	}
	config.Dir = ""
	for _, change := range s.options {
		change(&config)
	}
	switch {
	case config.Model == "" && required:
		return fmt.Errorf("under SAFETYTEST_REQUIRE_MODEL=1: %w", err)
	case config.Model == "":
		return err
	}
	if err := config.NotSimulated(); err != nil && required {
		return fmt.Errorf("under SAFETYTEST_REQUIRE_MODEL=1: %w", err)
	}
	if err := s.ladder.configure(&config); err != nil {
		return err
	}
	if config.Dir == "" {
		if config.Dir, err = baseDirectory(); err != nil {
			return fmt.Errorf("the replies cannot be recorded: %w; make the module's directory writable or set SAFETYTEST_DIR", err)
		}
		config.Dir = filepath.Join(config.Dir, "replies")
	}
	if deadline, ok := t.Deadline(); ok {
		s.deadline = deadline.Add(-reserve(time.Until(deadline)))
	}
	if s.ladder != nil {
		s.ladder.config.Dir, s.ladder.config.FewTargets = config.Dir, true
	}
	s.listen(&config)
	s.subject, err = safetytest.Open(config, s.policy)
	return err
}

// readEnv reads the variables that are the suite's own.
func (s *session) readEnv() (required bool, err error) {
	var faults environment.Faults
	required = environment.RequireModel.Read(&faults)
	s.planOnly = environment.Plan.Read(&faults)
	s.skip = environment.Inconclusive.Read(&faults) == "skip" || s.skip
	environment.Reports.Read(&faults)
	return required, faults.Err()
}

// listen has the subject report to the suite what it finds, and to the functions that the
// configuration has already.
func (s *session) listen(config *safetytest.Config) {
	config.FewTargets = true // reported by the suite itself
	config.OnVerdict = both(s.onVerdict, config.OnVerdict)
	config.OnPace = both(s.onPace, config.OnPace)
	config.OnInconclusive = both(config.OnInconclusive, s.onInconclusive) // ours may end the spec
	config.Reproduce = func(c claim.Claim) string { return s.reproduce(*config, c) }
}

// both calls one after the other, those that there are.
func both[T any](first, second func(T)) func(T) {
	return func(x T) {
		for _, f := range []func(T){first, second} {
			if f != nil {
				f(x)
			}
		}
	}
}

// begin opens the record for the claims that this run will reach. Processes of a
// parallel run reach the same ones between them.
func (s *session) begin() error {
	s.reach()
	s.announced.Do(func() {
		for _, p := range s.willRun {
			if subject, err := s.under(p.policy); err == nil {
				subject.Announce(p.claim)
			}
		}
		if aa, policy, ok := s.aa(); s.controls && ok {
			if subject, err := s.under(policy); err == nil {
				subject.Announce(aa)
			}
		}
	})
	return s.subject.Begin()
}

// under is the subject under the policy of that name, which a container set; ""
// is the suite's own.
func (s *session) under(name string) (*safetytest.Subject, error) {
	p, ok := policies[name]
	if !ok {
		return s.subject, nil
	}
	return s.subject.WithPolicy(p)
}

// reach finds out which claims the run reaches.
func (s *session) reach() { s.reached.Do(func() { s.willRun = s.findReached() }) }

// reserve is the time kept for writing reports before go test's own timeout
// kills the process: a tenth of what there is, at most half a minute.
func reserve(left time.Duration) time.Duration { return min(left/10, 30*time.Second) }

// onVerdict attaches a verdict to the running spec. Entries travel between the
// processes of a parallel run, which share no memory.
func (s *session) onVerdict(v claim.Verdict) {
	if slices.Contains(ginkgo.CurrentSpecReport().Labels(), ladderLabel) {
		return // which reports it as that of a build
	}
	ginkgo.AddReportEntry(entryName, located(report.NewEntry(v)), ginkgo.ReportEntryVisibilityNever)
	if v.State == evidence.Holds || verbose() { // a failure says the rest anyway
		fmt.Fprintf(ginkgo.GinkgoWriter, "%s\n%s\n", v.Headline(), v.Full())
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
	if left := time.Until(s.deadline); !s.deadline.IsZero() && minutes(s.most) > left {
		fmt.Printf("pace: go test ends the run in %v; to be sure of every verdict use -timeout %v\n",
			left.Round(time.Second), (minutes(s.most) + time.Minute).Round(time.Minute))
	}
}

// onInconclusive skips the running spec if the run is exploratory.
func (s *session) onInconclusive(v claim.Verdict) {
	if s.skip {
		ginkgo.Skip(plain.Lines("NOT PROVEN: " + v.Claim.Statement + "\n" + v.Headline()))
	}
}
