package chat

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// gate bounds the calls in flight, and moves the bound by what comes back:
// it grows while latency stays flat, is halved when the endpoint says that
// calls come too fast, and closes for a while when the server fails.
//
// Calls enter in the order in which they came.
type gate struct {
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

func newGate(start, most int) *gate {
	return &gate{limit: start, first: start, most: most, baseWait: firstBackoff}
}

// enter waits until a call may be made.
func (g *gate) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	ready := make(chan struct{})
	place := g.queue.PushBack(ready)
	g.admit()
	g.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-ready: // admitted meanwhile: pass the place on
		g.busy--
		g.admit()
	default:
		g.queue.Remove(place)
	}
	return ctx.Err()
}

// admit lets waiting calls in; g.mu is held.
func (g *gate) admit() {
	for g.busy < g.limit && g.queue.Len() > 0 {
		close(g.queue.Remove(g.queue.Front()).(chan struct{}))
		g.busy++
	}
}

// leave ends a call that was sent at start with fail, or a reply when that is
// nil. A call that was never sent has the zero start.
func (g *gate) leave(start time.Time, latency time.Duration, fail *Error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	full := g.busy >= g.limit
	g.busy--
	defer g.admit()
	if start.IsZero() {
		return
	}
	now := time.Now()
	if fail != nil && fail.wait.given && fail.wait.d <= maxServerWait {
		g.close(now.Add(fail.wait.d))
	}
	switch {
	case fail == nil:
		g.down, g.closures = 0, 0
		if full && !start.Before(g.movedAt) {
			g.observe(latency)
		}
	case fail.Kind == RateLimited && start.After(g.cutAt):
		// Calls that were in flight at the last cut tell nothing new.
		g.limit = max(1, g.limit/2)
		g.cutAt, g.movedAt, g.steady = now, now, true
		g.sum, g.n = 0, 0
	case fail.Kind == ServerFailed || fail.Kind == Unreachable:
		// One failure between replies is that call's own matter.
		if g.down++; g.down > 1 && start.After(g.closedAt) {
			g.closures++
			g.closedAt = now
			g.close(now.Add(backoff(g.baseWait, g.closures)))
		}
	}
}

// observe takes the latency of a reply that came while the limit was used up.
// At the end of each window it raises the limit if the replies came about as
// fast as they ever did, and else takes back what it raised. It never goes
// below the first limit: replies also take longer because they are longer.
func (g *gate) observe(latency time.Duration) {
	g.sum += latency
	g.n++
	if g.n < max(g.limit, minWindow) {
		return
	}
	mean := g.sum / time.Duration(g.n)
	g.sum, g.n = 0, 0
	g.movedAt = time.Now()
	if g.base == 0 || mean < g.base {
		g.base = mean
	}
	switch {
	case mean > g.base*7/4:
		if g.limit > g.first {
			g.limit--
			if !g.steady {
				g.limit = max(g.first, g.limit/2)
			}
		}
		g.steady = true
	case g.steady:
		g.limit = min(g.most, g.limit+1)
	default:
		g.limit = min(g.most, g.limit*2)
	}
}

// close keeps calls from being sent before t; g.mu is held.
func (g *gate) close(t time.Time) {
	if t.After(g.until) {
		g.until = t
	}
}

// pause keeps calls from being sent for d.
func (g *gate) pause(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.close(time.Now().Add(d))
}

// open waits until the gate is not closed.
func (g *gate) open(ctx context.Context) error {
	for {
		g.mu.Lock()
		d := time.Until(g.until)
		g.mu.Unlock()
		if err := sleep(ctx, d); err != nil || d <= 0 {
			return err
		}
	}
}
