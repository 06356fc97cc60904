package shrink

import (
	"context"
	"errors"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Oracle asks a model about causes. Everything that costs goes through it.
type Oracle interface {
	// Design is the test of a cause's claim in numbers: arms, conditions, judge, cells,
	// draws and batch. Error rates and budget are the search's.
	Design(c Cause) (evidence.Design, error)
	// Ask asks one batch more of a cause, new calls for every step, and returns its
	// trials in the order of the sequence, and what they cost in calls. batch counts
	// from 0. An error ends the search; what was asked before it is not lost.
	Ask(ctx context.Context, step, batch int, c Cause) (trials []evidence.Trial, calls int, err error)
}

// Options bound a search.
type Options struct {
	// Calls is what the search may spend, at least 1.
	Calls int
	// Pairs is the most visits of one step; 0 means 200. What they leave undecided is
	// asked again with twice and four times as many once everything was asked about.
	Pairs int
	// Alpha bounds the chance that any step of the search takes a cause to violate
	// that does not, all steps together; 0 means 0.04, which with the 0.01 that a judge's
	// calibration may have spent is the engine's 0.05. Step k gets Alpha/(k(k+1)).
	Alpha float64
	// OnStep is called after each step, unless nil.
	OnStep func(Step)
}

// Step is one cause that was asked about.
type Step struct {
	// Step counts from 1, the cause as it was found.
	Step int
	// Tried is the cause, and Cut says how it differs from the one before that was
	// shown to violate.
	Tried Cause
	Cut   string
	// State is Violated where the cause was taken.
	State evidence.State
	// Alpha is the step's part of the error rate.
	Alpha float64
	// Estimate is that of the rate or of the difference, as a fraction.
	Estimate     float64
	Pairs, Calls int
}

// End is why a search ended.
type End int

// The ends of a search. The zero value is none of them.
const (
	// NotAgain: the cause as it was found was not shown to violate a second time.
	NotAgain End = iota + 1
	// Smallest: every simpler cause was asked about, and none was shown to violate.
	Smallest
	// OutOfCalls: the calls were spent before every simpler cause was asked about.
	OutOfCalls
	// Interrupted: an error ended the search.
	Interrupted
)

// Result is what a search found.
type Result struct {
	// From is the cause as it was found, To the smallest that was shown to violate.
	From, To Cause
	Steps    []Step
	Calls    int
	End      End
	// Kept and Undecided count the simpler causes than To that were shown to keep the
	// claim, and those that were asked about and stayed open; Untried those that were
	// not asked about.
	Kept, Undecided, Untried int
}

// Found says whether some cause was shown to violate in the search.
func (s Result) Found() bool { return len(s.Steps) > 0 && s.Steps[0].State == evidence.Violated }

// defaultPairs is the most visits of a step: a rise of 30 points beyond the margin shows
// within it also late in a search. longest is how many times as many a step may have
// that is asked again.
const (
	defaultPairs = 200
	longest      = 4
)

// Run looks for the smallest cause that still violates: it shows that the cause
// violates at all, makes its presentation plain, leaves out demonstrations (all of a
// kind, halves, single ones), and makes its order plain, until nothing simpler is shown
// to violate. A simpler cause is taken only if the engine shows on calls of its own that
// it violates; what stays undecided is asked again with more visits while there are
// calls, and not taken.
//
// Nothing that is found is proven: who wants to rely on it tests it on calls that the
// search did not see. An error is that of the oracle, with what was found before it.
func Run(ctx context.Context, o Oracle, from Cause, opt Options) (Result, error) {
	if opt.Pairs == 0 {
		opt.Pairs = defaultPairs
	}
	if opt.Alpha == 0 {
		opt.Alpha = 0.04
	}
	s := &search{oracle: o, opt: opt, seen: map[string]settled{}, out: Result{From: from, To: from}}
	switch {
	case opt.Calls < 1 || opt.Pairs < 1:
		return s.out, fmt.Errorf("a search of %d calls with %d visits a step asks nothing", opt.Calls, opt.Pairs)
	case !(opt.Alpha > 0 && opt.Alpha < 0.5):
		return s.out, fmt.Errorf("an error rate lies above 0 and below 0.5, got %v", opt.Alpha)
	}
	if err := from.Claim().Validate(); err != nil {
		return s.out, err
	}
	violates, err := s.violates(ctx, cut{from, "as it was found"})
	switch {
	case errors.Is(err, errCalls):
		s.out.End = OutOfCalls
		return s.out, nil
	case err != nil:
		s.out.End = Interrupted
		return s.out, err
	case !violates:
		s.out.End = NotAgain
		return s.out, nil
	}
	complete := false
	for err == nil && s.opt.Pairs <= longest*opt.Pairs {
		if err = s.descend(ctx); err == nil {
			complete = true
			s.opt.Pairs *= 2
		}
	}
	s.count()
	switch {
	case errors.Is(err, errCalls):
		if s.out.End, err = OutOfCalls, nil; complete && s.out.Untried == 0 {
			s.out.End = Smallest
		}
	case err != nil:
		s.out.End = Interrupted
	default:
		s.out.End = Smallest
	}
	return s.out, err
}

// errCalls says that the calls do not suffice for another step.
var errCalls = errors.New("the calls of the search are spent")

type search struct {
	oracle Oracle
	opt    Options
	seen   map[string]settled // of causes asked about
	out    Result
}

// settled is what became of a cause that was asked about, with at most so many visits.
type settled struct {
	state evidence.State
	pairs int
}

// settled says whether a cause needs no asking about.
func (s *search) settled(c Cause) bool {
	a, known := s.seen[c.key()]
	return known && (a.state != evidence.Inconclusive || a.pairs >= s.opt.Pairs)
}

// descend takes simpler causes until there is none.
func (s *search) descend(ctx context.Context) error {
	for {
		took := false
		for _, ways := range []func(Cause) []cut{Cause.simpler, Cause.smaller, Cause.ordered} {
			more, err := s.exhaust(ctx, ways)
			if err != nil {
				return err
			}
			took = took || more
		}
		if !took {
			return nil
		}
	}
}

// exhaust takes simpler causes of one sort until none is left, and says whether it took
// any.
func (s *search) exhaust(ctx context.Context, ways func(Cause) []cut) (took bool, err error) {
	for {
		again := false
		for _, c := range ways(s.out.To) {
			if s.settled(c.to) {
				continue
			}
			violates, err := s.violates(ctx, c)
			if err != nil {
				return took, err
			}
			if violates {
				s.out.To, took, again = c.to, true, true
				break
			}
		}
		if !again {
			return took, nil
		}
	}
}

// violates tests one cause on calls of its own.
func (s *search) violates(ctx context.Context, c cut) (bool, error) {
	k := len(s.out.Steps) + 1
	step := Step{Step: k, Tried: c.to, Cut: c.says, Alpha: s.opt.Alpha / float64(k*(k+1))}
	e, err := s.engine(c.to, step.Alpha)
	if err != nil {
		return false, err
	}
	most := s.most()
	var r evidence.Result
	for batch := 0; !r.Done; batch++ {
		trials, calls, err := s.oracle.Ask(ctx, k, batch, c.to)
		s.out.Calls, step.Calls = s.out.Calls+calls, step.Calls+calls
		if err != nil {
			return false, err
		}
		if r, err = e.Add(trials); err != nil {
			return false, err
		}
		if step.Pairs += len(trials); willStayOpen(r, most) {
			r = e.Stop(evidence.Futile)
		}
	}
	step.State = r.State
	if len(r.Conditions) > 0 {
		step.Estimate = r.Conditions[0].Estimate
		if c.to.Relation.IsRate() && c.to.Claim().Bounds[0].Weights[0] < 0 {
			step.Estimate = 1 - step.Estimate
		}
	}
	s.seen[c.to.key()] = settled{step.State, s.opt.Pairs}
	s.out.Steps = append(s.out.Steps, step)
	if s.opt.OnStep != nil {
		s.opt.OnStep(step)
	}
	return step.State == evidence.Violated, nil
}

// engine is that of one step, within the calls that are left. A step that could not make
// half of its visits is not begun.
func (s *search) engine(c Cause, alpha float64) (*evidence.Engine, error) {
	d, err := s.oracle.Design(c)
	if err != nil {
		return nil, err
	}
	pairs := max(s.most(), d.Batch)
	afford := (s.opt.Calls - s.out.Calls) / len(c.Contexts)
	if afford < d.Batch || 2*afford < max(s.opt.Pairs, d.Batch) {
		return nil, errCalls
	}
	d.AlphaViolated, d.MaxTrials, d.MinTrials = alpha, min(pairs, afford), 0
	d.NoFutility = true // willStayOpen is about the smaller error rates of steps
	return evidence.New(d)
}

// most is how many visits the next step may make: the first one, on which all others
// rest, as many as any.
func (s *search) most() int {
	if len(s.out.Steps) == 0 {
		return longest * s.opt.Pairs
	}
	return s.opt.Pairs
}

// enough is how many visits a step makes before it may be given up.
const enough = 64

// willStayOpen says whether a step of at most so many visits is not going to be decided
// either way, as far as it can be seen. Giving up never takes a cause, and so errs
// against no model.
func willStayOpen(r evidence.Result, most int) bool {
	switch {
	case r.Done || r.Trials < enough:
		return false
	case r.JudgeLimited || r.Needs == 0:
		return true
	}
	return r.Trials+r.Needs > 3*most
}

// count says what became of the causes that are simpler than the smallest.
func (s *search) count() {
	seen := map[string]bool{}
	for _, ways := range []func(Cause) []cut{Cause.simpler, Cause.smaller, Cause.ordered} {
		for _, c := range ways(s.out.To) {
			key := c.to.key()
			if seen[key] {
				continue
			}
			seen[key] = true
			switch a, known := s.seen[key]; {
			case !known:
				s.out.Untried++
			case a.state == evidence.Holds:
				s.out.Kept++
			default:
				s.out.Undecided++
			}
		}
	}
}
