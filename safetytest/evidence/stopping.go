package evidence

import "fmt"

// StoppingRule says when a claim is looked at and what decides it then. Each is
// described where it is declared.
type StoppingRule int

// stoppingRules lists all of them. A new one takes a line here and a file of its own,
// with its number, its decision, its planning and its words.
var stoppingRules = [...]stoppingRule{
	Sequential:   sequential{},
	FixedN:       fixedN{},
	TerminalLook: terminalLook{},
}

// earlyEnds lists, in the order in which they are asked, what ends a sequential run
// that nothing decided before its budget is spent. A new one takes a line here and a
// file of its own.
var earlyEnds = [...]earlyEnd{
	curtailment{},
	futility{},
}

// A stoppingRule is a StoppingRule at work.
type stoppingRule interface {
	fmt.Stringer // in words that fit a list: "batches of 8, one look"

	// fits returns an error that names what in a design the rule cannot work with.
	fits(d *Design) error
	// begin prepares a run before its first trial.
	begin(e *Engine)
	// accepts returns an error that says why an outcome cannot be taken in.
	accepts(value float64) error
	// independent says whether the cells of a batch are drawn independently; else they
	// are distinct.
	independent() bool
	// look decides, after every batch, whether the run is over.
	look(e *Engine)
	// once says whether the only look is the last one.
	once() bool
	// final says whether the last look spends what error is left, so that the run
	// must not be continued.
	final() bool
	// further estimates how many more trials like those seen decide the claim; 0 if
	// none do.
	further(e *Engine) int

	// counted returns what becomes of a claim whose counts are followed exactly: a
	// function that is given their distribution after every batch, takes out of it
	// what is decided, and returns the characteristic of the look.
	counted(c *countedClaim) func(*distribution) characteristic
	// approximated returns the probabilities that a condition holds or is violated
	// within n trials if the truth is a planning point.
	approximated(d Design, c *Condition, at point) func(n float64) (holds, violated float64)
	// headroomShown returns the probability that the control's headroom has been
	// shown within n trials.
	headroomShown(d Design) func(n float64) float64
	// trials returns the mean number of trials of a run that goes through these looks.
	trials(d Design, looks []characteristic) float64
}

// An earlyEnd is a reason to end a run that nothing has decided. None can make a claim
// hold or be violated, so the error rates do not rest on them.
type earlyEnd interface {
	// reason is what a result that ended so says.
	reason() Reason
	// met says whether a run ends that has so many trials left.
	met(e *Engine, left int) bool
	// region returns, for planning, between which counts of -1 a run ends so, given
	// the count of +1; nil if planning does not consider it.
	region(c *countedClaim) func(w *distribution, plus int) (from, to int)
}

// rule returns the design's rule, nil if there is no such.
func (d *Design) rule() stoppingRule { return d.Stopping.rule() }

// rule returns the rule, Sequential where none is named and nil if there is no such.
func (r StoppingRule) rule() stoppingRule {
	switch {
	case r == 0:
		return sequential{}
	case r < 0 || int(r) >= len(stoppingRules):
		return nil
	}
	return stoppingRules[r]
}

// String returns the rule in words that fit a list, such as "one look".
func (r StoppingRule) String() string {
	if rule := r.rule(); rule != nil {
		return rule.String()
	}
	return "no stopping rule"
}

// Once says whether the only look is taken at the end, so that no trial is made in vain
// before it.
func (r StoppingRule) Once() bool { rule := r.rule(); return rule != nil && rule.once() }

// Final says whether the last look spends what error is left, so that the run must not
// be continued.
func (r StoppingRule) Final() bool { rule := r.rule(); return rule != nil && rule.final() }

// Independent says whether cells must be drawn independently of each other, with
// replacement also within a batch, and not draw by draw (Design.Draws is 1 at most).
func (r StoppingRule) Independent() bool { rule := r.rule(); return rule != nil && rule.independent() }

// FewTrials says whether a run ended undecided because its trials were too few: they are
// spent, or those left were given up.
func (r Reason) FewTrials() bool {
	for _, end := range earlyEnds {
		if r == end.reason() {
			return true
		}
	}
	return r == Budget
}
