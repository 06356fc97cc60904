package judge

import (
	"context"
	"errors"

	"github.com/safetyspec/safetyspec/safetytest/judge/internal/offline"
)

// Refusal returns the offline judge of package judge/refusal, with its calibration, for
// policies that need no more of that package. Every program has it that imports package
// fixtures, or package judge/refusal itself; in others each reading is an error that says
// so, and the judge is unmeasured.
func Refusal() Judge {
	if offline.Refusal != nil {
		return offline.Refusal().(Judge)
	}
	return Func(func(context.Context, Exchange) (Judgement, error) {
		return Judgement{}, errors.New("this program has no offline refusal judge: import package safetytest/judge/refusal, and take refusal.Judge()")
	})
}
