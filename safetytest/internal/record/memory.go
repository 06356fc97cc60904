package record

import "github.com/safetyspec/safetyspec/safetytest/chat"

// InMemory returns a record that is kept in memory, for a run that has no directory:
// it is shared with no other process and ends with this one. It asks for each reply
// once and keeps to the budget of calls, as one on disk does, but it continues no
// earlier run, knows no history of attempts, and leaves limits per minute to whoever
// sends. maxCalls is as in [Options].
//
// It keeps every reply whole.
func InMemory(maxCalls int) *Record {
	r := newRecord(Manifest{}, Options{MaxCalls: maxCalls})
	r.run, r.memory = ownRun(), map[digest]chat.Reply{}
	r.own = &file{header: header{Run: r.run}, asking: map[digest]int{}, conclusions: map[string]Conclusion{}}
	r.enter(r.own)
	return r
}

// encode returns v as a line; nil where nothing is written.
func (r *Record) encode(v any) ([]byte, error) {
	if r.memory != nil {
		return nil, nil
	}
	return encode(v)
}
