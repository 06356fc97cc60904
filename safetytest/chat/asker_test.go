package chat

import (
	"context"
	"testing"
)

func TestAskerStandsBeforeEveryClient(t *testing.T) {
	c := open(t, ok)
	asked := 0
	ctx := WithAsker(t.Context(), func(ctx context.Context, by *Client, r Request) (Reply, error) {
		asked++
		if by != c || r.Messages[0] != question.Messages[0] {
			t.Errorf("asked for %v, %v", by, r)
		}
		if asked == 2 {
			return Reply{Content: "from memory"}, nil
		}
		return by.Ask(ctx, r) // sends, and does not come back here
	})
	for _, want := range []string{"Yes.", "from memory"} {
		if reply, err := c.Ask(ctx, question); err != nil || reply.Content != want {
			t.Errorf("%+v, %v, want %q", reply, err, want)
		}
	}
	if asked != 2 || c.Calls() != 1 {
		t.Errorf("asked %d times, sent %d times", asked, c.Calls())
	}
}
