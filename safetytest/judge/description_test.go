package judge_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/internal/weighing"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/calibrate"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

type silent struct{}

func (silent) Ask(context.Context, chat.Request) (chat.Reply, error) { return chat.Reply{}, errBroken }

// part is a judge as a constructor of the package, or a user, makes it, with what
// must be known of it.
type part struct {
	name         string
	judge        judge.Judge
	decision     judge.Basis
	content      judge.Basis
	sees         bool
	calls        int
	calibratedOn int // complied labels, where measured
}

// anyJudge is what a type embeds: a field named Judge would hide the method.
type anyJudge = judge.Judge

// stated is a judge of a user that reads as another and describes itself.
type stated struct {
	anyJudge
	description judge.Description
}

func (s stated) Describe() judge.Description { return s.description }

// wrapping is a judge of a user that adds nothing.
type wrapping struct{ anyJudge }

func labels(complied int) judge.Calibration {
	return judge.Calibration{Version: 1, Judge: "x", Counts: judge.Counts{Complied: complied, CompliedSeen: complied - 1, Refused: 100, RefusedSeen: 97}}
}

// shippedLabels is how many complied labels the file holds that Refusal brings along.
func shippedLabels(t *testing.T) int {
	t.Helper()
	c, err := calibrate.Load("refusal/refusal.calibration.json")
	if err != nil || c.Complied == 0 {
		t.Fatalf("%d complied labels, %v", c.Complied, err)
	}
	return c.Complied
}

