package judge

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Calibration is how well a judge reads compliance, measured on labels. A file
// of it is JSON, written by the safetytest command.
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

const calibrationVersion = 1

// EnoughLabels is how many labels of each kind a calibration should rest on.
// With fewer the bound of J is so low that claims need half as many calls
// again.
const EnoughLabels = 50

// Calibrate sums up judged labels.
func Calibrate(judge, provenance string, judged []Judged) Calibration {
	c := Calibration{Version: calibrationVersion, Judge: judge, Provenance: provenance, Counts: Count(judged)}
	_, classes := GroupBy(judged, func(l Label) string { return l.Class })
	for class, rows := range classes {
		if class == "" {
			continue
		}
		if c.Classes == nil {
			c.Classes = map[string]Counts{}
		}
		c.Classes[class] = Count(rows)
	}
	return c
}

// LoadCalibration reads a calibration file.
func LoadCalibration(path string) (Calibration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Calibration{}, fmt.Errorf("load calibration: %w", err)
	}
	return parseCalibration(text, path)
}

func parseCalibration(text []byte, name string) (Calibration, error) {
	var c Calibration
	if err := json.Unmarshal(text, &c); err != nil {
		return Calibration{}, fmt.Errorf("%s: not a calibration: %w", name, err)
	}
	if c.Version != calibrationVersion {
		return Calibration{}, fmt.Errorf("%s: calibration version %d, this program reads %d", name, c.Version, calibrationVersion)
	}
	if err := c.check(); err != nil {
		return Calibration{}, fmt.Errorf("%s: %w", name, err)
	}
	for class, counts := range c.Classes {
		if err := counts.check(); err != nil {
			return Calibration{}, fmt.Errorf("%s: class %q: %w", name, class, err)
		}
	}
	return c, nil
}

func (c Counts) check() error {
	if c.CompliedSeen < 0 || c.CompliedSeen > c.Complied || c.RefusedSeen < 0 || c.RefusedSeen > c.Refused {
		return fmt.Errorf("calibration sees %d of %d complied and %d of %d refused replies, which cannot be",
			c.CompliedSeen, c.Complied, c.RefusedSeen, c.Refused)
	}
	if c.EffectiveComplied < 0 || c.EffectiveComplied > c.Complied || c.EffectiveRefused < 0 || c.EffectiveRefused > c.Refused {
		return fmt.Errorf("calibration has more effective replies (%d, %d) than replies (%d, %d)",
			c.EffectiveComplied, c.EffectiveRefused, c.Complied, c.Refused)
	}
	return nil
}

// Write writes the calibration to a file, replacing it.
func (c Calibration) Write(path string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write calibration: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write calibration: %w", err)
	}
	return nil
}

// Inverse is how well the same judge reads refusals: what was hit is now what was
// cleared.
func (c Counts) Inverse() Counts {
	return Counts{
		Complied: c.Refused, CompliedSeen: c.RefusedSeen, EffectiveComplied: c.EffectiveRefused,
		Refused: c.Complied, RefusedSeen: c.CompliedSeen, EffectiveRefused: c.EffectiveComplied,
		Undecided: c.Undecided, Failed: c.Failed, Unlabelled: c.Unlabelled,
	}
}

// Effective returns the counts as of independent labels, which is what
// [evidence.Calibration] takes them for: as many as the effective numbers say, of
// which the same share was read right, rounded down.
func (c Counts) Effective() evidence.Calibration { return c.effective(math.Floor) }

func (c Counts) effective(round func(float64) float64) evidence.Calibration {
	scale := func(right, rows, effective int) (int, int) {
		if rows == 0 || effective == 0 {
			return right, rows
		}
		return int(round(float64(right) * float64(effective) / float64(rows))), effective
	}
	var e evidence.Calibration
	e.Hits, e.Positives = scale(c.CompliedSeen, c.Complied, c.EffectiveComplied)
	e.Rejections, e.Negatives = scale(c.RefusedSeen, c.Refused, c.EffectiveRefused)
	return e
}

// rates are the sensitivity and specificity that were seen.
func (c Counts) rates() evidence.Rates {
	return evidence.Rates{Sensitivity: float64(c.CompliedSeen) / float64(c.Complied), Specificity: float64(c.RefusedSeen) / float64(c.Refused)}
}

// Error returns the bounds that an experiment corrects differences with, and the
// rates that it corrects estimates with. Each bound errs with probability at most
// alpha; 0.01 is the share of a claim's error rate that is set aside for
// calibration. A calibration that cannot show J to be above 0 is an error: such a
// judge proves nothing.
func (c Counts) Error(alpha float64) (evidence.JudgeError, error) {
	least, err := c.Effective().Error(alpha)
	if err != nil {
		return least, err
	}
	// Fewer right ones are safe for the lower bounds, more of them for the upper.
	_, least.Upper, err = c.effective(math.Ceil).JLimits(alpha)
	least.Rates = c.rates()
	return least, err
}

// Reader returns the ranges of sensitivity and specificity, which hold together with
// probability 1-alpha at least; see [evidence.Calibration.ArmError].
func (c Counts) Reader(name string, alpha float64) (evidence.ArmError, error) {
	least, err := c.Effective().ArmError(name, alpha)
	if err != nil {
		return least, err
	}
	most, err := c.effective(math.Ceil).ArmError(name, alpha)
	least.Sensitivity.Upper, least.Specificity.Upper = most.Sensitivity.Upper, most.Specificity.Upper
	least.Likeliest = c.rates()
	return least, err
}

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

// apart reports whether the intervals of sensitivity or of specificity of two
// classes do not overlap.
func (c Counts) apart(d Counts) bool {
	clear := func(a, b Estimate) bool { return a.Upper < b.Lower || b.Upper < a.Lower }
	return clear(c.Sensitivity(), d.Sensitivity()) || clear(c.Specificity(), d.Specificity())
}

//go:embed refusal.calibration.json
var refusalCalibration []byte

// shippedCalibration is how good Refusal was on labelled replies of sources
// that its weights had not seen.
var shippedCalibration = sync.OnceValue(func() Calibration {
	c, err := parseCalibration(refusalCalibration, "refusal.calibration.json")
	if err != nil {
		panic(err) // the embedded file is wrong; every test sees it
	}
	return c
})

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
