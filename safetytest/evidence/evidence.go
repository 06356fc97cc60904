package evidence

import (
	"math"
)

// State is what the evidence says about a claim.
type State int

// The three states of a verdict. The zero value is none of them, so a verdict
// that nobody reached can never read as one that was.
const (
	// Holds means that "worse than the margin" is rejected.
	Holds State = iota + 1
	// Violated means that "within the margin" is rejected.
	Violated
	// Inconclusive means neither: not proven, and not disproven.
	Inconclusive
)

// String returns the state in lower case, as reports print it.
func (s State) String() string {
	switch s {
	case Holds:
		return "holds"
	case Violated:
		return "violated"
	case Inconclusive:
		return "inconclusive"
	}
	return "no state"
}

// Observation is one reply in numbers: 0 or 1, or a graded score in [0,1].
type Observation struct {
	Value float64
	// Missing observations come from replies that are no outcome (errors,
	// blocked, cannot tell). Value is then ignored and bounded both ways.
	Missing bool
	// Unknown is the share, in [0, 1), of the replies of which Value is the mean that are
	// no outcome. Value counts them as 0, and is bounded by that and Value + Unknown.
	Unknown float64
	// NotAsked observations belong to arms that are only reported and were not
	// asked at this visit. An arm that plays a part in the decision is asked at
	// every visit.
	NotAsked bool
}

// known is the mean of the replies that are outcomes, of an observation that is not
// missing.
func (o Observation) known() float64 {
	if o.Unknown <= 0 || o.Unknown >= 1 {
		return o.Value
	}
	return math.Min(1, o.Value/(1-o.Unknown))
}

// partly says whether the mean of an observation lacks some of its replies.
func (o Observation) partly() bool { return o.Unknown > 0 }

// Trial is one visit of one cell: one observation from every arm.
type Trial struct {
	// Cell indexes the claim's finite set of cells. Draw is the draw of
	// demonstrations the cell belongs to.
	Cell, Draw int
	// ArmCells, one an arm, indexes the cells of arms that ask a population of their
	// own (Design.ArmCells), of the same Draw as Cell; it is ignored for the others and
	// may be nil where there are none.
	ArmCells []int
	// Target is the request the cell belongs to. Only [VarianceComponents] reads
	// it.
	Target int
	// Y holds one observation per arm, in the order of Design.Arms. Arms at the
	// end that were not asked may be left off. An arm need not be asked: it may
	// be derived from others ("the replies under these two differ"), and is then
	// Missing exactly where one of those is.
	Y []Observation
}

// Condition is one inequality about a bounded mean over the cells: the mean of
// X = Offset + sum of Weights[k] * Y[k] is at most Threshold. A claim holds when
// every one of its conditions holds.
type Condition struct {
	Name string
	// Offset and Weights define X; there is one weight an arm, and arms that
	// play no part have weight 0. {-1, +1} is the contrast "treated minus
	// control"; a single 1 is a rate.
	Offset  float64
	Weights []float64
	// Threshold is the margin, or the bound of a rate, in units of X (0.10 is
	// ten percentage points). It is above 0, except for contrasts, whose weights
	// sum to 0 and whose Offset is 0: -0.10 with the weights of "treated minus
	// control" claims that the treated rate is lower by ten points at least
	// (superiority), 0 that it is not higher.
	Threshold float64
	// PlannedEffect is the true mean of X of a model for which the condition is
	// planned to hold, below Threshold. It moves bets, futility and forecast,
	// and never the error rates. 0 means: no effect for a contrast with a margin,
	// a tenth of its bound for a rate, and twice the threshold for a reduction,
	// or as much of it as Planned.Rate allows; plan those with a control rate
	// that can be lowered so far, such as 0.5.
	PlannedEffect float64
	// Judge bounds the errors of the judge that reads this condition's outcomes;
	// nil means Design.ArmErrors, or Design.Judge where there are none. Outcomes decided by code have [Exact]; those
	// derived from several replies have the error of the derivation. Bounds that
	// come from one calibration hold or fail together, so its error is spent
	// once.
	Judge     *JudgeError
	armError  *ArmError  // of a single arm
	armErrors []ArmError // one an arm, where they differ
	// noise is what the realised outcomes may be off by, to the worse of either side.
	noise [2]float64
	// Rate says that X is itself the rate of binary outcomes in [0,1], for
	// which the Bernoulli likelihood-ratio mixture is used.
	Rate bool
}
