package evidence

import (
	"cmp"
	"math"
	"slices"
)

// Reason says, in words that fit a report, why a claim is inconclusive.
type Reason string

// The reasons of an Inconclusive result. A result that is Holds, Violated or
// still open has none. The early ends declare theirs, such as [Futile].
const (
	// Undecided means that the run goes on, or that it reached a decision.
	Undecided Reason = ""
	// NoHeadroom means that the control's rate is so high that nothing could have
	// raised it by much: a claim of "not raised" would be empty.
	NoHeadroom Reason = "no headroom"
	// Budget means that all planned trials were made.
	Budget Reason = "the budget is spent"
	// MissingReplies means that too many replies were no outcome.
	MissingReplies Reason = "too many replies are missing"
	// Deadline means that time ran out.
	Deadline Reason = "the deadline passed"
	// Cancelled means that the caller ended the run.
	Cancelled Reason = "the run was cancelled"
)

// MaxMissing is the largest share of missing observations, in any arm that
// plays a part, with which a claim may still be decided.
const MaxMissing = 0.05

// Design is a claim in numbers and the way it is to be tested. Everything in it
// is fixed before the first trial: margins and arms that react to replies, and bets that
// react to those of their own batch, would void the error rates.
type Design struct {
	// Arms names the arms, for messages; Trial.Y follows their order.
	Arms []string
	// Conditions must all hold for the claim to hold (an intersection-union
	// test, which needs no correction).
	Conditions []Condition
	// Control is the index of the arm whose rate must leave headroom, -1 for
	// none: the claim holds only once the upper bound of its rate is below Headroom
	// (in (0, 1), usually 1 - 2*margin). A claim that something is lower needs
	// none: a control with nothing to lower shows no reduction either.
	Control  int
	Headroom float64
	// AlphaHolds and AlphaViolated bound the probability of a false Holds and of
	// a false Violated, each in (0, 0.5). 0 means 0.05, or 0.04 where a judge
	// that errs plays a part, whose calibration spent the other 0.01.
	AlphaHolds, AlphaViolated float64
	// Judge bounds the errors of the judge of every outcome, but for conditions
	// that name one of their own.
	Judge JudgeError
	// ArmErrors, one an arm, take the place of Judge where it may not judge all arms
	// alike; nil means Judge. Every condition without a Judge of its own is then
	// corrected arm by arm, but for contrasts of arms that share their errors, whose
	// errors cancel but for J. An arm that is derived from others is judged without
	// error, unless its conditions name the judge of the derivation.
	ArmErrors []ArmError
	// Stopping says when the claim is looked at and what decides it; 0 means
	// [Sequential].
	Stopping StoppingRule
	// Batch is the number of trials, all of distinct cells, between two looks.
	Batch int
	// MaxTrials is the budget in trials; what exceeds whole batches is unused.
	MaxTrials int
	// MinTrials is a floor below MaxTrials: before so many trials a sequential
	// run neither decides nor gives up, other than for missing replies. What was
	// shown earlier still counts then, at the same error rates.
	MinTrials int
	// Cells is the size of the finite set of cells that the claim is about.
	Cells int
	// ArmCells, one an arm, is the number of cells of each arm that asks a population
	// of its own, such as benign twins, of which there may be more or fewer than
	// targets; 0 for arms that are asked on the trial's own cell, and nil means all
	// are. In every batch the cells of such an arm are drawn for themselves, draw by
	// draw: from a fresh random permutation of the draw's cells, and where the batch
	// has more places than cells from further ones. A condition about one population
	// is then about all of its cells alike, one about several about the weighted sum of
	// their means.
	ArmCells []int
	// Draws, if above 1, is the number of draws of demonstrations: every batch
	// must then take the same number of cells from each draw, without which the
	// error rates do not hold when draws differ.
	Draws int
	// WithoutReplacement says that a cell's outcome never varies, or no more than
	// Disagreement says, so that every cell is visited once at most and a census
	// decides what the outcomes are. It is wrong for sampled replies, and temperature 0
	// is no reason for it.
	WithoutReplacement bool
	// Disagreement is an upper bound, in [0, 1], of the chance that two calls with
	// the same body have different outcomes, measured by repeats as
	// [Design.Deterministic] says. 0 says that nobody needed to measure it: calls
	// are sampled anyway, or outcomes are exact by construction. With
	// WithoutReplacement the thresholds of both sides then allow for outcomes that
	// came out otherwise than they mostly do, and a fifth of the error rates is spent
	// on that and on the measuring (0.04 + 0.005 + 0.005); without it a tenth is spent
	// on the measuring, which chose the way of sampling.
	Disagreement float64
	// OverTargets says that the claim is about all targets of the kind, of which
	// the given ones are a random sample: every trial is then one target, its
	// observations are means over the visits of that target, and no target comes
	// twice.
	OverTargets bool
	// NoFutility keeps a run going until its budget even where the rest would
	// probably not decide it.
	NoFutility bool
	// Planned is the planning point of bets, futility and forecast.
	Planned Guess
	// Replies is of how many replies an observation is the mean, 0 for one: those that
	// came to one request. Planning expects pairs to vary as much less as
	// [AlikeReplies] leaves. The verdict is right whatever they do.
	Replies int
	// Power is the probability of Holds, of a model that is as healthy as planned,
	// that a forecast plans for, in (0, 1); 0 means 0.90. For all of
	// n healthy claims of a suite to hold with probability p each needs 1 - (1-p)/n.
	Power float64
	// shared says that the error rates are those left to the engine.
	shared bool
}

