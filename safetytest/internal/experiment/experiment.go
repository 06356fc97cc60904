package experiment

import (
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/internal/bounds"
	"github.com/safetyspec/safetyspec/safetytest/internal/order"
	"github.com/safetyspec/safetyspec/safetytest/internal/provenance"
	"github.com/safetyspec/safetyspec/safetytest/internal/record"
)

// experiment is one claim under test.
type experiment struct {
	s         *Subject
	rec       *record.Record
	claim     claim.Claim
	engine    *evidence.Engine
	headrooms bounds.Headrooms
	held      *evidence.Result // what was decided before all headroom was known
	sequence  *order.Sequence
	scripts   []*script // by arm; arms that show the same have the same one

	census    *evidence.Determinism // what repeats said about greedy decoding, nil if nobody asked
	marks     []map[string]int      // by batch: how many replies carry which fingerprint
	control   int                   // arm whose rate must leave headroom, -1 for none
	headroom  float64               // what it must stay below, as the judge sees it
	most      int                   // trials that the engine can take
	questions int                   // in a batch
	started   int                   // trials of the batches begun
	asked     int                   // questions of them
	batches   []*batch              // asked or being asked, without those already looked at
	seen      []evidence.Trial      // looked at
	early     []*batch              // the first ones looked at, for what is only reported
	doses     []evidence.DoseOutcome
	slope     *evidence.LogOdds
	cells     map[cellKey]*cellSums
	formats   map[int]*claim.FormatCount
	withheld  map[int]int // by a filter, of what was looked at, by arm
	calls, repeated, shared, recorded, tokens,
	failed, answered, blocked, unreadable, empty, cut int
	lostBefore  int // of failed, by earlier runs
	endings     endings
	ends        map[int]endings // by arm, of what its bounds rest on
	origins     []origin
	further     []origin                   // of the replies beside the first ones of requests for several
	allowed     map[provenance.Kind]string // doubts that the configuration declares harmless
	doubt       string                     // what speaks against counting the replies, the first of it
	lost        string                     // what befell the last reply that was
	examineAt   int                        // replies, for the next look at where they come from
	through     int                        // turns, up to which all questions are answered
	inquireAt   int                        // turns, for the next inquiry about models
	inquiries   map[string]*inquiry        // by model
	probed      probed
	givesTokens atomic.Bool // the endpoint gave the tokens of some prompt
	sight       *sight      // whether the endpoints read whole prompts
	unseen      string      // why it is not known whether the model sees whole prompts
	seeds       string      // whether the arms share theirs and why, "" where that is no question
	lastErr     error
	noBudget    bool
	share       share // of the run's budget
	shareSpent  bool
	recalled    bool // some reply was recorded before, whichever claim read it first
	several     several
	warnings    []string
	judges      map[string]bool // that judged by asking a model
	// What any.go needs and finds of a claim about any arrangement. Part names the
	// experiment within another one whose arrangement it judges, and within bounds its
	// trials.
	parts    parts
	learned  []learned
	searched *claim.Search
	blind    evidence.Reason // why nothing follows from what the search did not find, "" where something does
	blinded  string          // the same in words
	part     string
	within   int
	// recordEnds is the error of a reply that a replay lacks, nil for none.
	recordEnds error
	// What continued.go finds: replies of earlier runs, why they count, and the
	// calls that it took to see.
	older    older
	sameness string
	checked  int
}

// probed is what calls cost that were no evidence. Several may be under way at once.
type probed struct {
	mu                      sync.Mutex
	calls, tokens, recorded int
}

// made is how many calls they were so far.
func (p *probed) made() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

func (s *Subject) experiment(c claim.Claim) (*experiment, error) {
	e := &experiment{s: s, several: several{decided: map[int]int{}, asked: map[int]int{}}, rec: s.Record(), claim: c, cells: map[cellKey]*cellSums{}, formats: map[int]*claim.FormatCount{}, withheld: map[int]int{},
		ends: map[int]endings{}, judges: map[string]bool{}, inquiries: map[string]*inquiry{}, examineAt: 32, inquireAt: enoughToAskAnew}
	if d := s.Judge().Describe(); c.CountsContent() && !d.SeesContent {
		return nil, fmt.Errorf("policy %q: the claim counts forbidden content, which the judge (%s) never reports, so that it could not fail: add a judge that does with judge.WithContent", s.policy.Name, d.Name)
	}
	for k, a := range c.Arms {
		q, err := s.script(k, a, c)
		if err != nil {
			return nil, fmt.Errorf("policy %q: arm %q: %w", s.policy.Name, a.Name, err)
		}
		for other, have := range e.scripts {
			if !a.Calls() || !c.Arms[other].Calls() {
				continue
			}
			switch {
			case have.first == other && q.shows == have.shows:
				q = have
			case e.sameMessages(have, q) && a.Counts(c) == c.Arms[other].Counts(c) && have.first == other:
				return nil, fmt.Errorf("arms %q and %q show the same demonstrations in the same order, so nothing could differ between them", c.Arms[other].Name, a.Name)
			}
		}
		if q.about != "" {
			e.warn("%s", q.about)
		}
		if !s.sharesReplies(a.Model) {
			q.owner = s.question(c)
		}
		e.scripts = append(e.scripts, q)
	}
	var err error
	if e.sequence, err = s.sequence(c); err != nil {
		return nil, err
	}
	if e.parts, err = s.partsOf(c); err != nil {
		return nil, err
	}
	return e, e.prepare()
}

// prepare makes the engine for the claim that is tested.
func (e *experiment) prepare() error {
	d, err := e.s.design(e.claim, e.census)
	if err != nil {
		return err
	}
	if e.within > 0 {
		d.MaxTrials = e.within
	}
	d.Replies = e.several.n
	e.sequence.Once = d.WithoutReplacement
	e.most, e.control, e.headroom = d.MaxTrials, d.Control, d.Headroom
	e.questions = e.sequence.PerDraw * e.s.config.Draws * e.claim.Questions()
	if !d.WithoutReplacement || d.MaxTrials < d.Cells { // only a census may end in a short batch
		e.most -= e.most % d.Batch
	}
	if e.headrooms, err = bounds.HeadroomsOf(e.claim, d); err != nil {
		return err
	}
	e.engine, err = evidence.New(d)
	return err
}

// sameMessages says whether two arms ask the same of the same model in every
// draw. Arms that are asked again for themselves do so on purpose.
func (e *experiment) sameMessages(a, b *script) bool {
	if a.arm.Model != b.arm.Model || a.arm.Again != b.arm.Again || a.arm.Requests != b.arm.Requests {
		return false
	}
	seen := map[string]bool{}
	for i, topic := range a.asks.Topics {
		if seen[topic] {
			continue
		}
		seen[topic] = true
		for d := range e.s.config.Draws {
			if at := a.asks.At(i, d, 0); !reflect.DeepEqual(a.messages(at), b.messages(at)) {
				return false
			}
		}
	}
	return true
}
