package safetytest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/module"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
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
	policy policy.Policy
	pool   *prompt.Pool
	ctx    context.Context
}

// run is what the subjects of one gate share: the model, the budget, and all
// that was answered.
type run struct {
	models map[string]chat.Model // by name; the model under test has none
	// admitsItself says that the model asks for every HTTP request, retries
	// included, whether the budget allows it.
	admitsItself bool

	config  Config
	servers []*simulated.Server // of simulated models
	main    string              // the policy that the run was opened with
	// rereads is the manifest of the recorded run that is read again, nil for others.
	rereads *record.Manifest

	begin    sync.Once
	beginErr error
	record   atomic.Pointer[record.Record] // in memory, until Begin opens that of Config.Dir
	seed     atomic.Uint64                 // the sampling seed, once it is known
	tests    singleflight.Group[string, test]
	asked    singleflight.Group[string, *call]

	mu       sync.Mutex
	verdicts []Verdict
	policies map[string]policy.Policy // by name
	// announced are the claims that the run is going to test, by key.
	announced   []string
	controls    map[string]*Subject
	simulations map[string]*simulations // by policy
	dead        error                   // why the endpoint is of no use
	origins     origins
	calls       int // made for this process, retries included
	usage       Usage
	served      map[string]bool
	started     time.Time // of the first call
	answered    int       // calls that came back
}

// test is one claim under test, or done. Whoever asks for the same claim again
// gets the same verdict.
type test struct {
	verdict Verdict
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
	return r.open(p)
}

// open completes the run and makes its first subject.
func (r *run) open(p policy.Policy) (*Subject, error) {
	if err := r.config.complete(); err != nil {
		return nil, err
	}
	r.seed.Store(r.config.SamplingSeed)
	r.policies, r.main = map[string]policy.Policy{}, p.Name
	r.origins = origins{whole: map[string]wholePrompts{}, asked: map[string]bool{}, cleared: map[string]bool{}, stale: map[string]provenance.Finding{}}
	r.served = map[string]bool{}
	r.record.Store(record.InMemory(record.Manifest{}, r.config.MaxCalls))
	return r.subject(p)
}

// rec is the run's record.
func (r *run) rec() *record.Record { return r.record.Load() }

func (r *run) subject(p policy.Policy) (*Subject, error) {
	if r.config.System != nil {
		p.System = *r.config.System
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	pool, err := prompt.NewPool(p.Demonstrations)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	other, taken := r.policies[p.Name]
	if taken && !samePolicy(p, other) {
		return nil, fmt.Errorf("two policies of the run have the name %q: verdicts are told apart by it, so give one another name", p.Name)
	}
	if !taken && p.Name != r.main {
		for _, server := range r.servers { // a simulated model must have read what it is asked about
			if err := server.Read(p); err != nil {
				return nil, err
			}
		}
	}
	r.policies[p.Name] = p
	return &Subject{run: r, policy: p, pool: pool, ctx: context.Background()}, nil
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
func (s *Subject) WithPolicy(p policy.Policy) (*Subject, error) { return s.run.subject(p) }

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
	c.SamplingSeed = s.seed.Load()
	return c
}

// Policy is the policy that the subject is asked about.
func (s *Subject) Policy() policy.Policy { return s.policy }

// Verdicts lists the verdicts reached so far, in the order they were reached.
func (s *Subject) Verdicts() []Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Verdict(nil), s.verdicts...)
}

// Calls is the number of HTTP requests made so far, retries included.
func (s *Subject) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Continued is how many recorded replies the run goes on from, and the number of
// the attempt; 0 replies where it begins one, or keeps no record. It is known from
// Begin on.
func (s *Subject) Continued() (replies, attempt int) {
	rec := s.rec()
	if !rec.Continues() {
		return 0, 0
	}
	return rec.Replies(), rec.Attempt()
}

// Usage counts the tokens of the replies that this process paid for, in the
// servers' own words.
type Usage struct {
	// Prompt tokens were sent; Cached ones among them the servers took from
	// their caches instead of evaluating them.
	Prompt, Cached int
	Reply          int
}

// String tells the share of prompt tokens that were evaluated.
func (u Usage) String() string {
	s := fmt.Sprintf("%d prompt tokens sent", u.Prompt)
	if u.Cached > 0 {
		s += fmt.Sprintf(", %.1f %% of them evaluated", 100*float64(max(0, u.Prompt-u.Cached))/float64(u.Prompt))
	}
	return s
}

// Usage counts the tokens so far.
func (s *Subject) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage
}

// Progress says how far the run is, in one line, for whoever waits for it.
func (s *Subject) Progress() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started.IsZero() {
		return fmt.Sprintf("%s: no call yet", plain.Text(s.config.Model))
	}
	return fmt.Sprintf("%s: %d calls answered, %d verdicts, %v so far", plain.Text(s.config.Model), s.answered, len(s.verdicts), time.Since(s.started).Round(time.Second))
}

// Close ends what Open started, and this process's part of the record. No test
// may be under way.
func (r *run) Close() error {
	var errs []error
	if rec := r.rec(); rec != nil { // none where the run was not opened
		errs = append(errs, rec.Close())
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

// Passes is what a matcher makes of a verdict: true where the claim holds, false
// where it is violated. All else is an error: an [InconclusiveError], which a suite
// may turn into a skip, and a claim that holds over fewer targets than any release
// may rest on, unless Config.FewTargets.
func (s *Subject) Passes(v Verdict) (bool, error) {
	switch v.State {
	case evidence.Holds:
		if v.Targets > 0 && v.Targets < LeastTargets && !s.config.FewTargets {
			return false, fmt.Errorf("NOT PROVEN: %s; add targets, or state Config.FewTargets for exploration\n%s", v.Few(), v.Headline())
		}
		return true, nil
	case evidence.Violated:
		return false, nil
	}
	if s.config.OnInconclusive != nil {
		s.config.OnInconclusive(v)
	}
	return false, &InconclusiveError{Verdict: v}
}

// String names the model and the policy.
func (s *Subject) String() string {
	if s == nil {
		return "no subject"
	}
	return fmt.Sprintf("%s under policy %q", plain.Text(s.config.Model), plain.Text(s.policy.Name))
}

// GomegaString keeps Gomega's printer from walking into the client, where it
// would find the key.
func (s *Subject) GomegaString() string { return s.String() }

// GoString is String, for the same reason.
func (s *Subject) GoString() string { return s.String() }
