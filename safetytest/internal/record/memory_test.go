package record

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
)

// A record in memory asks once for each key, whoever wants it, and keeps to its
// budget; it continues nothing and knows no history.
func TestInMemory(t *testing.T) {
	r := InMemory(testManifest, 2)
	key := func(cell string) Key { return KeyOf(chat.Request{Cell: cell}) }
	var calls atomic.Int64
	ask := func(ctx context.Context, c *Call) (chat.Reply, error) {
		if err := c.Admit(ctx, 10); err != nil {
			return chat.Reply{}, err
		}
		calls.Add(1)
		return chat.Reply{State: chat.Answered, Content: "yes", Model: "m", Attempts: 1}, nil
	}
	var all sync.WaitGroup
	var recorded atomic.Int64
	for range 10 {
		all.Go(func() {
			reply, known, err := r.Ask(t.Context(), key("a"), ask)
			if err != nil || reply.Content != "yes" {
				t.Errorf("got %+v, %v", reply, err)
			}
			if known {
				recorded.Add(1)
			}
		})
	}
	all.Wait()
	if calls.Load() != 1 || recorded.Load() != 9 || r.Calls() != 1 || r.Replies() != 1 {
		t.Errorf("%d calls, %d of 10 known, counted %d calls and %d replies", calls.Load(), recorded.Load(), r.Calls(), r.Replies())
	}
	if _, _, err := r.Ask(t.Context(), key("b"), ask); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Ask(t.Context(), key("c"), ask); !errors.Is(err, ErrBudget) {
		t.Errorf("a third call was made, or failed otherwise: %v", err)
	}
	if err := r.Begin("claim", "question", ""); err != nil {
		t.Error(err)
	}
	if err := r.Conclude(Conclusion{Claim: "claim", State: "violated", Final: true, Pairs: 7}, nil); err != nil {
		t.Error(err)
	}
	_, earlier, err := r.Earlier(key("a"))
	if past := r.Past("claim", "question", ""); past != (Past{}) || earlier || err != nil || r.HoldsEarlier() || r.Continues() || r.Pairs("claim") != 0 || !r.Foreseen("claim") {
		t.Errorf("it knows of something before it: %+v, %v, %v", past, earlier, err)
	}
	if served := r.Served(); len(served) != 1 || served[0].Model != "m" {
		t.Errorf("served by %v", served)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := r.Ask(t.Context(), key("d"), ask); !errors.Is(err, errClosed) {
		t.Errorf("asked after its end: %v", err)
	}
}

// A call that brought no reply leaves its room in the budget if it was never sent.
func TestInMemoryFailures(t *testing.T) {
	r := InMemory(testManifest, 1)
	unsent := &chat.Error{Kind: chat.Cancelled}
	if _, _, err := r.Ask(t.Context(), Key{Cell: "a"}, func(context.Context, *Call) (chat.Reply, error) { return chat.Reply{}, unsent }); !errors.Is(err, unsent) {
		t.Fatal(err)
	}
	if r.Calls() != 0 {
		t.Errorf("%d calls are counted, none was sent", r.Calls())
	}
	if _, recorded, err := r.Ask(t.Context(), Key{Cell: "a"}, func(context.Context, *Call) (chat.Reply, error) { return chat.Reply{Content: "x"}, nil }); recorded || err != nil {
		t.Errorf("recorded %v, %v", recorded, err)
	}
}
