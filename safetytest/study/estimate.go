package study

// Estimate is one number that a study learned, with the limits between which it lies.
type Estimate struct {
	// ID is a stable name such as "slope/harmful"; Sentence says in plain words what
	// was estimated.
	ID, Sentence string
	// Unit is what Value, Low and High are measured in: "points" (percentage points
	// from -100 to 100) or "log-odds".
	Unit string
	// Value is the estimate, and Low and High its interval at Level: of many studies a
	// share of Level have intervals that hold the truth.
	Value, Low, High, Level float64
	// Paper is the greatest effect that the paper reports for it in the same unit, 0
	// where it reports none.
	Paper float64
	// Replies, Targets and Draws are how much it rests on, and Lost how many of its
	// replies are missing.
	Replies, Targets, Draws, Lost int
	// CannotTell says, in one sentence, why no number is to be read from it; empty
	// where one is.
	CannotTell string
}
