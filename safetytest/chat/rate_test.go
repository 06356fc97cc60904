package chat

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sendTimes asks n questions at once and returns when each was sent.
func sendTimes(t *testing.T, n int, change func(*Endpoint)) []time.Duration {
	t.Helper()
	start := time.Now()
	var mu sync.Mutex
	var times []time.Duration
	c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		times = append(times, time.Since(start))
		return yes(), nil // 10 tokens
	}), change)
	askMany(t, c, n)
	slices.Sort(times)
	return times
}

func TestRequestsPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i, at := range sendTimes(t, 20, func(e *Endpoint) { e.RequestsPerMinute = 120 }) {
			if want := time.Duration(i) * 500 * time.Millisecond; at != want {
				t.Errorf("call %d was sent after %v, want %v", i+1, at, want)
			}
		}
	})
}

func TestTokensPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 600 tokens a minute are a call of 10 tokens a second, whatever was
		// guessed before.
		const calls = 200
		times := sendTimes(t, calls, func(e *Endpoint) { e.TokensPerMinute = 600; e.Concurrency = 1 })
		if got := times[calls-1]; got < (calls-1)*time.Second || got > (calls+30)*time.Second {
			t.Errorf("%d calls took %v", calls, got)
		}
	})
}

func TestLimitReturnsWhenContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, ok, func(e *Endpoint) { e.RequestsPerMinute = 1 })
		if _, err := c.Ask(t.Context(), question); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Ask(ctx, question)
		if e := kindOf(t, err); e.Kind != Cancelled || e.Attempts != 0 || c.Calls() != 1 {
			t.Errorf("%v after %d calls", err, c.Calls())
		}
	})
}

func TestHeaderWait(t *testing.T) {
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set("x-ratelimit-"+pairs[i], pairs[i+1])
		}
		return h
	}
	for _, c := range []struct {
		name   string
		h      http.Header
		tokens int
		want   time.Duration
	}{
		{"none", nil, 10, 0},
		{"room", header("limit-requests", "60", "remaining-requests", "59", "reset-requests", "1s"), 10, 0},
		{"no requests left", header("limit-requests", "60", "remaining-requests", "0", "reset-requests", "1m0s"), 10, time.Second},
		{"no requests left, no limit given", header("remaining-requests", "0", "reset-requests", "20ms"), 10, 20 * time.Millisecond},
		{"no requests left, no reset given", header("remaining-requests", "0"), 10, 0},
		{"too few tokens", header("limit-tokens", "1000", "remaining-tokens", "200", "reset-tokens", "8s"), 300, time.Second},
		{"enough tokens", header("limit-tokens", "1000", "remaining-tokens", "300", "reset-tokens", "8s"), 300, 0},
		{"more tokens than the limit", header("limit-tokens", "100", "remaining-tokens", "50", "reset-tokens", "8s"), 300, 8 * time.Second},
		{"reset in seconds", header("remaining-requests", "0", "reset-requests", "1.5"), 10, 1500 * time.Millisecond},
		{"a day", header("remaining-requests", "0", "reset-requests", "24h"), 10, maxServerWait},
		{"nonsense", header("remaining-requests", "0", "reset-requests", "soon", "limit-requests", "-3"), 10, 0},
	} {
		if got := headerWait(c.h, c.tokens); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestHeadersPauseEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var times []time.Duration
		c := open(t, inMemory(func(*http.Request) (*http.Response, error) {
			times = append(times, time.Since(start))
			r := yes()
			r.Header.Set("x-ratelimit-limit-requests", "10")
			r.Header.Set("x-ratelimit-remaining-requests", "0")
			r.Header.Set("x-ratelimit-reset-requests", "30s")
			return r, nil
		}), func(e *Endpoint) { e.Concurrency = 1 })
		askMany(t, c, 4)
		for i, at := range times {
			if want := time.Duration(i) * 3 * time.Second; at != want {
				t.Errorf("call %d was sent after %v, want %v", i+1, at, want)
			}
		}
	})
}

