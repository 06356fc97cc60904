package safetytest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"sync"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/internal/experiment"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/simulated"
	"github.com/safetyspec/safetyspec/safetytest/internal/singleflight"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Subject is the model under test with all that is needed to question it. Make
// one with [Open] or [New]. It is safe for concurrent use.
type Subject struct {
	*run
	under  *experiment.Subject
	policy policy.Policy
	ctx    context.Context
}

// run is what the subjects of one gate share: how they are asked, what was opened for
// them, and what was concluded.
type run struct {
	asking *experiment.Run // who is asked, and all that was answered

	config  Config
	models  map[string]chat.Model // by name; the model under test has none
	servers []*simulated.Server   // of simulated models
	main    string                // the policy that the run was opened with
	// rereads is the manifest of the recorded run that is read again, nil for others.
	rereads *record.Manifest

	begin    sync.Once
	beginErr error
	tests    singleflight.Group[string, test]

	mu        sync.Mutex
	verdicts  []claim.Verdict
	policies  map[string]policy.Policy // by name
	announced []announced              // the claims that the run is going to test
	designed  []string                 // names of the sets of questions that it is going to ask
	controls  map[string]*Subject
}

// announced is a claim that the run is going to test, and under which policy.
type announced struct {
	under *experiment.Subject
	claim claim.Claim
}

// test is one claim under test, or done. Whoever asks for the same claim again
// gets the same verdict.
type test struct {
	verdict claim.Verdict
	err     error
}

// New makes a subject that asks m. Most callers want [Open], which also makes
// the model from the configuration. Like Open it leaves a mark in the module, so
// that go test does not answer a later run from its cache. New reports a policy
// that cannot be used, configuration values out of their range, and a mark that
// cannot be left.
func New(m chat.Model, c Config, p policy.Policy) (*Subject, error) {
	if m == nil {
		return nil, errors.New("no model to ask")
	}
	if len(c.Models) > 0 {
		return nil, errors.New("config: Models are endpoints to open; with a model of your own use Subject.WithModel")
	}
	if err := module.Stamp(); err != nil {
		return nil, err
	}
	r := &run{models: map[string]chat.Model{"": m}, config: c}
	return r.open(p, false, false)
}

// open completes the run and makes its first subject. admits says that the models ask for
// every HTTP request, retries included, whether the budget allows it, valid that the
// policy was found to be, which takes its time. Until Begin opens the record of
// Config.Dir there is one in memory.
func (r *run) open(p policy.Policy, admits, valid bool) (*Subject, error) {
	if err := r.config.complete(); err != nil {
		return nil, err
	}
	r.policies, r.main = map[string]policy.Policy{}, p.Name
	parameters := r.config.parameters()
	parameters.AdmitsItself, parameters.Rereads = admits, r.rereads != nil
	r.asking = experiment.NewRun(parameters, r.models, p.Name)
	r.asking.Use(record.InMemory(record.Manifest{}, r.config.MaxCalls), r.config.SamplingSeed)
	return r.subject(p, valid && r.config.System == nil)
}

func (r *run) subject(p policy.Policy, valid bool) (*Subject, error) {
	if r.config.System != nil {
		p.System = *r.config.System
	}
	if !valid {
		if err := p.Validate(); err != nil {
			return nil, err
		}
	}
	pool, err := prompt.NewPool(p.Demonstrations)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	other, taken := r.policies[p.Name]
	if taken && !samePolicy(p, other) {
		return nil, fmt.Errorf("two policies of the run have the name %q: verdicts are distinguished by it, so give one another name", p.Name)
	}
	if !taken && p.Name != r.main {
		for _, server := range r.servers { // a simulated model must have read what it is asked about
			if err := server.Read(p); err != nil {
				return nil, err
			}
		}
	}
	r.policies[p.Name] = p
	return &Subject{run: r, under: r.asking.Under(p, pool), policy: p, ctx: context.Background()}, nil
}

