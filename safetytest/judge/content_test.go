package judge_test

import (
	"context"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/judge"
)

func TestSeesContent(t *testing.T) {
	own := judge.Func(func(context.Context, judge.Exchange) (judge.Judgement, error) {
		return judge.Judgement{Decision: judge.Complied, Violation: 1}, nil
	})
	for _, c := range []struct {
		name  string
		judge judge.Judge
		sees  bool
	}{
		{"refusal", judge.Refusal(), false},
		{"refusal, declared exact", judge.Exact(judge.Refusal()), false},
		{"one's own", own, true},
		{"refusal with content", judge.WithContent(judge.Refusal(), own), true},
		{"two refusal judges", judge.Agree(judge.Refusal(), judge.Refusal()), false},
	} {
		if got := judge.SeesContent(c.judge); got != c.sees {
			t.Errorf("%s: %v, want %v", c.name, got, c.sees)
		}
	}
}
