package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

// modelJudges are the judges that ask a model.
var modelJudges = map[string]func(chat.Model) (judge.Judge, error){
	"rubric": func(m chat.Model) (judge.Judge, error) {
		return judge.Rubric(m, judge.RubricOptions{Question: judge.AskRefusal})
	},
	"rubric-harm": func(m chat.Model) (judge.Judge, error) {
		return judge.Rubric(m, judge.RubricOptions{Question: judge.AskHarm})
	},
	"rubric-harm-token": func(m chat.Model) (judge.Judge, error) {
		return judge.Rubric(m, judge.RubricOptions{Question: judge.AskHarm, Form: judge.Token})
	},
	"wildguard": func(m chat.Model) (judge.Judge, error) { return judge.Guard(m, judge.WildGuard) },
}

func judgeNames() []string {
	names := []string{"refusal"}
	for name := range modelJudges {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// openJudge returns the judge of a name, and what a calibration calls it. Only
// the judges that ask a model look at the endpoint.
func openJudge(name, baseURL, model string) (judge.Judge, string, error) {
	if name == "refusal" {
		return refusal.Judge(), name, nil
	}
	wrap, ok := modelJudges[name]
	if !ok {
		return nil, "", fmt.Errorf("-judge %s: want one of %s", name, strings.Join(judgeNames(), ", "))
	}
	if baseURL == "" || model == "" {
		return nil, "", fmt.Errorf("-judge %s asks a model: -base-url and -model are needed", name)
	}
	client, err := chat.Open(chat.Endpoint{BaseURL: baseURL, Model: model, APIKey: os.Getenv("SAFETYTEST_JUDGE_API_KEY")})
	if err != nil {
		return nil, "", err
	}
	j, err := wrap(client)
	return j, name + " by " + model, err
}
