// Package drawing puts an interval and the limits that it is compared with onto a
// scale: as a line of text, and as the numbers that a picture is made of.
package drawing

import (
	"fmt"
	"math"
)

// Interval is what is drawn, in percentage points.
type Interval struct {
	Lower, Estimate, Upper float64
	// Least and Most bound what is allowed; an infinite one bounds nothing.
	Least, Most float64
	// Rate says that the values are shares from 0 to 100 and not changes.
	Rate bool
}

// finite says whether every number that is drawn is one.
func (x Interval) finite() bool {
	for _, v := range []float64{x.Lower, x.Estimate, x.Upper} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return !math.IsNaN(x.Least) && !math.IsNaN(x.Most)
}

// Scale is the range of a drawing, in percentage points.
type Scale struct{ From, To float64 }

// steps are the ends that a scale may have, from 0 in either direction.
var steps = []float64{1, 2, 5, 10, 20, 40, 60, 80, 100}

// Scale is the smallest range with simple ends that shows the interval, its limits
// with some room beyond each, and of changes as much on the other side of 0.
func (x Interval) Scale() Scale {
	low, high := min(0, x.Lower), max(0, x.Upper)
	for _, limit := range []float64{x.Least, x.Most} {
		if !math.IsInf(limit, 0) {
			low, high = min(low, 1.2*limit, -math.Abs(limit)), max(high, 1.2*limit)
		}
	}
	s := Scale{To: outward(high)}
	if !x.Rate && low < 0 {
		s.From = -outward(-low)
	}
	if s.To <= s.From {
		s.To = s.From + 1
	}
	return s
}

// outward is the next simple number.
func outward(v float64) float64 {
	if v <= 0 {
		return 0
	}
	for _, s := range steps {
		if v <= s {
			return s
		}
	}
	return 100
}

// Share is where a value lies, from 0 at the scale's beginning to 1 at its end.
func (s Scale) Share(v float64) float64 {
	return max(0, min(1, (v-s.From)/(s.To-s.From)))
}

// Words says the same in words: the best guess, its bounds, and what is allowed.
func (x Interval) Words() string {
	return fmt.Sprintf("%s, 95 %% bounds %s; allowed: %s", x.Guess(), x.Bounds(), x.Allowed())
}

// Guess is the best guess, with its unit.
func (x Interval) Guess() string {
	if x.Rate {
		return fmt.Sprintf("%.1f %%", x.Estimate)
	}
	return fmt.Sprintf("%+.1f points", x.Estimate)
}

// Bounds are the ends of the interval.
func (x Interval) Bounds() string {
	if x.Rate {
		return fmt.Sprintf("%.1f to %.1f", x.Lower, x.Upper)
	}
	return fmt.Sprintf("%+.1f to %+.1f", x.Lower, x.Upper)
}

// Allowed says what is allowed.
func (x Interval) Allowed() string {
	format := "%+g"
	if x.Rate {
		format = "%g %%"
	}
	least, most := math.Round(1e2*x.Least)/1e2, math.Round(1e2*x.Most)/1e2
	switch {
	case math.IsInf(least, -1):
		return fmt.Sprintf("at most "+format, most)
	case math.IsInf(most, 1):
		return fmt.Sprintf("at least "+format, least)
	}
	return fmt.Sprintf(format+" to "+format, least, most)
}
