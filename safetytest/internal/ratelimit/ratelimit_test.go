package ratelimit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sent lets workers wait for n turns and returns when each came.
func sent(t *testing.T, l *Limit, n, workers, estimate, took int) []time.Duration {
	t.Helper()
	start := time.Now()
	var mu sync.Mutex
	var at []time.Duration
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				if err := errors.Join(l.Wait(t.Context(), estimate), l.Correct(took-estimate)); err != nil {
					t.Error(err)
				}
				mu.Lock()
				at = append(at, time.Since(start))
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(at)
	return at
}

func TestSpacing(t *testing.T) {
	for _, c := range []struct {
		name                     string
		requests, tokens         int
		calls, estimate, took    int
		between                  time.Duration
		atLeast, atMost, workers int // seconds, for the last
	}{
		{"requests", 120, 0, 100, 50, 10, 500 * time.Millisecond, 49, 50, 8},
		{"tokens, as estimated", 0, 600, 50, 10, 10, time.Second, 49, 49, 8},
		{"tokens, fewer than estimated", 0, 600, 50, 100, 10, time.Second, 49, 49, 1},
		{"tokens, more than estimated", 0, 600, 50, 1, 10, time.Second, 49, 49, 1},
		{"both, requests are fewer", 60, 6000, 50, 10, 10, time.Second, 49, 49, 4},
		{"none", 0, 0, 50, 10, 10, 0, 0, 0, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := sent(t, New(nil, c.requests, c.tokens, time.Minute), c.calls, c.workers, c.estimate, c.took)
				for i, d := range at[1:] {
					if d-at[i] < c.between {
						t.Errorf("call %d came %v after the one before, want %v", i+1, d-at[i], c.between)
					}
				}
				if last := at[c.calls-1]; last < time.Duration(c.atLeast)*time.Second || last > time.Duration(c.atMost)*time.Second {
					t.Errorf("the last call came after %v", last)
				}
			})
		})
	}
}

// Who gives up takes no turn, whether it waited for its own or behind others.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(nil, 1, 0, time.Minute)
		if err := l.Wait(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := l.Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		start := time.Now()
		if err := l.Wait(t.Context(), 1); err != nil || time.Since(start) != 59*time.Second {
			t.Errorf("%v after %v, want 59 s", err, time.Since(start))
		}
	})
}

// A turn that lies hours ahead is of a clock that was set back.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &memory{turns: Turns{Request: time.Now().Add(3 * time.Hour), Tokens: time.Now().Add(3 * time.Hour)}}
		l := New(store, 60, 0, time.Minute)
		start := time.Now()
		if err := errors.Join(l.Wait(t.Context(), 1), l.Wait(t.Context(), 1)); err != nil || time.Since(start) != time.Second {
			t.Errorf("%v after %v, want 1 s", err, time.Since(start))
		}
	})
}

type broken struct{}

func (broken) Change(func(*Turns) bool) error { return errors.New("the store is gone") }

func TestStoresThatFail(t *testing.T) {
	l := New(broken{}, 60, 600, time.Minute)
	if err := l.Wait(t.Context(), 1); err == nil {
		t.Error("a turn without a store")
	}
	if err := l.Correct(1); err == nil {
		t.Error("a correction without a store")
	}
}
