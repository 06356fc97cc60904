package chat

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Every way in which endpoints say that a limit is over in twenty seconds.
func TestResetTimes(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	at := now.Add(20 * time.Second)
	sec, ms, iso := fmt.Sprint(at.Unix()), fmt.Sprint(at.UnixMilli()), at.Format(time.RFC3339)
	header := func(name, value string) answer {
		return answer{status: 429, header: http.Header{name: {value}}, body: []byte(`{"error":{"message":"x"}}`)}
	}
	body := func(fields string) answer {
		return answer{status: 429, header: http.Header{}, body: []byte(`{"error":{"message":"x",` + fields + `}}`)}
	}
	for _, a := range []answer{
		body(`"metadata":{"retry_after_seconds":20}`), body(`"metadata":{"headers":{"X-RateLimit-Reset":"` + ms + `"}}`), body(`"metadata":{"headers":{"x-ratelimit-reset":` + sec + `}}`),
		body(`"retry_after":20`), body(`"retryAfter":"20s"`), body(`"retry_after_ms":20000`), body(`"reset_at":"` + iso + `"`), body(`"reset_at":` + sec), body(`"resets_in_seconds":20`),
		body(`"details":[{"a":1},{"retryDelay":"20s"}]`),
		{status: 429, body: []byte(`[{"error":{"message":"x","details":[{"retryDelay":"20s"}]}}]`)},
		{status: 429, body: []byte(`{"retry_after":"20.0"}`)}, {status: 429, body: []byte(`Too many requests, retry after 20s`)},
		header("Retry-After", "20"), header("Retry-After", "20s"), header("Retry-After", sec), header("Retry-After", iso), header("Retry-After", at.Format(http.TimeFormat)), header("Retry-After-Ms", "20000"),
		header("X-Ratelimit-Reset", "20"), header("X-Ratelimit-Reset", "20s"), header("X-Ratelimit-Reset", sec), header("X-Ratelimit-Reset", ms), header("X-Ratelimit-Reset", iso),
		header("Ratelimit-Reset", "20"), header("Ratelimit", "limit=20, remaining=0, reset=20"), header("Ratelimit", `"default";r=0;t=20`),
	} {
		if a.header == nil {
			a.header = http.Header{}
		}
		a.header.Set("Date", now.Format(http.TimeFormat))
		_, err := read(a)
		if err == nil || !err.wait.given || err.wait.d != 20*time.Second {
			t.Errorf("%s %v: %+v", a.body, a.header, err)
		}
	}
	for _, a := range []answer{body(`"retry_after":-1`), body(`"retry_after":"soon"`), body(`"reset":true`), header("Retry-After", "NaN"), header("Retry-After", "-5"), header("Ratelimit", "limit=20, remaining=0"), header("X-Ratelimit-Reset", "soon")} {
		if _, err := read(a); err == nil || err.wait.given {
			t.Errorf("%s %v: %+v", a.body, a.header, err)
		}
	}
}
