package chat

import "testing"

// What others call 429 is asked again, and no end of the run.
func TestCallsTurnedAwayByAStatusOfTheirOwn(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		kind   ErrorKind
		before bool
	}{
		"capacity":       {498, `{"error":{"message":"Flex tier capacity exceeded","type":"capacity_exceeded"}}`, RateLimited, true},
		"throttled":      {400, `{"error":{"message":"Rate exceeded","code":"ThrottlingException"}}`, RateLimited, true},
		"limit with 403": {403, `{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}`, RateLimited, true},
		"broke off":      {498, `{"error":{"message":"timed out while generating","type":"capacity_exceeded"}}`, RateLimited, false},
		"another 498":    {498, `{"error":{"message":"Token expired","type":"invalid_token"}}`, Rejected, false},
		"other words":    {400, `{"error":{"message":"the capacity of the tank is exceeded","type":"invalid_request_error"}}`, Rejected, false},
	} {
		_, err := read(answer{status: c.status, body: []byte(c.body)})
		if err == nil || err.Kind != c.kind || err.before != c.before {
			t.Errorf("%s: %+v", name, err)
		}
	}
}