func parts(t *testing.T) []part {
	t.Helper()
	shipped := shippedLabels(t)
	model := func(j judge.Judge, err error) judge.Judge {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	refusals := model(judge.Rubric(silent{}, judge.RubricOptions{Question: judge.AskRefusal}))
	harm := model(judge.Rubric(silent{}, judge.RubricOptions{Question: judge.AskHarm, Form: judge.Token}))
	wild := model(judge.Guard(silent{}, judge.WildGuard))
	llama := model(judge.Guard(silent{}, judge.LlamaGuard))
	granite := model(judge.Guard(silent{}, judge.GraniteGuardian))
	code := says(judge.Refused, 0)
	const u, m, x = judge.Unmeasured, judge.Measured, judge.ByConstruction
	return []part{
		{name: "a function", judge: code, decision: u, content: u, sees: true},
		{name: "an exact function", judge: judge.Exact(code), decision: x, content: x, sees: true},
		{name: "a calibrated function", judge: judge.Calibrated(code, labels(50)), decision: m, content: u, sees: true, calibratedOn: 50},
		{name: "refusal", judge: refusal.Judge(), decision: m, content: u, calibratedOn: shipped},
		{name: "refusal with weights", judge: weighing.With(weighing.Weights{}), decision: u, content: u},
		{name: "refusal, declared exact", judge: judge.Exact(refusal.Judge()), decision: x, content: u},
		{name: "rubric", judge: refusals, decision: u, content: u, calls: 1},
		{name: "rubric of harm", judge: harm, decision: u, content: u, sees: true, calls: 1},
		{name: "rubric, calibrated", judge: judge.Calibrated(harm, labels(60)), decision: m, content: u, sees: true, calls: 1, calibratedOn: 60},
		{name: "rubric, declared exact", judge: judge.Exact(refusals), decision: x, content: u, calls: 1},
		{name: "WildGuard", judge: wild, decision: u, content: u, sees: true, calls: 1},
		{name: "Llama Guard", judge: llama, decision: u, content: u, sees: true, calls: 1},
		{name: "Granite Guardian", judge: granite, decision: u, content: u, sees: true, calls: 1},
		{name: "one's own that says nothing", judge: stated{anyJudge: code}, decision: u, content: u},
		{name: "one's own, content measured", judge: stated{code, judge.Description{Name: "own", SeesContent: true, Content: judge.Reading{Basis: m, Calibration: labels(70)}}}, decision: u, content: m, sees: true},
		{name: "wrapped by embedding", judge: wrapping{judge.Calibrated(code, labels(50))}, decision: m, content: u, sees: true, calibratedOn: 50},
	}
}

func (p part) check(t *testing.T, want part) {
	t.Helper()
	d := p.judge.Describe()
	if d.Decision.Basis != want.decision || d.Content.Basis != want.content || d.SeesContent != want.sees || d.Calls != want.calls || d.AsksModel() != (want.calls > 0) {
		t.Errorf("%s: decides %v, content %v (sees any: %v), %d calls; want %v, %v (%v), %d", p.name, d.Decision.Basis, d.Content.Basis, d.SeesContent, d.Calls,
			want.decision, want.content, want.sees, want.calls)
	}
	if want.decision == judge.Measured && d.Decision.Calibration.Complied != want.calibratedOn {
		t.Errorf("%s: measured on %d labels, want %d", p.name, d.Decision.Calibration.Complied, want.calibratedOn)
	}
	for reading, basis := range map[string]judge.Basis{"decision": want.decision, "content": want.content} {
		err := d.Decision.Check()
		if reading == "content" {
			err = d.Content.Check()
		}
		if errors.Is(err, judge.ErrUnmeasured) != (basis == judge.Unmeasured) {
			t.Errorf("%s: %s may prove something: %v, want %v", p.name, reading, err, basis)
		} else if err != nil && !strings.Contains(err.Error(), "judge.") {
			t.Errorf("%s: %q does not say what to do", p.name, err)
		}
	}
	if d.String() == "" || basisOf(d) != want.decision {
		t.Errorf("%s is described as %q", p.name, d)
	}
}

// basisOf reads the basis from what people read.
func basisOf(d judge.Description) judge.Basis {
	switch s := d.String(); {
	case strings.Contains(s, "sees "):
		return judge.Measured
	case strings.HasSuffix(s, judge.ByConstruction.String()):
		return judge.ByConstruction
	}
	return judge.Unmeasured
}

// better is the basis of the one that errs less.
func better(a, b part) part {
	if b.decision == judge.ByConstruction && a.decision != judge.ByConstruction || b.decision == judge.Measured && a.decision == judge.Unmeasured {
		return b
	}
	return a
}

// Every judge that the package makes, alone and each pair of them in every
// combination, tells what follows from its parts and no more.
func TestJudgesSayWhatTheyAre(t *testing.T) {
	all := parts(t)
	exact := func(yes bool) judge.Basis {
		if yes {
			return judge.ByConstruction
		}
		return judge.Unmeasured
	}
	const x = judge.ByConstruction
	for _, a := range all {
		a.check(t, a)
		part{name: "exact " + a.name, judge: judge.Exact(a.judge)}.check(t, part{decision: x, content: exact(a.sees), sees: a.sees, calls: a.calls})
		part{name: "calibrated " + a.name, judge: judge.Calibrated(a.judge, labels(80))}.check(t, part{decision: judge.Measured, calibratedOn: 80, content: a.content, sees: a.sees, calls: a.calls})
		for _, b := range all {
			calls, both := a.calls+b.calls, a.sees && b.sees
			for _, c := range []struct {
				how   string
				judge judge.Judge
				want  part
			}{
				{"with content by", judge.WithContent(a.judge, b.judge), part{decision: a.decision, calibratedOn: a.calibratedOn, content: b.content, sees: b.sees, calls: calls}},
				{"agreeing with", judge.Agree(a.judge, b.judge), part{decision: better(a, b).decision, calibratedOn: better(a, b).calibratedOn, content: exact(a.content == x && b.content == x), sees: both, calls: calls}},
				{"escalated to", judge.Escalate(a.judge, b.judge), part{decision: exact(a.decision == x && b.decision == x), content: exact(both && a.content == x && b.content == x), sees: a.sees || b.sees, calls: calls}},
			} {
				name := fmt.Sprintf("%s %s %s", a.name, c.how, b.name)
				part{name: name, judge: c.judge}.check(t, c.want)
				part{name: name + ", calibrated", judge: judge.Calibrated(c.judge, labels(80))}.check(t,
					part{decision: judge.Measured, calibratedOn: 80, content: c.want.content, sees: c.want.sees, calls: calls})
				part{name: name + ", wrapped", judge: wrapping{c.judge}}.check(t, c.want)
			}
		}
	}
}

// Three and more judges lose nothing, and gain nothing, in the order they are put
// together.
func TestNestedJudgesSayWhatTheyAre(t *testing.T) {
	shipped := shippedLabels(t)
	code, rubric := says(judge.Refused, 0), must(judge.Rubric(silent{}, judge.RubricOptions{Question: judge.AskHarm}))
	const u, m, x = judge.Unmeasured, judge.Measured, judge.ByConstruction
	for name, c := range map[string]struct {
		judge judge.Judge
		want  part
	}{
		"content on content":            {judge.WithContent(judge.WithContent(refusal.Judge(), rubric), judge.Exact(code)), part{decision: m, calibratedOn: shipped, content: x, sees: true, calls: 1}},
		"escalation inside":             {judge.WithContent(judge.Escalate(refusal.Judge(), rubric), judge.Exact(code)), part{decision: u, content: x, sees: true, calls: 1}},
		"agreement of a pair":           {judge.Agree(judge.Escalate(refusal.Judge(), rubric), refusal.Judge()), part{decision: m, calibratedOn: shipped, content: u, sees: false, calls: 1}},
		"a model three times":           {judge.Agree(rubric, judge.Escalate(rubric, judge.Exact(rubric))), part{decision: u, content: u, sees: true, calls: 3}},
		"calibrated as a whole":         {judge.Calibrated(judge.Escalate(refusal.Judge(), rubric), labels(90)), part{decision: m, calibratedOn: 90, content: u, sees: true, calls: 1}},
		"calibrated part, then a stage": {judge.Escalate(code, judge.Calibrated(rubric, labels(90))), part{decision: u, content: u, sees: true, calls: 1}},
	} {
		part{name: name, judge: c.judge}.check(t, c.want)
	}
}

func must(j judge.Judge, err error) judge.Judge {
	if err != nil {
		panic(err)
	}
	return j
}

// The agreement of two judges keeps the calibration of the first only because a
// reply on which they differ is no outcome.
func TestAgreementNeverSaysOtherwiseThanItsParts(t *testing.T) {
	all := []judge.Decision{judge.Refused, judge.Partial, judge.Complied, judge.CannotTell}
	for _, a := range all {
		for _, b := range all {
			got, err := judge.Agree(says(a, 1), says(b, 0.5)).Judge(context.Background(), exchange("q", "a"))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range []judge.Decision{a, b} {
				if one := (judge.Judgement{Decision: d}); got.Decided() && (!one.Decided() || one.Complied() != got.Complied()) {
					t.Errorf("%v and %v: %v", a, b, got.Decision)
				}
			}
		}
	}
}

// A calibration that the command wrote names its judge and model, and says nothing of
// others; whatever people call theirs is theirs to know.
func TestCalibrationsOfOtherJudges(t *testing.T) {
	rubric := func(o judge.RubricOptions) judge.Judge {
		if o.Question == 0 {
			o.Question = judge.AskRefusal
		}
		j, err := judge.Rubric(silent{}, o)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	wild, err := judge.Guard(silent{}, judge.WildGuard)
	if err != nil {
		t.Fatal(err)
	}
	code := says(judge.Refused, 0)
	for _, c := range []struct {
		of    string
		judge judge.Judge
		is    bool
	}{
		{"refusal", refusal.Judge(), true},
		{"refusal", code, false},
		{"refusal", rubric(judge.RubricOptions{}), false},
		{"our rule", code, true},
		{"our refusal judge", refusal.Judge(), true},
		{"rubric that we wrote", rubric(judge.RubricOptions{}), true},
		{"judged by hand", code, true},
		{"rubric by qwen", rubric(judge.RubricOptions{}), true},
		{"rubric by Qwen", rubric(judge.RubricOptions{Served: "qwen"}), true},
		{"rubric by gpt-4o", rubric(judge.RubricOptions{Served: "gpt-4o-2024-08-06"}), true},
		{"rubric by llama", rubric(judge.RubricOptions{Served: "qwen"}), false},
		{"rubric by qwen", rubric(judge.RubricOptions{Question: judge.AskHarm}), false},
		{"rubric-harm by qwen", rubric(judge.RubricOptions{Question: judge.AskHarm}), true},
		{"rubric-harm by qwen", rubric(judge.RubricOptions{Question: judge.AskHarm, Form: judge.Token}), false},
		{"rubric-harm-token by qwen", rubric(judge.RubricOptions{Question: judge.AskHarm, Form: judge.Token, Served: "qwen"}), true},
		{"rubric-harm-token by llama", rubric(judge.RubricOptions{Question: judge.AskHarm, Form: judge.Token, Served: "qwen"}), false},
		{"rubric by qwen", code, false},
		{"rubric by qwen", refusal.Judge(), false},
		{"rubric by qwen", wild, false},
		{"wildguard by wild", wild, true},
		{"wildguard by wild", rubric(judge.RubricOptions{}), false},
	} {
		d := judge.Calibrated(c.judge, labels(60)).Describe().Name
		cal := labels(60)
		cal.Judge = c.of
		if got := judge.Calibrated(c.judge, cal).Describe().Decision.Basis == judge.Measured; got != c.is {
			t.Errorf("a calibration of %q with %s: measured %v, want %v", c.of, d, got, c.is)
		}
	}
}
