package chat

import "fmt"

// Usage counts the tokens of the replies that this process paid for, in the
// servers' own words.
type Usage struct {
	// Prompt tokens were sent; Cached ones among them the servers took from
	// their caches instead of evaluating them.
	Prompt, Cached int
	Reply          int
}

// String gives the share of prompt tokens that were evaluated.
func (u Usage) String() string {
	s := fmt.Sprintf("%d prompt tokens sent", u.Prompt)
	if u.Cached > 0 {
		s += fmt.Sprintf(", %.1f %% of them evaluated", 100*float64(max(0, u.Prompt-u.Cached))/float64(u.Prompt))
	}
	return s
}
