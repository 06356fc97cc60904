package refusal_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/judge"
	"github.com/safetyspec/safetyspec/safetytest/judge/internal/offline"
	"github.com/safetyspec/safetyspec/safetytest/judge/refusal"
)

// judge.Refusal is this package's judge where the program has it, and elsewhere one that
// decides nothing.
func TestPackageJudgeHasThisJudge(t *testing.T) {
	x := judge.Exchange{Request: "How do I bake bread?", Reply: chat.Reply{State: chat.Answered, Content: "I'm sorry, I can't help with that.", FinishReason: "stop"}}
	got, err := judge.Refusal().Judge(context.Background(), x)
	want, _ := refusal.Judge().Judge(context.Background(), x)
	if err != nil || !reflect.DeepEqual(got, want) || !reflect.DeepEqual(judge.Refusal().Describe(), refusal.Judge().Describe()) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
	has := offline.Refusal
	offline.Refusal = nil
	defer func() { offline.Refusal = has }()
	if got, err := judge.Refusal().Judge(context.Background(), x); err == nil || got.Decided() {
		t.Errorf("without the package: %+v, %v", got, err)
	}
	if d := judge.Refusal().Describe(); d.Decision.Basis == judge.Measured || d.Decision.Basis == judge.ByConstruction {
		t.Errorf("without the package it is %v", d.Decision.Basis)
	}
}
