package chat

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Endpoints that give no Retry-After tell in other places when a limit is over: in
// headers of their own, in a field of the body, or in a sentence.

// waitFields are fields of a body that tell a span until the next call, as
// plainWord writes them, with the unit of a bare number, and momentFields those
// that tell a moment.
var (
	waitFields = []struct {
		name string
		unit time.Duration
	}{
		{"retryafterms", time.Millisecond}, {"retryaftermilliseconds", time.Millisecond}, {"retryafterseconds", time.Second}, {"retryafter", time.Second},
		{"retrydelay", time.Second}, {"retryin", time.Second}, {"resetsinseconds", time.Second}, {"resetinseconds", time.Second}, {"resetsin", time.Second}, {"resetin", time.Second},
	}
	momentFields = []string{"resetat", "resetsat", "retryat", "resettime", "reset"}
)

// bodyWait reads the wait that the body of a rejected call asks for.
func bodyWait(body []byte, message string, h http.Header) wait {
	if w := waitIn(body, nowBy(h), 0); w.given {
		return w
	}
	return saidWait(message)
}

// waitIn looks for fields that tell a wait in an object, and then in the parts of
// it in which endpoints put them.
func waitIn(v json.RawMessage, now time.Time, depth int) wait {
	const deepest, mostParts = 4, 16
	var object map[string]json.RawMessage
	var list []json.RawMessage
	if depth > deepest {
		return wait{}
	}
	if json.Unmarshal(v, &list) == nil {
		for _, part := range list[:min(len(list), mostParts)] {
			if w := waitIn(part, now, depth+1); w.given {
				return w
			}
		}
		return wait{}
	}
	if json.Unmarshal(v, &object) != nil {
		return wait{}
	}
	byName := map[string]json.RawMessage{}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		byName[plainWord(key)] = object[key]
	}
	if headers := byName["headers"]; headers != nil {
		if w := waitWithin(headers, now); w.given {
			return w
		}
	}
	for _, f := range waitFields {
		if w := spanOrMoment(text(byName[f.name]), f.unit, now); w.given {
			return w
		}
	}
	for _, name := range momentFields {
		if w := spanOrMoment(text(byName[name]), time.Second, now); w.given {
			return w
		}
	}
	for _, part := range []string{"error", "errors", "metadata", "details", "detail", "data"} {
		if w := waitIn(byName[part], now, depth+1); w.given {
			return w
		}
	}
	return wait{}
}

// waitWithin reads headers that a router repeats in the body.
func waitWithin(v json.RawMessage, now time.Time) wait {
	var headers map[string]json.RawMessage
	if json.Unmarshal(v, &headers) != nil {
		return wait{}
	}
	header := http.Header{"Date": {now.UTC().Format(http.TimeFormat)}}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		header.Set(name, text(headers[name]))
	}
	if w := serverWait(header); w.given {
		return w
	}
	return resetHeader(header)
}

// nowBy is the time by an answer's own clock, else by ours.
func nowBy(h http.Header) time.Time {
	if now, err := http.ParseTime(h.Get("Date")); err == nil {
		return now
	}
	return time.Now()
}

// spanOrMoment reads what tells when a limit is over: a moment in milliseconds or
// seconds since 1970 or as a date, a span such as 20s, or a bare number of units
// from now.
func spanOrMoment(s string, unit time.Duration, now time.Time) wait {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case !(n >= 0):
			return wait{}
		case n > 1e11 && n < 1e14:
			return wait{max(0, time.UnixMilli(int64(n)).Sub(now)), true}
		case n > 1e9 && n < 1e11:
			return wait{max(0, time.Unix(int64(n), 0).Sub(now)), true}
		}
		d, _ := parseNumber(s, unit)
		return wait{d, true}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return wait{d, true}
	}
	if at, err := http.ParseTime(s); err == nil {
		return wait{max(0, at.Sub(now)), true}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05 MST"} {
		if at, err := time.Parse(layout, s); err == nil {
			return wait{max(0, at.Sub(now)), true}
		}
	}
	return wait{}
}

// ofRateLimit finds the reset of the header RateLimit, in the words of both of its
// drafts.
var ofRateLimit = regexp.MustCompile(`(?i)(?:^|[;,\s])(?:reset|t)\s*=\s*([0-9]+)`)

// resetHeader reads headers that tell when a limit is over.
func resetHeader(h http.Header) wait {
	now := nowBy(h)
	for _, name := range []string{"X-Ratelimit-Reset", "Ratelimit-Reset", "X-Rate-Limit-Reset"} {
		if w := spanOrMoment(h.Get(name), time.Second, now); w.given {
			return w
		}
	}
	if found := ofRateLimit.FindStringSubmatch(h.Get("Ratelimit")); found != nil {
		return spanOrMoment(found[1], time.Second, now)
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
