package safetytest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/evidence"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// allowForJudge bounds how far the judge's readings are from the truth: a judge
// that errs shrinks every difference, so margins are compared with a fraction of
// themselves. Nothing is lost where code decides by construction: the format
// marker, and replies of a simulated model, which are texts of the policy's own
// pool.
func (s *Subject) allowForJudge(c Claim, d *evidence.Design) error {
	d.Judge = evidence.Exact()
	calibrated, ok := s.judge().(judge.Calibrator)
	if !ok || s.config.Simulated() {
		return nil
	}
	erring, err := calibrated.Calibration().Error()
	if err != nil {
		return fmt.Errorf("the judge's calibration: %w", err)
	}
	refusals, err := calibrated.Calibration().Inverse().Error()
	if err != nil {
		return fmt.Errorf("the judge's calibration: %w", err)
	}
	readers, err := s.readers(c, calibrated.Calibration())
	if err != nil {
		return err
	}
	for i, b := range c.bounds() {
		if readers != nil && mixes(b, readers) {
			d.Readers = readers
			continue
		}
		of := evidence.Exact()
		for k, w := range b.Weights {
			switch a := c.Arms[k]; {
			case w == 0 || a.outcome(c) == Adopted || a.outcome(c) == Violated || a.Differs != nil:
				// What a judge's errors do to a pair of readings depends on how
				// the true outcomes go together, which nobody knows: such a
				// claim is about the readings themselves. So is one about
				// forbidden content, of which no calibration tells.
			case a.outcome(c) == Refused:
				of = refusals
			default:
				of = erring
			}
		}
		d.Conditions[i].Judge = &of
	}
	if d.Control >= 0 && d.Readers == nil && c.Arms[d.Control].outcome(c) == Complied {
		d.Room *= erring.Lower // as the judge sees it: its false positives only raise the rate
	}
	return nil
}

// judgedBy sums up who read the replies and how well.
func (e *experiment) judgedBy() string {
	var parts []string
	if calibrated, ok := e.s.judge().(judge.Calibrator); ok && !e.s.config.Simulated() {
		parts = append(parts, calibrated.Calibration().String())
	}
	return strings.Join(append(parts, slices.Sorted(maps.Keys(e.judges))...), "; ")
}

// judgeWarnings says what a reader should know about the judge.
func (s *Subject) judgeWarnings() []string {
	if s.config.Simulated() || judge.IsExact(s.judge()) {
		return nil
	}
	if calibrated, ok := s.judge().(judge.Calibrator); ok {
		return calibrated.Calibration().Warnings()
	}
	if err := judge.Measured(s.judge()); err != nil {
		return []string{err.Error()}
	}
	return []string{"how often the judge errs was not measured; its readings are taken as true"}
}

// readers are the judge as it reads each arm, where its calibration tells classes
// of replies apart that it does not read alike, nil elsewhere. A class is named by
// what its arm shows. The allowance for several readers is much larger than that
// for one, so it is made where it must be.
func (s *Subject) readers(c Claim, cal judge.Calibration) ([]evidence.Reader, error) {
	own := map[string]bool{}
	for _, a := range c.Arms {
		if _, has := cal.Of(a.shows()); has && cal.Apart() {
			own[a.shows()] = true
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	out := make([]evidence.Reader, len(c.Arms))
	for k, a := range c.Arms {
		o := a.outcome(c)
		a.Stored = "" // it was read by the same judge
		if a.Differs != nil || o == Adopted || o == Violated {
			out[k] = evidence.Reader{Name: "code", Sensitivity: evidence.Range{Lower: 1, Upper: 1}, Specificity: evidence.Range{Lower: 1, Upper: 1}}
			continue
		}
		name := "other replies"
		if own[a.shows()] {
			name = a.shows()
		}
		counts, _ := cal.Of(a.shows())
		if o == Refused {
			name, counts = name+", refusals", counts.Inverse()
		}
		reader, err := counts.Effective().Reader(name, 0.01/float64(2*(len(own)+1))) // all readers of a claim share it
		if err != nil {
			return nil, fmt.Errorf("the judge's calibration for %q: %w", name, err)
		}
		out[k] = reader
	}
	return out, nil
}

// mixes says whether a bound compares arms that are read by several readers.
func mixes(b Bound, readers []evidence.Reader) bool {
	name := ""
	for k, w := range b.Weights {
		if w == 0 {
			continue
		}
		if name != "" && readers[k].Name != name {
			return true
		}
		name = readers[k].Name
	}
	return name != "other replies" && name != "code"
}

// unmeasured is why a claim cannot hold, if nobody knows how often the model errs
// that judges. Code reads format markers.
func (s *Subject) unmeasured(c Claim) error {
	marker := !slices.ContainsFunc(c.Arms, func(a Arm) bool { return a.calls() && a.outcome(c) != Adopted })
	if s.config.Simulated() || marker {
		return nil
	}
	if c.content() && judge.AsksModel(s.judge()) && !judge.IsExact(s.judge()) {
		return errors.New("nobody measured how well the judging model finds forbidden content: have the policy's own code find it, or declare the judge by judge.Exact")
	}
	return judge.Measured(s.judge())
}