func TestAdmit(t *testing.T) {
	t.Run("of the endpoint", func(t *testing.T) {
		admitsThree(t, func(e *Endpoint, _ *Request) *func(context.Context, int) error { return &e.Admit })
	})
	t.Run("of the request", func(t *testing.T) {
		admitsThree(t, func(_ *Endpoint, r *Request) *func(context.Context, int) error { return &r.Admit })
	})
}

func admitsThree(t *testing.T, by func(*Endpoint, *Request) *func(context.Context, int) error) {
	synctest.Test(t, func(t *testing.T) {
		errSpent := errors.New("the budget is spent")
		left := 3
		admit := func(context.Context, int) error {
			if left == 0 {
				return errSpent
			}
			left--
			return nil
		}
		asked := question
		c := open(t, always(503, ""), func(e *Endpoint) { *by(e, &asked) = admit })
		_, err := c.Ask(t.Context(), asked)
		if e := kindOf(t, err); e.Kind != NotAdmitted || !errors.Is(err, errSpent) || e.Attempts != 3 || c.Calls() != 3 {
			t.Errorf("%v with %d attempts after %d calls, want 3", err, e.Attempts, c.Calls())
		}
		if !strings.Contains(err.Error(), "the budget is spent") {
			t.Errorf("error %q", err)
		}
	})
}

func TestServerWait(t *testing.T) {
	for _, c := range []struct {
		after, date, ms string
		want            time.Duration
		given           bool
	}{
		{"", "", "", 0, false},
		{"0", "", "", 0, true},
		{"12", "", "", 12 * time.Second, true},
		{" 1.5 ", "", "", 1500 * time.Millisecond, true},
		{"-1", "", "", 0, false},
		{"NaN", "", "", 0, false},
		{"1e300", "", "", 24 * time.Hour, true},
		{"Inf", "", "", 24 * time.Hour, true},
		{"soon", "", "", 0, false},
		{"Mon, 02 Jan 2023 15:04:35 GMT", "Mon, 02 Jan 2023 15:04:05 GMT", "", 30 * time.Second, true},
		{"Monday, 02-Jan-23 15:04:35 GMT", "Mon, 02 Jan 2023 15:04:05 GMT", "", 30 * time.Second, true},
		{"Mon, 02 Jan 2023 15:04:05 GMT", "Mon, 02 Jan 2023 15:04:35 GMT", "", 0, true},
		{"Mon, 02 Jan 2023 15:04:05 GMT", "", "", 0, true}, // long past
		{"2", "", "250", 250 * time.Millisecond, true},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.after)
		h.Set("Date", c.date)
		h.Set("Retry-After-Ms", c.ms)
		if got := serverWait(h); got != (wait{c.want, c.given}) {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestBackoff(t *testing.T) {
	for attempt := 1; attempt < 70; attempt++ {
		most := min(float64(maxBackoff), float64(firstBackoff)*math.Pow(2, float64(attempt-1)))
		for range 20 {
			if d := float64(backoff(firstBackoff, attempt)); d < most/2-1 || d > most {
				t.Fatalf("attempt %d: %v", attempt, time.Duration(d))
			}
		}
	}
}

// FuzzWaits looks for headers that make the client wait for ever, or backwards.
func FuzzWaits(f *testing.F) {
	for _, s := range []string{"", "1", "-1", "NaN", "1e9", "Mon, 02 Jan 2023 15:04:35 GMT", "6m0s", "20ms", "9223372036854775807"} {
		f.Add(s, s, s)
	}
	f.Fuzz(func(t *testing.T, after, limit, reset string) {
		h := http.Header{}
		h.Set("Retry-After", after)
		h.Set("X-Ratelimit-Remaining-Tokens", "1")
		h.Set("X-Ratelimit-Limit-Tokens", limit)
		h.Set("X-Ratelimit-Reset-Tokens", reset)
		if w := serverWait(h); w.d < 0 || !w.given && w.d != 0 {
			t.Errorf("Retry-After %q: %v", after, w)
		}
		if d := headerWait(h, 100); d < 0 || d > maxServerWait {
			t.Errorf("limit %q, reset %q: %v", limit, reset, d)
		}
	})
}
