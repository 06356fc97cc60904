package chat

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Endpoints that give no Retry-After tell in other places when a limit is over: in
// headers of their own, in a field of the body, or in a sentence.

// bodyWait reads the wait that the body of a rejected call asks for.
func bodyWait(body []byte, message string, h http.Header) wait {
	var b struct {
		Error struct {
			Metadata struct {
				Headers json.RawMessage `json:"headers"`
			} `json:"metadata"`
			Details []struct {
				RetryDelay lenientText `json:"retryDelay"`
			} `json:"details"`
			RetryAfter lenientText `json:"retry_after"`
		} `json:"error"`
		RetryAfter lenientText `json:"retry_after"`
	}
	_ = json.Unmarshal(body, &b) // where a part has another form, the others may still tell
	var headers map[string]json.RawMessage
	if json.Unmarshal(b.Error.Metadata.Headers, &headers) == nil {
		told := http.Header{"Date": h["Date"]}
		for name, value := range headers {
			told.Set(name, text(value))
		}
		if w := serverWait(told); w.given {
			return w
		}
		if w := resetHeader(told); w.given {
			return w
		}
	}
	for _, d := range b.Error.Details {
		if span, ok := parseSpan(string(d.RetryDelay)); ok {
			return wait{span, true}
		}
	}
	for _, after := range []lenientText{b.Error.RetryAfter, b.RetryAfter} {
		if span, ok := parseSpan(string(after)); ok {
			return wait{span, true}
		}
	}
	return saidWait(message)
}

// resetHeader reads headers that tell when a limit is over: a moment in
// milliseconds or seconds since 1970, or seconds from now.
func resetHeader(h http.Header) wait {
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset"} {
		n, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64)
		if err != nil || !(n >= 0) || n > 1e15 {
			continue
		}
		now, err := http.ParseTime(h.Get("Date"))
		if err != nil {
			now = time.Now()
		}
		switch {
		case n > 1e11:
			return wait{max(0, time.UnixMilli(int64(n)).Sub(now)), true}
		case n > 1e9:
			return wait{max(0, time.Unix(int64(n), 0).Sub(now)), true}
		}
		d, _ := parseNumber(h.Get(name), time.Second)
		return wait{d, true}
	}
	return wait{}
}

var (
	againIn = regexp.MustCompile(`(?i)\b(?:try again|retry|retrying|wait|reset|resets|available)\b(?: again)?(?: in| after| for| at least)?:? ((?:[0-9]+(?:\.[0-9]+)? ?(?:milliseconds?|ms|minutes?|min|m|hours?|h|seconds?|secs?|s)\b,? ?(?:and )?|[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s))+)`)
	amount  = regexp.MustCompile(`(?i)([0-9]+(?:\.[0-9]+)?) ?(milliseconds?|ms|minutes?|min|m|hours?|h|seconds?|secs?|s)`)
)

// saidWait reads a sentence such as "Please try again in 1m30s."
func saidWait(message string) wait {
	found := againIn.FindStringSubmatch(message[:min(len(message), 8*maxMessage)])
	if found == nil {
		return wait{}
	}
	var total time.Duration
	for _, part := range amount.FindAllStringSubmatch(found[1], -1) {
		unit := time.Second
		switch u := strings.ToLower(part[2]); {
		case strings.HasPrefix(u, "ms") || strings.HasPrefix(u, "milli"):
			unit = time.Millisecond
		case u[0] == 'm':
			unit = time.Minute
		case u[0] == 'h':
			unit = time.Hour
		}
		d, _ := parseNumber(part[1], unit)
		total += d
	}
	return wait{total, true}
}

// parseSpan reads a time span such as 31s, or a number of seconds.
func parseSpan(s string) (time.Duration, bool) {
	if d, ok := parseNumber(s, time.Second); ok {
		return d, true
	}
	d, err := time.ParseDuration(strings.TrimSpace(s))
	return max(0, d), err == nil
}
