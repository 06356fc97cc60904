package singleflight

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Of many callers one is at it, and what becomes of it is what it said.
func TestCallersJoin(t *testing.T) {
	for _, c := range []struct {
		name          string
		first         Outcome
		calls         int // of ten callers at once, and one later
		joined, later bool
	}{
		{"kept", Keep, 1, true, true},
		{"forgotten", Forget, 2, true, false},
		{"interrupted", Interrupted, 2, true, true}, // whoever took its place kept it
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group[string, int]
				var calls, joined atomic.Int64
				do := func() bool {
					got, j, err := g.Do(t.Context(), "key", func(v *int) Outcome {
						n := calls.Add(1)
						time.Sleep(time.Second)
						*v = int(n)
						if n == 1 {
							return c.first
						}
						return Keep
					})
					if err != nil || got == 0 {
						t.Errorf("got %d, %v", got, err)
					}
					return j
				}
				for range 10 {
					go func() {
						if do() {
							joined.Add(1)
						}
					}()
				}
				time.Sleep(time.Minute)
				want := int64(9)
				if c.first == Interrupted {
					want = 8
				}
				if joined.Load() != want {
					t.Errorf("%d of ten joined, want %d", joined.Load(), want)
				}
				if later := do(); later != c.later || int(calls.Load()) != c.calls {
					t.Errorf("a later caller joined: %v; %d calls, want %d", later, calls.Load(), c.calls)
				}
			})
		})
	}
}

// Keys have nothing to do with each other.
func TestOtherKeysDoNotWait(t *testing.T) {
	var g Group[int, int]
	_, _, _ = g.Do(t.Context(), 1, func(*int) Outcome {
		got, joined, err := g.Do(t.Context(), 2, func(v *int) Outcome { *v = 7; return Keep })
		if got != 7 || joined || err != nil {
			t.Errorf("got %d, %v, %v", got, joined, err)
		}
		return Keep
	})
}

// Whoever waits need not wait for ever: for a caller that is slow, or one that panics.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, error]
		unfinished := errors.New("did not end")
		go func() {
			defer func() { _ = recover() }()
			_, _, _ = g.Do(context.Background(), "key", func(v *error) Outcome {
				*v = unfinished
				time.Sleep(time.Minute)
				panic("no")
			})
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		never := func(*error) Outcome { t.Error("called beside another"); return Forget }
		if _, joined, err := g.Do(ctx, "key", never); !joined || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("joined %v, %v", joined, err)
		}
		start := time.Now()
		g.Wait(time.Second)
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("waited %v", waited)
		}
		if got, _, err := g.Do(t.Context(), "key", never); !errors.Is(got, unfinished) || err != nil {
			t.Errorf("got %v, %v", got, err)
		}
		g.Wait(time.Hour) // nothing is under way
		if took := time.Since(start); took > time.Minute {
			t.Errorf("took %v", took)
		}
	})
}
