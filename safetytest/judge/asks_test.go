package judge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

type silent struct{}

func (silent) Ask(context.Context, chat.Request) (chat.Reply, error) { return chat.Reply{}, errBroken }

func TestMeasuredAsksForACalibrationOfModelsOnly(t *testing.T) {
	rubric, err := judge.Rubric(silent{}, judge.RubricOptions{Question: judge.AskRefusal})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := judge.Guard(silent{}, judge.WildGuard)
	if err != nil {
		t.Fatal(err)
	}
	code := says(judge.Refused, 0)
	for name, c := range map[string]struct {
		judge      judge.Judge
		asks       bool
		unmeasured bool
		calls      int
	}{
		"code":                      {code, false, false, 0},
		"refusal":                   {judge.Refusal(), false, false, 0},
		"rubric":                    {rubric, true, true, 1},
		"guard":                     {guard, true, true, 1},
		"escalated to a rubric":     {judge.Escalate(judge.Refusal(), rubric), true, true, 1},
		"escalated to code":         {judge.Escalate(judge.Refusal(), code), false, false, 0},
		"agreed":                    {judge.Agree(guard, code), true, true, 1},
		"content by a guard":        {judge.WithContent(code, guard), true, true, 1},
		"twice a model":             {judge.Agree(guard, judge.Exact(rubric)), true, true, 2},
		"nested":                    {judge.Agree(code, judge.Escalate(code, judge.WithContent(code, guard))), true, true, 1},
		"calibrated rubric":         {judge.Calibrated(rubric, judge.Calibration{}), true, false, 1},
		"calibrated part of a pair": {judge.Escalate(code, judge.Calibrated(rubric, judge.Calibration{})), true, true, 1},
		"declared exact":            {judge.Exact(rubric), false, false, 1},
	} {
		if got := judge.ModelCalls(c.judge); got != c.calls {
			t.Errorf("%s takes %d calls, want %d", name, got, c.calls)
		}
		if got := judge.AsksModel(c.judge); got != c.asks {
			t.Errorf("%s asks a model: %v, want %v", name, got, c.asks)
		}
		if err := judge.Measured(c.judge); errors.Is(err, judge.ErrUnmeasured) != c.unmeasured {
			t.Errorf("%s: %v, want unmeasured %v", name, err, c.unmeasured)
		}
	}
}
