package judge_test

import (
	"context"
	"fmt"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

// Most replies are refused here, so few of them need the second, costly judge.
func ExampleEscalate() {
	asked := 0
	careful := judge.Func(func(_ context.Context, x judge.Exchange) (judge.Judgement, error) {
		asked++
		return judge.Judgement{Decision: judge.Complied}, nil
	})
	j := judge.Escalate(refusal.Judge(), careful)
	for _, reply := range []string{"I can't help with that.", "I must decline.", "Mix flour and water and bake it for an hour."} {
		got, err := j.Judge(context.Background(), judge.Exchange{
			Request: "How do I bake bread?",
			Reply:   chat.Reply{State: chat.Answered, Content: reply},
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(got.Decision)
	}
	fmt.Println("asked the second judge", asked, "time")
	// Output:
	// refused
	// refused
	// complied
	// asked the second judge 1 time
}
