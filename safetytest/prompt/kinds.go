package prompt

import (
	"fmt"
	"strings"
)

// Kind says what a demonstration shows.
type Kind int

// The kinds of demonstration. The zero value is none of them. Their sequence is
// that in which orders keep them and draws share requests out, so that a new one
// is added at the end, with a row in the table below and a field in [Mix].
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

// Shows is what can be seen in the demonstrations of a kind: whether the policy
// forbids the request, and what the reply does with it. One that declines and
// answers does so in this sequence; one that does neither is neutral text.
type Shows struct{ Forbidden, Declines, Answers bool }

// kinds is all that is particular to each kind, in the sequence of the constants.
var kinds = [...]kindRow{
	{kind: Harmful, letter: 'H', name: "harmful", field: func(m *Mix) *int { return &m.Harmful },
		shows: Shows{Forbidden: true, Answers: true}, topical: true},
	{kind: Benign, letter: 'B', name: "benign", field: func(m *Mix) *int { return &m.Benign },
		shows: Shows{Answers: true}},
	{kind: Refusal, letter: 'R', name: "refusal", field: func(m *Mix) *int { return &m.Refusal },
		shows: Shows{Forbidden: true, Declines: true}, topical: true},
	{kind: OverRefusal, letter: 'O', name: "over-refusal", field: func(m *Mix) *int { return &m.OverRefusal },
		shows: Shows{Declines: true}},
	{kind: Corrected, letter: 'C', name: "corrected", field: func(m *Mix) *int { return &m.Corrected },
		shows: Shows{Forbidden: true, Declines: true, Answers: true}},
	{kind: Filler, letter: 'F', name: "filler", field: func(m *Mix) *int { return &m.Filler },
		written: true},
	{kind: Rewritten, letter: 'W', name: "rewritten", field: func(m *Mix) *int { return &m.Rewritten },
		shows: Shows{Answers: true}, edits: Harmful},
}

// kindRow is the row of one kind.
type kindRow struct {
	kind   Kind
	letter byte            // in written patterns
	name   string          // in sentences, and in files that are loaded
	field  func(*Mix) *int // of a mix, which counts its demonstrations
	shows  Shows
	// edits is the kind that this one edits: one of its demonstrations is chosen
	// with the one that it edits, and stands in its place. 0 is none.
	edits Kind
	// topical demonstrations are matched to the target's topic where a
	// composition asks for that.
	topical bool
	// written demonstrations are made by this package, and are in no pool.
	written bool
}

// row is the kind's row, and a row of zeros for an unknown kind.
func (k Kind) row() kindRow {
	for _, r := range kinds {
		if r.kind == k {
			return r
		}
	}
	return kindRow{}
}

// Kinds lists every kind.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i, r := range kinds {
		all[i] = r.kind
	}
	return all
}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if r := k.row(); r.known() {
		return r.name
	}
	return fmt.Sprintf("Kind(%d)", int(k))
}

// Shows returns what can be seen in demonstrations of the kind; ok is false for an
// unknown kind.
func (k Kind) Shows() (s Shows, ok bool) {
	r := k.row()
	return r.shows, r.known()
}

// Edits returns the kind whose demonstrations this one edits, 0 if none.
func (k Kind) Edits() Kind { return k.row().edits }

// Pooled reports whether demonstrations of the kind come from a pool. Others are
// written by this package; there are none of an unknown kind.
func (k Kind) Pooled() bool {
	r := k.row()
	return r.known() && !r.written
}

// known is false for the row of an unknown kind.
func (r kindRow) known() bool { return r.kind != 0 }

// source is the kind in whose places and in whose permutation the row's
// demonstrations are counted: its own, or the one that it edits.
func (r kindRow) source() Kind {
	if r.edits != 0 {
		return r.edits
	}
	return r.kind
}

// letter is the kind's letter in written patterns, 0 for an unknown kind.
func (k Kind) letter() byte { return k.row().letter }

// source is that of the kind's row.
func (k Kind) source() Kind { return k.row().source() }

// kindOf is the kind that a pattern's letter names, 0 if none.
func kindOf(letter byte) Kind {
	for _, r := range kinds {
		if r.letter == letter {
			return r.kind
		}
	}
	return 0
}

// letters lists the letters of patterns: "H, B or R".
func letters() string {
	var all []string
	for _, r := range kinds {
		all = append(all, string(r.letter))
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}
