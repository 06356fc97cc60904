package chat

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// limitOf returns the limiter's present limit.
func limitOf(g *limiter) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limit
}

// askMany asks n questions from more goroutines than any limit.
func askMany(t *testing.T, c *Client, n int) {
	t.Helper()
	questions := make(chan struct{}, n)
	for range n {
		questions <- struct{}{}
	}
	close(questions)
	var done sync.WaitGroup
	for range 2 * DefaultConcurrency {
		done.Go(func() {
			for range questions {
				if _, err := c.Ask(t.Context(), question); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
}

// server works on each call for a second.
type server struct {
	slots      chan struct{} // bounds the calls worked on at a time, unless nil
	now, most  atomic.Int64
	total      atomic.Int64
	rejectOver int64 // answers 429 when more are in flight; 0: never
	rejected   atomic.Int64
}

func (s *server) RoundTrip(*http.Request) (*http.Response, error) {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	s.most.Store(max(s.most.Load(), n))
	s.total.Add(1)
	if s.rejectOver > 0 && n > s.rejectOver {
		s.rejected.Add(1)
		return respond(429, ""), nil
	}
	if s.slots != nil {
		s.slots <- struct{}{}
		defer func() { <-s.slots }()
	}
	<-time.After(time.Second)
	return yes(), nil
}

func TestConcurrencyGrowsWhileLatencyIsFlat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s server
		c := open(t, &s)
		start := time.Now()
		askMany(t, c, 1000)
		if got := s.most.Load(); got != DefaultConcurrency {
			t.Errorf("at most %d in flight, want %d", got, DefaultConcurrency)
		}
		// 8, 16, 32 and then 64 a second.
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestConcurrencyStaysWhereLatencyRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server{slots: make(chan struct{}, 8)}
		c := open(t, &s)
		askMany(t, c, 2000)
		if got := limitOf(c.limiter); got > 18 || s.most.Load() > 32 {
			t.Errorf("limit %d and at most %d in flight at a server that works on 8", got, s.most.Load())
		}
	})
}

func TestConcurrencyIsGivenFromTheFirstCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := server{slots: make(chan struct{}, 2)}
		c := open(t, &s, func(e *Endpoint) { e.Concurrency = 32 })
		start := time.Now()
		askMany(t, c, 32)
		if got := s.most.Load(); got != 32 || limitOf(c.limiter) != 32 {
			t.Errorf("%d in flight after %v, want the 32 that were given", got, time.Since(start))
		}
	})
}

func TestConcurrencyHalvesOn429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 32 calls in flight are rejected together: that is one cut.
		var n atomic.Int64
		c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
			<-time.After(time.Second)
			if n.Add(1) <= 32 {
				return respond(429, ""), nil
			}
			return yes(), nil
		}), func(e *Endpoint) { e.Concurrency = 32 })
		var done sync.WaitGroup
		for range 32 {
			done.Go(func() {
				if _, err := c.Ask(t.Context(), question); err != nil {
					t.Error(err)
				}
			})
		}
		<-time.After(1100 * time.Millisecond)
		if got := limitOf(c.limiter); got != 16 {
			t.Errorf("limit %d after the first rejections, want 16", got)
		}
		done.Wait()
	})
	synctest.Test(t, func(t *testing.T) {
		s := server{rejectOver: 10}
		c := open(t, &s, func(e *Endpoint) { e.Concurrency = 64 })
		askMany(t, c, 1000)
		if got := limitOf(c.limiter); got < 2 || got > 16 {
			t.Errorf("limit %d at an endpoint that allows 10", got)
		}
		if s.rejected.Load() > 300 {
			t.Errorf("%d calls rejected of %d", s.rejected.Load(), s.total.Load())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c := open(t, always(429, ""), func(e *Endpoint) { e.Concurrency = 4 })
		if _, err := c.Ask(t.Context(), question); err == nil {
			t.Fatal("no error")
		}
		if got := limitOf(c.limiter); got != 1 {
			t.Errorf("limit %d, want 1: a client that cannot call never finds out that it may", got)
		}
	})
}

func TestServerFailuresPauseEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The server fails for its first ten seconds.
		start := time.Now()
		var failed atomic.Int64
		c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
			if time.Since(start) < 10*time.Second {
				failed.Add(1)
				return respond(500, ""), nil
			}
			<-time.After(10 * time.Millisecond)
			return yes(), nil
		}), func(e *Endpoint) { e.Concurrency = 2 })
		askMany(t, c, 500)
		// Without the pause the 128 goroutines, two at a time, would try
		// several times each.
		if n := failed.Load(); n > 40 {
			t.Errorf("%d calls were sent to a failing server", n)
		}
	})
}

func TestOneServerFailurePausesNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLimiter(4, 4)
		end := func(fail *Error) (waited time.Duration) {
			start := time.Now()
			if err := g.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Millisecond)
			g.leave(time.Now(), time.Millisecond, fail)
			if err := g.open(t.Context()); err != nil {
				t.Fatal(err)
			}
			return time.Since(start) - time.Millisecond
		}
		failed := &Error{Kind: ServerFailed}
		for i, c := range []struct {
			fail *Error
			most time.Duration
		}{
			{failed, 0}, {nil, 0}, {failed, 0}, {failed, firstBackoff}, {failed, 2 * firstBackoff}, {nil, 0}, {failed, 0},
		} {
			if d := end(c.fail); d > c.most || d < c.most/2 {
				t.Errorf("step %d: closed for %v, want up to %v", i, d, c.most)
			}
		}
	})
}

func TestFailuresTogetherCloseTheGateOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLimiter(10, 10)
		start := time.Now()
		<-time.After(time.Millisecond)
		for range 10 {
			g.leave(start, 0, &Error{Kind: ServerFailed})
		}
		if d := time.Until(g.until); d > firstBackoff {
			t.Errorf("closed for %v, want at most %v", d, firstBackoff)
		}
	})
}

func TestLatencyOfEarlierLimitsIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLimiter(16, 64)
		fill := func(n int, start time.Time, latency time.Duration) {
			for range n {
				g.busy = g.limit
				g.leave(start, latency, nil)
			}
		}
		before := time.Now()
		<-time.After(time.Second)
		fill(16, before, time.Second)
		if g.limit != 32 {
			t.Fatalf("limit %d after a full window, want 32", g.limit)
		}
		fill(64, before, 9*time.Second)
		if g.limit != 32 {
			t.Errorf("limit %d by calls sent before it moved", g.limit)
		}
		fill(32, time.Now(), 9*time.Second)
		if g.limit != 16 {
			t.Errorf("limit %d after a slow window, want 16", g.limit)
		}
	})
}

func TestRetryAfterHoldsForEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var first atomic.Bool
		c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
			if first.CompareAndSwap(false, true) {
				return respond(429, "", "Retry-After", "20"), nil
			}
			if d := time.Since(start); d < 20*time.Second {
				t.Errorf("a call was sent after %v, asked were 20s", d)
			}
			return yes(), nil
		}), func(e *Endpoint) { e.Concurrency = 1 })
		askMany(t, c, 5)
	})
}

// A call that is admitted in the moment in which it gives up must pass its
// place on. Both happen before it runs again, so it often meets both.
func TestGateLosesNoPlace(t *testing.T) {
	for range 2000 {
		g := newLimiter(1, 1)
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		entered := make(chan error)
		go func() { entered <- g.enter(ctx) }()
		for queued := 0; queued == 0; runtime.Gosched() {
			g.mu.Lock()
			queued = g.queue.Len()
			g.mu.Unlock()
		}
		cancel()
		g.leave(time.Time{}, 0, nil)
		if err := <-entered; err == nil {
			g.leave(time.Time{}, 0, nil)
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if g.busy != 0 || g.queue.Len() != 0 {
			t.Fatalf("%d busy and %d waiting at the end", g.busy, g.queue.Len())
		}
	}
}

func TestGateKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newLimiter(1, 1)
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []int
		for i := range 5 {
			go func() {
				if g.enter(t.Context()) == nil {
					order = append(order, i)
					g.leave(time.Time{}, 0, nil)
				}
			}()
			synctest.Wait()
		}
		g.leave(time.Time{}, 0, nil)
		synctest.Wait()
		for i, got := range order {
			if got != i {
				t.Fatalf("order %v", order)
			}
		}
		if len(order) != 5 {
			t.Fatalf("order %v", order)
		}
	})
}
