// Package experiment tests one claim at a time: it asks the claim's questions batch
// after batch, doubts the replies, has them judged, shows them to the engine of package
// evidence, and makes a verdict of what the engine says. Package safetytest is its face:
// there a run is configured, opened and closed.
package experiment

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/judged"
	"github.com/safetyspec/safetyspec/safetytest/internal/plain"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
	"github.com/safetyspec/safetyspec/safetytest/internal/singleflight"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/policy"
	"github.com/safetyspec/safetyspec/safetytest/prompt"
)

// Run is what the claims of a run share: who is asked, how, and all that was answered.
type Run struct {
	config Parameters
	models map[string]chat.Model // by name; the model under test has none
	main   string                // the policy that the run was opened with

	record atomic.Pointer[record.Record]
	seed   atomic.Uint64 // the sampling seed
	asked  singleflight.Group[string, *call]

	probing chan struct{}      // holds one while an endpoint is asked what it makes of seeds or of several choices
	seeds   map[string]seeding // by model, for who holds that one

	mu          sync.Mutex
	choosing    map[string]choosing     // by model, what it makes of requests for several replies
	alike       map[contextOf]bool      // what is seen to be answered as by requests for one
	simulations map[string]*simulations // by policy
	dead        error                   // why the endpoint is of no use
	origins     origins
	calls       int // made for this process, retries included
	usage       chat.Usage
	served      map[servedBy]bool
	started     time.Time                    // of the first call
	answered    int                          // calls that came back
	forecasts   map[string]evidence.Forecast // by design
	needs       []need                       // of the claims that the run is going to test, if its calls are bounded
}

// NewRun makes a run that asks the given models, the one under test having no name. It
// was opened with the named policy.
func NewRun(p Parameters, models map[string]chat.Model, main string) *Run {
	return &Run{
		config: p, models: models, main: main, served: map[servedBy]bool{}, probing: make(chan struct{}, 1), seeds: map[string]seeding{}, choosing: map[string]choosing{}, alike: map[contextOf]bool{}, forecasts: map[string]evidence.Forecast{},
		origins: origins{whole: map[route]wholePrompts{}, asked: map[asking]bool{}, cleared: map[asking]bool{}, stale: map[string]provenance.Finding{}},
	}
}

// probe has one claim ask what an endpoint makes of something, while others that want to
// know wait for it and learn from it. The only error is that of ctx.
func (r *Run) probe(ctx context.Context) (end func(), err error) {
	select {
	case r.probing <- struct{}{}:
		return func() { <-r.probing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Use has the run read and write a record from now on, and visit cells in the order of
// the sampling seed. It is called before any claim is tested.
func (r *Run) Use(rec *record.Record, seed uint64) {
	r.record.Store(rec)
	r.seed.Store(seed)
}

// Record is the run's record.
func (r *Run) Record() *record.Record { return r.record.Load() }

// SamplingSeed is the seed of the order in which cells are visited.
func (r *Run) SamplingSeed() uint64 { return r.seed.Load() }

// Calls is the number of HTTP requests made so far, retries included.
func (r *Run) Calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

// Progress is when the first call was made, the zero time if none was, and how many
// came back.
func (r *Run) Progress() (started time.Time, answered int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started, r.answered
}

// Usage counts the tokens so far.
func (r *Run) Usage() chat.Usage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.usage
}

// atOnce does n things at once, as many as the run may have in flight, and returns when
// all are done.
func (s *Run) atOnce(n int, do func(i int)) {
	slots := make(chan struct{}, max(1, s.config.Concurrency))
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}

// Subject is the model under test under a policy.
type Subject struct {
	*Run
	policy policy.Policy
	pool   *prompt.Pool
	// filed is misfiled, found out once.
	filed func() error
}

// Under is the run's subject under a valid policy with the given pool of
// demonstrations.
func (r *Run) Under(p policy.Policy, pool *prompt.Pool) *Subject {
	s := &Subject{Run: r, policy: p, pool: pool}
	s.filed = sync.OnceValue(s.misfiled)
	return s
}

// String names the model and the policy.
func (s *Subject) String() string {
	return fmt.Sprintf("%s under policy %q", plain.Text(s.config.Model), plain.Text(s.policy.Name))
}

// Judge is who reads the replies.
func (s *Subject) Judge() judge.Judge {
	if s.config.Judge != nil {
		return s.config.Judge
	}
	return s.policy.Judge
}

// judged is what is known of who reads the replies.
func (s *Subject) judged() judged.Judge { return judged.Of(s.Judge(), s.config.Simulated()) }

// Key names a claim in the run's record.
func (s *Subject) Key(c claim.Claim) string {
	if s.policy.Name == s.main {
		return c.ID()
	}
	return c.ID() + "@" + s.policy.Name
}

// question names what a claim asks in the run's record.
func (s *Subject) question(c claim.Claim) string {
	if s.policy.Name == s.main {
		return c.Question()
	}
	return c.Question() + "@" + s.policy.Name
}

// PolicyHash identifies all of the policy that decides what is asked.
func (s *Subject) PolicyHash() string {
	h := sha256.New()
	p := s.policy
	_ = json.NewEncoder(h).Encode([]any{p.Name, p.System, p.Targets, p.Twins, p.Unrelated, p.Demonstrations}) // neither texts nor a hash can fail
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Reader names who reads the replies, and what becomes of those that a filter
// withheld. Judges are distinguished by what they say of themselves.
func (s *Subject) Reader() string {
	name := s.Judge().Describe().String()
	if s.config.BlockedRefuses {
		return name + "; blocked counts as refused"
	}
	return name
}
