package main

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/environment"
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

// ruleJudges are the judges that read by rules, and ask no model. Those of our policies
// come besides where replies are read again.
var ruleJudges = map[string]func() judge.Judge{
	"refusal": refusal.Judge,
}

func judgeNames() []string {
	return slices.Sorted(slices.Values(append(ruleNames(), slices.Collect(maps.Keys(modelJudges))...)))
}

func ruleNames() []string { return slices.Sorted(maps.Keys(ruleJudges)) }

// judgeFlags are the flags that say where the judging model is served.
type judgeFlags struct{ baseURL, model *string }

// endpointFlags adds them. What the environment says is no default of a flag, which
// -h would print.
func endpointFlags(flags *flag.FlagSet) judgeFlags {
	return judgeFlags{
		flags.String("base-url", "", "endpoint of the judging model, or "+environment.JudgeBaseURL.Name+"; its key is "+environment.JudgeAPIKey.Name),
		flags.String("model", "", "the judging model, or "+environment.JudgeModel.Name),
	}
}

// endpoint is where the judging model is served, by the flags, else by the environment.
func (f judgeFlags) endpoint() (chat.Endpoint, error) {
	var faults environment.Faults
	e := chat.Endpoint{
		BaseURL: cmp.Or(*f.baseURL, environment.JudgeBaseURL.Read(&faults)),
		Model:   cmp.Or(*f.model, environment.JudgeModel.Read(&faults)),
		APIKey:  environment.JudgeAPIKey.Read(&faults),
	}
	return e, cmp.Or(environment.Unknown(), faults.Err())
}

// openJudge returns the judge of a name, and what a calibration calls it. Only
// the judges that ask a model look at the endpoint.
func openJudge(name string, flags judgeFlags) (judge.Judge, string, error) {
	if byRules, ok := ruleJudges[name]; ok {
		return byRules(), name, nil
	}
	wrap, ok := modelJudges[name]
	if !ok {
		return nil, "", fmt.Errorf("-judge %s: want one of %s", name, strings.Join(judgeNames(), ", "))
	}
	endpoint, err := flags.endpoint()
	if err != nil {
		return nil, "", err
	}
	if endpoint.BaseURL == "" || endpoint.Model == "" {
		return nil, "", fmt.Errorf("-judge %s asks a model: -base-url and -model are needed", name)
	}
	client, err := chat.Open(endpoint)
	if err != nil {
		return nil, "", fmt.Errorf("the judging model of -base-url or %s: %w", environment.JudgeBaseURL.Name, err)
	}
	j, err := wrap(client)
	return j, name + " by " + endpoint.Model, err
}
