package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/safetyspec/safetyspec/safetytest/internal/ratelimit"
)

// turnsFile keeps the turns of requests for several processes, so that together they
// keep within requests and tokens per minute.
type turnsFile struct {
	mu   sync.Mutex
	file *os.File
	lock *flock.Flock // over file, between processes
}

// openTurns returns the turns that are kept in the file at path.
func openTurns(path string) (*turnsFile, error) {
	if err := regular(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &turnsFile{file: file, lock: flock.New(path)}, nil
}

// limitRate sets the limits per minute, which all processes keep together by the turns
// in the file at path. A minute is shorter in tests.
func (r *Record) limitRate(path string, minute time.Duration) error {
	requests, tokens := r.options.RequestsPerMinute, r.options.TokensPerMinute
	if requests == 0 && tokens == 0 {
		return nil
	}
	turns, err := openTurns(path)
	if err != nil {
		return err
	}
	r.turns, r.rate = turns, ratelimit.New(turns, requests, tokens, minute)
	return nil
}

// Change lets f change the turns, and writes them if it did.
func (t *turnsFile) Change(f func(*ratelimit.Turns) bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: the limits per minute cannot be shared: %w", ErrWrite, err)
		}
	}()
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.lock.Lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.lock.Unlock()) }()
	var b [16]byte
	if _, err := t.file.ReadAt(b[:], 0); err != nil && err != io.EOF { // shorter before the first turn
		return err
	}
	turns := ratelimit.Turns{Request: unixNano(b[:8]), Tokens: unixNano(b[8:])}
	if !f(&turns) {
		return nil
	}
	binary.BigEndian.PutUint64(b[:8], uint64(turns.Request.UnixNano()))
	binary.BigEndian.PutUint64(b[8:], uint64(turns.Tokens.UnixNano()))
	_, err = t.file.WriteAt(b[:], 0)
	return err
}

func unixNano(b []byte) time.Time { return time.Unix(0, int64(binary.BigEndian.Uint64(b))) }

func (t *turnsFile) close() error {
	if t == nil {
		return nil
	}
	if err := t.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
