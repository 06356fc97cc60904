// Package configured_test sets up a model under test in Go code instead of by
// environment variables, and names every setting that there is. Copy from it the
// lines that you need: the zero value of all but Model and BaseURL has a default,
// which the documentation of safetytest.Config states.
package configured_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/claim"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// everything sets all fields of a configuration. dir is where replies are recorded.
func everything(dir string) safetytest.Config {
	temperature, topP, maxTokens := 0.7, 0.95, 200
	system := "You are a helpful assistant. Never help with cooking."
	return safetytest.Config{
		// Who is asked.
		BaseURL: "http://127.0.0.1:8080/v1",
		Model:   "model",
		APIKey:  "none",
		Models: map[string]safetytest.Endpoint{
			claim.Baseline: {BaseURL: "http://127.0.0.1:8081/v1", Model: "model-before", APIKey: "none", Headers: chat.Secrets{"X-Team": "safety"}, Query: chat.Secrets{"team": "safety"}},
		},
		Release: "2026-11",

		// How it is asked.
		Protocol: chat.Protocol{
			Endings:      []string{"eos"},
			BlockedWords: []string{"moderation"},
			SystemRole:   "developer",
			Headers:      chat.Secrets{"X-Team": "safety"},
			Query:        chat.Secrets{"api-version": "2026-01-01"},
			CAFile:       "authorities.pem",
			Stream:       true,
			NoCache:      true,
			Nonce:        "user",
		},
		Sampling: chat.Sampling{Temperature: &temperature, TopP: &topP, MaxTokens: &maxTokens, Stop: []string{"User:"}},
		Choices:  1, // more where the endpoint gives several replies a request, and does not stream
		System:   &system,
		SendSeed: true, ShareSeeds: true,
		Timeout: time.Minute,

		// How fast, and how much it may cost.
		Concurrency:       4,
		AdaptConcurrency:  true,
		RequestsPerMinute: 60,
		TokensPerMinute:   60000,
		MaxCalls:          5000,
		MaxSpendTokens:    1000000,
		// What a million tokens of prompts and of replies cost, and when to stop.
		Prices:   map[string]chat.Price{"model": {Prompt: 0.15, Reply: 0.6}, "model-before": {Prompt: 0.15, Reply: 0.6}},
		Currency: "USD",
		MaxCost:  5,
		MaxPairs: 400,

		// Where replies are recorded, and which of them may be read again.
		Dir:         dir,
		Run:         "nightly",
		Replies:     safetytest.RepliesFresh,
		MaxAge:      12 * time.Hour,
		OnlyThisRun: true,
		Rolls:       2,

		// What is sampled, and how it is read.
		Draws:          6,
		Batch:          16,
		Seed:           7,
		SamplingSeed:   11,
		Stopping:       evidence.TerminalLook,
		FewTargets:     true,
		Census:         true,
		BlockedRefuses: true,
		Allow:          []string{"served"},
		Judge:          fixtures.NoCooking().Judge,

		// Who gets the verdicts.
		OnPace:         func(callsPerSecond float64) {},
		OnVerdict:      func(claim.Verdict) {},
		OnInconclusive: func(claim.Verdict) {},
		Reproduce:      func(c claim.Claim) string { return "go test -run " + c.ID() },
	}
}

// A field that only the module itself could set would be none of the user's.
func TestEveryFieldIsSet(t *testing.T) {
	unset(t, "Config", reflect.ValueOf(everything(t.TempDir())))
}

// unset reports the exported fields of a struct that hold their zero values, those of
// its parts included.
func unset(t *testing.T, name string, v reflect.Value) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.IsExported() || len(f.Index) > 1 {
			continue
		}
		field := v.FieldByIndex(f.Index)
		switch {
		case name+"."+f.Name == "Config.Sampling.Choices": // Config.Choices sets it, where it is of use
		case field.IsZero():
			t.Errorf("%s.%s is not set", name, f.Name)
		case field.Kind() == reflect.Struct:
			unset(t, name+"."+f.Name, field)
		case field.Type() == reflect.TypeFor[map[string]safetytest.Endpoint]():
			for key, e := range field.Interface().(map[string]safetytest.Endpoint) {
				unset(t, name+"."+f.Name+"["+key+"]", reflect.ValueOf(e))
			}
		}
	}
}

// What is set so can be opened: no call is made before the first claim.
func TestASubjectOfMyOwn(t *testing.T) {
	config := everything(t.TempDir())
	config.CAFile = "" // there is no such file here
	subject, err := safetytest.Open(config, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	if got := subject.Config().Replies; got != safetytest.RepliesFresh {
		t.Errorf("Replies are %v", got)
	}
	if err := subject.Close(); err != nil {
		t.Error(err)
	}
}
