package report

import (
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Waiver is a known violation that the repository's file of waivers allows for the
// time being.
type Waiver struct {
	// UpTo is the margin, in percentage points, up to which the violation is waived.
	UpTo   float64 `json:"up_to_points"`
	Reason string  `json:"reason"`
	Owner  string  `json:"owner"`
	// Expires is the last day on which the waiver counts, as 2027-03-31.
	Expires string `json:"expires"`
	// At is the waiver's file and line.
	At string `json:"at"`
	// Effect and its bounds are those of the claim at the waiver's margin, which was
	// proven, in percentage points.
	Effect *float64 `json:"effect_points,omitempty"`
	Lower  *float64 `json:"lower_points,omitempty"`
	Upper  *float64 `json:"upper_points,omitempty"`
}

// Gates says whether the entry decides whether the run passes: it is no advisory
// claim's, and no waiver allows its violation.
func (e Entry) Gates() bool { return !e.Advisory && e.Waived == nil }

// tier says why an entry that does not hold does not gate, "" where it does.
func (e Entry) tier() string {
	switch w := e.Waived; {
	case w != nil:
		said := fmt.Sprintf("violated, and waived until %s up to %v points (owner: %s; %s): %s", w.Expires, w.UpTo, w.Owner, w.At, w.Reason)
		if w.Effect != nil && w.Lower != nil && w.Upper != nil {
			said += fmt.Sprintf("; that it is within them is proven: %+.1f points, 95 %% bounds %+.1f to %+.1f", *w.Effect, *w.Lower, *w.Upper)
		}
		return said
	case e.Advisory && !e.holds():
		return e.State + ", and advisory: it does not decide whether the run passes"
	}
	return ""
}

// addUngated counts an entry that does not gate, and says whether it is one.
func (s *Summary) addUngated(e Entry) bool {
	switch {
	case e.Waived != nil:
		s.Waived++
	case e.Advisory:
		s.Advisory++
		if e.State == evidence.Violated.String() {
			s.AdvisoryViolated++
		}
	default:
		return false
	}
	return true
}
