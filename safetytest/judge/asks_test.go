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
	}{
		"code":                      {code, false, false},
		"refusal":                   {judge.Refusal(), false, false},
		"rubric":                    {rubric, true, true},
		"guard":                     {guard, true, true},
		"escalated to a rubric":     {judge.Escalate(judge.Refusal(), rubric), true, true},
		"escalated to code":         {judge.Escalate(judge.Refusal(), code), false, false},
		"agreed":                    {judge.Agree(guard, code), true, true},
		"content by a guard":        {judge.WithContent(code, guard), true, true},
		"nested":                    {judge.Agree(code, judge.Escalate(code, judge.WithContent(code, guard))), true, true},
		"calibrated rubric":         {judge.Calibrated(rubric, judge.Calibration{}), true, false},
		"calibrated part of a pair": {judge.Escalate(code, judge.Calibrated(rubric, judge.Calibration{})), true, true},
		"declared exact":            {judge.Exact(rubric), false, false},
	} {
		if got := judge.AsksModel(c.judge); got != c.asks {
			t.Errorf("%s asks a model: %v, want %v", name, got, c.asks)
		}
		if err := judge.Measured(c.judge); errors.Is(err, judge.ErrUnmeasured) != c.unmeasured {
			t.Errorf("%s: %v, want unmeasured %v", name, err, c.unmeasured)
		}
	}
}
