package chat

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// firstBackoff is the longest wait before a call is repeated first.
	firstBackoff = 500 * time.Millisecond
	// maxBackoff bounds the wait before a call is repeated when the server
	// names none.
	maxBackoff = 30 * time.Second
	// maxServerWait is the longest wait asked for by a server that is obeyed.
	// A longer one is a matter of quota and ends the call.
	maxServerWait = 5 * time.Minute
)

// wait is how long a server asks to be left alone.
type wait struct {
	d     time.Duration
	given bool
}

// serverWait reads the wait that an answer's header asks for: in milliseconds
// where the server is that precise, else Retry-After in either of its forms
// (RFC 9110, section 10.2.3) and those that servers write besides, such as 20s or
// seconds since 1970. A date is taken relative to the answer's own
// Date, so that a clock of ours that goes wrong does no harm.
func serverWait(h http.Header) wait {
	if d, ok := parseNumber(h.Get("Retry-After-Ms"), time.Millisecond); ok {
		return wait{d, true}
	}
	return spanOrMoment(h.Get("Retry-After"), time.Second, nowBy(h))
}

// parseNumber reads a number of units that is not negative. Waits beyond a day
// are cut to a day.
func parseNumber(s string, unit time.Duration) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(n >= 0) {
		return 0, false
	}
	const day = 24 * time.Hour
	if n > float64(day/unit) {
		return day, true
	}
	return time.Duration(n * float64(unit)), true
}

// backoff returns the wait before a call is repeated for the attempt-th time:
// it doubles from base, up to maxBackoff. Half of it is random, so that calls
// which failed together do not come back together.
func backoff(base time.Duration, attempt int) time.Duration {
	d := maxBackoff
	if attempt < 16 {
		d = min(d, base<<(attempt-1))
	}
	return d/2 + rand.N(d/2+1)
}
