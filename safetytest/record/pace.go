package record

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// pace spaces the requests of several processes so that together they keep within
// requests and tokens per minute, without bursts: whatever minute the endpoint
// counts in, its limits hold. When the next request may be sent, by either limit,
// stands in a file that they share. Tokens are charged by an estimate before a
// request and corrected after it.
type pace struct {
	perRequest, perToken time.Duration // 0: no limit
	farthest             time.Duration // that a turn may lie ahead
	lookAgain            time.Duration // a turn comes nearer when a call took less than was estimated
	turn                 chan struct{} // holds one while somebody of this process waits

	mu   sync.Mutex
	file *os.File
	lock *flock.Flock // over file, between processes
}

// turns are the times from which the next request may be sent.
type turns struct{ request, tokens time.Time }

// openPace returns the pace that is kept in the file at path, nil without limits.
// A minute is shorter in tests.
func openPace(path string, requestsPerMinute, tokensPerMinute int, minute time.Duration) (*pace, error) {
	if requestsPerMinute == 0 && tokensPerMinute == 0 {
		return nil, nil
	}
	if err := regular(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	// A turn farther ahead than any call could put it is one of a clock that was
	// set back since.
	p := &pace{file: file, lock: flock.New(path), turn: make(chan struct{}, 1), farthest: 10 * minute, lookAgain: minute / 60}
	if requestsPerMinute > 0 {
		p.perRequest = minute / time.Duration(requestsPerMinute)
	}
	if tokensPerMinute > 0 {
		p.perToken = minute / time.Duration(tokensPerMinute)
	}
	return p, nil
}

// wait waits for the turn of a request of about the given number of tokens.
func (p *pace) wait(ctx context.Context, tokens int) error {
	if p == nil {
		return nil
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		var d time.Duration
		err := p.change(func(t *turns) bool {
			now := time.Now()
			d = max(t.request.Sub(now), t.tokens.Sub(now))
			if 0 < d && d <= p.farthest {
				return false
			}
			d = 0
			*t = turns{now.Add(p.perRequest), now.Add(time.Duration(tokens) * p.perToken)}
			return true
		})
		if err != nil || d <= 0 {
			return err
		}
		if err := sleep(ctx, min(d, p.lookAgain)); err != nil {
			return err
		}
	}
}

// correct charges tokens more, or fewer when negative.
func (p *pace) correct(tokens int) error {
	if p == nil || p.perToken == 0 {
		return nil
	}
	return p.change(func(t *turns) bool {
		t.tokens = t.tokens.Add(time.Duration(tokens) * p.perToken)
		return true
	})
}

// change lets f change the turns, and writes them if it did.
func (p *pace) change(f func(*turns) bool) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: the limits per minute cannot be shared: %w", ErrWrite, err)
		}
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.lock.Lock(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.lock.Unlock()) }()
	var b [16]byte
	if _, err := p.file.ReadAt(b[:], 0); err != nil && err != io.EOF { // shorter before the first turn
		return err
	}
	t := turns{unixNano(b[:8]), unixNano(b[8:])}
	if !f(&t) {
		return nil
	}
	binary.BigEndian.PutUint64(b[:8], uint64(t.request.UnixNano()))
	binary.BigEndian.PutUint64(b[8:], uint64(t.tokens.UnixNano()))
	_, err = p.file.WriteAt(b[:], 0)
	return err
}

func unixNano(b []byte) time.Time { return time.Unix(0, int64(binary.BigEndian.Uint64(b))) }

func (p *pace) close() error {
	if p == nil {
		return nil
	}
	if err := p.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
