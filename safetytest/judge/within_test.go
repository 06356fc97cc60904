package judge_test

import (
	"context"
	"errors"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// A judge asks its model by the one that the run made of it, or else its calls would
// be beside the budget and the record.
func TestJudgesAskWithinTheRun(t *testing.T) {
	beside := chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) {
		t.Error("the model was asked beside the run")
		return chat.Reply{}, nil
	})
	verdict, err := judge.Rubric(beside, judge.RubricOptions{Question: judge.AskHarm})
	if err != nil {
		t.Fatal(err)
	}
	token, err := judge.Rubric(beside, judge.RubricOptions{Question: judge.AskRefusal, Form: judge.Token})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := judge.Guard(beside, judge.WildGuard)
	if err != nil {
		t.Fatal(err)
	}
	for name, j := range map[string]judge.Judge{
		"rubric": verdict, "token": token, "guard": guard,
		"exact": judge.Exact(guard), "calibrated": judge.Calibrated(guard, judge.Calibration{}),
		"the second of two": judge.WithContent(judge.Func(func(context.Context, judge.Exchange) (judge.Judgement, error) {
			return judge.Judgement{Decision: judge.Complied}, nil
		}), guard),
		"agreement": judge.Agree(guard, verdict),
	} {
		t.Run(name, func(t *testing.T) {
			asked := errors.New("asked within the run")
			x := judge.Exchange{Request: "How?", Reply: chat.Reply{State: chat.Answered, Content: "So.", FinishReason: "stop"},
				Within: func(chat.Model) chat.Model {
					return chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) { return chat.Reply{}, asked })
				}}
			if _, err := j.Judge(t.Context(), x); !errors.Is(err, asked) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Outside of a run the judge's own model is asked.
func TestAnExchangeOfNoRun(t *testing.T) {
	model := chat.ModelFunc(func(context.Context, chat.Request) (chat.Reply, error) { return chat.Reply{Content: "own"}, nil })
	reply, err := judge.Exchange{}.Model(model).Ask(t.Context(), chat.Request{})
	if err != nil || reply.Content != "own" {
		t.Errorf("%+v, %v", reply, err)
	}
}
