package study

import "fmt"

// Analyse estimates what the replies tell, at a level such as 0.95. Where there are
// doubts there is nothing to estimate.
func (r *Result) Analyse(level float64) error {
	r.Estimates = nil
	if len(r.Doubts) > 0 {
		return nil
	}
	var err error
	if r.Estimates, err = Estimates(r.Observations, r.Reading, level); err != nil {
		return fmt.Errorf("study: %w", err)
	}
	return nil
}
