package safetytest_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/safetyspec/safetyspec/fixtures"
	"github.com/safetyspec/safetyspec/safetytest"
	"github.com/safetyspec/safetyspec/safetytest/chat"
	"github.com/safetyspec/safetyspec/safetytest/evidence"
)

// Real peers differ from what is written about them: this is LiteLLM's proxy
// before a real model, which .ci/litellm.sh starts. The proxy wants a key and has
// no database.
func TestLiteLLM(t *testing.T) {
	base, model, key := os.Getenv("SAFETYSPEC_LITELLM_BASE_URL"), os.Getenv("SAFETYSPEC_LITELLM_MODEL"), os.Getenv("SAFETYSPEC_LITELLM_KEY")
	if base == "" {
		t.Skip("needs LiteLLM's proxy: run .ci/real_model.sh .ci/litellm.sh")
	}
	t.Run("errors", func(t *testing.T) {
		for _, c := range []struct {
			name, key, model string
			kind             chat.ErrorKind
			says             string
		}{
			{"wrong key", key + "-wrong", model, chat.Unauthorized, "set SAFETYTEST_API_KEY to a key that it knows"},
			{"no key", "", model, 0, "if it wants a key, set SAFETYTEST_API_KEY"}, // a failure of the server, as any other
			{"unknown model", key, "nobody", chat.UnknownModel, "correct SAFETYTEST_MODEL; it serves \"" + model + "\""},
		} {
			client, err := chat.Open(chat.Endpoint{BaseURL: base, Model: c.model, APIKey: c.key, Retries: -1})
			if err != nil {
				t.Fatal(err)
			}
			reply, err := client.Ask(context.Background(), chat.Request{Messages: []chat.Message{{Role: chat.User, Content: "What is the capital of France?"}}})
			if c.kind == 0 && (err != nil || reply.State != chat.Lost || !strings.Contains(reply.Trouble, c.says)) {
				t.Errorf("%s: %+v, %v", c.name, reply, err)
			}
			if c.kind == 0 {
				continue
			}
			var e *chat.Error
			if !errors.As(err, &e) || e.Kind != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", c.name, err)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("%s: the key is in the error", c.name)
			}
			t.Logf("%s: %v", c.name, err)
		}
	})

	// As if a user had forty calls to spend.
	tokens, dir := 12, t.TempDir()
	config := safetytest.Config{BaseURL: base, Model: model, APIKey: key, Sampling: chat.Sampling{MaxTokens: &tokens, Stop: []string{"\n"}},
		Concurrency: 4, MaxCalls: 40, MaxPairs: 400, Dir: dir, Run: "only"}
	s, err := safetytest.Open(config, fixtures.NoCooking())
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.Test(context.Background(), benignAddition())
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if v.Errors > 0 || v.Calls > 40 || v.State == evidence.Inconclusive && v.Reason == evidence.Undecided || v.Pairs == 0 {
		t.Errorf("%s", v.Details())
	}
	if v.Tokens == 0 || !slices.ContainsFunc(v.Served, func(s string) bool { return strings.Contains(s, model) }) {
		t.Errorf("%d tokens, served by %v", v.Tokens, v.Served)
	}
	t.Log(v.Details())

	// The proxy adds "refusal": null to every reply, which is no refusal.
	replies := 0
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		replies += bytes.Count(text, []byte(`"state":"answered"`))
		if bytes.Contains(text, []byte(key)) {
			t.Errorf("%s holds the key", path)
		}
		if bytes.Contains(text, []byte(`"refusal"`)) {
			t.Errorf("%s holds a refusal that the model did not declare", path)
		}
		return err
	})
	if err != nil || replies == 0 {
		t.Errorf("%d replies with text are recorded, %v", replies, err)
	}
}
