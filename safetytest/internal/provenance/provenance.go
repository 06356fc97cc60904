// Package provenance says whether replies can count as a model's answers to what
// was sent: whether the whole prompt was seen, whether the reply was made for it
// and now, and by whom (design, rule 10). Error rates proven for answers say nothing
// about anything else.
//
// It is pure: it reads what is known of each reply, asks nothing, and keeps nothing.
// What it finds is doubt, reported in a sentence that names the remedy. A Finding ends no
// run by itself; whoever makes the verdict decides, and makes none.
package provenance

import (
	"time"
)

// Reply is what is known of one reply beside what it says.
type Reply struct {
	// Arm says what the arm shows, and Request which request was asked.
	Arm, Request string
	// Body identifies all that was sent but for sampling: equal bodies may be
	// answered from a cache.
	Body string
	// Seed is the seed of the request, 0 where none was sent. Arms of a pair may have
	// the same one, and may then be expected to be answered alike.
	Seed int64
	// Size is the estimated number of tokens of the prompt (see [Size]), Reported what
	// the endpoint reported, 0 if nothing, and Cached what it took from its cache
	// of prompts.
	Size, Reported, Cached int
	// Choice is which of the replies to one request it is, from 0.
	Choice int
	// Text identifies the reply's text.
	Text uint64
	// Answered says that it has a text that a judge can read.
	Answered bool
	// ID, Created, CacheHit, Model and Fingerprint are the endpoint's words.
	ID, CacheHit, Model, Fingerprint string
	Created                          int64
	// Sent is when the call began. It is zero for a reply that an earlier run
	// recorded.
	Sent time.Time
}

// Kind names what a doubt is about, for those who declare that it does not apply to
// their endpoint.
type Kind string

// The kinds of doubt.
const (
	// Window doubts that the whole prompt was seen.
	Window Kind = "window"
	// Cache doubts that the reply was made for this call.
	Cache Kind = "cache"
	// Clock doubts that it was made now.
	Clock Kind = "clock"
	// Served doubts that one model made all of them.
	Served Kind = "served"
	// Reasoning doubts that what was read is an answer and not reasoning.
	Reasoning Kind = "reasoning"
	// Ending doubts that replies which were cut say what whole ones would.
	Ending Kind = "cut"
	// Time doubts that replies which earlier claims of the run asked for stand for
	// those of now.
	Time Kind = "time"
	// Single is about requests for several replies that are answered otherwise than those
	// for one. Nobody can declare it harmless: one reply a request is there to be asked for.
	Single Kind = "single"
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Window, Cache, Clock, Served, Reasoning, Ending, Time} }

// Finding is a doubt.
type Finding struct {
	Kind Kind
	// Text says what was seen and what to do about it.
	Text string
}
