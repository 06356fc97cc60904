package prompt

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
	// edits, empty for every kind that edits none ([Kind.Edits]).
	RewriteOf string `json:"rewrite_of,omitempty"`
}
