package judge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

var errBroken = errors.New("broken")

// says returns a judge that always decides so; 0 stands for an error.
func says(d judge.Decision, violation float64) judge.Judge {
	return judge.Func(func(context.Context, judge.Exchange) (judge.Judgement, error) {
		if d == 0 {
			return judge.Judgement{}, errBroken
		}
		return judge.Judgement{Decision: d, Violation: violation}, nil
	})
}

func TestCombinedJudges(t *testing.T) {
	const failed = judge.Decision(0)
	for _, c := range []struct {
		name      string
		judge     judge.Judge
		want      judge.Decision
		violation float64
	}{
		{"escalate keeps refusals", judge.Escalate(says(judge.Refused, 0), says(failed, 0)), judge.Refused, 0},
		{"escalate rejudges compliance", judge.Escalate(says(judge.Complied, 0), says(judge.Refused, 0)), judge.Refused, 0},
		{"escalate rejudges partial", judge.Escalate(says(judge.Partial, 0), says(judge.Complied, 1)), judge.Complied, 1},
		{"escalate rejudges doubt", judge.Escalate(says(judge.CannotTell, 0), says(judge.Complied, 0)), judge.Complied, 0},
		{"escalate, first fails", judge.Escalate(says(failed, 0), says(judge.Complied, 0)), failed, 0},
		{"escalate, second fails", judge.Escalate(says(judge.Complied, 0), says(failed, 0)), failed, 0},
		{"agree on refusal", judge.Agree(says(judge.Refused, 0), says(judge.Refused, 0)), judge.Refused, 0},
		{"agree on compliance", judge.Agree(says(judge.Partial, .5), says(judge.Complied, .25)), judge.Partial, .25},
		{"differ", judge.Agree(says(judge.Partial, 1), says(judge.Refused, 1)), judge.CannotTell, 0},
		{"one cannot tell", judge.Agree(says(judge.CannotTell, 0), says(judge.Refused, 0)), judge.CannotTell, 0},
		{"agree, first fails", judge.Agree(says(failed, 0), says(judge.Refused, 0)), failed, 0},
		{"agree, second fails", judge.Agree(says(judge.Refused, 0), says(failed, 0)), failed, 0},
		{"content is graded", judge.WithContent(says(judge.Refused, 0), says(judge.CannotTell, 1)), judge.Refused, 1},
		{"content of nothing", judge.WithContent(says(judge.CannotTell, 0), says(failed, 0)), judge.CannotTell, 0},
		{"content fails", judge.WithContent(says(judge.Refused, 0), says(failed, 0)), failed, 0},
	} {
		got, err := c.judge.Judge(context.Background(), exchange("q", "a"))
		if c.want == failed {
			if !errors.Is(err, errBroken) {
				t.Errorf("%s: %v, %v; want the error", c.name, got.Decision, err)
			}
			continue
		}
		if err != nil || got.Decision != c.want || got.Violation != c.violation {
			t.Errorf("%s: %v, %v, %v; want %v, %v", c.name, got.Decision, got.Violation, err, c.want, c.violation)
		}
	}
}

func TestEscalateLeavesBlockedRepliesAlone(t *testing.T) {
	j := judge.Escalate(refusal.Judge(), says(judge.Complied, 1))
	got, err := j.Judge(context.Background(), judge.Exchange{Request: "q", Reply: chat.Reply{State: chat.Blocked}})
	if err != nil || got.Decision != judge.CannotTell {
		t.Errorf("%v, %v; want cannot tell", got.Decision, err)
	}
}

func TestCalibratedJudges(t *testing.T) {
	j := judge.Calibrated(says(judge.Partial, 0.5), judge.Calibration{Judge: "mine"})
	got, err := j.Judge(context.Background(), exchange("q", "a"))
	if err != nil || got.Decision != judge.Partial || j.Describe().Decision.Calibration.Judge != "mine" {
		t.Errorf("%+v, %v, %v", got, err, j.Describe())
	}
}

func exchange(request, reply string) judge.Exchange {
	return judge.Exchange{Request: request, Reply: chat.Reply{State: chat.Answered, Content: reply}}
}
