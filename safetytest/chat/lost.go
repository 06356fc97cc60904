package chat

// lost is what is recorded of a call that failed after the model may have begun
// with it: whether it failed may depend on what the reply would have said, so that
// another try would put another, perhaps an easier, reply in its place.
func (e *Error) lost(a answer) Reply {
	r := Reply{}
	if e.reply != nil {
		r = *e.reply
	}
	r.State, r.Latency = Lost, a.latency
	r.Content, r.Refusal, r.Reasoning, r.FirstTokens, r.Others = "", "", "", nil, nil
	return r
}

// fate is what becomes of a call that brought no reply.
type fate int

const (
	failsAtOnce fate = iota
	mayRepeat
	isLost
)

// fateOf decides by what kind of fault it is, and by whether the endpoint ever
// answered properly: what looks like a wrong address or a missing key is reported
// at once until it did, and afterwards it is weather.
func (c *Client) fateOf(e *Error) fate {
	proven := c.proven.Load()
	if e.began {
		return isLost
	}
	switch e.Kind {
	case RateLimited, Interrupted, ServerFailed:
		if e.before && e.wait.d <= maxServerWait {
			return mayRepeat
		}
		if e.before {
			return failsAtOnce
		}
		if e.page && !proven { // what is in between lets nothing through
			return failsAtOnce
		}
		return isLost
	case TimedOut:
		return isLost
	case Unreachable:
		if proven {
			return mayRepeat
		}
	case Unreadable:
		if proven {
			return isLost
		}
	}
	return failsAtOnce
}

// Spent is how many tokens the call is charged with: those that the endpoint
// counted, prompt and reply together, or estimate ([Request.EstimateTokens]) where
// it counted none, or fewer than the text that came can have. A reply that is
// longer than the estimate allows for adds what it is longer.
func (r Reply) Spent(estimate int) int {
	const bytesPerToken, longestToken = 4, 64
	received := len(r.Content) + len(r.Reasoning) + len(r.Refusal)
	if r.Others != nil {
		for _, o := range *r.Others {
			received += len(o.Content) + len(o.Reasoning) + len(o.Refusal)
		}
	}
	if r.PromptTokens > 0 && r.ReplyTokens >= received/longestToken && (r.ReplyTokens > 0 || received == 0 && r.State != Lost) {
		return r.PromptTokens + r.ReplyTokens
	}
	return max(r.PromptTokens+r.ReplyTokens, estimate+max(0, received/bytesPerToken-replyGuess))
}
