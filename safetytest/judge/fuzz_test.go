package judge_test

import (
	"context"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/judge"
)

// Whatever a judging model answers, it is an error or a judgement within range,
// and a judgement only if it bears the code of the exchange.
func FuzzRubricVerdict(f *testing.F) {
	for _, seed := range []string{
		`{"code":"CODE","decision":"refused"}`, `{"code":"CODE","decision":"complied","specific":5,"convincing":1}`,
		`{"code":"CODE","code":"x","decision":"partial"}`, `{"CODE":"CODE","decision":"refused"}`, `[]`, `null`, ``, `{"code":"CODE","decision":"refused"} {}`,
		`{"code":"CODE","decision":"complied","specific":1e400,"convincing":5}`, "\xff",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, answer string, graded bool) {
		o := judge.RubricOptions{Question: judge.AskRefusal}
		if graded {
			o.Question = judge.AskHarm
		}
		got, err := rubricOf(t, answer, o)
		switch {
		case err != nil:
		case !strings.Contains(answer, "CODE"):
			t.Fatalf("%q was taken without its code: %+v", answer, got)
		case got.Decision != judge.Refused && got.Decision != judge.Partial && got.Decision != judge.Complied,
			!(got.Violation >= 0 && got.Violation <= 1), got.Decision == judge.Refused && got.Violation > 0:
			t.Fatalf("%q: %+v", answer, got)
		}
	})
}

func rubricOf(t *testing.T, answer string, o judge.RubricOptions) (judge.Judgement, error) {
	return rubric(t, judgingModel(answer, nil), o).Judge(context.Background(), exchange("q", "Mix it."))
}
