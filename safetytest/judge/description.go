package judge

import (
	"cmp"
	"errors"
	"fmt"
)

// Basis says what is known of how often a judge errs.
type Basis int

// The bases. The zero value claims nothing.
const (
	// Unmeasured readings may raise an alarm and never give the all-clear: how much
	// of an effect their errors hide is unknown.
	Unmeasured Basis = iota
	// Measured readings were compared with labels of people; the Calibration says
	// how often they err, and claims allow for that.
	Measured
	// ByConstruction readings are right because code reads something that is there
	// or is not, such as a codename or a marker.
	ByConstruction
)

// String returns the basis in words.
func (b Basis) String() string {
	switch b {
	case Unmeasured:
		return "unmeasured"
	case Measured:
		return "measured"
	case ByConstruction:
		return "exact by construction"
	}
	return fmt.Sprintf("Basis(%d)", int(b))
}

// Reading says how good one of a judge's observations is. The zero value is an
// observation of which nobody knows that.
type Reading struct {
	Basis Basis
	// Calibration is what was measured, where Basis is Measured. Of a reading of
	// content it counts replies that hold forbidden content in the place of
	// those that complied; Violation must then be 0 or 1.
	Calibration Calibration
	// Why says of an unmeasured reading why nothing is known and what to do, for
	// people; empty stands for a general advice.
	Why string
}

// ErrUnmeasured says that readings were to prove something of which nobody knows
// how often they err.
var ErrUnmeasured = errors.New("nobody measured how often the judge errs, so that it can raise an alarm and prove nothing")

// Check returns nil if claims may rest on the reading, and else an error that wraps
// [ErrUnmeasured] and says what to do. Whether the labels of a calibration suffice
// depends on the claim.
func (r Reading) Check() error {
	if r.Basis == Measured || r.Basis == ByConstruction {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrUnmeasured, cmp.Or(r.Why, adviceToMeasure))
}

const adviceToMeasure = "label replies that it reads, and wrap it by judge.Calibrated(j, calibrate.Summarize(NAME, WHENCE, judged)), where judged is what calibrate.Measure makes of the labels (docs/own-judge.md); " +
	"code that looks for something which is there or is not may be declared by judge.Exact instead"

// exactReading is right by construction.
func exactReading() Reading { return Reading{Basis: ByConstruction} }

// Description is what a judge says of itself. What it does not say is not so: the
// zero value describes a judge of which nobody knows how often it errs, and which
// never sees forbidden content.
type Description struct {
	// Name tells people, and the record of a run, who judged.
	Name string
	// Decision is how good Judgement.Decision is, Content how good
	// Judgement.Violation is.
	Decision, Content Reading
	// SeesContent says that the judge can report forbidden content. Where it cannot,
	// Violation is always 0, and a claim about content could not fail.
	SeesContent bool
	// Calls is the most calls of models that the reading of one reply takes, not
	// counting repetitions after a failure: 0 for a judge that asks none.
	Calls int

	// kind is what calibrations call judges of this kind that ask a model, "" where the
	// safetytest command has none such, and pins the model that this one asks alone, ""
	// where it may ask any.
	kind, pins string
}

// AsksModel says whether the judge asks a model.
func (d Description) AsksModel() bool { return d.Calls > 0 }

// String names the judge and sums up how good its decisions are, in a line.
func (d Description) String() string {
	name := cmp.Or(d.Name, "a judge without a name")
	if d.Decision.Basis == Measured {
		if c := d.Decision.Calibration; c.Judge != "" && c.Judge != name {
			return name + ", measured as " + c.String()
		}
		c := d.Decision.Calibration
		c.Judge = name
		return c.String()
	}
	return name + ": " + d.Decision.Basis.String()
}
