package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// miss says why a replay has no reply for k: which part of the key is recorded
// with another value.
func (r *Record) miss(k Key) error {
	r.explain.Lock() // one at a time: it reads the whole record
	defer r.explain.Unlock()
	cell, _ := json.Marshal(k.Cell)
	var nearest Key
	best := -1
	err := r.bodies(append([]byte(`"cell":`), cell...), func(b body) {
		n := 0
		for _, same := range []bool{b.Cell == k.Cell, b.Messages == k.Messages, b.Sampling == k.Sampling, b.Visit == k.Visit} {
			if same {
				n++
			}
		}
		if b.Cell == k.Cell && b.Model == k.Model && n > best {
			best, nearest = n, b.Key
		}
	})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("cell %q, visit %d", k.Cell, k.Visit)
	if k.Model != "" {
		what += ", asked " + k.Model
	}
	switch {
	case best < 0:
		return fmt.Errorf("%w: %s: nothing is recorded for this cell", ErrMiss, what)
	case nearest.Messages != k.Messages:
		return fmt.Errorf("%w: %s: the cell is recorded with other messages (%.12s there, %.12s here): another arm, or a prompt that was changed", ErrMiss, what, nearest.Messages, k.Messages)
	case nearest.Sampling != k.Sampling:
		return fmt.Errorf("%w: %s: recorded with %s, wanted with %s", ErrMiss, what, nearest.Sampling, k.Sampling)
	case nearest.Visit != k.Visit:
		return fmt.Errorf("%w: %s: these messages are recorded, but for other visits, such as %d: the run ended before", ErrMiss, what, nearest.Visit)
	}
	return fmt.Errorf("%w: %s: recorded for another model or endpoint", ErrMiss, what)
}

// bodies hands the recorded replies whose lines hold a text to see.
func (r *Record) bodies(holding []byte, see func(body)) error {
	r.mu.Lock()
	files := slices.Clone(r.files)
	r.mu.Unlock()
	for _, f := range files {
		if err := f.scan(0, func(at int64, text []byte) error {
			if !bytes.HasPrefix(text, []byte(replyStart)) || !bytes.Contains(text, holding) {
				return nil
			}
			b, err := parseBody(text)
			if err != nil {
				return fmt.Errorf("%s, byte %d: %w", f.path, at, err)
			}
			see(b)
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
