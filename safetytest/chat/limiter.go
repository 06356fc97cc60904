package chat

import (
	"container/list"
	"context"
	"sync"
	"time"

	"github.com/safetyspec/safetyspec/safetytest/internal/ratelimit"
)

// limiter bounds the calls in flight, and moves the bound by what comes back:
// it grows while latency stays flat, is halved when the endpoint says that
// calls come too fast, and closes for a while when the server fails.
//
// Calls enter in the order in which they came.
type limiter struct {
	mu    sync.Mutex
	limit int // calls in flight that are allowed now
	first int // the limit at the start
	most  int // the largest limit
	busy  int
	queue list.List // of chan struct{}, closed when its call may enter

	// Latency is averaged over windows of calls and compared with base, the
	// smallest average so far.
	sum    time.Duration
	n      int
	base   time.Duration
	steady bool // latency once rose or the rate was too high: grow by one only

	movedAt time.Time // when the limit last moved
	cutAt   time.Time // when it was last halved

	until    time.Time // closed until then
	closedAt time.Time // when it was last closed for a failing server
	down     int       // failures of the server since it last answered
	closures int       // closures since it last answered

	baseWait time.Duration
}

// minWindow is the fewest calls whose latencies are averaged.
const minWindow = 16

func newLimiter(start, most int) *limiter {
	return &limiter{limit: start, first: start, most: most, baseWait: firstBackoff}
}

// enter waits until a call may be made.
func (l *limiter) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	ready := make(chan struct{})
	place := l.queue.PushBack(ready)
	l.admit()
	l.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-ready: // admitted meanwhile: pass the place on
		l.busy--
		l.admit()
	default:
		l.queue.Remove(place)
	}
	return ctx.Err()
}

// admit lets waiting calls in; l.mu is held.
func (l *limiter) admit() {
	for l.busy < l.limit && l.queue.Len() > 0 {
		close(l.queue.Remove(l.queue.Front()).(chan struct{}))
		l.busy++
	}
}

// leave ends a call that was sent at start with fail, or a reply when that is
// nil. A call that was never sent has the zero start.
func (l *limiter) leave(start time.Time, latency time.Duration, fail *Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.busy >= l.limit
	l.busy--
	defer l.admit()
	if start.IsZero() {
		return
	}
	now := time.Now()
	if fail != nil && fail.wait.given && fail.wait.d <= maxServerWait {
		l.close(now.Add(fail.wait.d))
	}
	switch {
	case fail == nil:
		l.down, l.closures = 0, 0
		if full && !start.Before(l.movedAt) {
			l.observe(latency)
		}
	case fail.Kind == RateLimited && start.After(l.cutAt):
		// Calls that were in flight at the last cut tell nothing new.
		l.limit = max(1, l.limit/2)
		l.cutAt, l.movedAt, l.steady = now, now, true
		l.sum, l.n = 0, 0
	case fail.Kind == ServerFailed || fail.Kind == Unreachable:
		// One failure between replies is that call's own matter.
		if l.down++; l.down > 1 && start.After(l.closedAt) {
			l.closures++
			l.closedAt = now
			l.close(now.Add(backoff(l.baseWait, l.closures)))
		}
	}
}

// observe takes the latency of a reply that came while the limit was used up.
// At the end of each window it raises the limit if the replies came about as
// fast as they ever did, and else takes back what it raised. It never goes
// below the first limit: replies also take longer because they are longer.
func (l *limiter) observe(latency time.Duration) {
	l.sum += latency
	l.n++
	if l.n < max(l.limit, minWindow) {
		return
	}
	mean := l.sum / time.Duration(l.n)
	l.sum, l.n = 0, 0
	l.movedAt = time.Now()
	if l.base == 0 || mean < l.base {
		l.base = mean
	}
	switch {
	case mean > l.base*7/4:
		if l.limit > l.first {
			l.limit--
			if !l.steady {
				l.limit = max(l.first, l.limit/2)
			}
		}
		l.steady = true
	case l.steady:
		l.limit = min(l.most, l.limit+1)
	default:
		l.limit = min(l.most, l.limit*2)
	}
}

// close keeps calls from being sent before t; l.mu is held.
func (l *limiter) close(t time.Time) {
	if t.After(l.until) {
		l.until = t
	}
}

// pause keeps calls from being sent for d.
func (l *limiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.close(time.Now().Add(d))
}

// open waits until the limiter is not closed.
func (l *limiter) open(ctx context.Context) error {
	for {
		l.mu.Lock()
		d := time.Until(l.until)
		l.mu.Unlock()
		if err := ratelimit.Sleep(ctx, d); err != nil || d <= 0 {
			return err
		}
	}
}
