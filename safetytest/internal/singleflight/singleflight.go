// Package singleflight lets callers that want the same thing wait for the one of
// them that is getting it, so that nothing is asked, read or decided twice.
package singleflight

import (
	"context"
	"sync"
	"time"
)

// Outcome says what becomes of what a caller got.
type Outcome int

// The outcomes.
const (
	// Forget hands it to those who waited; whoever comes later gets it anew.
	Forget Outcome = iota
	// Keep hands it to everybody, from now on.
	Keep
	// Interrupted says nothing about what others would have got: one of those who
	// waited gets it in place of the caller.
	Interrupted
)

// Group joins callers by the key of what they want. The zero value is ready, and safe
// for concurrent use.
type Group[K comparable, V any] struct {
	mu      sync.Mutex
	flights map[K]*flight[V]
}

// flight is what one caller gets for all of them.
type flight[V any] struct {
	done    chan struct{}
	value   V
	outcome Outcome
}

// Do returns what is had for a key: f fills it in, unless another caller is just
// doing so or it was kept; then joined is true. Where f panics, those who wait get
// what it had filled in, and it is forgotten. The only error is that of ctx, where
// it ends while another caller is waited for.
func (g *Group[K, V]) Do(ctx context.Context, key K, f func(*V) Outcome) (value V, joined bool, err error) {
	for {
		g.mu.Lock()
		have, ok := g.flights[key]
		if !ok {
			own := &flight[V]{done: make(chan struct{})}
			if g.flights == nil {
				g.flights = map[K]*flight[V]{}
			}
			g.flights[key] = own
			g.mu.Unlock()
			g.fly(key, own, f)
			return own.value, false, nil
		}
		g.mu.Unlock()
		select {
		case <-have.done:
		default:
			select {
			case <-have.done:
			case <-ctx.Done():
				return value, true, ctx.Err()
			}
		}
		if have.outcome != Interrupted {
			return have.value, true, nil
		}
	}
}

// fly has f fill in a flight, and ends it however f ends.
func (g *Group[K, V]) fly(key K, own *flight[V], f func(*V) Outcome) {
	defer func() {
		if own.outcome != Keep {
			g.mu.Lock()
			delete(g.flights, key)
			g.mu.Unlock()
		}
		close(own.done)
	}()
	own.outcome = f(&own.value)
}

// Wait waits for all that is under way, and no longer than for patience.
func (g *Group[K, V]) Wait(patience time.Duration) {
	g.mu.Lock()
	var underWay []chan struct{}
	for _, f := range g.flights {
		underWay = append(underWay, f.done)
	}
	g.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for _, done := range underWay {
		select {
		case <-done:
		case <-timer.C:
			return
		}
	}
}