// samePolicy says whether two policies ask the same and read the same.
func samePolicy(a, b policy.Policy) bool {
	if x, y := reflect.ValueOf(a.Judge), reflect.ValueOf(b.Judge); x.Kind() == reflect.Func && y.Kind() == reflect.Func {
		if x.Pointer() != y.Pointer() {
			return false
		}
		a.Judge, b.Judge = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// WithPolicy returns a subject that asks the same model about another policy,
// within the same budget. It reports a policy that cannot be used, and one that
// has the name of another.
func (s *Subject) WithPolicy(p policy.Policy) (*Subject, error) { return s.run.subject(p, false) }

// WithModel adds a model that claims may name, for those who made the subject
// with [New]. It must be called before the first test. It reports a name that is
// taken.
func (s *Subject) WithModel(name string, m chat.Model) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.models[name]; taken || m == nil || !modelName.MatchString(name) {
		return fmt.Errorf("model %q is nil, or its name is taken or not of letters, digits, and . _ -", name)
	}
	s.models[name] = m
	return nil
}

// modelName is what a model may be called: the names of cells hold it.
var modelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// WithContext returns a copy of the subject whose tests end with ctx.
func (s *Subject) WithContext(ctx context.Context) *Subject {
	c := *s
	c.ctx = ctx
	return &c
}

// Context is the context that matchers test claims under.
func (s *Subject) Context() context.Context { return s.ctx }

// Config is the configuration in force, defaults filled in and the key left out.
func (s *Subject) Config() Config {
	c := s.config
	c.SamplingSeed = s.asking.SamplingSeed()
	return c
}

// Calls is the number of HTTP requests made so far, retries included.
func (s *Subject) Calls() int { return s.asking.Calls() }

// Continued is how many recorded replies the run goes on from, and the number of
// the attempt; 0 replies where it begins one, or keeps no record. It is known from
// Begin on.
func (s *Subject) Continued() (replies, attempt int) {
	rec := s.asking.Record()
	if !rec.Continues() {
		return 0, 0
	}
	return rec.Replies(), rec.Attempt()
}

// Cost is what the run has spent so far, all processes together, in Config.Currency, as
// far as Config.Prices are known.
func (s *Subject) Cost() float64 { return s.asking.Record().Cost() }

// Usage counts the tokens so far.
func (s *Subject) Usage() chat.Usage { return s.asking.Usage() }

// Notes says what a reader of the run should know about its record: earlier runs
// whose files cannot be read, and why an attempt is not continued. They are known
// from Begin on.
func (s *Subject) Notes() []string { return s.asking.Record().Notes() }

// Recorded says where the run's record lies: the run's own directory, or else, of a run
// that is kept in memory, its lines so far. Reports are made of it.
func (r *run) Recorded() (dir string, lines []byte, err error) {
	rec := r.asking.Record()
	if dir := rec.Dir(); dir != "" {
		return dir, nil, nil
	}
	lines, err = rec.Lines()
	return "", lines, err
}

// ServedAs says who answered, where that is not the model that was asked for by
// another way of writing it; "" where it is, or nobody said.
func (s *Subject) ServedAs() string { return s.asking.ServedAs() }

// ServedNames are the names under which the model under test answered so far, in the
// endpoint's words.
func (s *Subject) ServedNames() []string { return s.asking.ServedNames() }

// SharesReplies says whether claims take over each other's replies of equal arms.
func (s *Subject) SharesReplies() bool { return s.asking.SharesReplies() }

// DistinctTargets counts the policy's targets that are not one another's spellings.
func (s *Subject) DistinctTargets() int { return s.under.DistinctTargets() }

// Progress says how far the run is, in one line, for whoever waits for it.
func (s *Subject) Progress() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	started, answered := s.asking.Progress()
	if started.IsZero() {
		return fmt.Sprintf("%s: no call yet", plain.Text(s.config.Model))
	}
	return fmt.Sprintf("%s: %d calls answered, %d verdicts, %v so far", plain.Text(s.config.Model), answered, len(s.verdicts), time.Since(started).Round(time.Second))
}

// Close ends what Open started, and this process's part of the record. No test
// may be under way.
func (r *run) Close() error {
	var errs []error
	if r.asking != nil { // nil where the run was not opened
		errs = append(errs, r.asking.Record().Close())
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, control := range r.controls {
		errs = append(errs, control.Close())
	}
	for _, m := range r.models {
		if client, ok := m.(*chat.Client); ok {
			errs = append(errs, client.Close()) // its idle connections
		}
	}
	for _, s := range r.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// String names the model and the policy.
func (s *Subject) String() string {
	if s == nil {
		return "no subject"
	}
	return s.under.String()
}

// GomegaString keeps Gomega's printer from looking into the client, where it
// would find the key.
func (s *Subject) GomegaString() string { return s.String() }

// GoString is String, for the same reason.
func (s *Subject) GoString() string { return s.String() }
