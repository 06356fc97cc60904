package safetytest

// Replies says what becomes of the replies that earlier runs recorded in Config.Dir.
// SAFETYTEST_REPLIES sets it, by the words auto, fresh, resume and replay.
type Replies int

// What may become of recorded replies. RepliesAuto is the one to use unless there is
// a reason.
const (
	// RepliesAuto continues the last attempt at the same claims if it was stopped or
	// ended inconclusive, and otherwise begins another.
	RepliesAuto Replies = iota
	// RepliesFresh begins another attempt.
	RepliesFresh
	// RepliesResume continues the last attempt, however it ended. If there is none at
	// these claims, it continues the last one at others: what is claimed may have
	// changed, what is asked and who judges may not.
	RepliesResume
	// RepliesReplay reads the last attempt and makes no call: a claim of which a
	// reply is not recorded has no verdict. Who judges, and what is claimed, may have
	// changed. Nothing is written.
	RepliesReplay
)
