package record

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"
	"time"
)

// InMemory returns a record that is kept in memory, for a run that has no directory:
// it is shared with no other process and ends with this one. It asks for each reply
// once and keeps to the budget of calls, as one on disk does, but it continues no
// earlier run, knows no history of attempts, and leaves limits per minute to whoever
// sends. m says what is asked whom, and maxCalls is as in [Options].
//
// It keeps every reply whole.
func InMemory(m Manifest, maxCalls int) *Record {
	m = m.canonical()
	r := newRecord(m, Options{MaxCalls: maxCalls})
	r.run, r.memory = ownRun(), map[digest]body{}
	h := header{Version: version, PID: os.Getpid(), Run: r.run, Started: time.Now().UTC(), ManifestHash: m.hash(), Manifest: m, Attempt: 1}
	r.own = &file{header: h, asking: map[digest]amount{}, conclusions: map[string]Conclusion{}}
	r.enter(r.own)
	return r
}

// Lines are what a record in memory holds, as they would stand in a file: in the order
// in which they came, and then the replies.
func (r *Record) Lines() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var c chain
	var all bytes.Buffer
	put := func(v any) error {
		text, err := encode(v)
		if err != nil {
			return err
		}
		text, c.sum = c.seal(text)
		all.Write(text)
		return nil
	}
	if err := put(line{Header: &r.own.header}); err != nil {
		return nil, err
	}
	for _, text := range r.log {
		text, c.sum = c.seal(text)
		all.Write(text)
	}
	for _, d := range slices.SortedFunc(maps.Keys(r.memory), func(a, b digest) int { return bytes.Compare(a[:], b[:]) }) {
		if err := errors.Join(put(line{Ask: &d}), put(r.memory[d])); err != nil {
			return nil, err
		}
	}
	if len(r.pending) > 0 {
		if err := put(said{Read: r.pending}); err != nil {
			return nil, err
		}
	}
	return all.Bytes(), nil
}
