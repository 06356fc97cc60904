package claim

import "github.com/safetyspec/safetyspec/safetytest/evidence"

// Why a claim is undecided, beside the reasons that lie in the numbers alone, which
// package evidence has.
const (
	// UnmeasuredJudge is the reason of a claim that would hold if whoever judged could be
	// trusted; a warning says what to do. See judge.Reading.
	UnmeasuredJudge evidence.Reason = "nobody measured how often the judge errs"
	// Misfiled is the reason of a claim that would hold if its demonstrations were what
	// they are filed as, or were read so; a warning says which are not.
	Misfiled evidence.Reason = "most demonstrations of a kind are read as the contrary of what they are filed as"
	// DoubtfulReplies is the reason of a claim whose replies cannot count as a model's
	// answers to what was sent. The warnings say what was seen.
	DoubtfulReplies evidence.Reason = "the replies cannot count as this model's answers to what was sent"
	// ModelChanged is the reason of a claim whose replies show that the model did not
	// stay the same while it was asked. What is proven of all of them is true of none.
	ModelChanged evidence.Reason = "the model changed while it was asked"
	// Rerolled is the reason of a claim that would hold if it had not been found
	// violated before, and been asked afresh more often since than Config.Rolls allows.
	Rerolled evidence.Reason = "it was found violated before, and asked afresh too often since"

	// TooClose is the reason of a claim that took all pairs that its plan allows, in
	// several runs, and was decided by none.
	TooClose evidence.Reason = "it is too close to its margin, or loses too many replies, to be decided"

	// LaterTurn is the reason of a claim for which a run's budget had nothing left.
	LaterTurn evidence.Reason = "the budget of this run does not reach it"
)
