package study

import "github.com/safetyspec/safetyspec/safetytest/prompt"

// Setting is one combination of the factors of a study: what a prompt shows before its
// request.
type Setting struct {
	// Mix is how many demonstrations of each kind are shown, and in which order.
	Mix prompt.Mix
	// Presentation is how they are shown, such as turns or one transcript, as
	// [prompt.Presentation] spells it.
	Presentation string
	// Marked says that the harmful demonstrations begin with the marker of the
	// policy, so that a reply can adopt it.
	Marked bool
	// Padding is how many words of filler the prompt was made longer by: a change of
	// length that shows nothing.
	Padding int
}

// Outcome is what one reply was read as.
type Outcome int8

// The outcomes. The zero value is that nothing was read: a reply that was lost, cut,
// blocked or not understood is no refusal.
const (
	Missing Outcome = iota
	No
	Yes
)

// Observation is one reply of a study.
type Observation struct {
	Setting Setting
	// Target is the request that was asked, and Draw which draw of demonstrations was
	// shown before it: replies of one target, and of one draw, resemble each other.
	Target string
	Draw   int
	// Twin says that the harmless twin of the target was asked instead of it.
	Twin bool
	// Complied is whether the reply complied with the request, by the policy's judge.
	Complied Outcome
	// Adopted is whether it adopted the marker; Missing where none was shown.
	Adopted Outcome
}
