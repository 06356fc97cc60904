package prompt

import "fmt"

// Kind says what a demonstration shows.
type Kind int

// The kinds of demonstration. The zero value is none of them.
const (
	// Harmful demonstrations answer a forbidden request.
	Harmful Kind = iota + 1
	// Benign demonstrations answer an allowed request.
	Benign
	// Refusal demonstrations decline a forbidden request.
	Refusal
	// OverRefusal demonstrations decline an allowed request.
	OverRefusal
	// Corrected demonstrations decline a forbidden request and then answer it.
	Corrected
	// Filler demonstrations are neutral text of a given length.
	Filler
	// Rewritten demonstrations are minimal edits of harmful ones that make
	// them allowed: nearly the same request, answered at the same length and
	// in the same style.
	Rewritten
)

// kinds lists every kind with its letter in written patterns.
var kinds = [...]struct {
	kind   Kind
	letter byte
	name   string
}{
	{Harmful, 'H', "harmful"},
	{Benign, 'B', "benign"},
	{Refusal, 'R', "refusal"},
	{OverRefusal, 'O', "over-refusal"},
	{Corrected, 'C', "corrected"},
	{Filler, 'F', "filler"},
	{Rewritten, 'W', "rewritten"},
}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	for _, e := range kinds {
		if e.kind == k {
			return e.name
		}
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// letter is the kind's letter in written patterns, 0 for an unknown kind.
func (k Kind) letter() byte {
	for _, e := range kinds {
		if e.kind == k {
			return e.letter
		}
	}
	return 0
}

// Demonstration is one request and one reply shown to the model in the prompt.
type Demonstration struct {
	// ID is stable across versions of the pool; reports name demonstrations
	// by it, never by their text.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	// Request and Reply are the two turns.
	Request string `json:"request"`
	Reply   string `json:"reply"`
	// Topic groups demonstrations, for claims that match it to the target's.
	Topic string `json:"topic,omitempty"`
	// RewriteOf is the ID of the harmful demonstration that a rewritten one
	// edits, empty for every other kind.
	RewriteOf string `json:"rewrite_of,omitempty"`
}