// withDefaults returns the design with its zero values filled in, and every
// condition with its judge.
func (d Design) withDefaults() Design {
	d.Judge = d.Judge.orDefault()
	errs := d.Control >= 0 && (d.Judge != Exact() || d.ArmErrors != nil && d.ArmErrors[d.Control].alike() != Exact())
	d.Conditions = slices.Clone(d.Conditions)
	for i := range d.Conditions {
		d.Conditions[i] = d.judged(d.Conditions[i])
		errs = errs || d.Conditions[i].errs()
	}
	alpha := 0.05
	if errs {
		alpha = 0.04
	}
	d.AlphaHolds, d.AlphaViolated = cmp.Or(d.AlphaHolds, alpha), cmp.Or(d.AlphaViolated, alpha)
	if !d.shared {
		d.AlphaHolds *= 1 - d.spent()
		d.AlphaViolated *= 1 - d.spent()
		d.shared = true
	}
	d.Stopping, d.Power = cmp.Or(d.Stopping, Sequential), cmp.Or(d.Power, 0.90)
	d.Planned = d.Planned.orDefault()
	for i := range d.Conditions {
		d.Conditions[i].noise = d.noises(&d.Conditions[i])
	}
	return d
}

// judgeOf returns the judge that a condition's outcomes are read by.
func (d Design) judgeOf(c *Condition) JudgeError {
	if c.Judge != nil {
		return c.Judge.orDefault()
	}
	return d.Judge.orDefault()
}

// cap returns the number of trials that the budget, whole batches and the cells
// allow.
func (d Design) cap() int {
	most := d.MaxTrials
	if d.WithoutReplacement || d.OverTargets {
		most = min(most, d.fewest())
	}
	if d.WithoutReplacement && most == d.Cells {
		return most // the last batch of a census may be short
	}
	return most - most%d.Batch
}

// needs says whether an arm plays a part in the decision.
func (d Design) needs(arm int) bool {
	if arm == d.Control {
		return true
	}
	for i := range d.Conditions {
		if d.Conditions[i].Weights[arm] != 0 {
			return true
		}
	}
	return false
}

// CallsPerTrial returns how many arms play a part in the decision: the number of
// model calls that a trial costs, as long as no arm is shared with another claim
// or derived from the replies of others.
func (d Design) callsPerTrial() int {
	calls := 0
	for arm := range d.Arms {
		if d.needs(arm) {
			calls++
		}
	}
	return calls
}

// span returns the range of the condition's X.
func (c *Condition) span() (lo, hi float64) {
	lo, hi = c.Offset, c.Offset
	for _, w := range c.Weights {
		if w < 0 {
			lo += w
		} else {
			hi += w
		}
	}
	return lo, hi
}

// contrast says whether the weights cancel, so that a level common to all arms
// does not matter.
func (c *Condition) contrast() bool {
	sum, size := 0.0, 0.0
	for _, w := range c.Weights {
		sum += w
		size += math.Abs(w)
	}
	return math.Abs(sum) <= 1e-9*size && c.Offset == 0
}

// level says whether X is one arm's outcome, or 1 less that.
func (c *Condition) level() bool {
	used := 0
	for _, w := range c.Weights {
		if w != 0 {
			used++
		}
	}
	lo, hi := c.span()
	return used == 1 && lo == 0 && hi == 1
}

// isPair says whether the contrast is that of a treated arm minus a control, whose
// weights are 1 and -1.
func (c *Condition) isPair() bool {
	treated, controls := 0, 0
	for _, w := range c.Weights {
		switch w {
		case 0:
		case 1:
			treated++
		case -1:
			controls++
		default:
			return false
		}
	}
	return treated == 1 && controls == 1 && c.Offset == 0
}
