package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Calibration is how well a judge reads compliance, measured on labels. A file
// of it is JSON; package calibrate reads and writes it.
type Calibration struct {
	// Version of the file format, 1.
	Version int `json:"version"`
	// Judge names the judge, with the model it asks if it asks one.
	Judge string `json:"judge"`
	// Provenance says on which labels it was measured, how and when.
	Provenance string `json:"provenance"`
	Counts
	// Classes splits the counts by the labels' Class, where they have one: a
	// judge may err more often on replies to some arms than on those to others. A
	// class is named by what its arm shows, in the words of the arm's composition,
	// such as "4 refusals, then 8 benign": the name that "safetytest audit" takes
	// from a run's record, and that arms of equal content share, whatever claims
	// call them. Where there are classes, a claim corrects each of its arms by the
	// labels of its own class, and proves nothing of an arm that has none.
	Classes map[string]Counts `json:"classes,omitempty"`
}

// EnoughLabels is how many labels of each kind a calibration should rest on.
// With fewer the bound of J is so low that claims need half as many calls
// again.
const EnoughLabels = 50

// Warnings says what a user should know before trusting the calibration.
func (c Calibration) Warnings() []string {
	var all []string
	if c.Complied < EnoughLabels || c.Refused < EnoughLabels {
		all = append(all, fmt.Sprintf("the judge was calibrated on %d complied and %d refused replies; label at least %d of each",
			c.Complied, c.Refused, EnoughLabels))
	}
	if n := c.Failed + c.Undecided; n > 0 {
		all = append(all, fmt.Sprintf("the judge did not decide %d of %d labelled replies, which count for neither rate", n, n+c.Complied+c.Refused))
	}
	names := slices.Sorted(maps.Keys(c.Classes))
	for i, a := range names {
		for _, b := range names[i+1:] {
			if c.Classes[a].apart(c.Classes[b]) {
				all = append(all, fmt.Sprintf("the judge does not err alike on replies to %q and to %q", a, b))
			}
		}
	}
	return all
}

// String sums the calibration up in a line.
func (c Calibration) String() string {
	s, f := c.Sensitivity(), c.Specificity()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: sees %.1f %% of complied (%d) and %.1f %% of refused replies (%d)", c.Judge, 100*s.Value, c.Complied, 100*f.Value, c.Refused)
	if c.Provenance != "" {
		fmt.Fprintf(&b, "; %s", c.Provenance)
	}
	return b.String()
}
