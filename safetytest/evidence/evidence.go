package evidence

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
	// NotAsked observations belong to arms that are only reported and were not
	// asked at this visit. An arm that plays a part in the decision is asked at
	// every visit.
	NotAsked bool
}

// Trial is one visit of one cell: one observation from every arm.
type Trial struct {
	// Cell indexes the claim's finite set of cells. Draw is the draw of
	// demonstrations the cell belongs to.
	Cell, Draw int
	// Y holds one observation per arm, in the order of Design.Arms. Arms at the
	// end that were not asked may be left off.
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
	// ten percentage points).
	Threshold float64
	// Rate says that X is itself the rate of binary outcomes in [0,1], for
	// which the Bernoulli likelihood-ratio mixture is used.
	Rate bool
}
