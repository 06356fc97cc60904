// Package ratelimit spaces requests so that they keep within requests and tokens per
// minute, without bursts: whatever minute the endpoint counts in, its limits hold.
//
// It is a leaky bucket of depth one. Tokens are charged by an estimate before a request
// and corrected after it, which a token bucket with reservations, as
// golang.org/x/time/rate has it, cannot take back. When the next request may be sent
// stands in a [Store]: in memory for one process, in a file for several.
package ratelimit

import (
	"context"
	"sync"
	"time"
)

// Turns are the times from which the next request may be sent, by each limit.
type Turns struct{ Request, Tokens time.Time }

// Store keeps turns. Change calls f alone and keeps what it makes of them if it
// reports true.
type Store interface {
	Change(f func(*Turns) bool) error
}

// Limit spaces the requests of all that share its store. The nil Limit spaces nothing.
// It is safe for concurrent use.
type Limit struct {
	store                Store
	perRequest, perToken time.Duration // 0: no limit
	farthest             time.Duration // that a turn may lie ahead
	lookAgain            time.Duration // a turn comes nearer when a call took less than was estimated
	turn                 chan struct{} // holds one while somebody of this process waits
}

// New returns a limit whose turns are kept in store, or in memory where that is nil;
// nil without limits, which are 0. A minute is shorter in tests.
func New(store Store, requestsPerMinute, tokensPerMinute int, minute time.Duration) *Limit {
	if requestsPerMinute <= 0 && tokensPerMinute <= 0 {
		return nil
	}
	if store == nil {
		store = &memory{}
	}
	// A turn farther ahead than any call could put it is one of a clock that was
	// set back since.
	l := &Limit{store: store, turn: make(chan struct{}, 1), farthest: 10 * minute, lookAgain: minute / 60}
	if requestsPerMinute > 0 {
		l.perRequest = minute / time.Duration(requestsPerMinute)
	}
	if tokensPerMinute > 0 {
		l.perToken = minute / time.Duration(tokensPerMinute)
	}
	return l
}

// Wait waits for the turn of a request of about the given number of tokens. It returns
// ctx's error where that ends first, and the store's; then no turn is taken.
func (l *Limit) Wait(ctx context.Context, tokens int) error {
	if l == nil {
		return nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		var d time.Duration
		err := l.store.Change(func(t *Turns) bool {
			now := time.Now()
			d = max(t.Request.Sub(now), t.Tokens.Sub(now))
			if 0 < d && d <= l.farthest {
				return false
			}
			d = 0
			*t = Turns{now.Add(l.perRequest), now.Add(time.Duration(tokens) * l.perToken)}
			return true
		})
		if err != nil || d <= 0 {
			return err
		}
		if err := Sleep(ctx, min(d, l.lookAgain)); err != nil {
			return err
		}
	}
}

// Correct charges tokens more than were estimated, or fewer when negative.
func (l *Limit) Correct(tokens int) error {
	if l == nil || l.perToken == 0 {
		return nil
	}
	return l.store.Change(func(t *Turns) bool {
		t.Tokens = t.Tokens.Add(time.Duration(tokens) * l.perToken)
		return true
	})
}

// memory keeps the turns of one process.
type memory struct {
	mu    sync.Mutex
	turns Turns
}

func (m *memory) Change(f func(*Turns) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t := m.turns; f(&t) {
		m.turns = t
	}
	return nil
}

// Sleep waits for d, not at all if it is not above 0, or until ctx ends, and returns
// ctx's error in that case.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
