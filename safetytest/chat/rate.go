package chat

import (
	"net/http"
	"strconv"
	"time"
)

// headerWait returns how long to wait for another call of the given number of
// tokens by the x-ratelimit headers of an answer, 0 when there is room. What
// an endpoint calls its reset is the time until the whole limit is free again;
// a call needs a part of it only.
func headerWait(h http.Header, tokens int) time.Duration {
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
