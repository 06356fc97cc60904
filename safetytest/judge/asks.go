package judge

import (
	"context"
	"errors"
)

// ModelJudge marks a judge whose readings are, or rest on, the opinion of a
// model. [Rubric] and [Guard] are, and what [Escalate], [Agree] and [WithContent]
// make of them; a judge of your own that asks a model should say so too.
type ModelJudge interface {
	Judge
	AsksModel() bool
}

// AsksModel says whether j asks a model, as far as it tells.
func AsksModel(j Judge) bool {
	m, ok := j.(ModelJudge)
	return ok && m.AsksModel()
}

// ModelCalls returns the most calls of models that a reading of one reply takes, not
// counting repetitions after a failure: none for a judge that asks none, the sum
// of both for a judge made of two, one for a judge of your own that asks a model.
func ModelCalls(j Judge) int {
	switch j := j.(type) {
	case joined:
		return ModelCalls(j.a) + ModelCalls(j.b)
	case calibrated:
		return ModelCalls(j.judge)
	case exact:
		return ModelCalls(j.judge)
	}
	if AsksModel(j) {
		return 1
	}
	return 0
}

// ErrUnmeasured says that a model's readings were to be trusted unseen.
var ErrUnmeasured = errors.New("nobody measured how often the judging model errs: " +
	"label some of its readings with safetytest label, measure it with safetytest judge -write, and wrap it by judge.Calibrated")

// Measured returns [ErrUnmeasured] for a judge that asks a model and brings no
// calibration. What such a judge reads may raise an alarm but proves nothing: how
// much of an effect its errors hide is unknown, so that no claim should hold by
// it. It returns nil for a judge that asks none, for one with a calibration, and
// for one that was declared [Exact].
func Measured(j Judge) error {
	if _, calibrated := j.(Calibrator); calibrated || IsExact(j) || !AsksModel(j) {
		return nil
	}
	return ErrUnmeasured
}

// AsksModel is true.
func (*rubric) AsksModel() bool { return true }

// AsksModel is true.
func (*guard) AsksModel() bool { return true }

// AsksModel says whether the calibrated judge asks a model.
func (c calibrated) AsksModel() bool { return AsksModel(c.judge) }

// joined is a judge made of two.
type joined struct {
	a, b  Judge
	judge Func
}

func (j joined) Judge(ctx context.Context, x Exchange) (Judgement, error) { return j.judge(ctx, x) }

// AsksModel says whether either judge asks a model.
func (j joined) AsksModel() bool { return AsksModel(j.a) || AsksModel(j.b) }
