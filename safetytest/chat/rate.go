package chat

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// pace spaces calls so that they keep within requests and tokens per minute,
// without bursts: whatever minute the endpoint counts in, its limit holds.
// Tokens are charged by a guess before the call and corrected after it.
//
// This is a leaky bucket of depth one. A token bucket with reservations, as
// golang.org/x/time/rate has it, cannot take back what a guess overcharged.
type pace struct {
	mu          sync.Mutex
	perRequest  time.Duration // 0: no limit
	perToken    time.Duration // 0: no limit
	nextRequest time.Time
	nextTokens  time.Time
}

func newPace(requestsPerMinute, tokensPerMinute int) *pace {
	p := &pace{}
	if requestsPerMinute > 0 {
		p.perRequest = time.Minute / time.Duration(requestsPerMinute)
	}
	if tokensPerMinute > 0 {
		p.perToken = time.Minute / time.Duration(tokensPerMinute)
	}
	return p
}

// wait charges for a call of about the given number of tokens and waits for
// its turn.
func (p *pace) wait(ctx context.Context, tokens int) error {
	if p.perRequest == 0 && p.perToken == 0 {
		return nil
	}
	p.mu.Lock()
	now := time.Now()
	p.nextRequest = later(p.nextRequest, now)
	p.nextTokens = later(p.nextTokens, now)
	at := later(p.nextRequest, p.nextTokens)
	p.nextRequest = p.nextRequest.Add(p.perRequest)
	p.nextTokens = p.nextTokens.Add(time.Duration(tokens) * p.perToken)
	p.mu.Unlock()
	return sleep(ctx, at.Sub(now))
}

// correct charges tokens more, or fewer when negative.
func (p *pace) correct(tokens int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nextTokens = p.nextTokens.Add(time.Duration(tokens) * p.perToken)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// toldWait returns how long to wait for another call of the given number of
// tokens by the x-ratelimit headers of an answer, 0 when there is room. What
// an endpoint calls its reset is the time until the whole limit is free again;
// a call needs a part of it only.
func toldWait(h http.Header, tokens int) time.Duration {
	return max(
		refill(h, "Requests", 1),
		refill(h, "Tokens", tokens),
	)
}

func refill(h http.Header, what string, need int) time.Duration {
	remaining, err := strconv.Atoi(h.Get("X-Ratelimit-Remaining-" + what))
	if err != nil || remaining >= need {
		return 0
	}
	reset := spanOrMoment(h.Get("X-Ratelimit-Reset-"+what), time.Second, nowBy(h)).d
	limit, err := strconv.Atoi(h.Get("X-Ratelimit-Limit-" + what))
	if err != nil || limit <= remaining || need >= limit {
		return min(reset, maxServerWait)
	}
	share := float64(need-remaining) / float64(limit-remaining)
	return min(time.Duration(share*float64(reset)), maxServerWait)
}
